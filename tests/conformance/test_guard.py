"""What is changed of a process is put back, named, and bounded; what ends in a process of its own is told."""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taillog_conformance import guard, isolated, last_words, strays
from taillog_conformance.full import full_folder, has_room, is_full
from taillog_conformance.guard import guarded, in_words
from taillog_conformance.isolated import ALIVE, in_a_process, stack_of
from taillog_conformance.isolated import in_words as how_it_ended
from taillog_conformance.memory import bounded_memory
from taillog_conformance.outcomes import TailerRaised

BOUND = 30.0
"""Seconds that nothing here takes, for what must happen."""


def take_signals() -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def take_logging() -> None:
    logging.disable(logging.CRITICAL)
    logging.getLogger().addHandler(logging.NullHandler())


def take_streams() -> None:
    sys.stdout.close()
    sys.stdout = None  # type: ignore[assignment]


def take_traces() -> None:
    threading.setprofile(lambda *event: None)


def take_clock() -> None:
    time.monotonic = lambda: 0.0


def take_timer() -> None:
    signal.signal(signal.SIGPROF, signal.getsignal(signal.SIGPROF))
    signal.setitimer(signal.ITIMER_PROF, 1000.0)


def take_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))


def take_lock() -> None:
    thread = threading.Thread(target=logging._lock.acquire)  # type: ignore[attr-defined]
    thread.start()
    thread.join()


CHANGES: dict[str, Callable[[], object]] = {
    "functions of the standard library": take_clock,
    "the interval timers": take_timer,
    "the resource limits": take_limit,
    "the lock of logging": take_lock,
    "the working folder": lambda: os.chdir("/"),
    "the umask": lambda: os.umask(0o777),
    "the signal handlers": take_signals,
    "the configuration of logging": take_logging,
    "sys.stdout or sys.stderr": take_streams,
    "the standard descriptors": lambda: os.close(0),
    "the trace functions": take_traces,
    "the recursion limit": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "the environment variables": lambda: os.environ.update(TAILLOG_TEST="changed"),
    "the switch interval": lambda: sys.setswitchinterval(0.001),
}


def state() -> list[object]:
    """What the guard is to keep, seen by other means."""
    return [
        *(os.getcwd(), guard._umask(), signal.getsignal(signal.SIGUSR1), dict(os.environ), sys.stdout, sys.stderr),
        *(logging.root.manager.disable, list(logging.getLogger().handlers), sys.getrecursionlimit()),
        *(time.monotonic, signal.getitimer(signal.ITIMER_PROF), resource.getrlimit(resource.RLIMIT_NOFILE)),
        *(threading.getprofile(), sys.gettrace(), sys.getswitchinterval(), [os.fstat(number) for number in (0, 1, 2)]),
    ]


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_changed_is_put_back_and_named(name: str) -> None:
    before = state()
    with guarded(captured=False) as changed:
        CHANGES[name]()
    assert state()[:-1] == before[:-1]
    os.fstat(0)
    assert changed == [name]
    assert in_words(changed) == f"the tailer changed {name} of its process; put back"


def test_what_is_not_changed_is_not_named() -> None:
    with guarded() as changed:
        print("as any program does")
    assert changed == []
    assert in_words(changed) == ""


def test_it_is_put_back_though_the_check_raises() -> None:
    before = os.getcwd()

    def check() -> None:
        with guarded():
            os.chdir("/")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        check()
    assert os.getcwd() == before


def test_a_deleted_working_folder_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with guarded() as changed:
        folder.rmdir()
    assert changed == ["the working folder"]
    assert Path.cwd() == folder


def test_what_is_printed_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded():
        for _ in range(4):
            print("x" * guard.PRINTED)
    assert 0 < len(capsys.readouterr().out) <= guard.PRINTED


def test_a_part_may_be_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAILLOG_TEST", raising=False)
    with guarded(without=[guard.ENVIRONMENT]) as changed:
        monkeypatch.setenv("TAILLOG_TEST", "kept")
    assert changed == []
    assert os.environ["TAILLOG_TEST"] == "kept"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The clock by which a process is given up, in seconds: the process itself puts it forward, however busy it is."""
    found = multiprocessing.RawValue("d", 0.0)
    monkeypatch.setattr(isolated, "RunningClock", lambda at_most: lambda: found.value)
    return found


def wait(clock: Any = None) -> None:
    """Stand still, while the clock goes on."""
    ends = time.monotonic() + BOUND
    while time.monotonic() < ends:
        if clock is not None:
            clock.value += 1.0
        threading.Event().wait(0.01)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (lambda: os._exit(3), "ended with status 3"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was ended by SIGKILL"),
        (os.abort, "was ended by SIGABRT"),
    ],
)
def test_the_end_of_a_process_is_told(part: Callable[[], None], told: str) -> None:
    ended = in_a_process(lambda send: part(), BOUND)
    assert ended.how == told
    assert ended.by_itself
    assert "in wait" not in ended.told


def refuse(why: str) -> None:
    raise TailerRaised("start() raised OSError", got=f"OSError: {why}")


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (lambda: int("no number"), "ValueError: invalid literal"),
        (lambda: refuse("no room"), "start() raised OSError\nOSError: no room"),
        (lambda: (os.write(2, b"cannot go on\n"), os._exit(3)), "status 3; it said:\ncannot go on"),
        (lambda: (print("goodbye", file=sys.stderr), os._exit(3)), "status 3; it said:\ngoodbye"),
    ],
)
def test_what_a_process_said_that_ended_with_an_error_is_told(part: Callable[[], None], said: str) -> None:
    ended = in_a_process(lambda send: part(), BOUND)
    assert ended.by_itself
    assert said in ended.told


def test_of_a_process_that_ended_well_only_that_is_told() -> None:
    assert in_a_process(lambda send: print("hello", file=sys.stderr), BOUND).told == "the process ended with status 0"


def nothing() -> None: ...


def test_a_fork_server_that_was_begun_before_the_fork_is_none_of_the_forks() -> None:
    def run(send: Callable[[Any], None] = lambda answer: None) -> None:
        process = multiprocessing.get_context("forkserver").Process(target=nothing)
        process.start()
        process.join()
        send(process.exitcode)

    run()
    for ends in (False, True):
        assert in_a_process(run, BOUND, ends=ends).answers == (0,)
    run()


def test_a_process_that_does_not_end_is_ended_and_where_it_stood_is_told(clock: Any) -> None:
    ended = in_a_process(lambda send: wait(clock), 1.0)
    assert ended.how == "had not ended after 1 s"
    assert not ended.by_itself
    assert "in wait" in ended.told


def test_a_process_that_says_nothing_is_ended_before_its_time(clock: Any) -> None:
    def part(send: Callable[[Any], None]) -> None:
        for _ in range(10):
            send(ALIVE)
            clock.value += 0.3
        send("an answer")
        wait(clock)

    ended = in_a_process(part, BOUND, silent=0.4)
    assert (ended.answers, ended.how) == (("an answer",), "stood still for 0 s")
    assert not ended.by_itself


def test_a_process_that_takes_too_much_memory_is_ended() -> None:
    def part(send: Callable[[Any], None]) -> None:
        taken = bytearray(b"x") * 2**27  # a fork has not all that this process has in memory
        wait()
        send(len(taken))

    ended = in_a_process(part, BOUND, memory=2**25)
    assert ended.how.startswith("took too much memory, more than ")
    assert not ended.answers


def test_this_process_is_watched_too() -> None:
    outgrown = threading.Event()
    with bounded_memory(2**25, outgrown.set):
        taken = bytearray(b"x") * 2**27
        assert outgrown.wait(BOUND)
    assert taken


def test_threads_that_a_part_leaves_do_not_keep_its_process_but_where_that_is_asked() -> None:
    def part(send: Callable[[Any], None]) -> None:
        threading.Thread(target=wait).start()
        send("done")

    assert in_a_process(part, BOUND).how == "ended with status 0"
    assert not in_a_process(part, 0.5, ends=True).by_itself


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert how_it_ended(-200) == "was ended by signal 200"
    assert how_it_ended(None) == "ended"


def test_a_dump_is_shown_without_the_frames_of_the_kit() -> None:
    kit = guard.__file__
    dump = (
        'Fatal Python error: Aborted\n\nThread 0x01 (most recent call first):\n  File "other.py", line 1 in other\n\n'
        f'Current thread 0x02 (most recent call first):\n  File "own.py", line 7 in stop\n  File "{kit}", line 1 in x\n'
        '  File "beyond.py", line 1 in beyond\n\nExtension modules: none\n'
    )
    assert stack_of(dump).splitlines() == [
        "Current thread 0x02 (most recent call first):",
        '  File "own.py", line 7 in stop',
        "Thread 0x01 (most recent call first):",
        '  File "other.py", line 1 in other',
    ]


def test_last_words_are_those_of_the_check(tmp_path: Path) -> None:
    with last_words.LastWords(tmp_path, "test_a", within=BOUND, silent=BOUND, expired=pytest.fail) as words:
        assert last_words.read(tmp_path, "test_a") == ""
        words.write({"status": "fail"})
        assert last_words.read(tmp_path, "test_a") == {"status": "fail"}
        assert last_words.read(tmp_path, "test_b") == ""
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_check_that_goes_on_and_on_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    words = last_words.LastWords(tmp_path, "test_a", within=0.0, silent=BOUND, expired=lambda: told.append(1))
    with words:
        assert told == [1]


def test_orphans_are_found_and_ended() -> None:
    script = "import os, time\nif os.fork() == 0:\n os.setsid()\n time.sleep(600)\n"
    with strays.adopting() as left:
        subprocess.run([sys.executable, "-c", script], check=True)
    assert len(left) == 1
    strays.end(left)
    assert not left & strays.below()


def test_room_is_told_from_none(tmp_path: Path) -> None:
    assert has_room(tmp_path)
    assert is_full(OSError(28, "No space left on device"))
    assert not is_full(OSError(2, "No such file"))
    assert str(tmp_path) in full_folder(tmp_path / "check")
