"""What a tailer does to its process, its folder or its neighbours ends no run: the parts of the harness, one by one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taillog_conformance import last_words, smoke, strays, watch
from taillog_conformance.adapters import CallbackAdapter
from taillog_conformance.clocks import Clocks
from taillog_conformance.crash import crashed
from taillog_conformance.offsets import children
from taillog_conformance.producer import remove_tree
from taillog_conformance.report.files import write_whole
from taillog_conformance.report.inert import LONGEST_TEXT, harmless
from taillog_conformance.suite._registry import all_names

Command = Callable[..., subprocess.CompletedProcess[str]]

linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by /proc")

BOUND = 30.0
"""Seconds that nothing here takes, for what must happen."""


def test_every_text_of_a_row_can_be_sent_and_written() -> None:
    row = harmless({"a": ["\ud800\x1b", 1, None, {"\x00": ("x" * (2 * LONGEST_TEXT),)}]})
    assert row["a"][:3] == ["\\ud800\\x1b", 1, None]
    ((name, (long,)),) = row["a"][3].items()
    assert name == "\\x00"
    assert len(long) < LONGEST_TEXT + 100
    assert long.endswith(f"({2 * LONGEST_TEXT:,} characters)")


SURROGATES = """
import logging, os, threading, tiny

NAME = os.fsdecode(b"caf\\xe9")

class Exits:
    def __bool__(self): raise KeyboardInterrupt
    def __repr__(self): raise SystemExit(0)

class Logs(tiny.TailLog):
    def stop(self):
        logging.getLogger("x").error("cannot read %s", NAME)
        raise RuntimeError(NAME * 1_000_000)

class Stopped(tiny.TailLog):
    def start(self):
        super().start()
        return Exits()

    def stopped(self):
        return Exits()

class Named(tiny.TailLog):
    def start(self):
        threading.Thread(target=threading.Event().wait, name=NAME).start()
        return super().start()
"""


@pytest.mark.parametrize(("name", "failed"), [("Logs", {"LIF-7"}), ("Stopped", {"LIF-1", "LIF-3"}), ("Named", set())])
@pytest.mark.parametrize("workers", ["0", "1"])
def test_texts_and_objects_of_a_tailer_end_no_run(
    taillog: Command, project: Path, name: str, failed: set[str], workers: str
) -> None:
    (project / "odd.py").write_text(SURROGATES)
    words = ("--only", "LIF-1,LIF-3,LIF-7,FRM-7", "-n", workers)
    done = taillog("check", f"odd:{name}", *words, "--junit", "out.xml", "--html", "out.html")
    said = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("  FAIL ")}
    assert said == failed, done.stdout + done.stderr
    assert done.returncode == (1 if failed else 3)
    assert "INTERNALERROR" not in done.stderr
    assert "the check itself broke" not in done.stdout


def test_what_never_begins_breaks_a_requirement_that_applies_to_it() -> None:
    def begin(path: str, take: Callable[[str], object]) -> Callable[[], object]:
        os._exit(3)

    found = smoke.smoke(CallbackAdapter(begin, name="ends"), "seed", Clocks())
    assert found.requirement == "DEL-1"
    assert "in the constructor or in start()" in found.reason


FORKS_ANEW = """
import os, time
if os.fork() == 0:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if os.fork():
            os._exit(0)
        os.setsid()
        time.sleep(0.01)
"""


@linux
def test_what_forks_itself_anew_is_ended() -> None:
    with strays.adopting() as left:
        subprocess.run([sys.executable, "-c", FORKS_ANEW], check=True)
    assert left
    strays.end(left)
    assert not strays.below() - left.before


def test_a_fifo_in_a_reports_place_does_not_hold_the_run_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out.json")
    with pytest.raises(OSError, match="No such device"):
        write_whole(tmp_path / "out.json", "text")


def test_a_folder_of_any_depth_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    here = os.getcwd()
    try:
        os.chdir(top)
        for _ in range(2 * sys.getrecursionlimit()):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)
    remove_tree(top)
    assert not top.exists()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MARGIN", 0.0)
    monkeypatch.setattr(watch, "LOOKS_EVERY", 0.05)


def forked(part: Callable[[], object]) -> int:
    """The id of a process that does this, and nothing after it."""
    pid = os.fork()
    if pid == 0:
        try:
            part()
        finally:
            os._exit(0)
    return pid


def watched(folder: Path) -> watch.Watch:
    """A watch over the children that there are by now."""
    watching = watch.Watch(folder)
    watching.workers.update(children(os.getpid()))
    return watching


NAME = next(name for names in all_names().values() for name in names)


@linux
@pytest.mark.usefixtures("impatient")
def test_a_process_without_a_sign_of_life_is_ended_and_its_check_is_told(tmp_path: Path) -> None:
    def stand_still() -> None:
        words = last_words.LastWords(tmp_path, NAME, within=BOUND, silent=1, expired=lambda: None)
        with words:
            words.alive()
            os.kill(os.getpid(), signal.SIGSTOP)

    pid = forked(stand_still)
    with watched(tmp_path):
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    row, of_a_program = (
        crashed(NAME, -signal.SIGKILL, tmp_path, lambda requirement: "again", in_process=in_process)
        for in_process in (True, False)
    )
    assert row is not None
    assert row["status"] == "fail"
    assert "came to a stand" in row["message"]
    assert of_a_program is not None
    assert of_a_program["status"] == "error"  # it may be the machine: no program stops a process that is not its own
    assert "nothing of a program in a process of its own" in of_a_program["message"]


@linux
@pytest.mark.usefixtures("impatient")
def test_a_process_with_signs_of_life_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_words, "REARMED_EVERY", 0.0)
    with last_words.LastWords(tmp_path, NAME, within=BOUND, silent=2, expired=lambda: None) as words:
        found = last_words.signs(tmp_path)
        assert [(pid, sign[0].is_file(), sign[1]) for pid, sign in found.items()] == [(os.getpid(), True, 2.0)]
        time.sleep(0.01)
        words.alive()
        assert last_words.signs(tmp_path)[os.getpid()][2] > found[os.getpid()][2]
    assert last_words.signs(tmp_path) == {}


@linux
@pytest.mark.usefixtures("impatient")
def test_a_silent_process_on_a_crowded_machine_is_given_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_words, "REARMED_EVERY", 0.0)
    monkeypatch.setattr(last_words, "_load", lambda: (BOUND * 100 * (os.cpu_count() or 1), 0.0, 0.0))

    def keep_silent() -> None:
        with last_words.LastWords(tmp_path, NAME, within=BOUND, silent=1, expired=lambda: None) as words:
            words.alive()
            time.sleep(3)

    pid = forked(keep_silent)
    with watched(tmp_path):
        assert os.waitpid(pid, 0)[1] == 0


@linux
@pytest.mark.usefixtures("impatient")
def test_what_a_process_leaves_when_it_ends_is_ended(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with strays.adopting() as left:
        pid = forked(lambda: forked(lambda: time.sleep(BOUND)))
        os.close(writing)
        with watched(tmp_path):
            ended = threading.Event()
            threading.Thread(target=lambda: (os.read(reading, 1), ended.set())).start()
            assert ended.wait(BOUND / 2)
        os.waitpid(pid, 0)
    os.close(reading)
    assert not strays.below() - left.before


def test_a_folder_that_has_gone_leaves_the_one_above_it_as_it_was(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    remove_tree(tmp_path / "gone")
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_what_may_not_be_read_is_removed(tmp_path: Path) -> None:
    (tmp_path / "top" / "deep").mkdir(parents=True)
    (tmp_path / "top" / "deep" / "file").touch()
    (tmp_path / "top" / "deep").chmod(0)
    (tmp_path / "top").chmod(0)
    remove_tree(tmp_path / "top")
    assert not (tmp_path / "top").exists()
