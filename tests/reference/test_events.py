"""The kernel's events: what is told, what is not and looked at, and what happens when they fail. The real kernel's."""

import io
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

import taillog.tail_log
from taillog import TailLog
from taillog.events import PAUSE_SEC, Events
from taillog.source import Source
from taillog_conformance import races
from taillog_conformance.adapters import TailLogAdapter
from taillog_conformance.stage import Profile, Run, Stage

SOON_SEC = 10
LONG_INTERVAL_SEC = 3600
"""An interval that nobody waits out: what happens nevertheless does not wait for a look."""

NEVER_SEC = 0.05
"""Time for something to show that must not happen."""


class Watcher:
    """Events of one path, driven by hand as the tailer does it: watch, look, until nothing is new; then wait."""

    def __init__(self, path: pathlib.Path) -> None:
        self.told: list[str] = []
        self.events = Events(self.told.append)
        self.source = Source(0, path, "", lambda: None, bytearray(4096))
        self.is_watched = False
        self.got = b""
        self.look()

    def look(self) -> None:
        files: object = None
        while files is not self.source.files or self.source.behind:
            files = self.source.files
            self.is_watched = self.events.watch(self.source)
            self.got += b"".join(self.source.turn())

    def gets(self, text: bytes) -> None:
        """What the path gives becomes `text`, by events alone."""
        ends = time.monotonic() + SOON_SEC
        while self.got != text:
            assert time.monotonic() < ends, f"it is {self.got!r}"
            if self.events.wait(SOON_SEC):
                self.look()

    def hears_nothing(self) -> bool:
        return not self.events.wait(NEVER_SEC)

    def close(self) -> None:
        self.source.close()
        self.events.close()


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "log"


@pytest.fixture
def watcher(path: pathlib.Path) -> Iterator[Watcher]:
    try:
        found = Watcher(path)
    except OSError as error:
        pytest.skip(f"there are no events here: {error}")
    yield found
    found.close()


def append(path: pathlib.Path, text: str) -> None:
    with path.open("ab") as file:
        file.write(text.encode())


def waits_for(condition: Callable[[], object]) -> None:
    ends = time.monotonic() + SOON_SEC
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.001)


# What is told.


def test_a_file_that_comes_and_what_is_appended_is_told(watcher: Watcher, path: pathlib.Path) -> None:
    assert watcher.is_watched
    append(path, "a\n")
    watcher.gets(b"a\n")
    append(path, "b\n")
    watcher.gets(b"a\nb\n")
    assert watcher.told == []


def test_what_does_not_concern_it_is_not_told(watcher: Watcher, path: pathlib.Path) -> None:
    append(path, "a\n")
    watcher.gets(b"a\n")
    path.with_suffix(".other").write_text("x")
    (path.parent / "folder").mkdir()
    path.parent.with_suffix(".other").mkdir()
    assert watcher.hears_nothing()


def test_a_truncation_is_told(watcher: Watcher, path: pathlib.Path) -> None:
    append(path, "old\n")
    watcher.gets(b"old\n")
    path.write_text("n\n")
    watcher.gets(b"old\nn\n")


def test_a_file_that_is_renamed_over_it_is_told(watcher: Watcher, path: pathlib.Path) -> None:
    append(path, "a\n")
    watcher.gets(b"a\n")
    for number in range(3):
        path.with_suffix(".new").write_text(f"{number}\n")
        path.with_suffix(".new").rename(path)
        watcher.gets(b"a\n" + b"".join(b"%d\n" % each for each in range(number + 1)))
        append(path, "")
    assert len(watcher.source.files) == 4


def test_late_lines_of_a_renamed_file_are_told(watcher: Watcher, path: pathlib.Path) -> None:
    append(path, "a\n")
    watcher.gets(b"a\n")
    path.rename(path.with_suffix(".1"))
    append(path.with_suffix(".1"), "b\n")
    watcher.gets(b"a\nb\n")
    append(path, "c\n")
    watcher.gets(b"a\nb\nc\n")
    append(path.with_suffix(".1"), "d\n")
    watcher.gets(b"a\nb\nc\nd\n")


def test_what_is_written_under_another_name_of_the_file_is_told(watcher: Watcher, path: pathlib.Path) -> None:
    append(path, "a\n")
    watcher.gets(b"a\n")
    other = path.parent.with_suffix(".links") / "log"
    other.parent.mkdir()
    other.hardlink_to(path)
    append(other, "b\n")
    watcher.gets(b"a\nb\n")


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_folders_that_come_later_are_told(tmp_path: pathlib.Path, missing: int) -> None:
    folders = [tmp_path.joinpath(*"abc"[: depth + 1]) for depth in range(missing)]
    path = folders[-1] / "log"
    watcher = Watcher(path)
    assert watcher.is_watched
    for folder in folders:
        folder.mkdir()
        if folder is folders[0]:
            assert watcher.events.wait(SOON_SEC)
            watcher.look()
    append(path, "a\n")
    watcher.gets(b"a\n")
    append(path, "b\n")
    watcher.gets(b"a\nb\n")
    watcher.close()


@pytest.mark.parametrize("above", [0, 1])
def test_a_folder_in_whose_place_another_comes_is_told(tmp_path: pathlib.Path, above: int) -> None:
    path = tmp_path / "a" / "b" / "log"
    path.parent.mkdir(parents=True)
    append(path, "1\n")
    watcher = Watcher(path)
    folder = path.parents[above]
    for number in (2, 3):
        folder.rename(tmp_path / f"old {number}")
        path.parent.mkdir(parents=True)
        append(path, f"{number}\n")
        watcher.gets(b"".join(b"%d\n" % each for each in range(1, number + 1)))
    with path.open("rb"):  # a producer that has not noticed
        shutil.rmtree(tmp_path / "a")
    assert watcher.events.wait(SOON_SEC)
    watcher.look()
    path.parent.mkdir(parents=True)
    append(path, "4\n")
    watcher.gets(b"1\n2\n3\n4\n")
    watcher.close()


def test_a_file_where_a_folder_should_be_is_waited_out(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a").write_text("")
    watcher = Watcher(tmp_path / "a" / "log")
    assert watcher.is_watched
    (tmp_path / "a").unlink()
    (tmp_path / "a").mkdir()
    append(tmp_path / "a" / "log", "1\n")
    watcher.gets(b"1\n")
    watcher.close()


def test_watches_do_not_grow_with_rotations(watcher: Watcher, path: pathlib.Path) -> None:
    expected = b""
    for number in range(20):
        append(path, f"{number}\n")
        expected += b"%d\n" % number
        watcher.gets(expected)
        path.rename(path.with_suffix(f".{number}"))
    assert watcher.events._queue is not None
    info = pathlib.Path(f"/proc/self/fdinfo/{watcher.events._queue.fd}").read_text()
    folders = len(path.parents)
    assert info.count("inotify wd") <= len(watcher.source.files) + folders


def test_many_writes_are_gathered(watcher: Watcher, path: pathlib.Path) -> None:
    path.touch()
    assert watcher.events.wait(SOON_SEC)
    watcher.look()
    done = threading.Event()

    def produce() -> None:
        with path.open("ab", buffering=0) as file:
            for _ in range(2000):
                file.write(b"x\n")
        done.set()

    threading.Thread(target=produce).start()
    waits = 0
    began = time.monotonic()
    while len(watcher.got) < 4000:
        waits += 1
        watcher.events.wait(SOON_SEC)
        watcher.look()
    assert waits <= (time.monotonic() - began) / PAUSE_SEC + 2
    assert done.wait(SOON_SEC)


# What is not told, and looked at.


def test_a_link_is_looked_at_once_an_interval(tmp_path: pathlib.Path, path: pathlib.Path) -> None:
    path.symlink_to(tmp_path / "target")
    watcher = Watcher(path)
    assert not watcher.is_watched
    (tmp_path / "target").write_text("a\n")
    watcher.look()
    append(tmp_path / "target", "b\n")
    watcher.gets(b"a\nb\n")  # the file that it leads to is watched all the same
    assert watcher.told == []
    watcher.close()


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_on_the_way_is_looked_at_once_an_interval(tmp_path: pathlib.Path, exists: bool) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    if exists:
        (tmp_path / "folder").mkdir()
    watcher = Watcher(tmp_path / "link" / "log")
    assert not watcher.is_watched
    watcher.close()


def test_a_file_system_that_tells_nothing_is_looked_at_and_told_of() -> None:
    watcher = Watcher(pathlib.Path("/proc/self/comm"))
    assert not watcher.is_watched
    assert any("does not tell" in reason for reason in watcher.told)
    watcher.close()


def test_links_and_folders_that_come_late_lose_nothing(tmp_path: pathlib.Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "later" / "still later")
    paths = {0: tmp_path / "later" / "log", 1: tmp_path / "link" / "log"}
    stream = io.StringIO()
    with TailLog("t", paths, stream, {0: "", 1: ""}, 0.001):
        (tmp_path / "later" / "still later").mkdir(parents=True)
        append(paths[0], "a\n")
        waits_for(lambda: stream.getvalue() == "a\n")
        append(paths[1], "b\n")
        waits_for(lambda: stream.getvalue() == "a\nb\n")


# When events fail.


class Warnings:
    """What was logged at level WARNING so far."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def __call__(self) -> list[str]:
        return [record.getMessage() for record in self._caplog.records if record.levelno == logging.WARNING]


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Warnings:
    return Warnings(caplog)


def queue_of(tailer: TailLog) -> int:
    if not isinstance(tailer._waiting, Events) or tailer._waiting._queue is None:
        pytest.skip("there are no events here")
    return tailer._waiting._queue.fd


def is_watched(tailer: TailLog) -> bool:
    """Whether the open files are watched: a line may have been delivered before that."""
    assert isinstance(tailer._waiting, Events)
    done = tailer._waiting._done
    return all(source in done and done[source][0] is source.files for source in tailer._sources)


@pytest.mark.parametrize("end", ["closed", "ended"])
def test_a_tailer_goes_on_when_its_events_end(path: pathlib.Path, warnings: Warnings, end: str) -> None:
    path.touch()  # that it came is not told late, so that its watch need not be set again
    stream = io.StringIO()
    with TailLog("t", {0: path}, stream, {0: ""}, LONG_INTERVAL_SEC) as tailer:
        append(path, "a\n")
        waits_for(lambda: stream.getvalue() == "a\n")
        fd = queue_of(tailer)
        waits_for(lambda: is_watched(tailer))  # else it would be told of the watch that cannot be set, too
        null = os.open(os.devnull, os.O_RDONLY if end == "ended" else os.O_WRONLY)
        os.dup2(null, fd)  # whoever reads it gets nothing, or an error
        os.close(null)
        append(path, "b\n")
        tailer._waiting.wake()  # it waits for a queue that is no more
        waits_for(lambda: stream.getvalue() == "a\nb\n")
        append(path, "c\n")
        waits_for(lambda: stream.getvalue() == "a\nb\nc\n")
        append(path, "d\n")
    assert stream.getvalue() == "a\nb\nc\nd\n"
    assert len(warnings()) == 1


def test_more_events_than_the_queue_holds_lose_nothing(tmp_path: pathlib.Path, warnings: Warnings) -> None:
    paths = {0: tmp_path / "a", 1: tmp_path / "b"}
    late = tmp_path / "folder" / "late"

    class Gate(io.StringIO):
        reached, opened = threading.Event(), threading.Event()

        def write(self, text: str) -> int:
            self.reached.set()
            assert self.opened.wait(SOON_SEC)
            return super().write(text)

    gate = Gate()
    gate.opened.set()
    size = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with TailLog("t", {**paths, 2: late}, gate, {0: "a", 1: "b", 2: "c"}, LONG_INTERVAL_SEC) as tailer:
        queue_of(tailer)
        for number in (1, 2):  # the files are watched when the second line comes
            for path in paths.values():
                append(path, "\n")
            waits_for(lambda: len(gate.getvalue()) == 4 * number)  # noqa: B023
        gate.reached.clear()
        gate.opened.clear()
        append(paths[0], "\n")
        assert gate.reached.wait(SOON_SEC)
        with paths[0].open("ab", buffering=0) as a, paths[1].open("ab", buffering=0) as b:
            for _ in range(size // 2 + 10):
                a.write(b"\n")
                b.write(b"\n")
        late.parent.mkdir()
        append(late, "\n")
        gate.opened.set()
        waits_for(lambda: len(gate.getvalue()) == 2 * (4 + 1 + size + 20 + 1))
        append(late, "\n")
        waits_for(lambda: gate.getvalue().count("c") == 2)
    assert sum("more happened" in text for text in warnings()) == 1


def test_no_events_at_all_are_told_of_once(
    path: pathlib.Path, warnings: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(tell: object) -> Events:
        raise OSError("Too many open files")

    monkeypatch.setattr(taillog.tail_log, "Events", none)
    stream = io.StringIO()
    with TailLog("t", {0: path, 1: path.with_suffix(".1")}, stream, {0: "", 1: ""}, 0.001):
        append(path, "a\n")
        waits_for(lambda: stream.getvalue() == "a\n")
    assert len(warnings()) == 1
    assert "Too many open files" in warnings()[0]


LIMITED = """
import io, logging, pathlib, sys, time
logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stdout)
from taillog import TailLog
folder = pathlib.Path(sys.argv[1])
files = {n: folder / f"{n}.log" for n in range(20)}
stream = io.StringIO()
with TailLog("t", files, stream, dict.fromkeys(files, ""), 0.001):
    for round in range(2):
        for path in files.values():
            with path.open("a") as file:
                file.write("x\\n")
        while stream.getvalue().count("x") < 20 * (round + 1):
            time.sleep(0.001)
print(stream.getvalue().count("x"))
"""


@pytest.mark.parametrize("limit", ["max_inotify_watches 8", "max_inotify_watches 0", "max_inotify_instances 0"])
def test_a_limit_that_is_reached_is_told_of_once_and_loses_nothing(tmp_path: pathlib.Path, limit: str) -> None:
    name, number = limit.split()
    in_limits = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    set_limit = f"echo {number} > /proc/sys/user/{name}"
    try:
        subprocess.run([*in_limits, set_limit], check=True, capture_output=True, timeout=SOON_SEC)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets nobody have limits of their own")
    done = subprocess.run(
        [*in_limits, f'{set_limit}; exec "$@"', "sh", sys.executable, "-c", LIMITED, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=3 * SOON_SEC,
        check=False,
    )
    assert done.stderr == ""
    *told, count = done.stdout.splitlines()
    assert count == "40"
    assert len(told) == 1
    assert "does not tell of all changes" in told[0]


def test_many_files_some_of_which_are_missing_are_told_of(tmp_path: pathlib.Path) -> None:
    files = {key: tmp_path / f"{key}.log" for key in range(1000)}
    for key, path in files.items():
        if key % 10:
            path.write_text("a\n")
    stream = io.StringIO()
    with TailLog("t", files, stream, dict.fromkeys(files, ""), LONG_INTERVAL_SEC):
        waits_for(lambda: stream.getvalue().count("a") == 900)
        for key in range(0, 1000, 10):
            files[key].write_text("b\n")
        waits_for(lambda: stream.getvalue().count("b") == 100)
    assert len(stream.getvalue()) == 2000


# Races: with an interval that nobody waits out, whatever comes has been told of.


def appends(run: Run) -> None:
    run["a"].append(f"{len(run.timeline.events())}\n")


def rotates(run: Run) -> None:
    appends(run)
    run["a"].rename()
    run["a"].create()
    appends(run)


@pytest.mark.parametrize("meanwhile", [appends, rotates])
def test_nothing_is_missed_wherever_the_worker_is_held(
    meanwhile: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is held at each line that it passes when a line comes; what is done then comes at once even so."""
    monkeypatch.setattr(races, "FIRST_PLACES", 80)
    monkeypatch.setattr(races, "TRIES_FOR", 60.0)
    monkeypatch.setattr(Run, "looks", lambda run, count: time.sleep(NEVER_SEC))  # there are none
    stage = Stage(TailLogAdapter(TailLog), seed="held", profile=Profile(offset_visible=True))

    def prepare(run: Run) -> None:
        appends(run)
        run.start()
        run.settle()

    try:
        races.held_at_every_line(
            stage,
            prepare,
            meanwhile,
            interval=LONG_INTERVAL_SEC,
            before=appends,
            after=Run.must_deliver,
            while_idle=False,
        )
    finally:
        stage.close()


def test_events_of_one_file_do_not_keep_another_from_being_looked_at(
    tmp_path: pathlib.Path, path: pathlib.Path
) -> None:
    busy = tmp_path / "busy"
    path.symlink_to(tmp_path / "target")  # of what it leads to nothing is told
    goes_on = threading.Event()
    goes_on.set()

    class Slow:
        """A destination in which nearly all the time is spent."""

        got = ""

        def write(self, text: str) -> None:
            time.sleep(0.01)
            self.got += text

    stream = Slow()
    with TailLog("t", {0: busy, 1: path}, stream, {0: "", 1: "seldom "}, 0.02):

        def produce() -> None:
            while goes_on.is_set():
                append(busy, "often\n")
                time.sleep(0.001)

        producer = threading.Thread(target=produce)
        producer.start()
        try:
            waits_for(lambda: stream.got.count("often") > 10)
            (tmp_path / "target").write_text("a\n")
            waits_for(lambda: "seldom a\n" in stream.got)
        finally:
            goes_on.clear()
            producer.join()
