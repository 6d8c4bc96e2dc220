"""The comparison as a table in a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .compare import TAIL, Comparison, Row, machine

NOTHING = "-"


def figure(value: float) -> str:
    """Three digits that count, and no more."""
    if value and abs(value) < 0.995:
        return f"{value:.2g}"
    if abs(value) < 99.95:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def cells(comparison: Comparison, row: Row) -> Iterator[str]:
    """One cell a subject: the median, the spread of the runs, and how many times the first subject's that is."""
    first = comparison.subjects[0].label
    for subject in comparison.subjects:
        median = row.median(subject.label)
        if median is None:
            yield NOTHING
            continue
        low, high = row.spread(subject.label)
        text = figure(median)
        if figure(low) != figure(high):
            text += f" ({figure(low)} to {figure(high)})"
        if any(len(run) > 1 for run in row.runs[subject.label]):
            text += f", p{TAIL} {figure(row.percentile(subject.label))}"
        ratio = row.ratio(subject.label, first)
        if subject.label != first and ratio is not None:
            text += f", x{figure(ratio)}"
        yield text


def headline(row: Row) -> str:
    """What a row is about."""
    unit = f", {row.metric.unit}" if row.metric.unit else ""
    return f"{row.point.label}: {row.metric.name}{unit}"


def conditions(comparison: Comparison) -> str:
    """On what it was measured, in one line."""
    on = machine(comparison.folder)
    runs = "1 run" if comparison.runs == 1 else f"{comparison.runs} interleaved runs"
    return (
        f"{on['processor']}, {on['cores']} cores, {on['memory']}, {on['file_system']}, {on['system']}, {on['python']}; "
        f"{runs}{', interrupted' if comparison.interrupted else ''}"
    )


LEGEND = (
    f"Each cell: the median, (the lowest and the highest median of a run), p{TAIL} where a run has many values, and "
    "how many times the first tailer's it is."
)


def show(comparison: Comparison, console: Console) -> None:
    """Print the table, what could not be measured and why, and on what machine it was."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for subject in comparison.subjects:
        table.add_column(Text(subject.label), overflow="fold")
    measure = ""
    for row in comparison.rows:
        if row.point.measure != measure:
            measure = row.point.measure
            table.add_row(Text(measure, style="bold"))
        table.add_row(Text(headline(row)), *(Text(cell) for cell in cells(comparison, row)))
    console.print(table)
    for (measure, point, label), why in comparison.failed.items():
        console.print(Text(f"{label}: {measure}, {point}: {why}", style="yellow"), soft_wrap=True)
    console.print(Text(LEGEND), soft_wrap=True)
    for subject in comparison.subjects:
        if subject.version:
            console.print(Text(f"{subject.label}: {subject.version}"), soft_wrap=True)
    console.print(Text(conditions(comparison)), soft_wrap=True)


def markdown(comparison: Comparison) -> str:
    """The same as Markdown."""
    lines = ["| | " + " | ".join(f"`{subject.label}`" for subject in comparison.subjects) + " |"]
    lines.append("| --- |" + " --- |" * len(comparison.subjects))
    measure = ""
    for row in comparison.rows:
        if row.point.measure != measure:
            measure = row.point.measure
            lines.append(f"| **{measure}** |" + " |" * len(comparison.subjects))
        lines.append(f"| {headline(row)} | " + " | ".join(cells(comparison, row)) + " |")
    lines += ["", LEGEND, "", f"Measured on: {conditions(comparison)}."]
    if comparison.failed:
        lines.append("")
        lines += [
            f"- `{label}`, {measure}, {point}: {why}." for (measure, point, label), why in comparison.failed.items()
        ]
    return "\n".join(lines) + "\n"
