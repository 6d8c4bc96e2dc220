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

from . import properties, replay, strays, suite
from .contract import load_contract
from .interruption import handling, termination_interrupts
from .known import Known, apply, dump
from .offsets import family
from .plugin import ON_RESULT
from .producer import remove_tree
from .progress import Shown, progress
from .report.files import not_written, rewritable, write_whole
from .report.inert import in_one_line
from .report.model import CheckResult, Report, Shards, Verdict
from .report.terminal import blocked_because, show
from .report.views import KNOWN_FAILURES, VIEWS, render
from .report.wording import verdict_line
from .suite._registry import all_names
from .workers import Workers

EXIT_STATUS = {Verdict.CONFORMANT: 0, Verdict.NONCONFORMANT: 1, Verdict.INCONCLUSIVE: 3}
"""Exit statuses of `taillog check`; 2 is a target or an option that cannot be used. A conformant run without a report
that was asked for ends as an inconclusive one does."""

WRITTEN_AT_ONCE = 0.05
"""Seconds of the processor's time: a report whose writing takes no longer (a tenth of that is usual) is written at each
result. One of many MiB, in which all checks failed at length, is written as often as takes a fifth of the time."""

CHECK_ENDS_WITHIN = 300.0
"""Seconds after which a check is given up: none takes as long, but on a very busy machine with a very slow tailer."""

LEFT_OUT = ("cacheprovider", "tmpdir", "terminal", "logging", "threadexception", "unraisableexception", "faulthandler")
"""Parts of pytest that would write into the user's folders or terminal, or judge what the checks judge."""


def run(
    described: dict[str, Any],
    options: Sequence[str],
    workers: int,
    seed: int,
    selected: frozenset[str] | None,
    scenario: Path | None,
    files: Mapping[str, Path],
    quiet: bool,
    shards: Shards | None = None,
    known: Mapping[str, Known] | None = None,
    write_known: Path | None = None,
) -> int:
    """Run the suite through pytest, show its report and write its views to `files`; the exit status.

    `known` are the failures to excuse; what fails is written to `write_known`, with their reasons.
    """
    planned = all_names()
    if scenario is not None:
        planned |= replay.names(replay.read(scenario))
    module = replay.__name__ if scenario is not None else suite.__name__
    report = Report(load_contract(), described, seed, planned, shards=shards)
    report.interrupted = True  # for the report that stands when nothing ends the run any more
    asked = sum(len(names) for id, names in planned.items() if selected is None or id in selected)
    console = Console(highlight=False)
    watcher = _Watcher(report, files, None if quiet else progress(console, asked))
    try:
        with watcher, termination_interrupts(), strays.adopting() as left:
            ended = _pytest(module, options, workers, watcher)
    except KeyboardInterrupt:
        ended = INTERRUPTED
    strays.end(left)
    report.interrupted = ended == INTERRUPTED
    dumped = dump(report, known or {}) if write_known is not None else ""  # before what is known is excused
    if known is not None:
        apply(known, report, selected)
    watcher.write(to_be_read=True)
    if write_known is not None:
        watcher.write_file(write_known, KNOWN_FAILURES, dumped)
    tell(report, quiet, selected, console)
    for why in watcher.broken.values():
        print(in_one_line(f"taillog: {why}"), file=sys.stderr)
    status = EXIT_STATUS[report.verdict()]
    return EXIT_STATUS[Verdict.INCONCLUSIVE] if watcher.broken and status == EXIT_STATUS[Verdict.CONFORMANT] else status


INTERRUPTED = 2
"""pytest's exit status after Ctrl-C."""


def tell(report: Report, quiet: bool, selected: frozenset[str] | None = None, console: Console | None = None) -> None:
    """Print the report, its verdict only if `quiet`; `selected` are the ids that were asked for."""
    if quiet:
        print(verdict_line(report))
        if why := blocked_because(report.requirements()):
            print(f"blocked: {why}")
    else:
        show(report, console or Console(highlight=False), selected=selected)


class _Watcher:
    """Takes each result as it comes: into the report, onto the progress line, and into the files.

    It is in the files before the next check begins in this process: whatever that one does, what was done is kept.
    """

    def __init__(self, report: Report, files: Mapping[str, Path], progress: Shown | None) -> None:
        self.report = report
        self.broken: dict[Path, str] = {}
        """Why a report could not be written when it was last tried."""
        self._files = files
        self._progress = progress
        self._written = 0.0
        self._took = 0.0

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
        if self._took < WRITTEN_AT_ONCE or time.monotonic() - self._written > 4 * self._took:
            self.write()

    def write(self, *, to_be_read: bool = False) -> None:
        """Write the views as they stand; JSON with line breaks for a person if `to_be_read`, which takes longer."""
        began = time.thread_time()
        for view, path in self._files.items():
            if to_be_read or rewritable(path):
                self.write_file(path, VIEWS[view], render(view, self.report, to_be_read))
        self._written, self._took = time.monotonic(), time.thread_time() - began

    def write_file(self, path: Path, what: str, text: str) -> None:
        """Write one file, or note why it cannot be."""
        try:
            write_whole(path, text)
            self.broken.pop(path, None)
        except OSError as error:
            self.broken[path] = not_written(path, what, error)


def _pytest(module: str, options: Sequence[str], workers: int, watcher: Callable[..., None]) -> int:
    """Run the suite in an empty folder, apart from the settings and plugins of whatever project lies round it."""
    folder = tempfile.mkdtemp()  # no name by which a tailer could tell a check
    try:
        arguments = ["--pyargs", module, f"--rootdir={folder}", f"--taillog-folder={folder}"]
        arguments += [f"--taillog-limit={CHECK_ENDS_WITHIN}"]
        arguments += ["-c", os.devnull, "--assert=plain", "--noconftest", "--capture=sys"]
        arguments += [word for name in LEFT_OUT for word in ("-p", f"no:{name}")]
        arguments += ["-p", "taillog_conformance.plugin"]
        arguments += options
        settings = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": None}
        settings["HYPOTHESIS_STORAGE_DIRECTORY"] = folder  # else it would make one where the user stands
        properties.store_in(folder)

        listener = _Listener(ON_RESULT, watcher)
        plugins: list[object] = [listener]
        if hasattr(os, "fork"):
            plugins.append(Workers(max(workers, 1), Path(folder)))
        with _environment(**settings), listener.interruptions():
            return int(pytest.main(arguments, plugins=plugins))
    finally:
        remove_tree(Path(folder))  # with what a process that was ended left in it


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

        def on_interrupt(signum: int, frame: FrameType | None) -> None:
            self._interrupted = True
            raise KeyboardInterrupt

        # A run in the background has it ignored.
        with handling(signal.SIGINT, on_interrupt, in_place_of=signal.default_int_handler):
            yield

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
