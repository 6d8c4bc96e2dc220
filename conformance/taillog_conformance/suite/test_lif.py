"""LIF: start(), stop() and stopped()."""

from __future__ import annotations

import threading

from ..destinations import GatedStream
from ..outcomes import ConformanceFailure, TailerHung
from ..stage import Run, Stage
from ._registry import requirement


def line(stage: Stage) -> str:
    """A line of some new words."""
    return stage.words.text() + "\n"


@requirement("LIF-1", needs=["object"])
def test_lif_1_start_returns_the_tailer(taillog_stage: Stage) -> None:
    """start() returns the tailer itself."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    tailer = run.make()
    returned = run.start()
    run.stop()
    if returned is not tailer:
        raise run.failure("start() did not return the tailer", expected=repr(tailer), got=repr(returned))


def gated(run: Run) -> GatedStream:
    """The run's stream, which holds writes up while it is shut."""
    assert isinstance(run.stream, GatedStream)
    return run.stream


@requirement("LIF-1", needs=["object", "stream", "several-files"])
def test_lif_1_start_returns_at_once(taillog_stage: Stage) -> None:
    """start() returns at once: it waits neither for a missing file nor for a destination that is slow."""
    run = taillog_stage.open("a gone", stream=GatedStream)
    gated(run).shut()
    run["a"].append(line(taillog_stage))
    try:
        run.start()
    finally:
        gated(run).open_gate()
    run.stop()


@requirement("LIF-2", needs=["object"])
def test_lif_2_nothing_happens_before_start(taillog_stage: Stage) -> None:
    """Nothing is read or written before start()."""
    asked: list[str] = []
    options = {"filter": lambda text: asked.append(text) or True} if "filter" in taillog_stage.adapter.capabilities else {}
    run = taillog_stage.open(**options)  # type: ignore[arg-type]
    run["a"].append(line(taillog_stage))
    run.make()
    run.quiet()
    if run.all_text() or asked:
        raise run.failure("the tailer read before start()", expected="nothing", got=repr(run.all_text() or asked))
    if run.offset("a"):
        raise run.failure("the tailer read before start()", expected="read offset 0", got=f"{run.offset('a')}")
    run.start()
    run.settle()
    run.stop()
    if not run.all_text():
        raise run.failure("nothing was delivered after start() either", expected="a line", got="nothing")


@requirement("LIF-2", needs=["object", "destination-path"])
def test_lif_2_the_destination_file_is_untouched_before_start(taillog_stage: Stage) -> None:
    """Nothing is written before start(): the destination's file keeps what it holds."""
    path = taillog_stage.folder / "kept.out"
    kept = line(taillog_stage)
    path.write_text(kept, encoding="utf-8")
    run = taillog_stage.open(dst=str(path))
    run["a"].append(line(taillog_stage))
    run.make()
    run.quiet()
    found = path.read_text(encoding="utf-8")
    if found != kept:
        raise run.failure("the destination's file was changed before start()", expected=repr(kept), got=repr(found))


@requirement("LIF-3", needs=["object"])
def test_lif_3_stopped_is_true_only_after_stop(taillog_stage: Stage) -> None:
    """stopped() is false until stop() has returned, true after it."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    run.make()
    before = run.stopped()
    run.start()
    run.settle()
    during = run.stopped()
    run.stop()
    after = run.stopped()
    if (before, during, after) != (False, False, True):
        raise run.failure(
            "stopped() does not tell the truth",
            expected="False before start(), False while it runs, True after stop()",
            got=f"{before}, {during}, {after}",
        )


@requirement("LIF-3", needs=["object", "stream"])
def test_lif_3_stopped_is_false_while_stop_drains(taillog_stage: Stage) -> None:
    """stopped() is false until stop() has returned: also while stop() waits for the last lines."""
    run = taillog_stage.open(stream=GatedStream)
    stream = gated(run)
    run["a"].append(line(taillog_stage))
    run.start()
    run.settle()
    stream.shut()
    run["a"].append(line(taillog_stage))
    seen: list[bool] = []

    def look() -> None:
        if stream.entered.wait(taillog_stage.clocks.must_happen_within):
            run.quiet()
            seen.append(bool(run.make().stopped()))
        stream.open_gate()

    watcher = threading.Thread(target=look, name="taillog-look", daemon=True)
    watcher.start()
    try:
        run.stop()
    finally:
        stream.open_gate()
        watcher.join()
    if seen == [True]:
        raise run.failure(
            "stopped() was true while a line was still being written and stop() had not returned",
            expected="False",
            got="True",
        )


@requirement("LIF-4", needs=["object"])
def test_lif_4_stop_can_be_called_again(taillog_stage: Stage) -> None:
    """stop() can be called again."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    run.start()
    run.settle()
    run.stop()
    before = run.all_text()
    run.stop()
    run.stop()
    if run.all_text() != before:
        raise run.failure("a second stop() delivered something", expected=repr(before), got=repr(run.all_text()))


@requirement("LIF-5", needs=["object"])
def test_lif_5_stop_before_start_is_safe(taillog_stage: Stage) -> None:
    """stop() before start() is safe."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    run.stop()


@requirement("LIF-6", needs=["object"])
def test_lif_6_a_second_start_delivers_nothing_again(taillog_stage: Stage) -> None:
    """A second start() raises or does nothing; it never delivers again."""
    run = taillog_stage.open()
    run["a"].append(line(taillog_stage))
    run.start()
    run.settle()
    try:
        run.start()
    except TailerHung:
        raise
    except ConformanceFailure:
        run.timeline.add("tailer", "raised")
    run.quiet()
    run["a"].append(line(taillog_stage))
    run.settle()
    run.quiet()
    run.stop()
    run.judge()


MANY_FILES = 200
INTERVAL_OF_MANY = 0.3
"""Seconds between looks of the many files: a stop() that waits it out for each of them takes a minute."""


@requirement("LIF-7", needs=["object", "several-files"])
def test_lif_7_stop_takes_no_longer_for_many_files(taillog_stage: Stage) -> None:
    """stop() returns within the interval plus the drain plus a fixed grace, whatever the number of files."""
    run = taillog_stage.open([f"f{number}" for number in range(MANY_FILES)], interval=INTERVAL_OF_MANY)
    for number, file in enumerate(run.files.values()):
        if number % 2:
            file.append(line(taillog_stage))
    run.start()
    run.wait_for(lambda: run.lines_so_far() >= MANY_FILES // 2)
    run.stop()


@requirement("LIF-7")
def test_lif_7_stop_returns(taillog_stage: Stage) -> None:
    """stop() returns within the interval plus the drain plus a fixed grace: idle, busy, and with a file missing."""
    for busy in (False, True):
        run = taillog_stage.open("a gone" if "several-files" in taillog_stage.adapter.capabilities else "a")
        run["a"].append(line(taillog_stage))
        run.start()
        run.settle()
        if busy:
            run["a"].append(line(taillog_stage) * 100)
        run.stop()
        run.close()
