"""The command `taillog`."""

from __future__ import annotations

import io
import math
import os
import random
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from . import completion

Command = TypeVar("Command", bound=Callable[..., Any])

WORKERS_A_CORE = 3
"""Most of a check's time is spent waiting: on two cores, two workers need 13.8 s, four 8.5 s, six 6.8 s."""

MOST_WORKERS = 8
"""Workers that are begun unasked: on two cores, eight save half a second of what six need, and load it more."""

MOST_WORKERS_ASKED_FOR = 64
"""Workers that may be asked for: there are not many more checks that take their time."""

SCALES = click.FloatRange(0.1, 1000)
"""What the time bounds may be multiplied by: with a thousandfold, a call that hangs is waited for longer than a CI job
may take."""


class _Commands(click.Group):
    """The commands, whose complaints are one line each: what a name or a file brings along stays what it is."""

    def invoke(self, ctx: click.Context) -> Any:
        from .outcomes import UsageProblem

        try:
            return super().invoke(ctx)
        except UsageProblem as problem:
            raise click.UsageError(_line(str(problem))) from None
        except click.UsageError as error:
            raise click.UsageError(_line(error.format_message()), error.ctx) from None


def _line(text: str) -> str:
    from .report.inert import in_one_line

    return in_one_line(text)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="taillog-conformance")
def main() -> None:
    """Check a log tailer against the TailLog contract."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode ends no run


def _workers(_context: click.Context, _parameter: click.Parameter, value: str) -> int:
    if value == "auto":
        return min(WORKERS_A_CORE * (os.cpu_count() or 1), MOST_WORKERS)
    if not value.isdecimal():
        raise click.BadParameter(f"{value!r} is neither a number nor auto")
    count = value.lstrip("0") or "0"  # before int(), which refuses one of 5,000 digits
    if len(count) > len(str(MOST_WORKERS_ASKED_FOR)) or int(count) > MOST_WORKERS_ASKED_FOR:
        raise click.BadParameter(f"more than {MOST_WORKERS_ASKED_FOR} workers only wait for each other")
    return int(count)


def _scale(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if math.isnan(value):  # no comparison holds, so the range lets it through
        raise click.BadParameter("nan is no number")
    return value


def _views(function: Command) -> Command:
    """The options that name a file for a view of the report."""
    for name, help in (
        ("--badge", "Write a badge for shields.io."),
        ("--html", "Write it as a page with pictures."),
        ("--markdown", "Write it for a CI job's summary."),
        ("--junit", "Write it as JUnit XML."),
        ("--json", "Write the report as JSON."),
    ):
        function = click.option(name, metavar="FILE", type=click.Path(path_type=Path), help=help)(function)
    return function


def _files_of(views: Mapping[str, Path | None], known_failures: Path | None = None) -> dict[str, Path]:
    """The files that were asked for, by view; UsageProblem where one cannot be written, or the list beside them."""
    from .report.files import all_writable
    from .report.views import KNOWN_FAILURES, VIEWS

    files = {view: path for view, path in views.items() if path is not None}
    more = [(known_failures, KNOWN_FAILURES)] if known_failures is not None else []
    all_writable([*((path, VIEWS[view]) for view, path in files.items()), *more])
    return files


_capability = click.option(
    "--capability",
    metavar="NAME",
    multiple=True,
    shell_complete=completion.capabilities,
    help="Declare a capability (may be repeated).",
)
_without = click.option(
    "--without",
    metavar="NAME",
    multiple=True,
    shell_complete=completion.capabilities,
    help="Take a capability away (may be repeated).",
)
_stop = click.option(
    "--stop",
    metavar="HOW",
    shell_complete=completion.stops,
    help="How the command stops: a signal's name, end-of-input or flag. [TERM]",
)
_attribute = click.option(
    "--attribute", metavar="REGEX", help="Which file a line is of, where the command follows {files}."
)
_driver = click.option("--driver", metavar="CMD", help="Check the tailer of this driver, which speaks the protocol.")


@main.command(
    epilog="Exit status: 0 conformant, 1 nonconformant, 2 the target or an option cannot be used, 3 inconclusive, or a "
    "report could not be written."
)
@click.argument("target", required=False)
@click.option("--command", metavar="CMD", help="Check this program instead; {file} stands for the path.")
@_stop
@_attribute
@_driver
@_capability
@_without
@click.option(
    "--only",
    metavar="ID|AREA",
    multiple=True,
    shell_complete=completion.selections,
    help="Run only these; the verdict is then inconclusive.",
)
@click.option("--shard", metavar="I/N", help="Run this part of N; taillog merge joins the reports.")
@_views
@click.option(
    "--known-failures", metavar="FILE", type=click.Path(path_type=Path), help="Excuse what stands in this file."
)
@click.option(
    "--write-known-failures", metavar="FILE", type=click.Path(path_type=Path), help="Write what fails as such a file."
)
@click.option(
    "-n", "workers", metavar="N", default="auto", callback=_workers, help="Processes side by side; 0: one. [auto]"
)
@click.option("--seed", metavar="N", type=click.IntRange(0), help="Seed of names and texts. [a new one]")
@click.option("--scale", metavar="X", type=SCALES, default=1.0, callback=_scale, help="Multiplies all time bounds. [1]")
@click.option("--thorough", is_flag=True, help="Try each property with 20 times as many examples.")
@click.option("--scenario", metavar="FILE", type=click.Path(path_type=Path), help="Play this scenario file instead.")
@click.option(
    "--debug",
    metavar="ID",
    shell_complete=completion.requirements,
    help="Only this one, in this process and without deadlines, told as it goes.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the verdict only.")
def check(
    target: str | None,
    command: str | None,
    stop: str | None,
    attribute: str | None,
    driver: str | None,
    capability: tuple[str, ...],
    without: tuple[str, ...],
    only: tuple[str, ...],
    shard: str | None,
    known_failures: Path | None,
    write_known_failures: Path | None,
    workers: int,
    seed: int | None,
    scale: float,
    thorough: bool,
    scenario: Path | None,
    debug: str | None,
    quiet: bool,
    **views: Path | None,
) -> NoReturn:
    """Check TARGET (module:Class or module:adapter_object) and say whether it is conformant.

    \b
    taillog check mypackage.tail:MyTailLog
    taillog check --command 'tail -n +1 -F {file}'
    """
    from .contract import UnknownRequirement, load_contract
    from .known import load
    from .outcomes import UsageProblem
    from .probe import describing
    from .report.files import settled
    from .target import Target

    try:
        if sum(each is not None for each in (target, command, driver)) != 1:
            raise UsageProblem("name one target: module:Class, module:adapter_object, --command CMD, or --driver CMD")
        names = [name for word in only for name in word.replace(",", " ").split()]
        if only and not names:
            raise UsageProblem("--only names nothing: give the id of a requirement, or an area")
        selected = frozenset(each.id for each in load_contract().select(names)) if names else None
        if scenario is not None:
            if names:
                raise UsageProblem("--only has no meaning with --scenario: the file names its requirement")
            from .replay import read

            selected = frozenset(load_contract().get(each.requirement).id for each in read(scenario))
        shards = None
        if shard is not None:
            if names or scenario is not None:
                raise UsageProblem("--shard divides the whole suite: leave out --only and --scenario")
            if seed is None:
                raise UsageProblem("--shard needs a --seed, the same for all shards")
            from .shards import parse_shard, requirements_of
            from .suite._registry import all_names

            everything = list(all_names())
            shards = parse_shard(shard, len(everything))
            selected = requirements_of(shards, everything)
            names = sorted(selected)
        files = _files_of(views, write_known_failures)
        if debug is not None and (names or scenario is not None or files or known_failures or write_known_failures):
            raise UsageProblem(
                "--debug tells of one requirement: leave out --only, --scenario, reports, known failures"
            )
        known = load(known_failures) if known_failures is not None else None
        tailer = Target(target, command, capability, without, driver, stop, attribute)
        with describing(tailer) as describe:
            from .runner import run  # which takes its time, as the import of the target does in its own process

            described = describe()
        if debug is not None:
            from .debugging import debug as debugged

            requirement = load_contract().get(debug.strip().upper())
            _end(debugged(tailer.adapter(), requirement, random.randrange(2**32) if seed is None else seed))
    except (UsageProblem, UnknownRequirement) as problem:
        raise click.UsageError(str(problem)) from None
    seed = random.randrange(2**32) if seed is None else seed
    options = [f"--taillog-seed={seed}", f"--taillog-scale={scale}"]
    if thorough:
        options.append("--taillog-thorough")
    if scenario is not None:
        options.append(f"--taillog-scenario={scenario.resolve()}")
    named = {"": target, "-command": command, "-driver": driver, "-stop": stop, "-attribute": attribute}
    options += [f"--tailer{option}={text}" for option, text in named.items() if text is not None]
    options += [f"--tailer-capability={name}" for name in capability]
    options += [f"--tailer-without={name}" for name in without]
    options += [f"--taillog-only={name}" for name in names]

    # A tailer may change the working folder, or delete it.
    files = {view: settled(path) for view, path in files.items()}
    write_known_failures = write_known_failures and settled(write_known_failures)
    _end(run(described, options, workers, seed, selected, scenario, files, quiet, shards, known, write_known_failures))


def _end(status: int) -> NoReturn:
    """End with `status`, though a tailer has left threads behind that an interpreter would wait for."""
    if any(not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


@main.command(epilog="Exit status: 0 conformant, 1 nonconformant, 2 the reports cannot be joined, 3 inconclusive.")
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@_views
@click.option("-q", "--quiet", is_flag=True, help="Print the verdict only.")
def merge(reports: tuple[Path, ...], quiet: bool, **views: Path | None) -> NoReturn:
    """Join the JSON REPORTS of `taillog check --shard` into one, and say whether the target is conformant.

    \b
    taillog merge shard-*.json --json report.json
    """
    from .contract import load_contract
    from .report import merge as joining
    from .report.files import write_at_last
    from .report.views import VIEWS, render
    from .runner import EXIT_STATUS, tell
    from .shards import requirements_of
    from .suite._registry import all_names

    names = all_names()
    files = _files_of(views)
    report = joining.merge([joining.read_shard(path) for path in reports], load_contract(), names)
    assert report.shards is not None
    for view, path in files.items():
        write_at_last(path, VIEWS[view], render(view, report))
    tell(report, quiet, requirements_of(report.shards, list(names)))
    sys.exit(EXIT_STATUS[report.verdict()])


@main.command()
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write to this file. [stdout]")
def spec(output: Path | None) -> None:
    """Print the whole contract as Markdown, with the checks of each requirement.

    \b
    taillog spec > SPEC.md
    """
    from .contract import load_contract
    from .report.files import writable, write_at_last
    from .spec import render_spec
    from .suite._registry import all_checks

    checks: dict[str, list[str]] = {}
    for each in all_checks():
        checks.setdefault(each.requirement, []).append(each.function)
    text = render_spec(load_contract(), checks)
    if output is None:
        sys.stdout.write(text)
        return
    writable(output, "contract")
    write_at_last(output, "contract", text)


@main.command()
@click.argument("id", shell_complete=completion.requirements)
def explain(id: str) -> None:
    """Explain the requirement ID: why it matters, where it went wrong, what to look at, a right way.

    \b
    taillog explain FRM-1
    """
    from .contract import UnknownRequirement, load_contract
    from .explain import Looked
    from .explain import explain as explained
    from .suite._registry import all_checks, function_of

    try:
        requirement = load_contract().get(id.strip().upper())
    except UnknownRequirement as problem:
        raise click.UsageError(str(problem)) from None
    looked = [
        Looked(check.function, (function_of(check).__doc__ or "").splitlines()[0], check.module)
        for check in all_checks()
        if check.requirement == requirement.id
    ]
    sys.stdout.write(explained(requirement, looked))


@main.command()
@click.argument("report", metavar="REPORT", type=click.Path(path_type=Path))
@click.argument("id", shell_complete=completion.requirements)
def repro(report: Path, id: str) -> None:
    """Print a script that shows the failure of ID in the JSON report REPORT, without the kit.

    \b
    taillog repro report.json FRM-1 > repro.py
    """
    from .contract import UnknownRequirement, load_contract
    from .outcomes import UsageProblem
    from .repro import read_report, script

    try:
        requirement = load_contract().get(id.strip().upper())
        text = script(read_report(report), requirement.id, load_contract())
    except (UsageProblem, UnknownRequirement) as problem:
        raise click.UsageError(str(problem)) from None
    sys.stdout.write(text)


@main.command()
@click.argument("target", required=False)
@click.option("--command", metavar="CMD", help="Check this program instead; {file} stands for the path.")
@_stop
@_attribute
@_driver
@_capability
@_without
@click.option("--ci", type=click.Choice(["github", "gitlab", "none"]), help="The CI that gets a job. [none]")
@click.option("--folder", type=click.Path(path_type=Path), default=Path(), help="The project's folder. [this one]")
def init(
    target: str | None,
    command: str | None,
    stop: str | None,
    attribute: str | None,
    driver: str | None,
    capability: tuple[str, ...],
    without: tuple[str, ...],
    ci: str | None,
    folder: Path,
) -> None:
    """Write an adapter, a test module, a tox environment and a CI job into a project; overwrite nothing.

    \b
    taillog init mypackage.tail:MyTailLog --ci github
    taillog init --command 'tail -n +1 -F {file}' --ci gitlab
    taillog init --driver 'node driver.js'
    """
    from .outcomes import UsageProblem
    from .probe import names_an_adapter
    from .starting import NO_CI, Wanted, begin, told
    from .target import Target

    asks = target is None and command is None and driver is None and sys.stdin.isatty()
    if asks:
        target = click.prompt("The tailer's class (module:Class)")
    if ci is None:
        choice = click.Choice(["github", "gitlab", NO_CI])
        ci = click.prompt("The CI", type=choice, default=NO_CI) if asks else NO_CI
    try:
        if sum(each is not None for each in (target, command, driver)) != 1:
            raise UsageProblem("name one tailer: module:Class, --command CMD, or --driver CMD")
        tailer = Target(target, command, capability, without, driver, stop, attribute)
        is_adapter = names_an_adapter(tailer)
        if is_adapter and (capability or without):
            raise UsageProblem(f"{target} is an adapter: what it can do is said where it is made")
        wanted = Wanted(tailer, ci, folder, is_adapter)
        outcomes = begin(wanted)
    except UsageProblem as problem:
        raise click.UsageError(str(problem)) from None
    sys.stdout.write(told(outcomes, wanted.checked))


@main.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--html", "html_file", metavar="FILE", type=click.Path(path_type=Path), help="Write a page of HTML.")
@click.option("--markdown", "markdown_file", metavar="FILE", type=click.Path(path_type=Path), help="Write Markdown.")
def compare(reports: tuple[Path, ...], html_file: Path | None, markdown_file: Path | None) -> None:
    """Put REPORTS, as `taillog check --json` writes them, side by side: tailers and requirements.

    Without a file to write to, the Markdown is printed.

    \b
    taillog compare a.json b.json --html matrix.html --markdown matrix.md
    """
    from .report.compare import markdown, read
    from .report.compare_html import html
    from .report.files import all_writable, write_at_last

    asked = [(html_file, "page", html), (markdown_file, "Markdown", markdown)]
    files = [(path, what, render) for path, what, render in asked if path is not None]
    all_writable((path, what) for path, what, _ in files)
    matrix = read(reports)
    for path, what, render in files:
        write_at_last(path, what, render(matrix))
    if html_file is None and markdown_file is None:
        sys.stdout.write(markdown(matrix))


@main.command(epilog="Exit status: 0 something was measured, 1 nothing was, 2 a target or an option cannot be used.")
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@click.option("--command", "commands", metavar="CMD", multiple=True, help="Measure this program too (may be repeated).")
@click.option("--without", metavar="NAME", multiple=True, help="Take a capability away from all (may be repeated).")
@click.option(
    "--only",
    metavar="MEASURE",
    multiple=True,
    shell_complete=completion.measures,
    help="Take only these measures (may be repeated).",
)
@click.option("--runs", metavar="N", type=click.IntRange(1), default=3, help="Runs of each point. [3]")
@click.option("--lines", metavar="N", type=click.IntRange(1000), default=1_000_000, help="Lines of backlog. [1000000]")
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="Write the values as JSON.")
@click.option("--svg", "svg_file", metavar="FILE", type=click.Path(path_type=Path), help="Write a picture.")
@click.option("--markdown", "markdown_file", metavar="FILE", type=click.Path(path_type=Path), help="Write the table.")
@click.option("--seed", metavar="N", type=click.IntRange(0), default=0, help="Seed of the times between lines. [0]")
def bench(
    targets: tuple[str, ...],
    commands: tuple[str, ...],
    without: tuple[str, ...],
    only: tuple[str, ...],
    runs: int,
    lines: int,
    json_file: Path | None,
    svg_file: Path | None,
    markdown_file: Path | None,
    seed: int,
) -> None:
    """Measure each TARGET (module:Class or module:adapter_object) and each command, side by side.

    \b
    taillog bench mypackage.tail:MyTailLog taillog:TailLog
    taillog bench taillog:TailLog --command 'tail -q -n +1 -F {files}' --only latency
    """
    from .bench.run import NothingMeasured, run
    from .outcomes import UsageProblem
    from .target import Target

    asked = [Target(name, without=without) for name in targets] + [Target(command=command) for command in commands]
    try:
        run(asked, only, runs, lines, seed, json_file, svg_file, markdown_file)
    except UsageProblem as problem:
        raise click.UsageError(str(problem)) from None
    except NothingMeasured as problem:
        raise click.ClickException(str(problem)) from None  # exit status 1
