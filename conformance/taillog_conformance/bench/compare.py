"""Interleaved runs of all points on all subjects, and their result: medians, spread, ratios."""

from __future__ import annotations

import contextlib
import os
import platform
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from ..interruption import programs_hear_signals, termination_interrupts
from ..producer import remove_tree
from ..report.model import DISTRIBUTION
from .measures import Bench, Metric, Point, Sizes, header_size
from .subject import Failed, Subject

SCHEMA = "taillog-bench-1"

TAIL = 99
"""The percentile that is shown beside a median of latencies."""


@dataclass
class Row:
    """One metric of one point: the values of each subject, a list a run (of one value, or of one for each line)."""

    point: Point
    metric: Metric
    runs: dict[str, list[list[float]]] = field(default_factory=dict)

    def median(self, label: str) -> float | None:
        """The median of all values of a subject; None if there are none."""
        values = self.values(label)
        return statistics.median(values) if values else None

    def values(self, label: str) -> list[float]:
        """All values of a subject, in order of size."""
        return sorted(value for run in self.runs.get(label, ()) for value in run)

    def spread(self, label: str) -> tuple[float, float]:
        """The lowest and the highest median of a run: how far the machine lets a figure be trusted."""
        medians = [statistics.median(run) for run in self.runs[label]]
        return min(medians), max(medians)

    def percentile(self, label: str) -> float:
        """The value that TAIL per cent of the values do not exceed."""
        values = self.values(label)
        return values[min(len(values) * TAIL // 100, len(values) - 1)]

    def ratio(self, label: str, base: str) -> float | None:
        """How many times as much as `base`: the median of the ratios of the runs, each with its neighbour in time."""
        pairs = zip(self.runs.get(label, ()), self.runs.get(base, ()), strict=False)
        ratios = [statistics.median(own) / statistics.median(other) for own, other in pairs if statistics.median(other)]
        return statistics.median(ratios) if ratios else None


@dataclass
class Comparison:
    """All that is known of one bench; every view is made from it."""

    subjects: Sequence[Subject]
    runs: int
    sizes: Sizes
    folder: Path
    rows: list[Row] = field(default_factory=list)
    failed: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """Why a subject has no value: by measure, label of the point, label of the subject."""
    interrupted: bool = False

    def as_json(self) -> dict[str, Any]:
        """The whole comparison as plain data."""
        return {
            "schema": SCHEMA,
            "kit_version": metadata.version(DISTRIBUTION),
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine(self.folder),
            "runs": self.runs,
            "interrupted": self.interrupted,
            "sizes": {name: getattr(self.sizes, name) for name in self.sizes.__dataclass_fields__},
            "subjects": [{"label": each.label, "kind": each.kind, "version": each.version} for each in self.subjects],
            "rows": [self._row(row) for row in self.rows],
            "failed": [
                {"measure": measure, "point": point, "subject": subject, "why": why}
                for (measure, point, subject), why in self.failed.items()
            ],
        }

    def _row(self, row: Row) -> dict[str, Any]:
        return {
            "measure": row.point.measure,
            "point": row.point.label,
            "metric": row.metric.name,
            "unit": row.metric.unit,
            "more_is_better": row.metric.more_is_better,
            "subjects": {
                label: {
                    "median": row.median(label),
                    "lowest": row.spread(label)[0],
                    "highest": row.spread(label)[1],
                    f"p{TAIL}": row.percentile(label),
                    "ratio": row.ratio(label, self.subjects[0].label),
                    "runs": runs,
                }
                for label, runs in row.runs.items()
            },
        }


@termination_interrupts()
@programs_hear_signals()
def compare(
    subjects: Sequence[Subject],
    points: Sequence[Point],
    runs: int,
    sizes: Sizes,
    seed: int,
    told: Callable[[str], None],
) -> Comparison:
    """Take each point of each subject in turn, `runs` times over; `told` hears what is done.

    The subjects take turns, so that what the machine does meanwhile meets all of them; and each begins in turn. At
    Ctrl-C, or SIGTERM, what was measured until then is kept.
    """
    top = Path(tempfile.mkdtemp(prefix="taillog-bench-"))
    comparison = Comparison(subjects, runs, sizes, top)
    comparison.rows = [Row(point, metric) for point in points for metric in point.metrics]
    try:
        chance = random.Random(seed)
        headers: dict[str, int] = {}
        for subject in subjects:
            with _folder(top) as folder:
                try:
                    headers[subject.label] = header_size(folder, subject)
                except Failed as failure:
                    for point in points:
                        comparison.failed[point.measure, point.label, subject.label] = str(failure)
        for run in range(runs):
            for point in points:
                for subject in _turned(subjects, run):
                    if (point.measure, point.label, subject.label) not in comparison.failed:
                        told(f"run {run + 1} of {runs}: {point.measure}, {point.label}: {subject.label}")
                        with _folder(top) as folder:
                            _take(comparison, point, subject, Bench(folder, sizes, chance, headers))
    except KeyboardInterrupt:
        comparison.interrupted = True
    finally:
        remove_tree(top)
    return comparison


def _take(comparison: Comparison, point: Point, subject: Subject, bench: Bench) -> None:
    try:
        values = point.take(bench, subject)
    except Failed as failure:
        comparison.failed[point.measure, point.label, subject.label] = str(failure)
        return
    for row in comparison.rows:
        if row.point is point:
            value = values[row.metric.name]
            row.runs.setdefault(subject.label, []).append(value if isinstance(value, list) else [value])


def _turned(subjects: Sequence[Subject], by: int) -> list[Subject]:
    start = by % len(subjects)
    return [*subjects[start:], *subjects[:start]]


@contextlib.contextmanager
def _folder(top: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=top))
    try:
        yield folder
    finally:
        remove_tree(folder)


def machine(folder: Path) -> Mapping[str, str | int]:
    """What the bench ran on."""
    return {
        "processor": _first(Path("/proc/cpuinfo"), "model name"),
        "cores": os.cpu_count() or 1,
        "memory": _first(Path("/proc/meminfo"), "MemTotal"),
        "system": platform.platform(),
        "file_system": _file_system(folder),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _first(path: Path, name: str) -> str:
    with contextlib.suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(name):
                return " ".join(line.partition(":")[2].split())
    return "unknown"


def _file_system(folder: Path) -> str:
    """The type of the file system that holds the folder: of the mount with the longest path above it."""
    best = ("", "unknown")
    with contextlib.suppress(OSError):
        for line in Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
            _, mount, kind, *_ = line.split()
            if folder.is_relative_to(mount) and len(mount) >= len(best[0]):
                best = (mount, kind)
    return best[1]
