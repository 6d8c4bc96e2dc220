"""The comparison as a picture: throughput as bars, latency as curves, growth as lines. Plain SVG, made here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from .compare import Comparison, Row
from .table import conditions, figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#000000")
"""The colours of Okabe and Ito, which people who see few colours can tell apart."""

WIDTH, HEIGHT = 440, 280
"""Of one panel, in pixels, its margins included."""
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 34, 42
"""The margins of a panel, which hold its title and the names of its axes."""
LEGEND_LINE = 18

Scale = Callable[[float], float]


def picture(comparison: Comparison) -> str:
    """The picture as the text of an SVG file."""
    panels = [panel for panel in _panels(comparison) if panel]
    columns = 2
    rows = math.ceil(len(panels) / columns)
    legend = LEGEND_LINE * (len(comparison.subjects) + 2)
    width, height = columns * WIDTH, rows * HEIGHT + legend
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, subject in enumerate(comparison.subjects):
        y = LEGEND_LINE * (number + 1)
        parts.append(f'<rect x="14" y="{y - 10}" width="12" height="12" fill="{_colour(number)}"/>')
        parts.append(_text(32, y, subject.label))
    parts.append(_text(14, LEGEND_LINE * (len(comparison.subjects) + 1), conditions(comparison), size=9))
    for number, panel in enumerate(panels):
        x, y = number % columns * WIDTH, number // columns * HEIGHT + legend
        parts.append(f'<g transform="translate({x} {y})">{panel}</g>')
    return "\n".join([*parts, "</svg>", ""])


def _panels(comparison: Comparison) -> list[str]:
    def rows(measure: str, metric: str) -> list[Row]:
        return [row for row in comparison.rows if (row.point.measure, row.metric.name) == (measure, metric)]

    found = [
        _bars(comparison, "throughput of a backlog, MB/s", rows("throughput", "throughput")),
        *(_shares(comparison, f"latency, {row.point.label}, ms", row) for row in rows("latency", "latency")),
        _growth(comparison, "throughput by the number of files, MB/s", rows("files", "throughput"), "files"),
        _growth(comparison, "throughput by the size of the backlog, MB/s", rows("backlog", "throughput"), "lines"),
        _bars(comparison, "at rest, % of a core", rows("rest", "idle")),
        _bars(comparison, "stop, ms", rows("rest", "stop")),
        _bars(comparison, "peak of memory above the start, MiB", rows("memory", "memory above the start")),
    ]
    return [panel for panel in found if panel]


def _bars(comparison: Comparison, title: str, rows: Sequence[Row]) -> str:
    """A group of bars for each row, one for each subject, with the spread of its runs."""
    most = max((row.spread(label)[1] for row in rows for label in row.runs), default=0.0)
    if not most:
        return ""
    parts = [_title(title), _frame()]
    down = _down(most)
    group = (WIDTH - LEFT - RIGHT) / len(rows)
    bar = group * 0.85 / len(comparison.subjects)
    parts += _rungs(most, down)
    for position, row in enumerate(rows):
        start = LEFT + position * group + group * 0.075
        parts.append(_text(LEFT + (position + 0.5) * group, HEIGHT - BOTTOM + 16, row.point.label, "middle", 10))
        for number, subject in enumerate(comparison.subjects):
            median = row.median(subject.label)
            if median is None:
                continue
            x, y = start + number * bar, down(median)
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar * 0.9:.1f}" height="{HEIGHT - BOTTOM - y:.1f}" '
                f'fill="{_colour(number)}"><title>{escape(subject.label)}: {figure(median)}</title></rect>'
            )
            low, high = row.spread(subject.label)
            middle = x + bar * 0.45
            parts.append(_path([(middle, down(low)), (middle, down(high))], "black", 1))
    return "".join(parts)


def _shares(comparison: Comparison, title: str, row: Row) -> str:
    """The share of lines that have come, by the time they took: a histogram, added up."""
    values = [value for label in row.runs for value in row.values(label)]
    if not values:
        return ""
    across, ticks = _logarithmic(min(values), max(values))
    down = _down(100)
    parts = [_title(title), _frame(), *_rungs(100, down, "%"), *_marks(across, ticks)]
    for number, subject in enumerate(comparison.subjects):
        own = row.values(subject.label)
        if own:
            steps = [(across(value), down((rank + 1) / len(own) * 100)) for rank, value in enumerate(own)]
            parts.append(_path([(across(own[0]), down(0)), *steps], _colour(number)))
    return "".join(parts)


def _growth(comparison: Comparison, title: str, rows: Sequence[Row], across_name: str) -> str:
    """A line for each subject, over what the points' labels count."""
    most = max((row.spread(label)[1] for row in rows for label in row.runs), default=0.0)
    if not most:
        return ""
    places = [float(row.point.label) for row in rows]
    across, _ = _logarithmic(min(places), max(places))
    down = _down(most)
    parts = [_title(title), _frame(), *_rungs(most, down), *_marks(across, places)]
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 8, across_name, "end", 10))
    for number, subject in enumerate(comparison.subjects):
        points = [
            (across(place), down(median))
            for place, row in zip(places, rows, strict=True)
            if (median := row.median(subject.label)) is not None
        ]
        parts.append(_path(points, _colour(number)))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_colour(number)}"/>' for x, y in points]
    return "".join(parts)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _down(most: float) -> Scale:
    height = HEIGHT - TOP - BOTTOM
    return lambda value: TOP + height * (1 - value / most)


def _logarithmic(low: float, high: float) -> tuple[Scale, list[float]]:
    """A scale across the panel that counts in powers of ten, and those powers."""
    first, last = math.floor(math.log10(low)), max(math.ceil(math.log10(high)), math.floor(math.log10(low)) + 1)
    width = WIDTH - LEFT - RIGHT
    return (
        lambda value: LEFT + width * (math.log10(value) - first) / (last - first),
        [10.0**power for power in range(first, last + 1)],
    )


def _rungs(most: float, down: Scale, unit: str = "") -> list[str]:
    parts = []
    for value in (most * quarter / 4 for quarter in range(5)):
        parts.append(_path([(LEFT, down(value)), (WIDTH - RIGHT, down(value))], "#dddddd", 1))
        parts.append(_text(LEFT - 6, down(value) + 4, figure(value) + unit, "end", 10))
    return parts


def _marks(across: Scale, places: Sequence[float]) -> list[str]:
    return [_text(across(place), HEIGHT - BOTTOM + 16, f"{place:,g}", "middle", 10) for place in places]


def _title(text: str) -> str:
    return _text(LEFT, TOP - 14, text, size=13)


def _frame() -> str:
    return _path([(LEFT, TOP), (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)], "#444444", 1)


def _path(points: Sequence[tuple[float, float]], colour: str, width: float = 2) -> str:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
