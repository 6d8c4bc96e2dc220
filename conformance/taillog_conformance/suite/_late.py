"""What a producer still writes to a renamed file when another one stands at its path."""

from __future__ import annotations

from ..stage import Run, Stage


def replace_in_sight(run: Run, text: str) -> None:
    """Rename the file, put another one with the line `text` in its place, and wait until that has come."""
    lines = run.lines_so_far()
    run["a"].rename()
    run["a"].create()
    run["a"].append(f"{text}\n")
    run.wait_for(lambda: run.lines_so_far() > lines)


def late_in_two_writes(stage: Stage, begun: bytes, rest: bytes) -> Run:
    """A run that is over, in which a line came late to a renamed file, and the tailer looked between its halves."""
    run = stage.open()
    run["a"].append(f"{stage.words.text()}\n")
    run.start()
    run.settle()
    replace_in_sight(run, stage.words.text())
    run["a"].append_old(begun)
    run.looks(2)
    run["a"].append_old(rest + b"\n")
    run.wait_for(lambda: run.lines_so_far() >= 3)
    run.stop()
    return run
