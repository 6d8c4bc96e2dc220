"""MIS: files that are not there yet."""

from __future__ import annotations

from ..clocks import FAST_INTERVAL
from ..races import held_at_every_line
from ..scenario import Scenario, play
from ..stage import Run, Stage
from ._registry import requirement

SENTINELS = 5
"""Lines that are tried, one after the other, until one comes: MIS-1 asks that the file is waited for, not for more."""


@requirement("MIS-1", needs=["missing-files"])
def test_mis_1_a_missing_file_is_waited_for(taillog_stage: Stage) -> None:
    """A file that does not exist is waited for: start() neither raises nor blocks."""
    words = taillog_stage.words
    run = taillog_stage.open()
    run.start()
    run.looks(5)
    sentinels = [words.word() for _ in range(SENTINELS)]

    def came() -> bool:
        text = run.all_text()
        return any(sentinel in text for sentinel in sentinels)

    for sentinel in sentinels:
        run["a"].append(sentinel + "\n")
        if run.wait_for(came):
            break
    run.stop()
    if not came():
        raise run.failure(
            "the file was missing at start(), and nothing of it was delivered once it was there",
            expected=f"{sentinels[0]!r}",
            got="nothing",
        )


@requirement("MIS-2", scenarios=True, needs=["missing-files"])
def test_mis_2_a_late_file_comes_from_its_first_byte(taillog_stage: Stage, case: Scenario) -> None:
    """A file that comes late is delivered from its first byte."""
    play(taillog_stage, case)


@requirement("MIS-2", needs=["missing-files"])
def test_mis_2_a_late_file_that_is_full_when_it_comes_does_too(taillog_stage: Stage) -> None:
    """A file that comes late is delivered from its first byte: also one that was written before it came to the path."""
    words = taillog_stage.words
    run = taillog_stage.open()
    run.start()
    run.looks(2)
    run["a"].arrive("".join(f"{words.text()}\n" for _ in range(3)))
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("MIS-3", needs=["missing-files"])
def test_mis_3_a_file_that_never_comes_is_harmless(taillog_stage: Stage) -> None:
    """A file that never comes: stop() returns promptly and nothing is reported as an error."""
    run = taillog_stage.open()
    run.start()
    run.looks(10)
    run.stop()
    # What a program says on standard error has no level: it may be a remark.
    if run.reports and "object" in taillog_stage.adapter.capabilities:
        raise run.failure(
            "a file that never came was reported as an error", expected="no report", got=run.reports[0].text
        )


@requirement("MIS-4", needs=["missing-files"])
def test_mis_4_the_tailer_creates_no_source(taillog_stage: Stage) -> None:
    """The tailer does not create the file it waits for."""
    run = taillog_stage.open()
    path = run["a"].path
    run.start()
    run.looks(10)
    there_meanwhile = path.exists()
    run.stop()
    if there_meanwhile or path.exists():
        raise run.failure(
            "the file that the tailer waits for was made by the tailer", expected=f"no {path.name}", got=path.name
        )


@requirement("MIS-5", needs=["missing-files"])
def test_mis_5_the_parent_folder_may_come_later(taillog_stage: Stage) -> None:
    """Its parent folder may be missing too, and come later."""
    words = taillog_stage.words
    folder = taillog_stage.folder / words.word() / words.word()
    run = taillog_stage.open(paths={"a": folder / words.file_name()})
    run.start()
    run.looks(5)
    if folder.parent.exists():
        raise run.failure("the tailer made the missing folder", expected="no folder", got=str(folder.parent.name))
    folder.mkdir(parents=True)
    run.timeline.add("producer", "mkdir")
    run.looks(2)
    run["a"].append(f"{words.text()}\n{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("MIS-6", needs=["several-files", "missing-files"])
def test_mis_6_a_missing_file_holds_up_no_other(taillog_stage: Stage) -> None:
    """A missing file holds up no other."""
    words = taillog_stage.words
    run = taillog_stage.open("gone here also")
    run["here"].append(f"{words.text()}\n")
    run.start()
    run.must_deliver()
    run["also"].append(f"{words.text()}\n")
    run["here"].append(f"{words.text()}\n")
    run.must_deliver()
    run.stop()
    run.judge()


WAITS_FOR_LOOKS = 300
"""Looks, at the fast interval, after which the file comes: more than a byte can count."""


@requirement("MIS-7", needs=["missing-files"])
def test_mis_7_waiting_has_no_end(taillog_stage: Stage) -> None:
    """Waiting has no end: after hundreds of looks the file is still taken up."""
    words = taillog_stage.words
    run = taillog_stage.open(interval=FAST_INTERVAL)
    run.start()
    run.looks(WAITS_FOR_LOOKS)
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("MIS-8", needs=["object"])
def test_mis_8_no_files_at_all(taillog_stage: Stage) -> None:
    """No files at all: start() and stop() work, nothing is written."""
    run = taillog_stage.open([])
    run.start()
    run.looks(2)
    run.stop()
    run.judge()
    if not run.stopped():
        raise run.failure("stopped() is false after stop()", expected="True", got="False")


@requirement("MIS-9", needs=["object", "missing-files"])
def test_mis_9_a_file_gone_before_the_open_is_waited_for(taillog_stage: Stage) -> None:
    """A file that goes between the look and the open is waited for again."""
    words = taillog_stage.words

    def prepare(run: Run) -> None:
        run.start()
        run.looks(2)

    def come_and_go(run: Run) -> None:
        run["a"].create()

    def go(run: Run) -> None:
        # One that has it open by now, and does not follow rotations, may stay with it.
        if run.offset("a") is None or "rotation" in taillog_stage.adapter.capabilities:
            run["a"].delete()

    def come_back(run: Run) -> None:
        run["a"].append(f"{words.text()}\n")
        run.settle()

    held_at_every_line(taillog_stage, prepare, go, before=come_and_go, after=come_back, while_idle=False)
