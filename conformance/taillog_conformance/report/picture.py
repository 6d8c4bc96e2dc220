"""The picture of a failure: its timeline as SVG, a column an event, with a line drawn from where each source line was
written to where it came, and a broken one where it did not.

The columns are equally wide: what matters is the order of events, and a wait of seconds stands beside microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from .inert import in_html

Row = Mapping[str, Any]

GUTTER = 104
"""Pixels at the left for the lanes' names; all measures here are pixels."""

COLUMN = 106
BOX = 98
CHARACTERS = 14
"""Characters of a monospaced text of 11 pixels that a box has room for."""

LANES = {"producer": (24, 52), "read": (80, 74), "destination": (158, 84), "tailer": (246, 54)}
"""Top and height of each lane; what a check did to the tailer stands in the tailer's."""

NAMES = {
    "producer": ["producer"],
    "read": ["read offset"],
    "destination": ["destination"],
    "tailer": ["start", "and stop"],
}
"""The lines of each lane's name."""

HEIGHT = 316

MOST_COLUMNS = 36
"""Columns of a picture; beyond them those far from what is amiss are left out."""

AROUND = 4
"""Columns on either side of what is amiss that are kept in any case."""

FILES_DRAWN = 3
"""Files whose read offset is drawn: more are lines on lines."""

LOST_WORD = "did not come"
STRAY_WORD = "no such line"
"""Of a line of the destination that no source holds, or not so often."""

HERE = "here"


@dataclass
class Column:
    """Events of a kind that stand in one column, most often one; `left_out` is how many a gap stands for."""

    rows: list[Row] = field(default_factory=list)
    left_out: int = 0

    @property
    def lane(self) -> str:
        row = self.rows[0]
        if row.get("offset") is not None:
            return "read"
        return str(row["lane"]) if row["lane"] in LANES else "tailer"


def picture(timeline: Sequence[Row], failure: Mapping[str, Any]) -> str:
    """The SVG element for a failed check's timeline and failure, as a report holds them; '' where there is no event."""
    rows = [row for row in timeline if row["what"] != "seen"]
    if not rows:
        return ""
    amiss = _amiss(failure)
    columns = _chosen(_columns(rows, amiss), amiss)
    places = {row["n"]: at for at, column in enumerate(columns) for row in column.rows if "n" in row}
    drawn = [
        *_lanes(len(columns)),
        *_life(columns),
        *_here(places.get(failure["event"])),
        *_offsets(columns, rows),
        *_links(failure, places, len(columns)),
        *(part for at, column in enumerate(columns) for part in _box(at, column, failure)),
    ]
    width = GUTTER + (len(columns) + 1) * COLUMN
    return (
        f'<svg class="timeline" role="img" aria-label="{in_html(failure["why"])}" width="{width}" height="{HEIGHT}" '
        f'viewBox="0 0 {width} {HEIGHT}">' + "".join(drawn) + "</svg>"
    )


# Which events have a column.


def _amiss(failure: Mapping[str, Any]) -> frozenset[int]:
    """The places in the timeline that a reader looks for."""
    lost = [line["written"] for line in failure["lines"] if line["came"] is None and line["must"]]
    return frozenset([failure["event"], *lost, *(stray["came"] for stray in failure["strays"])])


def _columns(rows: Iterable[Row], amiss: frozenset[int]) -> list[Column]:
    """A column an event; of what goes on alike, one for all of it, unless it is what is looked for."""

    def kind(row: Row) -> tuple[object, ...]:
        own = row.get("n") if row.get("n") in amiss else None
        return (row["lane"], row["what"], row.get("file"), own)

    return [Column(list(alike)) for _, alike in groupby(rows, kind)]


def _chosen(columns: list[Column], amiss: frozenset[int]) -> list[Column]:
    """So many columns as a picture holds: those next to what is amiss first; a gap for those left out."""
    if len(columns) <= MOST_COLUMNS:
        return columns
    spots = [at for at, column in enumerate(columns) if any(row.get("n") in amiss for row in column.rows)]
    spots = spots or [len(columns) - 1]
    near = sorted(range(len(columns)), key=lambda at: (min(abs(at - spot) for spot in spots), -at))
    certain = {at for at in near if min(abs(at - spot) for spot in spots) <= AROUND}
    kept = set(near[:MOST_COLUMNS]) if len(certain) <= MOST_COLUMNS else set(sorted(certain)[-MOST_COLUMNS:])
    chosen: list[Column] = []
    for at, column in enumerate(columns):
        if at in kept:
            chosen.append(column)
        elif chosen and chosen[-1].left_out:
            chosen[-1].left_out += len(column.rows)
        else:
            chosen.append(Column(left_out=len(column.rows)))
    return chosen


# What is drawn.


def _x(at: float) -> float:
    """The middle of a column."""
    return GUTTER + (at + 0.5) * COLUMN


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{in_html(text)}</text>'


def _short(text: str, room: int = CHARACTERS) -> str:
    return text if len(text) <= room else text[: room - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _lanes(columns: int) -> Iterable[str]:
    width = GUTTER + (columns + 1) * COLUMN
    for lane, (top, height) in LANES.items():
        yield f'<rect class="lane" x="0" y="{top}" width="{width}" height="{height}"/>'
        for number, name in enumerate(NAMES[lane]):
            yield _text(8, top + 20 + 14 * number, name, "name", "start")


def _life(columns: Sequence[Column]) -> Iterable[str]:
    """A bar while the tailer runs, another one while it drains."""
    spots: dict[str, int] = {}
    for at, column in enumerate(columns):
        for row in column.rows:
            if row["lane"] == "tailer":
                spots.setdefault(row["what"], at)
    if "start" not in spots:
        return
    top, height = LANES["tailer"]
    ends = spots.get("stop", len(columns))
    for kind, begin, end in (("runs", spots["start"], ends), ("drains", ends, spots.get("stopped", len(columns)))):
        if end > begin:
            yield (
                f'<rect class="{kind}" x="{_x(begin):g}" y="{top + height - 7}" '
                f'width="{(end - begin) * COLUMN}" height="5"><title>it {kind}</title></rect>'
            )


def _here(at: int | None) -> Iterable[str]:
    if at is not None:
        yield f'<rect class="here" x="{_x(at) - COLUMN / 2:g}" y="2" width="{COLUMN}" height="{HEIGHT - 4}"/>'
        yield _text(_x(at), HEIGHT - 5, HERE, "bad")


def _box(at: int, column: Column, failure: Mapping[str, Any]) -> Iterable[str]:
    if column.left_out:
        yield _text(_x(at), 14, f"{column.left_out} events", "time")
        yield _text(_x(at), LANES["producer"][0] + 30, "\N{HORIZONTAL ELLIPSIS}", "gap")
        return
    first, last = column.rows[0], column.rows[-1]
    yield _text(_x(at), 14, f"{first['at'] * 1000:.1f} ms", "time")
    if column.lane == "read":
        return
    top = LANES[column.lane][0]
    numbers = {row.get("n") for row in column.rows}
    stray = column.lane == "destination" and any(each["came"] in numbers for each in failure["strays"])
    lost = any(line["written"] in numbers and line["must"] and line["came"] is None for line in failure["lines"])
    head = " ".join(str(part) for part in (first["what"], first.get("file")) if part)
    if len(column.rows) > 1:
        head += f" \N{MULTIPLICATION SIGN}{len(column.rows)}"
    body = str(last.get("data") or last.get("note") or "")
    tip = "\n".join(_told(row) for row in column.rows)
    kind = "bad" if stray or (lost and column.lane == "producer") else column.lane
    low = 34 if body else 22
    yield (
        f'<g><title>{in_html(tip)}</title><rect class="box {kind}" x="{_x(at) - BOX / 2:g}" y="{top + 4}" rx="3" '
        f'width="{BOX}" height="{low}"/>'
    )
    yield _text(_x(at), top + 17, _short(head), "head")
    if body:
        yield _text(_x(at), top + 31, _short(body))
    yield "</g>"
    if stray:
        yield _text(_x(at), top + 48, STRAY_WORD, "bad small")


def _told(row: Row) -> str:
    """All of an event in a line: what a pointer that rests on it is shown."""
    parts = [f"{row['at'] * 1000:.1f} ms", row["lane"], row["what"]]
    return " ".join(map(str, [*parts, *(row[name] for name in ("file", "data", "note") if name in row)]))


def _offsets(columns: Sequence[Column], rows: Sequence[Row]) -> Iterable[str]:
    """How many bytes each file had, and how many the tailer was seen to have read."""
    top, height = LANES["read"]
    files = list(dict.fromkeys(row["file"] for row in rows if row.get("offset") is not None))[:FILES_DRAWN]
    if not files:
        yield _text(
            GUTTER + 6, top + 40, "not seen: this tailer's reading does not show, or nobody looked", "", "start"
        )
        return
    sizes = {file: list(_sizes(rows, file)) for file in files}
    most = max([1, *(max(size, read) for each in sizes.values() for _, size, read in each)])
    low, scale = top + height - 8, (height - 26) / most
    for file, states in sizes.items():
        known = {n: (size, read) for n, size, read in states}
        for kind, part in (("size", 0), ("offset", 1)):
            points, value = [(float(GUTTER), float(low))], 0.0
            for at, column in enumerate(columns):
                for row in column.rows:
                    if row.get("n") in known:
                        now = known[row["n"]][part] * scale
                        if now != value:
                            points += [(_x(at), low - value), (_x(at), low - now)]
                            value = now
            points.append((GUTTER + (len(columns) + 1) * COLUMN, low - value))
            path = " ".join(f"{x:g},{y:g}" for x, y in points)
            yield f'<polyline class="{kind}" points="{path}"><title>{in_html(f"{kind} of {file}")}</title></polyline>'
        for at, column in enumerate(columns):
            seen = [row for row in column.rows if row.get("offset") is not None and row["file"] == file]
            if seen:
                label = f"{file}: {seen[-1]['offset']} bytes"
                yield f"<g><title>{in_html(_told(seen[-1]))}</title>{_text(_x(at), top + 13, label)}</g>"
    yield _text(GUTTER + (len(columns) + 1) * COLUMN - 6, top + 13, "grey: written, blue: read", "small", "end")


def _sizes(rows: Iterable[Row], file: str) -> Iterable[tuple[int, int, int]]:
    """After each event of `file`: its place, how many bytes stand at the path, how many were seen to be read."""
    size = read = 0
    for row in rows:
        if row.get("file") != file or "n" not in row:
            continue
        if row.get("offset") is not None:
            read = row["offset"]
        elif row["lane"] == "producer":
            match row["what"]:
                case "append":
                    size += row.get("size", 0)
                case "create" | "truncate" | "delete":
                    size = 0
        yield row["n"], size, read


def _links(failure: Mapping[str, Any], places: Mapping[int, int], columns: int) -> Iterable[str]:
    """From where each line was written to where it came; broken, and ending in nothing, where it did not."""
    came = {(places.get(line["written"]), places.get(line["came"])) for line in failure["lines"]}
    for written, at in sorted((pair for pair in came if None not in pair), key=str):
        assert written is not None
        assert at is not None
        yield _curve("came", _x(written), LANES["producer"][0] + 38, _x(at), LANES["destination"][0] + 4)
    lost: dict[int, list[str]] = {}
    for line in failure["lines"]:
        if line["came"] is None and line["must"] and line["written"] in places:
            lost.setdefault(places[line["written"]], []).append(line["text"])
    top, height = LANES["destination"]
    for at, texts in lost.items():
        end = at + 0.9
        yield _curve("lost", _x(at), LANES["producer"][0] + 38, _x(end), top + 50)
        word = LOST_WORD if len(texts) == 1 else f"{len(texts)} {LOST_WORD}"
        yield f"<g><title>{in_html(chr(10).join(texts))}</title>"
        yield _text(_x(end), top + 66, "\N{MULTIPLICATION SIGN}", "bad cross")
        yield _text(_x(end), top + height - 6, word, "bad") + "</g>"


def _curve(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    bend = (y2 - y1) * 0.6
    return f'<path class="{kind}" d="M{x1:g} {y1:g} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"/>'
