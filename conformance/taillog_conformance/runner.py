"""Runs the suite through pytest for the command: workers, progress, interruption, and the report as it comes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from rich.console import Console

from . import replay, suite
from .contract import load_contract
from .offsets import family
from .plugin import ON_RESULT
from .producer import remove_tree
from .progress import Shown, progress
from .report.files import write_whole
from .report.model import CheckResult, Report, Verdict
from .report.terminal import show
from .report.views import VIEWS, render
from .report.wording import verdict_line
from .suite._registry import all_checks

CONFORMANT, NONCONFORMANT, INCONCLUSIVE = 0, 1, 3
"""Exit statuses of `taillog check`; 2 is a target or an option that cannot be used."""

WRITES_EVERY = 0.5
"""Seconds between two writes of a report while the run goes on: a killed run leaves what was done until then."""

RESTARTS = 10_000
"""Workers that may be ended by their tailer: more than there are checks, so that each is judged."""

CHECK_ENDS_WITHIN = 200.0
"""Seconds after which a check's process is ended: no check takes as long whose tailer lets the interpreter go on."""

LEFT_OUT = ("cacheprovider", "terminal", "threadexception", "unraisableexception", "faulthandler")
"""Parts of pytest that would write into the user's folder or terminal, or judge what the checks judge."""


def run(
    described: dict[str, Any],
    options: Sequence[str],
    workers: int,
    seed: int,
    selected: frozenset[str] | None,
    scenario: Path | None,
    files: Mapping[str, Path],
    quiet: bool,
) -> int:
    """Run the suite through pytest, show its report and write its views to `files`; the exit status."""
    planned: dict[str, list[str]] = {}
    for each in all_checks():
        planned.setdefault(each.requirement, []).extend(each.names)
    if scenario is not None:
        planned |= replay.names(replay.read(scenario))
    module = replay.__name__ if scenario is not None else suite.__name__
    report = Report(load_contract(), described, seed, planned)
    asked = sum(len(names) for id, names in planned.items() if selected is None or id in selected)
    console = Console(highlight=False)
    watcher = _Watcher(report, files, None if quiet else progress(console, asked))
    try:
        with watcher:
            status = _pytest(module, options, workers, watcher)
    except KeyboardInterrupt:
        status = INTERRUPTED
    report.interrupted = status == INTERRUPTED
    watcher.write()
    if quiet:
        print(verdict_line(report))
    else:
        show(report, console, selected=selected)
    if watcher.broken:
        print(watcher.broken, file=sys.stderr)
    return {Verdict.CONFORMANT: CONFORMANT, Verdict.NONCONFORMANT: NONCONFORMANT}.get(report.verdict(), INCONCLUSIVE)


INTERRUPTED = 2
"""pytest's exit status after Ctrl-C."""


class _Watcher:
    """Takes each result as it comes: into the report, onto the progress line, and now and then into the files."""

    def __init__(self, report: Report, files: Mapping[str, Path], progress: Shown | None) -> None:
        self.report = report
        self.broken = ""
        self._files = files
        self._progress = progress
        self._written = 0.0

    def __enter__(self) -> None:
        self.write()
        if self._progress is not None:
            self._progress.start()

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, _report: Report, result: CheckResult) -> None:
        self.report.add(result)
        if self._progress is not None:
            self._progress.advance(result.requirement, self.report.summary().failed)
        if time.monotonic() - self._written > WRITES_EVERY:
            self.write()

    def write(self) -> None:
        """Write the report's views as they stand."""
        self._written = time.monotonic()
        for view, path in self._files.items():
            try:
                write_whole(path, render(view, self.report))
            except OSError as error:
                self.broken = f"taillog: the {VIEWS[view]} could not be written to {path}: {error.strerror}"


def _pytest(module: str, options: Sequence[str], workers: int, watcher: Callable[..., None]) -> int:
    """Run the suite in an empty folder, apart from the settings and plugins of whatever project lies round it."""
    folder = tempfile.mkdtemp()  # no name by which a tailer could tell a check
    try:
        arguments = ["--pyargs", module, f"--rootdir={folder}", f"--taillog-folder={folder}"]
        arguments += ["-c", os.devnull, "--assert=plain", "--noconftest"]
        arguments += [word for name in LEFT_OUT for word in ("-p", f"no:{name}")]
        arguments += ["-p", "taillog_conformance.plugin"]
        if workers:
            arguments += ["-p", "xdist", "-n", str(workers), "--maxschedchunk=1"]
            arguments += [f"--max-worker-restart={RESTARTS}", f"--taillog-limit={CHECK_ENDS_WITHIN}"]
        listener = _Listener(ON_RESULT, watcher)
        with _environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS=None), listener.interruptions():
            return int(pytest.main([*arguments, *options], plugins=[listener]))
    finally:
        remove_tree(Path(folder))  # with what a worker that was ended left in it


class _Listener:
    """Registers the watcher under the name by which the plugin looks for it, and ends the workers at Ctrl-C.

    Left to themselves they finish the check that they are at, which takes its time where a tailer hangs.
    """

    def __init__(self, name: str, watcher: Callable[..., None]) -> None:
        self._name = name
        self._watcher = watcher
        self._interrupted = False

    @contextlib.contextmanager
    def interruptions(self) -> Iterator[None]:
        """Notes each Ctrl-C meanwhile, and lets it through."""
        before = signal.getsignal(signal.SIGINT)

        def on_interrupt(signum: int, frame: FrameType | None) -> None:
            self._interrupted = True
            raise KeyboardInterrupt

        if before is not signal.default_int_handler:  # a run in the background has it ignored
            yield
            return
        signal.signal(signal.SIGINT, on_interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def pytest_runtest_logfinish(self) -> None:
        if self._interrupted:
            raise KeyboardInterrupt  # the first one fell where the interpreter drops what is raised: in a finalizer

    def pytest_keyboard_interrupt(self) -> None:
        _, *below = family(os.getpid())
        for pid in reversed(below):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def pytest_configure(self, config: Any) -> None:
        config.pluginmanager.register(self._watcher, self._name)


@contextlib.contextmanager
def _environment(**values: str | None) -> Iterator[None]:
    """These environment variables set (or with None, unset) meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    try:
        _set_environment(values)
        yield
    finally:
        _set_environment(before)


def _set_environment(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
