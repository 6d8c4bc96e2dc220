"""The command `taillog`."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from rich.progress import Progress

    from .report.model import CheckResult, Report

CONFORMANT, NONCONFORMANT, USAGE, INCONCLUSIVE = 0, 1, 2, 3
"""Exit statuses of `taillog check`."""

WRITES_EVERY = 0.5
"""Seconds between two writes of a report while the run goes on: a killed run leaves what was done until then."""

MOST_WORKERS = 8
"""Workers that are started unasked: beyond that their start costs more than they save."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="taillog-conformance")
def main() -> None:
    """Check a log tailer against the TailLog contract."""


def _workers(_context: click.Context, _parameter: click.Parameter, value: str) -> int:
    if value == "auto":
        return min(os.cpu_count() or 1, MOST_WORKERS)
    if value.isdigit():
        return int(value)
    raise click.BadParameter(f"{value!r} is neither a number nor auto")


@main.command(
    epilog="Exit status: 0 conformant, 1 nonconformant, 2 the target or an option cannot be used, 3 inconclusive."
)
@click.argument("target", required=False)
@click.option("--command", metavar="CMD", help="Check this program instead; {file} stands for the path.")
@click.option("--capability", metavar="NAME", multiple=True, help="Declare a capability (may be repeated).")
@click.option("--without", metavar="NAME", multiple=True, help="Take a capability away (may be repeated).")
@click.option("--only", metavar="ID|AREA", multiple=True, help="Run only these; the verdict is then inconclusive.")
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="Write the report as JSON.")
@click.option("-n", "workers", metavar="N", default="auto", callback=_workers, help="Processes; 0 for this one. [auto]")
@click.option("--seed", metavar="N", type=click.IntRange(0), help="Seed of names and texts. [a new one]")
@click.option("--scale", metavar="X", type=click.FloatRange(0.1), default=1.0, help="Multiplies all time bounds. [1]")
@click.option("-q", "--quiet", is_flag=True, help="Print the verdict only.")
def check(
    target: str | None,
    command: str | None,
    capability: tuple[str, ...],
    without: tuple[str, ...],
    only: tuple[str, ...],
    json_file: Path | None,
    workers: int,
    seed: int | None,
    scale: float,
    quiet: bool,
) -> NoReturn:
    """Check TARGET (module:Class or module:adapter_object) and say whether it is conformant.

    \b
    taillog check mypackage.tail:MyTailLog
    taillog check --command 'tail -n +1 -F {file}'
    """
    from .contract import UnknownRequirement, load_contract
    from .outcomes import UsageProblem
    from .probe import describe
    from .report.files import writable
    from .target import Target

    try:
        if (target is None) == (command is None):
            raise UsageProblem("name one target: module:Class, module:adapter_object, or --command CMD")
        names = [name for word in only for name in word.replace(",", " ").split()]
        selected = frozenset(each.id for each in load_contract().select(names)) if names else None
        if json_file is not None:
            writable(json_file, "JSON report")
        described = describe(Target(target, command, capability, without))
    except (UsageProblem, UnknownRequirement) as problem:
        raise click.UsageError(str(problem)) from None
    seed = random.randrange(2**32) if seed is None else seed
    options = [f"--taillog-seed={seed}", f"--taillog-scale={scale}"]
    options += [f"--tailer={target}"] if target is not None else [f"--tailer-command={command}"]
    options += [f"--tailer-capability={name}" for name in capability]
    options += [f"--tailer-without={name}" for name in without]
    options += [f"--taillog-only={name}" for name in names]
    sys.exit(_run(described, options, workers, seed, selected, json_file, quiet))


@main.command()
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write to this file. [stdout]")
def spec(output: Path | None) -> None:
    """Print the whole contract as Markdown, with the checks of each requirement.

    \b
    taillog spec > SPEC.md
    """
    from .contract import load_contract
    from .outcomes import UsageProblem
    from .report.files import writable
    from .spec import render_spec
    from .suite._registry import all_checks

    checks: dict[str, list[str]] = {}
    for each in all_checks():
        checks.setdefault(each.requirement, []).append(each.function)
    text = render_spec(load_contract(), checks)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        writable(output, "contract")
    except UsageProblem as problem:
        raise click.UsageError(str(problem)) from None
    output.write_text(text, encoding="utf-8")


def _run(
    described: dict[str, Any],
    options: Sequence[str],
    workers: int,
    seed: int,
    selected: frozenset[str] | None,
    json_file: Path | None,
    quiet: bool,
) -> int:
    """Run the suite through pytest, show and write its report; the exit status."""
    from rich.console import Console

    from .contract import load_contract
    from .report.model import Report, Verdict
    from .report.terminal import show, verdict_line
    from .suite._registry import all_checks

    planned: dict[str, list[str]] = {}
    for each in all_checks():
        planned.setdefault(each.requirement, []).extend(each.names)
    report = Report(load_contract(), described, seed, planned)
    asked = sum(len(names) for id, names in planned.items() if selected is None or id in selected)
    console = Console(highlight=False)
    watcher = _Watcher(report, json_file, _progress_bar(console, asked) if not quiet else None)
    try:
        with watcher:
            status = _pytest(options, workers, watcher)
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
    """Takes each result as it comes: into the report, onto the progress line, and now and then into the file."""

    def __init__(self, report: Report, json_file: Path | None, progress: Progress | None) -> None:
        self.report = report
        self.broken = ""
        self._json_file = json_file
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
            task = self._progress.task_ids[0]
            failed = self.report.summary().failed
            self._progress.update(task, advance=1, description=result.requirement, failed=failed)
        if time.monotonic() - self._written > WRITES_EVERY:
            self.write()

    def write(self) -> None:
        """Write the report as it stands."""
        from .report.files import write_json

        self._written = time.monotonic()
        if self._json_file is not None:
            try:
                write_json(self._json_file, self.report.as_json())
            except OSError as error:
                self.broken = f"taillog: the JSON report could not be written to {self._json_file}: {error.strerror}"


def _progress_bar(console: Any, total: int) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    progress = Progress(
        TextColumn("{task.description:<7}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    progress.add_task("start", total=total, failed=0)
    return progress


def _pytest(options: Sequence[str], workers: int, watcher: Callable[..., None]) -> int:
    """Run the suite in an empty folder, apart from the settings and plugins of whatever project lies round it."""
    import tempfile

    import pytest

    from .plugin import ON_RESULT

    with tempfile.TemporaryDirectory(prefix="taillog-run-") as folder:
        arguments = ["--pyargs", "taillog_conformance.suite", f"--rootdir={folder}", "-c", os.devnull]
        arguments += ["-p", "taillog_conformance.plugin", "-p", "no:cacheprovider", "-p", "no:terminal"]
        arguments += [
            "-p",
            "no:threadexception",
            "-p",
            "no:unraisableexception",
            "-p",
            "no:faulthandler",
            "--assert=plain",
        ]
        if workers:
            arguments += ["-p", "xdist", "-n", str(workers), "--maxschedchunk=1"]
        with _environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS=None):
            return int(pytest.main([*arguments, *options], plugins=[_Listener(ON_RESULT, watcher)]))


class _Listener:
    """Registers the watcher under the name by which the plugin looks for it."""

    def __init__(self, name: str, watcher: Callable[..., None]) -> None:
        self._name = name
        self._watcher = watcher

    def pytest_configure(self, config: Any) -> None:
        config.pluginmanager.register(self._watcher, self._name)


@contextlib.contextmanager
def _environment(**values: str | None) -> Any:
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
