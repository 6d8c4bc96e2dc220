"""The command `taillog bench`: from what was asked for to the files that were asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from ..outcomes import UsageProblem
from ..report.files import all_writable, write_at_last
from ..target import Target
from . import compare, measures, table
from .compare import Comparison
from .picture import picture
from .subject import subject_for


class NothingMeasured(Exception):
    """No measure of any tailer came to a value; the message is one line."""


def run(
    targets: Sequence[Target],
    only: Sequence[str],
    runs: int,
    lines: int,
    seed: int,
    json_file: Path | None,
    svg_file: Path | None,
    markdown_file: Path | None,
) -> None:
    """Measure the targets, print the table, and write the files.

    Raises:
        UsageProblem: there is nothing to measure, a target cannot be loaded, or a file cannot be written.
        NothingMeasured: no tailer has a single value; one line.
    """
    if not targets:
        raise UsageProblem("name a target: module:Class, module:adapter_object, or --command CMD")
    for name in only:
        if name not in measures.MEASURES:
            raise UsageProblem(f"there is no measure {name!r}; there are {', '.join(measures.MEASURES)}")
    wanted: list[tuple[Path | None, str, Callable[[Comparison], str]]] = [
        (json_file, "JSON", _json),
        (svg_file, "picture", picture),
        (markdown_file, "table", table.markdown),
    ]
    files = [(path, what, render) for path, what, render in wanted if path is not None]
    all_writable((path, what) for path, what, _ in files)
    subjects = [subject_for(target) for target in targets]
    doubled = {each.label for each in subjects if [other.label for other in subjects].count(each.label) > 1}
    if doubled:
        raise UsageProblem(f"{doubled.pop()} is named twice; give one of the two adapters another name")
    sizes = measures.Sizes(lines=lines)
    points = [point for point in measures.points(sizes) if not only or point.measure in only]
    console = Console(highlight=False)
    with console.status("") as status:
        comparison = compare.compare(subjects, points, runs, sizes, seed, status.update)
    table.show(comparison, console)
    for path, what, render in files:
        write_at_last(path, what, render(comparison))
    if not any(row.runs for row in comparison.rows) and not comparison.interrupted:
        raise NothingMeasured("nothing was measured: every measure failed, for the reasons above")


def _json(comparison: Comparison) -> str:
    return json.dumps(comparison.as_json(), indent=1) + "\n"
