"""The tailer as a whole: its lifecycle, its loop, its reports. stop() is the fence wherever it can be."""

import errno
import gc
import io
import itertools
import logging
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import taillog.tail_log
from taillog import PollingTailLog, TailLog
from taillog.tail_log import tail_logfile
from taillog.waiting import Polling

SOON_SEC = 10
"""What has to happen has this long to happen; who waits goes on as soon as it does."""

LONG_INTERVAL_SEC = 3600
"""An interval that nobody waits out: what happens nevertheless does not wait for a look."""


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_SEC
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.001)


def becomes(stream: io.StringIO, text: str) -> None:
    until(lambda: stream.getvalue() == text)


def append(path: pathlib.Path, text: str) -> None:
    with path.open("ab") as file:
        file.write(text.encode())


def in_thread(target: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def ends_soon(thread: threading.Thread) -> None:
    thread.join(SOON_SEC)
    assert not thread.is_alive()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True, params=["events", "polling"])
def _waits_in_both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "polling":
        monkeypatch.setattr(TailLog, "_new_waiting", PollingTailLog._new_waiting)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "log"


class Errors:
    """What was logged at level ERROR so far."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def __call__(self) -> list[str]:
        return [record.getMessage() for record in self._caplog.records if record.levelno >= logging.ERROR]

    def become(self, count: int) -> None:
        until(lambda: len(self()) >= count)
        assert len(self()) == count


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture) -> Errors:
    return Errors(caplog)


@pytest.fixture(autouse=True)
def _leaves_nothing() -> Iterator[None]:
    """No test leaves a thread or a descriptor of a tailer behind (RES-1, RES-2)."""
    gc.collect()
    before = descriptors()
    yield
    assert [thread for thread in threading.enumerate() if thread.name.startswith("taillog-")] == []
    gc.collect()
    assert descriptors() <= before


class Gate(io.StringIO):
    """A destination whose write() waits until it is let through."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.opened = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        assert self.opened.wait(SOON_SEC)
        return super().write(text)


class Moody(io.StringIO):
    """A destination that can be made to raise."""

    error: BaseException | None = None
    calls = 0

    def wait_for_calls(self, count: int) -> None:
        until(lambda: self.calls == count)

    def write(self, text: str) -> int:
        error = self.error  # before the call is counted: who waits for it may change the error
        self.calls += 1
        if error is not None:
            raise error
        return super().write(text)


# Delivery, prefixes, filter.


def test_what_stood_there_what_came_and_the_piece_are_delivered_once(path: pathlib.Path) -> None:
    path.write_text("a\n")
    stream = io.StringIO()
    with TailLog("t", {3: path}, stream, interval_sec=0.001) as tailer:
        becomes(stream, "[t3]:a\n")
        append(path, "b\npie")
        becomes(stream, "[t3]:a\n[t3]:b\n")
        append(path, "ce")
    tailer.stop()
    assert stream.getvalue() == "[t3]:a\n[t3]:b\n[t3]:piece\n"


def test_a_file_renamed_right_after_start_is_delivered(path: pathlib.Path) -> None:
    path.write_text("a\n")
    stream = io.StringIO()
    tailer = TailLog("t", {0: path}, stream, {0: ""}, LONG_INTERVAL_SEC).start()
    path.unlink()
    tailer.stop()
    assert stream.getvalue() == "a\n"


def test_prefixes_go_by_key_and_an_empty_one_holds(tmp_path: pathlib.Path) -> None:
    files = {}
    for key in (7, 3, 5):
        files[key] = tmp_path / str(key)
        files[key].write_text(f"{key}\n")
    stream = io.StringIO()
    TailLog("t", files, stream, {3: "", 7: " {}%s", 9: "nobody's"}, LONG_INTERVAL_SEC).start().stop()
    assert sorted(stream.getvalue().split("\n")) == ["", " {}%s7", "3", "[t5]:5"]


def test_the_filter_is_asked_once_about_each_whole_line(path: pathlib.Path) -> None:
    asked = []

    def keep(line: str) -> list[int]:
        asked.append(line)
        return [1] if "k" in line else []

    path.write_text("keep 1\ndrop\n\nkeep 1\nke")
    stream = io.StringIO()
    with TailLog("t", {0: path}, stream, {0: ">"}, 0.001, keep):
        until(lambda: len(asked) == 4)
        append(path, "ep 2")
    assert asked == ["keep 1\n", "drop\n", "\n", "keep 1\n", "keep 2\n"]
    assert stream.getvalue() == ">keep 1\n>keep 1\n>keep 2\n"


def test_one_path_under_two_keys_is_delivered_for_each(path: pathlib.Path) -> None:
    path.write_text("a\n")
    stream = io.StringIO()
    TailLog("t", {0: path, 1: str(path)}, stream, interval_sec=LONG_INTERVAL_SEC).start().stop()
    assert stream.getvalue() == "[t0]:a\n[t1]:a\n"


def test_a_backlog_does_not_starve_another_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taillog.tail_log, "BLOCK_SIZE", 4096)
    (tmp_path / "long").write_text("x" * 79 + "\n" * 100 + "x\n" * 100_000)
    (tmp_path / "short").write_text("short\n")
    texts: list[str] = []

    class Stream:
        def write(self, text: str) -> None:
            texts.append(text)

    TailLog("t", {0: tmp_path / "long", 1: tmp_path / "short"}, Stream(), interval_sec=0.001).start().stop()
    # In the drain each file has its turn for as long as it takes; before it, a turn is a block.
    assert "[t1]:short\n" in texts

    texts.clear()
    tailer = TailLog("t", {0: tmp_path / "long", 1: tmp_path / "short"}, Stream(), interval_sec=0.001).start()
    until(lambda: len(texts) >= 2)
    tailer.stop()
    assert texts[1] == "[t1]:short\n"


def test_two_tailers_do_not_disturb_each_other(path: pathlib.Path) -> None:
    path.write_text("a\n")
    streams = io.StringIO(), io.StringIO()
    with TailLog("t", {0: path}, streams[0]), TailLog("u", {0: path}, streams[1]):
        append(path, "b\n")
    assert [stream.getvalue() for stream in streams] == ["[t0]:a\n[t0]:b\n", "[u0]:a\n[u0]:b\n"]


def test_a_rotation_under_a_running_tailer(path: pathlib.Path) -> None:
    stream = io.StringIO()
    expected = ""
    with TailLog("t", {0: path}, stream, {0: ""}, 0.0005):
        for number in range(50):
            append(path, f"{number}\n")
            expected += f"{number}\n"
            if number % 5 == 4:
                becomes(stream, expected)
                append(path, f"{number}, late\n")
                expected += f"{number}, late\n"
                path.rename(path.with_suffix(f".{number}"))
    assert stream.getvalue() == expected


# The lifecycle.


def test_nothing_happens_before_start(tmp_path: pathlib.Path, path: pathlib.Path) -> None:
    path.write_text("a\n")
    out = tmp_path / "out"
    out.write_text("old\n")
    tailer = TailLog("t", {0: path}, out)
    assert out.read_text() == "old\n"
    assert not tailer.stopped()
    with tailer:
        assert out.read_text() != "old\n"
    assert out.read_text() == "[t0]:a\n"


def test_start_returns_the_tailer_and_works_once(path: pathlib.Path) -> None:
    path.write_text("a\n")
    stream = io.StringIO()
    tailer = TailLog("t", {0: path}, stream)
    assert tailer.start() is tailer
    with pytest.raises(RuntimeError, match="once"):
        tailer.start()
    tailer.stop()
    with pytest.raises(RuntimeError, match="once"):
        tailer.start()
    tailer.stop()
    assert stream.getvalue() == "[t0]:a\n"


def test_stop_before_start(path: pathlib.Path) -> None:
    tailer = TailLog("t", {0: path}, io.StringIO())
    tailer.stop()
    assert tailer.stopped()
    with pytest.raises(RuntimeError, match="stop"):
        tailer.start()


def test_it_is_a_context_manager_also_when_it_is_started(path: pathlib.Path) -> None:
    path.write_text("a\n")
    stream = io.StringIO()
    with TailLog("t", {0: path}, stream).start() as tailer:
        assert not tailer.stopped()
    assert tailer.stopped()
    assert stream.getvalue() == "[t0]:a\n"


@pytest.mark.parametrize("interval", [-1, float("nan")])
def test_an_interval_that_is_none_is_refused(interval: float) -> None:
    with pytest.raises(ValueError, match="interval_sec"):
        TailLog("t", {}, io.StringIO(), interval_sec=interval)


@pytest.mark.parametrize("interval", [LONG_INTERVAL_SEC, float("inf")])
def test_stop_does_not_wait_out_the_interval(path: pathlib.Path, interval: float) -> None:
    tailer = TailLog("t", {0: path}, io.StringIO(), interval_sec=interval).start()
    ends_soon(in_thread(tailer.stop))


def test_stop_waits_for_the_drain_and_stopped_is_false_until_then(path: pathlib.Path) -> None:
    path.write_text("a\n")
    gate = Gate()
    tailer = TailLog("t", {0: path}, gate).start()
    assert gate.reached.wait(SOON_SEC)
    append(path, "b\n")
    threads = [in_thread(tailer.stop), in_thread(tailer.stop)]
    for thread in threads:
        thread.join(0.01)
        assert thread.is_alive()
    assert not tailer.stopped()
    gate.opened.set()
    for thread in threads:
        ends_soon(thread)
    assert tailer.stopped()
    assert gate.getvalue() == "[t0]:a\n[t0]:b\n"


def test_the_drain_ends_at_what_was_written_when_stop_was_called(tmp_path: pathlib.Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    first.write_text("a\n")
    gate = Gate()
    prefixes = {0: "", 1: "", 2: ""}
    tailer = TailLog("t", {0: first, 1: second, 2: third}, gate, prefixes).start()
    assert gate.reached.wait(SOON_SEC)
    append(first, "b\n")
    append(second, "c\nd")  # a file that the tailer has not seen (DEL-7)
    stop = in_thread(tailer.stop)
    until(lambda: tailer._ends is not None)
    append(first, "too late\n")
    append(second, "too late\n")
    append(third, "too late\n")
    gate.opened.set()
    ends_soon(stop)
    assert gate.getvalue() == "a\nb\nc\nd\n"


def test_stop_returns_though_a_producer_goes_on(path: pathlib.Path) -> None:
    path.touch()
    goes_on = threading.Event()
    goes_on.set()

    def produce() -> None:
        while goes_on.is_set():
            append(path, "0123456\n" * 10_000)

    producer = in_thread(produce)
    try:
        with TailLog("t", {0: path}, io.StringIO(), interval_sec=0.001) as tailer:
            ends_soon(in_thread(tailer.stop))
    finally:
        goes_on.clear()
    ends_soon(producer)


def test_nothing_is_delivered_after_stop(path: pathlib.Path) -> None:
    stream = io.StringIO()
    tailer = TailLog("t", {0: path}, stream, interval_sec=0.0001).start()
    tailer.stop()
    append(path, "a\n")
    tailer.stop()
    assert stream.getvalue() == ""


@pytest.mark.parametrize("caller", ["filter", "write"])
def test_stop_in_the_workers_thread_does_not_deadlock(path: pathlib.Path, caller: str) -> None:
    path.write_text("a\n")

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            if caller == "write":
                tailer.stop()
            return super().write(text)

    def keep(line: str) -> bool:
        if caller == "filter":
            tailer.stop()
        return True

    stream = Stream()
    tailer = TailLog("t", {0: path}, stream, {0: ""}, LONG_INTERVAL_SEC, keep)
    tailer.start()
    until(tailer.stopped)
    tailer.stop()
    assert stream.getvalue() == "a\n"


def test_a_destination_that_cannot_be_opened_is_raised_by_start(tmp_path: pathlib.Path) -> None:
    tailer = TailLog("t", {}, tmp_path / "missing" / "out")
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            tailer.start()
    tailer.stop()
    assert tailer.stopped()


def test_a_start_that_finds_no_thread_leaves_nothing_and_can_be_tried_again(
    tmp_path: pathlib.Path, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("a\n")
    before = descriptors()
    tailer = TailLog("t", {0: path}, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no thread")))
        with pytest.raises(RuntimeError, match="no thread"):
            tailer.start()
    assert descriptors() == before
    tailer.start().stop()
    assert (tmp_path / "out").read_text() == "[t0]:a\n"


def test_an_interrupted_stop_can_be_called_again(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("a\n")
    stream = io.StringIO()
    tailer = TailLog("t", {0: path}, stream, interval_sec=LONG_INTERVAL_SEC).start()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", lambda self: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            tailer.stop()
    tailer.stop()
    assert stream.getvalue() == "[t0]:a\n"


def run_python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=3 * SOON_SEC,
        check=False,
    )


def test_the_interpreter_ends_though_nobody_stops_the_tailer(path: pathlib.Path) -> None:
    code = "import sys, taillog; taillog.TailLog('t', {0: sys.argv[1]}, sys.stdout, interval_sec=3600).start()"
    done = run_python(code, str(path))
    assert (done.returncode, done.stderr) == (0, "")


def test_stop_in_a_forked_child_returns_and_the_parent_goes_on(path: pathlib.Path) -> None:
    code = """
import io, os, sys, warnings, taillog
warnings.simplefilter("ignore", DeprecationWarning)
stream = io.StringIO()
with taillog.TailLog("t", {0: sys.argv[1]}, stream, interval_sec=3600) as tailer:
    for _ in range(20):
        child = os.fork()
        if child == 0:
            tailer.stop()
            sys.exit(0 if tailer.stopped() else 1)
        assert os.waitpid(child, 0)[1] == 0
    open(sys.argv[1], "w").write("a\\n")
print(stream.getvalue(), end="")
"""
    done = run_python(code, str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "[t0]:a\n", "")


def test_the_locale_does_not_matter(path: pathlib.Path) -> None:
    path.write_bytes("äé😀\n".encode() + b"\xff\n")
    code = "import sys, taillog; taillog.TailLog('t', {0: sys.argv[1]}, sys.argv[2], {0: ''}).start().stop()"
    out = path.with_suffix(".out")
    done = run_python(code, str(path), str(out), LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert out.read_bytes() == "äé😀\n\ufffd\n".encode()


def test_stop_in_a_signal_handler_that_interrupts_stop(path: pathlib.Path) -> None:
    path.write_text("a\n")
    gate = Gate()
    tailer = TailLog("t", {0: path}, gate).start()

    def handler(number: int, frame: Any) -> None:
        gate.opened.set()
        tailer.stop()

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        tailer.stop()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert tailer.stopped()
    assert gate.getvalue() == "[t0]:a\n"


def test_after_a_stop_that_ctrl_c_broke_into_another_one_waits_for_the_drain(path: pathlib.Path) -> None:
    entered, release, stopping = threading.Event(), threading.Event(), threading.get_ident()

    class Held(io.StringIO):
        def write(self, text: str) -> int:
            entered.set()
            assert release.wait(SOON_SEC)
            return super().write(text)

    def interrupt() -> None:
        until(lambda: tail._ends is not None)
        time.sleep(0.05)  # a moment for stop() to come to wait; before that, it is as good a place to break into it
        signal.pthread_kill(stopping, signal.SIGUSR1)

    dst = Held()
    append(path, "a\n")
    tail = TailLog("x", {0: path}, dst)
    tail.start()
    assert entered.wait(SOON_SEC)
    # As Ctrl-C does, whose own signal may be ignored where the tests run in the background.
    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    try:
        in_thread(interrupt)
        with pytest.raises(KeyboardInterrupt):
            tail.stop()
    finally:
        signal.signal(signal.SIGUSR1, before)
    threading.Timer(0.2, release.set).start()
    tail.stop()
    assert dst.getvalue() == "[x0]:a\n"
    assert tail.stopped()


# Errors.


def test_each_source_that_fails_is_reported_once_with_its_key_and_path(
    tmp_path: pathlib.Path, path: pathlib.Path, errors: Errors
) -> None:
    path.write_text("a\n")
    folders = {key: tmp_path / f"folder {key}" for key in (4, 9)}
    for folder in folders.values():
        folder.mkdir()
    stream = io.StringIO()
    with TailLog("100%s", {4: folders[4], 5: path, 9: folders[9]}, stream, {5: ""}, 0.0001):
        errors.become(2)  # while it runs (ERR-7)
        append(path, "b\n")
        becomes(stream, "a\nb\n")
    for (key, folder), error in zip(folders.items(), errors(), strict=True):
        assert f"key {key}" in error
        assert str(folder) in error
    assert errors()[0].startswith("100%s: ")


def test_a_fault_that_went_away_and_came_back_is_reported_again(path: pathlib.Path, errors: Errors) -> None:
    stream = io.StringIO()
    delivered = ""
    with TailLog("t", {0: path}, stream, {0: ""}, 0.0001):
        for number in range(3):
            path.mkdir()
            errors.become(number + 1)
            path.rmdir()
            path.write_text(f"{number}\n")
            delivered += f"{number}\n"
            becomes(stream, delivered)
            path.unlink()
    assert len(errors()) == 3


@pytest.mark.parametrize("error", [ValueError("bad line"), SystemExit(3), KeyboardInterrupt()])
def test_a_filter_that_raises_costs_that_line_only(
    tmp_path: pathlib.Path, errors: Errors, error: BaseException
) -> None:
    for key in (0, 1):
        (tmp_path / str(key)).write_text("a\nbad\nb\nbad\n")

    def keep(line: str) -> bool:
        if line == "bad\n":
            raise error
        return True

    stream = io.StringIO()
    files = {key: tmp_path / str(key) for key in (0, 1)}
    with TailLog("t", files, stream, {0: "", 1: ""}, 0.0001, keep) as tailer:
        becomes(stream, "a\nb\na\nb\n")
        assert not tailer.stopped()
        append(files[0], "c\n")
    assert stream.getvalue() == "a\nb\na\nb\nc\n"
    assert len(errors()) == 2
    assert "key 0" in errors()[0]
    assert "key 1" in errors()[1]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), ValueError("closed"), SystemExit(3)])
def test_a_stream_that_raises_is_reported_once_and_later_lines_are_delivered(
    path: pathlib.Path, errors: Errors, error: BaseException
) -> None:
    stream = Moody()
    stream.error = error
    with TailLog("t", {0: path}, stream, {0: ""}, 0.0001):
        for number in range(3):
            append(path, f"lost {number}\n")
            stream.wait_for_calls(number + 1)
        assert len(errors()) == 1
        stream.error = None
        append(path, "a\n")
        becomes(stream, "a\n")
        stream.error = error
        append(path, "lost 3\n")
        errors.become(2)
    assert stream.getvalue() == "a\n"
    assert len(errors()) == 2


def test_a_flush_that_raises_is_reported_once(path: pathlib.Path, errors: Errors) -> None:
    class Stream(io.StringIO):
        flushes = 0

        def flush(self) -> None:
            self.flushes += 1
            raise OSError(errno.ENOSPC, "full")

    stream = Stream()
    with TailLog("t", {0: path}, stream, {0: ""}, 0.0001):
        append(path, "a\n")
        until(lambda: stream.flushes >= 3)
        append(path, "b\n")
        becomes(stream, "a\nb\n")
    assert len(errors()) == 1


def test_a_closed_stream_is_one_fault(path: pathlib.Path, errors: Errors) -> None:
    path.write_text("a\n")
    with (path.parent / "out").open("w") as stream:
        pass
    TailLog("t", {0: path}, stream, interval_sec=0.0001).start().stop()
    assert len(errors()) == 1


def test_a_full_disk_that_is_freed_loses_no_line(
    path: pathlib.Path, errors: Errors, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = path.with_suffix(".out")
    free = 0
    attempts = 0
    write = os.write

    def write_if_free(fd: int, data: bytes) -> int:
        nonlocal attempts, free
        attempts += 1
        if free <= 0:  # below 0 where the test has set it to 0 in the middle of the subtraction
            raise OSError(errno.ENOSPC, "full")
        written = write(fd, data[:free])
        free -= written
        return written

    path.write_text("a\n")
    monkeypatch.setattr(os, "write", write_if_free)
    with TailLog("t", {0: path}, out, {0: ""}, 0.0001):
        until(lambda: attempts > 3)
        with path.open("ab") as file:
            file.write(b"b\n" * 100_000)
        free = 3
        until(lambda: not free)
        assert out.read_text() == "a\nb"
        free = 10**9
        until(lambda: out.stat().st_size == 2 + 200_000)
        free = 0
        append(path, "lost, as the disk is full at stop()\n")
    assert out.read_text() == "a\n" + "b\n" * 100_000
    assert len(errors()) == 3  # when it was full at first, again after 3 bytes, and at the end


def test_a_full_disk_takes_no_memory_in_the_drain(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"0123456\n" * 100_000)
    reads = 0
    read = os.readv

    def counted_read(fd: int, room: list[memoryview]) -> int:
        nonlocal reads
        reads += 1
        return read(fd, room)

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(taillog.tail_log, "BLOCK_SIZE", 4096)
    monkeypatch.setattr(os, "readv", counted_read)
    monkeypatch.setattr(os, "write", full)
    TailLog("t", {0: path}, path.with_suffix(".out"), interval_sec=LONG_INTERVAL_SEC).start().stop()
    assert reads < 10


def test_what_a_full_disk_left_unread_comes_once_it_has_room(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"0123456\n" * 10_000)
    refused = threading.Event()
    write = os.write

    def full(fd: int, data: bytearray) -> int:
        refused.set()
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(taillog.tail_log, "BLOCK_SIZE", 4096)
    monkeypatch.setattr(taillog.tail_log, "FULL_LOOK_SEC", LONG_INTERVAL_SEC)  # so that it is not that which finds it
    monkeypatch.setattr(os, "write", full)
    out = path.with_suffix(".out")
    with TailLog("t", {0: path}, out, {0: ""}, interval_sec=0.01):
        assert refused.wait(10)
        monkeypatch.setattr(os, "write", write)
        until(lambda: out.read_bytes() == path.read_bytes())


def test_a_destination_that_is_a_source_is_refused_and_stays_finite(path: pathlib.Path, errors: Errors) -> None:
    other = path.with_suffix(".other")
    other.write_text("a\n")
    with path.open("a") as stream, TailLog("t", {0: path, 1: other}, stream, interval_sec=0.0001):
        until(lambda: path.read_text() == "[t1]:a\n")
        append(other, "b\n")
    assert path.read_text() == "[t1]:a\n[t1]:b\n"
    assert len(errors()) == 1
    assert "key 0" in errors()[0]
    TailLog("t", {0: path, 1: other}, path, interval_sec=0.0001).start().stop()
    assert path.read_text() == "[t1]:a\n[t1]:b\n"
    assert len(errors()) == 2


def test_when_descriptors_run_out_the_rest_is_taken_up_later(
    tmp_path: pathlib.Path, errors: Errors, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = 0
    room = 2
    open_file = os.open

    def open_if_room(*arguments: Any) -> int:
        nonlocal opened
        if opened == room:
            raise OSError(errno.EMFILE, "Too many open files")
        opened += 1
        return open_file(*arguments)

    files = {}
    for key in range(4):
        files[key] = tmp_path / str(key)
        files[key].write_text(f"{key}\n")
    stream = io.StringIO()
    monkeypatch.setattr(os, "open", open_if_room)
    with TailLog("t", files, stream, dict.fromkeys(files, ""), 0.0001):
        errors.become(2)
        assert stream.getvalue() == "0\n1\n"
        room = 4
        until(lambda: len(stream.getvalue()) == 8)
    assert sorted(stream.getvalue().split()) == ["0", "1", "2", "3"]  # whichever is looked at next comes first
    assert len(errors()) == 2


def test_a_logger_that_raises_does_not_end_the_tailer(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("broken")

    broken = Broken()
    taillog.tail_log.logger.addFilter(broken)
    try:
        path.write_text("a\n")
        stream = io.StringIO()
        TailLog("t", {0: path.parent, 1: path}, stream).start().stop()
    finally:
        taillog.tail_log.logger.removeFilter(broken)
    assert stream.getvalue() == "[t1]:a\n"


# Resources.


class CountedPath(os.PathLike[str]):
    """A path that notes when it is looked at."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self.looks: list[float] = []

    def __fspath__(self) -> str:
        self.looks.append(time.monotonic())
        return str(self._path)


def test_an_idle_tailer_uses_one_thread(tmp_path: pathlib.Path) -> None:
    before = set(threading.enumerate())
    with TailLog("t", {key: tmp_path / str(key) for key in range(64)}, io.StringIO(), interval_sec=0.01):
        assert len(set(threading.enumerate()) - before) == 1


def test_an_idle_tailer_that_polls_looks_once_an_interval(tmp_path: pathlib.Path) -> None:
    path = CountedPath(tmp_path / "counted")
    with PollingTailLog("t", {0: path}, io.StringIO(), interval_sec=0.01):
        until(lambda: len(path.looks) > 10)
        looks = path.looks[1:]  # not that of start(); those of stop() come at any time after the last of these
    assert all(later - earlier >= 0.01 for earlier, later in itertools.pairwise(looks))


def test_an_idle_tailer_that_is_told_does_not_look(tmp_path: pathlib.Path) -> None:
    paths = {key: CountedPath(tmp_path / str(key)) for key in range(8)}
    with TailLog("t", paths, io.StringIO(), interval_sec=0.001) as tailer:
        if isinstance(tailer._waiting, Polling):
            pytest.skip("there are no events here")
        until(lambda: all(len(path.looks) >= 3 for path in paths.values()))  # start(), the watch, the first look
        time.sleep(0.05)
        assert [len(path.looks) for path in paths.values()] == [3] * 8


def test_memory_is_bounded_by_the_longest_line(path: pathlib.Path) -> None:
    code = """
import resource, sys, taillog
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
taillog.TailLog("t", {0: sys.argv[1]}, "/dev/null").start().stop()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    line = b"x" * 99 + b"\n"
    with path.open("wb") as file:
        for _ in range(128):
            file.write(line * 10_000)
    assert int(run_python(code, str(path)).stdout) < 16 * 1024  # KiB, for a backlog of 128 MB


# tail_logfile.


def test_tail_logfile_follows_one_file_until_it_is_told_to_end(path: pathlib.Path) -> None:
    stream = io.StringIO()
    finished = threading.Event()
    thread = in_thread(lambda: tail_logfile("head:", path, stream, finished, 0.001, lambda line: "no" not in line))
    append(path, "a\nno\npie")
    becomes(stream, "head:a\n")
    append(path, "ce")
    finished.set()
    ends_soon(thread)
    assert stream.getvalue() == "head:a\nhead:piece\n"


def test_tail_logfile_drains_when_it_is_told_to_end_before_it_begins(path: pathlib.Path) -> None:
    path.write_text("a\n")
    stream = io.StringIO()
    finished = threading.Event()
    finished.set()
    tail_logfile("head:", path, stream, finished, LONG_INTERVAL_SEC)
    assert stream.getvalue() == "head:a\n"
