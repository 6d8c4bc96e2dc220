"""The adapters: what they take a class or a program for, and what they leave behind."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from taillog_conformance import deadline
from taillog_conformance.adapters import (
    DEFAULT,
    AsyncIteratorAdapter,
    CallbackAdapter,
    CommandAdapter,
    IteratorAdapter,
    Job,
    Tailer,
    TailLogAdapter,
    command,
    draining,
)
from taillog_conformance.adapters.base import Adapter, Default, Filter
from taillog_conformance.adapters.following import FollowingTailer
from taillog_conformance.outcomes import AdapterProblem, TailerHung, TailerRaised, UsageProblem

BOUND = 30.0
"""Seconds that nothing here takes, for what must happen."""

TOLD = {"from-start", "missing-files", "path-twice", "last-piece"}
ALL = TOLD | {"prefix", "filter", "destination-path", "error-report", "stream", "object", "several-files"}


def await_(what: Callable[[], object]) -> None:
    """Wait until `what()` is true."""
    ends = time.monotonic() + BOUND
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.002)


class Taken:
    """What a job's tailer delivered, by key, and what it reported."""

    def __init__(self) -> None:
        self.texts: defaultdict[int, str] = defaultdict(str)
        self.reports: list[str] = []

    def deliver(self, key: int, text: str) -> None:
        self.texts[key] += text

    def job(
        self,
        files: Mapping[int, Path | str],
        *,
        prefixes: Mapping[int, str] | Default | None = DEFAULT,
        filter: Filter | Default | None = DEFAULT,
    ) -> Job:
        return Job("name", files, io.StringIO(), self.deliver, self.reports.append, 0.01, prefixes, filter)


@pytest.fixture
def taken() -> Taken:
    return Taken()


# A class of the contract's shape.


class Shape:
    """The methods; the constructors are the tests'."""

    def start(self) -> Shape:
        return self

    def stop(self) -> None: ...
    def stopped(self) -> bool:
        return True


class Full(Shape):
    def __init__(
        self,
        name: str,
        log_files: Mapping[int, str],
        dst: object,
        log_line_prefixes: object = "its own",
        interval_sec: float = 0.1,
        log_line_filter: object = "its own",
    ) -> None:
        self.given: dict[str, Any] = {
            "positions": (name, log_files, dst),
            "prefixes": log_line_prefixes,
            "interval": interval_sec,
            "filter": log_line_filter,
        }


class Bare(Shape):
    def __init__(self, title: str, paths: object, out: object) -> None:
        self.given = {"positions": (title, paths, out)}


class NoFilter(Shape):
    def __init__(self, name: str, files: object, dst: object, log_line_prefixes: object = None) -> None: ...


class NoPrefix(Shape):
    def __init__(self, name: str, files: object, dst: object, *, log_line_filter: object = None) -> None: ...


class Anything(Shape):
    def __init__(self, *positions: object, **options: object) -> None:
        self.given = {"positions": positions} | options


class ByPosition(Shape):
    def __init__(self, name: str, files: object, dst: object, interval_sec: float = 0.1, /) -> None: ...


class ItsOwnByPosition(Shape):
    def __init__(self, name: str, files: object, dst: object, level: int = 0, /) -> None: ...


def test_what_the_contract_hands_over_by_name_has_to_be_taken_so() -> None:
    with pytest.raises(UsageProblem, match="must take interval_sec by name; write an adapter"):
        TailLogAdapter(ByPosition)
    TailLogAdapter(ItsOwnByPosition).open(Taken().job({0: "/a"}))


def test_a_class_of_the_whole_shape_declares_all_but_truncation_and_rotation() -> None:
    assert TailLogAdapter(Full).capabilities == ALL


@pytest.mark.parametrize(
    ("cls", "missing"),
    [(Bare, {"prefix", "filter"}), (NoFilter, {"filter"}), (NoPrefix, {"prefix"}), (Anything, set())],
)
def test_what_the_constructor_does_not_take_is_not_declared(cls: type[Shape], missing: set[str]) -> None:
    assert TailLogAdapter(cls).capabilities == ALL - missing


def test_capabilities_are_added_and_taken_away() -> None:
    adapter = TailLogAdapter(Bare, capabilities=["rotation", "filter"], without={"error-report", "rotated"})
    assert adapter.capabilities == (ALL - {"prefix", "error-report"}) | {"rotation"}


def test_the_arguments_go_to_the_constructor(taken: Taken) -> None:
    job = taken.job({3: "/a", 7: "/b"}, prefixes={3: "p"}, filter=bool)
    tailer = TailLogAdapter(Full).open(job)
    assert isinstance(tailer, Full)
    assert tailer.given == {
        "positions": ("name", {3: "/a", 7: "/b"}, job.dst),
        "prefixes": {3: "p"},
        "interval": 0.01,
        "filter": bool,
    }


def test_what_the_job_leaves_out_is_left_to_the_class(taken: Taken) -> None:
    tailer = TailLogAdapter(Full).open(taken.job({}))
    assert isinstance(tailer, Full)
    assert (tailer.given["prefixes"], tailer.given["filter"]) == ("its own", "its own")
    tailer = TailLogAdapter(Full).open(taken.job({}, prefixes=None, filter=None))
    assert isinstance(tailer, Full)
    assert (tailer.given["prefixes"], tailer.given["filter"]) == (None, None)


def test_what_the_class_does_not_take_is_not_given(taken: Taken) -> None:
    job = taken.job({0: "/a"}, prefixes={0: "p"}, filter=bool)
    tailer = TailLogAdapter(Bare).open(job)
    assert isinstance(tailer, Bare)
    assert tailer.given == {"positions": ("name", {0: "/a"}, job.dst)}
    anything = TailLogAdapter(Anything, arguments={"color": "red"}).open(job)
    assert isinstance(anything, Anything)
    assert set(anything.given) == {
        *("positions", "interval_sec", "log_line_prefixes", "log_line_filter", "color"),
    }


def test_arguments_of_the_adopters_own_win(taken: Taken) -> None:
    tailer = TailLogAdapter(Full, arguments={"interval_sec": 5}).open(taken.job({}))
    assert isinstance(tailer, Full)
    assert tailer.given["interval"] == 5


def test_it_is_named_after_its_class() -> None:
    assert TailLogAdapter(Full).name == f"{__name__}:Full"
    assert TailLogAdapter(Full, name="mine").name == "mine"
    assert TailLogAdapter(functools.partial(Full, interval_sec=1)).name


@pytest.mark.parametrize(
    "factory", [functools.partial(Full, interval_sec=1), lambda name, files, dst: Full(name, {}, dst)]
)
def test_a_factory_will_do(factory: Callable[..., Any], taken: Taken) -> None:
    assert isinstance(TailLogAdapter(factory).open(taken.job({})), Full)


class NoStop:
    def __init__(self, name: str, files: object, dst: object) -> None: ...
    def start(self) -> None: ...


class NotCallable(Shape):
    stopped = False  # type: ignore[assignment]

    def __init__(self, name: str, files: object, dst: object) -> None: ...


class TooFew(Shape):
    def __init__(self, path: str, callback: object) -> None: ...


class ByKeyword(Shape):
    def __init__(self, *, name: str, log_files: object, dst: object) -> None: ...


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (NoStop, "has not the shape of a TailLog: it has no stop(), stopped();"),
        (NotCallable, "has not the shape of a TailLog: it has no stopped();"),
        (object, "has not the shape of a TailLog: it has no start(), stop(), stopped();"),
        (TooFew, "its constructor must take (name, log_files, dst) by position"),
        (ByKeyword, "its constructor must take (name, log_files, dst) by position"),
        (lambda: None, "its constructor must take (name, log_files, dst) by position"),
        (5, "is not a class: a target is module:Class"),
        (None, "is not a class"),
        ("tail -F {file}", "is not a class"),
        (os, "is not a class"),
        (SimpleNamespace(start=1, stop=1, stopped=1), "is not a class"),
    ],
)
def test_another_shape_is_refused_in_one_line(found: Any, complaint: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        TailLogAdapter(found)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_factory_of_something_else_is_the_adapters_problem(taken: Taken) -> None:
    adapter = TailLogAdapter(lambda name, files, dst: None, name="made")
    with pytest.raises(AdapterProblem, match=r"^made made None, which has no start\(\), stop\(\), stopped\(\);"):
        adapter.open(taken.job({}))


@pytest.mark.parametrize("error", [ValueError("why"), SystemExit(3), KeyboardInterrupt()])
def test_a_constructor_that_raises_is_the_tailers_fault(error: BaseException, taken: Taken) -> None:
    def construct(name: str, files: object, dst: object) -> None:
        raise error

    with pytest.raises(TailerRaised) as caught:
        TailLogAdapter(construct).open(taken.job({}))
    assert caught.value.why == f"the constructor raised {type(error).__name__}"
    assert "in construct" in caught.value.got


def test_it_reads_in_this_process(taken: Taken) -> None:
    adapter = TailLogAdapter(Bare)
    assert list(adapter.processes(adapter.open(taken.job({})))) == [os.getpid()]


def test_the_least_adapter_needs_two_things(taken: Taken) -> None:
    class Least(Adapter):
        name = "least"
        capabilities = frozenset()

        def open(self, job: Job) -> Tailer:
            return Bare(job.name, job.log_files, job.dst)

    adapter = Least()
    tailer = adapter.open(taken.job({}))
    adapter.abandon(tailer)
    assert adapter.kind == "adapter"
    assert list(adapter.processes(tailer)) == [os.getpid()]


# A command.

TAIL = "tail -n +1 -F {file}"

needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/fdinfo"), reason="this system has no /proc")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.touch()
    return path


@pytest.fixture
def opened(taken: Taken) -> Iterator[Callable[..., command.CommandTailer]]:
    """Opens and starts a command on files; all it started is ended after the test."""
    made: list[tuple[CommandAdapter, command.CommandTailer]] = []

    def open_(adapter: CommandAdapter, *paths: Path) -> command.CommandTailer:
        tailer = adapter.open(taken.job(dict(enumerate(paths))))
        made.append((adapter, tailer))
        assert tailer.start() is tailer
        return tailer

    yield open_
    for adapter, tailer in made:
        adapter.abandon(tailer)


Opened = Callable[..., command.CommandTailer]


def shell(program: str) -> CommandAdapter:
    """The adapter of a shell's program; the path is its first argument."""
    return CommandAdapter(["sh", "-c", program, "sh", "{file}"])


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def lives(pid: int) -> bool:
    """Whether the process runs; one that nobody has waited for yet has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("tail -F log", "the command 'tail -F log' names no file: put {file} where the path belongs"),
        ("", "names no file"),
        ([], "names no file"),
        ("tail -F {file} {files}", "{file} and {prefix} are of one file alone"),
        ("tail --label={prefix} {files}", "{file} and {prefix} are of one file alone"),
        ("tail -F x{files}", "has to be a word of its own"),
        ("tail -F {file} --until {flag}", "a command that is stopped by a flag needs {flag}"),
        ("tail '{file}", "is not well quoted: No closing quotation"),
        ("no-such-program-here -F {file}", "the command 'no-such-program-here' does not exist or cannot be run"),
        ("/etc/passwd {file}", "the command '/etc/passwd' does not exist or cannot be run"),
        ("{file}", "the command '{file}' does not exist"),
    ],
)
def test_a_command_that_cannot_be_run_is_refused_in_one_line(words: str | list[str], complaint: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        CommandAdapter(words)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_shell_says_of_a_program_that_the_signal_ended_is_no_report(
    path: Path, opened: Opened, taken: Taken
) -> None:
    program = 'trap stop=1 TERM; echo up; while [ -z "$stop" ]; do sleep 60; done; echo of its own >&2'
    tailer = opened(shell(program), path)
    await_(lambda: taken.texts[0])
    tailer.stop()
    assert "".join(taken.reports) == "of its own\n"


def test_a_command_declares_no_prefix_filter_or_destination() -> None:
    assert CommandAdapter(TAIL).capabilities == TOLD | {"error-report", "several-files"}
    with pytest.raises(UsageProblem, match=r"are a collection of names, and not a text: \{'rotation'\}"):
        CommandAdapter(TAIL, capabilities="rotation")
    changed = CommandAdapter(TAIL, capabilities=["rotation"], without=["error-report"])
    assert changed.capabilities == TOLD | {"rotation", "several-files"}


def test_the_path_and_the_interval_are_filled_in() -> None:
    adapter = CommandAdapter("tail -s {interval} --follow='{file}.x'")
    assert adapter.words_for("/a b", 0.25) == ["tail", "-s", "0.25", "--follow=/a b.x"]
    assert adapter.name == "tail -s '{interval}' '--follow={file}.x'"
    assert CommandAdapter(["tail", "-F", "{file}"], name="mine").name == "mine"


def test_programs_do_not_learn_to_flush_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    environment = CommandAdapter(TAIL, environment={"LC_ALL": "C"}).environment
    assert "PYTHONUNBUFFERED" not in environment
    assert environment["LC_ALL"] == "C"
    assert environment["PATH"] == os.environ["PATH"]


@pytest.mark.skipif(shutil.which("tail") is None, reason="there is no tail here")
def test_what_a_program_puts_out_is_delivered_by_key(path: Path, tmp_path: Path, opened: Opened, taken: Taken) -> None:
    append(path, "one\n")
    append(tmp_path / "other", "other\n")
    tailer = opened(CommandAdapter(TAIL), path, tmp_path / "other")
    await_(lambda: len(taken.texts) == 2)
    append(path, "\u20ac\n")
    await_(lambda: "\u20ac" in taken.texts[0])
    assert not tailer.stopped()
    tailer.stop()
    assert tailer.stopped()
    assert taken.texts == {0: "one\n\u20ac\n", 1: "other\n"}
    assert taken.reports == []


@pytest.mark.skipif(shutil.which("tail") is None, reason="there is no tail here")
@needs_proc
def test_stop_gives_a_program_the_time_to_read_all(path: Path, opened: Opened, taken: Taken) -> None:
    tailer = opened(CommandAdapter(TAIL), path)
    lines = "".join(f"line {number}\n" for number in range(20_000))
    append(path, lines)
    tailer.stop()
    assert taken.texts[0] == lines


@needs_proc
def test_stop_gives_a_slow_program_the_time_to_put_out_all(path: Path, opened: Opened, taken: Taken) -> None:
    program = 'exec < "$1"; while :; do while read -r line; do sleep 0.005; echo "$line"; done; sleep 0.01; done'
    tailer = opened(shell(program), path)
    lines = "".join(f"line {number}\n" for number in range(20))
    append(path, lines)
    tailer.stop()
    assert taken.texts[0] == lines


def test_what_is_no_utf_8_is_delivered_as_replacements(path: Path, opened: Opened, taken: Taken) -> None:
    opened(shell(r"printf 'a\377b\342\202'; printf '\254\n\342'; exec sleep 100"), path)
    await_(lambda: "\n" in taken.texts[0])
    assert taken.texts[0] == "a\ufffdb\u20ac\n"


def test_the_end_of_a_character_that_never_comes_is_a_replacement(path: Path, opened: Opened, taken: Taken) -> None:
    tailer = opened(shell(r"printf 'a\342\202'"), path)
    tailer.stop()
    assert taken.texts[0] == "a\ufffd"


def test_what_a_program_says_on_standard_error_is_a_report(path: Path, opened: Opened, taken: Taken) -> None:
    tailer = opened(shell("echo cannot read >&2; exec sleep 100"), path)
    await_(lambda: taken.reports)
    tailer.stop()
    assert taken.reports == ["cannot read\n"]
    assert not taken.texts


@pytest.mark.parametrize(("program", "status"), [("exit 3", 3), ("true", 0), ("kill -9 $$", -9)])
def test_a_program_that_ends_by_itself_is_reported(
    program: str, status: int, path: Path, opened: Opened, taken: Taken
) -> None:
    tailer = opened(shell(program), path)
    await_(lambda: not tailer.running())
    tailer.stop()
    assert tailer.stopped()
    assert taken.reports == [f"the program ended by itself with status {status}"]


def test_a_program_that_was_stopped_is_not_reported(path: Path, opened: Opened, taken: Taken) -> None:
    tailer = opened(shell("exec sleep 100"), path)
    assert len(tailer.running()) == 1
    tailer.stop()
    assert tailer.running() == []
    assert taken.reports == []


def test_a_program_that_closes_its_output_and_is_stopped_is_not_reported(
    path: Path, opened: Opened, taken: Taken
) -> None:
    tailer = opened(shell("echo ready; exec >&- sleep 100"), path)
    await_(lambda: taken.texts[0])
    tailer.stop()
    assert taken.reports == []


def test_the_signal_to_stop_can_be_chosen(path: Path, opened: Opened, taken: Taken) -> None:
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, lambda *_: sys.exit(print('bye'))); "
        "print('ready', flush=True); signal.pause()"
    )
    adapter = CommandAdapter([sys.executable, "-c", program, "{file}"], stop=signal.SIGINT)
    tailer = opened(adapter, path)
    await_(lambda: taken.texts[0])
    tailer.stop()
    assert taken.texts[0] == "ready\nbye\n"


def test_stop_can_be_called_again_and_before_start(path: Path, opened: Opened, taken: Taken) -> None:
    adapter = shell("exec sleep 100")
    idle = adapter.open(taken.job({0: path}))
    idle.stop()
    assert idle.stopped()
    tailer = opened(adapter, path)
    tailer.stop()
    tailer.stop()
    adapter.abandon(tailer)
    adapter.abandon(tailer)
    assert tailer.stopped()


# What a program leaves behind.

DEAF = "trap '' TERM; echo ready; while :; do sleep 0.02; done"


@needs_proc
def test_a_program_that_ignores_the_signal_hangs_and_is_ended_with_its_check(
    path: Path, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "TICK", 0.02)
    adapter = shell(DEAF)
    tailer = adapter.open(taken.job({0: path}))
    tailer.start()
    await_(lambda: taken.texts[0])
    pids = list(adapter.processes(tailer))
    with pytest.raises(TailerHung) as caught:
        deadline.call("stop()", tailer.stop, within=1.0, over_all=BOUND)
    assert "in stop" in caught.value.got
    assert tailer.running()
    assert not tailer.stopped()
    adapter.abandon(tailer)
    assert tailer.running() == []
    await_(lambda: not any(lives(pid) for pid in pids))


@needs_proc
def test_a_program_that_never_rests_is_stopped_all_the_same(
    path: Path, opened: Opened, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "NEVER_RESTS_FOR", 0.2)
    tailer = opened(shell("echo ready; while :; do :; done"), path)
    await_(lambda: taken.texts[0])
    deadline.call("stop()", tailer.stop, within=BOUND, over_all=BOUND)
    assert tailer.stopped()


@needs_proc
@pytest.mark.parametrize(
    "child",
    [
        pytest.param("sleep 1000 &", id="holds-the-output"),
        pytest.param("sleep 1000 >&- 2>&- &", id="holds-nothing"),
        pytest.param("(trap '' TERM; sleep 1000; :) &", id="ignores-the-signal"),
    ],
)
def test_no_process_is_left_behind(child: str, path: Path, taken: Taken) -> None:
    adapter = shell(f"{child} echo ready; exec sleep 1000")
    tailer = adapter.open(taken.job({0: path}))
    tailer.start()
    await_(lambda: taken.texts[0])
    pids = list(adapter.processes(tailer))
    assert len(pids) >= 2
    tailer.stop()
    adapter.abandon(tailer)
    await_(lambda: not any(lives(pid) for pid in pids))


def test_what_was_rotated_away_last_is_owed_where_nothing_stands_at_the_path(path: Path) -> None:
    path.write_text("first\n")
    path.rename(f"{path}.1")
    path.write_text("second\nand a piece")
    path.rename(f"{path}.2")
    path.with_name("20261123").write_text("another\n")
    owed = draining.Owed.by_rotated(str(path))
    assert (owed.lines, owed.needle, owed.piece) == (1, "second", False)
    assert draining.Owed.by_rotated(f"{path}.1") == draining.Owed()


@needs_proc
def test_a_child_outlives_a_program_that_ends_but_not_its_check(path: Path, taken: Taken) -> None:
    adapter = shell("sleep 1000 & echo $!")
    tailer = adapter.open(taken.job({0: path}))
    tailer.start()
    await_(lambda: taken.texts[0].endswith("\n") and not tailer.running())
    child = int(taken.texts[0])
    assert lives(child)
    tailer.stop()
    adapter.abandon(tailer)
    await_(lambda: not lives(child))


def pipes() -> set[str]:
    """The pipes that this process holds open."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{number}"))
    return {target for target in found if target.startswith("pipe:")}


@needs_proc
def test_neither_threads_nor_pipes_are_left(path: Path, taken: Taken) -> None:
    before = pipes()
    for _ in range(3):
        adapter = shell("echo ready; exec sleep 1000")
        tailer = adapter.open(taken.job({0: path, 1: path}))
        tailer.start()
        assert len(pipes() - before) == 4
        tailer.stop()
        adapter.abandon(tailer)
    assert pipes() <= before
    assert "conformance-command-output" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("adapter", [IteratorAdapter, CallbackAdapter])
def test_a_thread_that_leaves_the_lock_of_its_event_taken_holds_nobody_up(
    adapter: type[IteratorAdapter | CallbackAdapter], path: Path, taken: Taken
) -> None:
    def follow(path: str, *_: object, stop: threading.Event) -> Iterator[None]:
        stop.wait()
        stop._cond.acquire()  # type: ignore[attr-defined]  # as one does that is ended from outside while it waits
        return iter(())

    following = adapter(follow)
    tailer = following.open(taken.job({0: path}))
    tailer.start()
    tailer.stop()
    deadline.call("abandon()", lambda: following.abandon(tailer), within=1.0, over_all=BOUND)


def test_half_a_character_at_the_end_of_all_that_an_iterator_gives_is_not_lost(path: Path, taken: Taken) -> None:
    def follow(path: str, stop: threading.Event) -> Iterator[bytes]:
        yield b"\xe2"
        yield b"\x82\xac\n"
        stop.wait()
        yield b"a piece \xe2\x82"

    following = IteratorAdapter(follow)
    tailer = following.open(taken.job({0: path}))
    tailer.start()
    tailer.stop()
    assert taken.texts[0] == "€\na piece \ufffd"


def two_looks(path: str) -> Iterator[str | None]:
    """A line in each of two looks."""
    for line in ("one\n", "two\n"):
        yield line
        yield None
    while True:
        yield None


async def two_looks_in_a_loop(path: str) -> AsyncIterator[str | None]:
    for item in two_looks(path):
        yield item


@pytest.mark.parametrize("adapter", [IteratorAdapter(two_looks), AsyncIteratorAdapter(two_looks_in_a_loop)])
def test_after_stop_a_look_is_begun_and_ended(
    adapter: IteratorAdapter | AsyncIteratorAdapter, path: Path, taken: Taken
) -> None:
    """The first one is under way when stop() is called: its end tells nothing of what was written meanwhile."""

    def deliver(key: int, text: str) -> None:
        taken.deliver(key, text)
        await_(tailer.is_stopping)

    tailer = adapter.open(replace(taken.job({0: path}), deliver=deliver))
    assert isinstance(tailer, FollowingTailer)
    tailer.start()
    await_(lambda: taken.texts[0])
    tailer.stop()
    assert taken.texts[0] == "one\ntwo\n"


class _AsksItsEvent:
    """A tailer whose stopped() is its event's own method."""

    def __init__(self, name: str, log_files: Mapping[int, str], dst: object, interval_sec: float = 0.1) -> None:
        self._ended = threading.Event()
        self.stopped = self._ended.is_set

    def start(self) -> _AsksItsEvent:
        return self

    def stop(self) -> None:
        self._ended.set()


def test_an_object_may_get_its_stopped_from_an_event() -> None:
    assert TailLogAdapter(_AsksItsEvent).cls is _AsksItsEvent
