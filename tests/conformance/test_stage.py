"""The stage: tailers that begin at a file's end, and those that cannot be ended."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from conftest import Command

from taillog_conformance import guard, stage
from taillog_conformance.adapters import TailLogAdapter
from taillog_conformance.clocks import Clocks
from taillog_conformance.outcomes import NotRun, TailerHung, TailerRaised
from taillog_conformance.producer import NEW_FILES, ProducedFile
from taillog_conformance.smoke import smoke
from taillog_conformance.stage import Profile, Stage
from taillog_conformance.timeline import Timeline
from taillog_fixtures.correct import one_loop, pread_reader, thread_per_file
from taillog_fixtures.correct.kinds import FromTheEnd, class_from_the_end
from taillog_fixtures.specimens._loop import OneLoop

BOUND = 20.0


@pytest.fixture(params=[True, False], ids=["offset-seen", "offset-unseen"])
def from_the_end(request: pytest.FixtureRequest) -> Iterator[Stage]:
    found = Stage(class_from_the_end, seed="end", profile=Profile(offset_visible=request.param))
    yield found
    found.close()


def test_what_a_check_appends_before_start_comes_though_the_tailer_begins_at_the_end(from_the_end: Stage) -> None:
    run = from_the_end.open("a b", interval=0.001)
    run["a"].append("one\n")
    run["b"].append("half")
    run.start()
    run["b"].append(" two\n")
    run.stop()
    run.judge()
    assert "]:one\n" in run.all_text()
    assert "]:half two\n" in run.all_text()


def test_a_filter_is_not_asked_about_the_lines_that_tell_where_the_tailer_stands(from_the_end: Stage) -> None:
    asked: list[str] = []
    run = from_the_end.open(interval=0.001, filter=lambda text: asked.append(text) or text == "b\n")
    run.keeps = lambda text: text == "b"
    run["a"].append("a\nb\n")
    run.start()
    run.stop()
    run.judge()
    assert asked == ["a\n", "b\n"]


def test_one_that_reads_what_stood_there_is_not_held_up(from_the_end: Stage) -> None:
    from_the_end.adapter = TailLogAdapter(OneLoop, without=["from-start"])
    run = from_the_end.open(interval=0.001)
    run["a"].append("one\n")
    run.start()
    run.stop()
    run.judge()


def test_a_step_for_which_it_must_stand_in_the_file_writes_what_was_kept_back(tmp_path: Path) -> None:
    file = ProducedFile("a", 0, tmp_path / "a", Timeline())
    file.hold()
    file.append("one\n")
    file.create()
    file.append("two\n")
    assert file.size() == 0
    file.rename()
    assert (tmp_path / "a.1").read_text() == "one\ntwo\n"
    file.append("three\n")
    assert (tmp_path / "a.1").read_text() == "one\ntwo\nthree\n"
    file.close()


class ThirdNumber:
    """Wants the inode number of the third file offered: which numbers are free depends on other programs too."""

    def __init__(self) -> None:
        self.offered: list[int] = []

    def __contains__(self, number: object) -> bool:
        assert isinstance(number, int)
        self.offered.append(number)
        return len(self.offered) == 3


def test_the_file_that_arrives_is_the_one_of_several_that_has_a_wanted_number(tmp_path: Path) -> None:
    file = ProducedFile("a", 0, tmp_path / "a", Timeline())
    wanted = ThirdNumber()
    file.arrive("one\n", wanted)
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "one\n"
    assert len(set(wanted.offered)) == NEW_FILES
    assert (tmp_path / "a").stat().st_ino == wanted.offered[2]


class Deaf(FromTheEnd):
    """Its stop() never returns, and its thread reports for ever."""

    go_on = threading.Event()

    def run(self) -> None:
        while not self.go_on.wait(0.001):
            logging.getLogger("deaf").error("still here")

    def stop(self) -> None:
        while not self.go_on.wait(0.01):
            pass


def test_what_a_hung_tailer_left_behind_reports_into_no_later_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_hung", set())
    adapter = TailLogAdapter(Deaf)
    found = Stage(adapter, seed="deaf")
    try:
        first = found.open()
        first.start()
        first.wait_for_reports()
        found.clocks = Clocks(0.01)
        with pytest.raises(TailerHung):
            first.stop()
        assert first.reports
        found.adapter = TailLogAdapter(OneLoop)
        found.clocks = Clocks()
        second = found.open()
        second["a"].append("one\n")
        second.start()
        second.must_deliver()
        second.stop()
        assert second.reports == []
    finally:
        Deaf.go_on.set()
        found.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system does not tell what is open")
def test_descriptors_that_a_thread_uses_are_not_closed_under_it() -> None:
    go_on = threading.Event()
    opened: list[int] = []
    soft = guard.resource.getrlimit(guard.resource.RLIMIT_NOFILE)
    thread = threading.Thread(target=go_on.wait, args=[BOUND])
    try:
        with guard.few_descriptors():
            opened += [os.open(os.devnull, os.O_RDONLY) for _ in range(2 * guard.LEAKED)]
            thread.start()
        for descriptor in opened:
            os.fstat(descriptor)
        assert guard.resource.getrlimit(guard.resource.RLIMIT_NOFILE)[0] >= min(soft[0] + len(opened), soft[1])
    finally:
        guard.resource.setrlimit(guard.resource.RLIMIT_NOFILE, soft)
        go_on.set()
        thread.join()
        for descriptor in opened:
            os.close(descriptor)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system does not tell what is open")
def test_descriptors_that_nobody_uses_any_more_are_closed() -> None:
    with guard.few_descriptors():
        opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(2 * guard.LEAKED)]
    for descriptor in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


class TakesOneLine(OneLoop):
    """Delivers the first that it gets to read, and no more."""

    def deliver(self, key: int, lines: Iterable[str]) -> None:
        if not self.asked.is_set() and not getattr(self, "took", False):
            self.took = True
            super().deliver(key, lines)


def test_of_a_line_that_never_came_no_latency_is_learned(tmp_path: Path) -> None:
    found = smoke(TailLogAdapter(TakesOneLine), "1", Clocks(0.05), tmp_path)
    assert found.profile.latency == 0
    assert smoke(TailLogAdapter(OneLoop), "1", Clocks(), tmp_path).profile.latency > 0


def test_a_check_that_rests_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stage, "RESTS_FOR", 0.001)
    signs: list[int] = []
    found = Stage(TailLogAdapter(OneLoop), "1", profile=Profile(latency=0.01), parent=tmp_path)
    found.alive = lambda: signs.append(1)
    run = found.open(interval=0.001)
    for rests in (run.quiet, lambda: run.looks(30)):
        signs.clear()
        rests()
        assert len(signs) > 3
    found.close()


def test_a_machine_without_threads_is_no_fault_of_the_tailers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def start(run: stage.Run) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            run.start()

    played = Stage(TailLogAdapter(OneLoop), seed="threads", parent=tmp_path)
    with pytest.raises(NotRun, match="no thread"):
        start(played.open())
    monkeypatch.setattr(stage, "THREADS_OF_A_TAILER", 0)
    with pytest.raises(TailerRaised):
        start(played.open())
    played.close()


def test_a_tailer_that_says_so_is_not_believed(tmp_path: Path) -> None:
    class Refuses(OneLoop):
        def launch(self) -> None:
            raise RuntimeError("can't start new thread")

    played = Stage(TailLogAdapter(Refuses), seed="threads", parent=tmp_path)
    with pytest.raises(TailerRaised):
        played.open().start()
    played.close()


def test_where_the_offset_says_nothing_a_truncation_is_given_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = Stage(TailLogAdapter(pread_reader.TailLog), "1", parent=tmp_path)
    run = found.open()
    run["a"].append("one\n")
    run.start()
    run.must_deliver()
    assert run.offset("a") == 0  # it is open, and reads by position
    rests: list[int] = []
    monkeypatch.setattr(run, "quiet", lambda: rests.append(1))
    run["a"].truncate()
    run.seen_truncated("a")
    assert rests == [1]
    found.close()


def test_a_file_that_is_read_no_more_is_waited_for_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = Stage(TailLogAdapter(OneLoop), "1", parent=tmp_path, profile=Profile(offset_visible=True))
    run = found.open()
    run["a"].append("one\n")
    bounds: list[float] = []
    monkeypatch.setattr(run, "_wait", lambda happened, within: bounds.append(within))
    for _ in range(3):
        run.seen("a")
    assert bounds == [found.clocks.must_happen_within, *[found.clocks.settles_within] * 2]
    found.close()


def test_writes_of_nothing_take_no_memory_of_the_notes() -> None:
    timeline = Timeline()
    timeline.add_write("", "one\n")
    for _ in range(1000):
        timeline.add_write("", "")
    timeline.add("check", "saw")
    timeline.add_write("", "")
    assert [event.data for event in timeline.events()] == ["one\n", None, ""]


def test_several_writes_a_line_and_writes_of_nothing_are_no_fault(taillog: Command, project: Path) -> None:
    words = ["--only", "RES-3", "--only", "DEL-10", "-n", "0", "-q", "--json", "out.json"]
    assert taillog("check", "taillog_fixtures.correct.thread_per_file:TailLog", *words).returncode == 3
    rows = json.loads((project / "out.json").read_text())["requirements"]
    assert [row["status"] for row in rows if row["id"] in ("RES-3", "DEL-10")] == ["pass", "pass"]


@pytest.mark.parametrize(
    ("tailer", "keeps"), [(thread_per_file.TailLog, True), (pread_reader.TailLog, True), (one_loop.TailLog, False)]
)
def test_the_smoke_check_learns_whether_a_file_stays_open_from_look_to_look(tailer: type, keeps: bool) -> None:
    assert smoke(TailLogAdapter(tailer), "open", Clocks()).profile.keeps_open is keeps
