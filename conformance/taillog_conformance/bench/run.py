"""The command `taillog bench`: from what was asked for to the files that were asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ..outcomes import UsageProblem
from ..report.files import writable, write_whole
from ..target import Target
from . import compare, measures, table
from .picture import picture
from .subject import subject_for


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
    """
    if not targets:
        raise UsageProblem("name a target: module:Class, module:adapter_object, or --command CMD")
    for name in only:
        if name not in measures.MEASURES:
            raise UsageProblem(f"there is no measure {name!r}; there are {', '.join(measures.MEASURES)}")
    for file, what in ((json_file, "JSON"), (svg_file, "picture"), (markdown_file, "table")):
        if file is not None:
            writable(file, what)
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
    if json_file is not None:
        write_whole(json_file, json.dumps(comparison.as_json(), indent=1) + "\n")
    if svg_file is not None:
        write_whole(svg_file, picture(comparison))
    if markdown_file is not None:
        write_whole(markdown_file, table.markdown(comparison))
