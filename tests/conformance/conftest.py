"""A small project of an adopter, with tailers to point the kit at, and the commands run in it as a person would."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

BOUND = 120.0
"""Seconds after which a command is taken to hang: far more than any takes."""

TINY = textwrap.dedent("""
    import os, pathlib, signal, threading, time


    class TailLog:
        '''Correct but for errors: at every look each file is opened anew and read from where it was left.'''

        def __init__(self, name, log_files, dst, log_line_prefixes=None, interval_sec=0.1, log_line_filter=None):
            prefixes = log_line_prefixes or {}
            self.files = [[path, prefixes.get(key, f"[{name}{key}]:"), 0, b""] for key, path in log_files.items()]
            self.dst, self.interval, self.keeps = dst, interval_sec, log_line_filter
            self.ends = threading.Event()
            self.thread = threading.Thread(target=self.run, daemon=True)
            self.has_stopped = False

        def start(self):
            self.thread.start()
            return self

        def stop(self):
            self.ends.set()
            if self.thread.ident:
                self.thread.join()
            self.has_stopped = True

        def stopped(self):
            return self.has_stopped

        def run(self):
            last = False
            while not last:
                last = self.ends.is_set()
                for file in self.files:
                    self.look(file, last)
                self.dst.flush()
                self.ends.wait(self.interval)

        def look(self, file, last):
            path, prefix, offset, piece = file
            try:
                with open(path, "rb") as log:
                    log.seek(offset)
                    data = log.read()
            except FileNotFoundError:
                return
            *lines, rest = (piece + data).split(b"\\n")
            if last and rest:
                lines, rest = [*lines, rest], b""
            file[2:] = offset + len(data), rest
            for line in self.lines(lines):
                text = line.decode(errors="replace") + "\\n"
                if self.keeps is None or self.keeps(text):
                    self.dst.write(prefix + text)

        def lines(self, lines):
            return lines


    class Lossy(TailLog):
        '''Leaves out empty lines: FRM-7.'''

        def lines(self, lines):
            return [line for line in lines if line]


    class Broken(TailLog):
        '''Cannot be started: nothing can be judged.'''

        def start(self):
            raise RuntimeError("no thread to be had")


    class Slow(TailLog):
        '''As correct, but each stop() takes its time.'''

        def stop(self):
            time.sleep(0.2)
            super().stop()


    class Stuck(Slow):
        '''As correct, until a stop() does not return; a file then tells that it is there.'''

        stops = 0

        def stop(self):
            Stuck.stops += 1
            if Stuck.stops > 5:
                pathlib.Path(__file__).with_name("stuck").touch()
                time.sleep(100)
            super().stop()


    class Interrupting(TailLog):
        '''As correct; the user presses Ctrl-C just while one is finalized, where Python drops what is raised.'''

        home = os.getpid()
        left = 1

        def __del__(self):
            if Interrupting.left and os.getpid() == self.home:
                Interrupting.left -= 1
                os.kill(self.home, signal.SIGINT)
                for _ in range(1000):
                    pass
""").lstrip()
"""Tailers in a module of an adopter's: a correct one, and some that are not, or slow."""

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty folder but for `tiny.py`, which holds tailers."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "tiny.py").write_text(TINY)
    return folder


@pytest.fixture
def clean_environment() -> dict[str, str]:
    """The environment without what the test run that goes on here put into it."""
    inherited = ("PYTEST_", "COV_", "COLUMNS", "PYTHONHASHSEED", "PYTHONWARNINGS")
    return {name: value for name, value in os.environ.items() if not name.startswith(inherited)}


@pytest.fixture
def taillog(project: Path, clean_environment: dict[str, str]) -> Command:
    """Runs the command `taillog` with these arguments in the project."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [os.path.join(sysconfig.get_path("scripts"), "taillog"), *map(str, arguments)]
        return subprocess.run(
            words, cwd=project, env=clean_environment, capture_output=True, text=True, timeout=BOUND, check=False
        )

    return run


@pytest.fixture
def run_pytest(project: Path, clean_environment: dict[str, str]) -> Command:
    """Runs pytest with these arguments in the project; tests in random order only where that is asked for."""

    def run(*arguments: object, randomly: bool = False) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "pytest", *map(str, arguments)]
        if not randomly:
            words += ["-p", "no:randomly"]
        return subprocess.run(
            words, cwd=project, env=clean_environment, capture_output=True, text=True, timeout=BOUND, check=False
        )

    return run
