"""Files of one name, each in a folder of its own, as torchrun's `0/stdout.log` and `1/stdout.log` are."""

from __future__ import annotations

from ..stage import Run, Stage


def open_namesakes(stage: Stage) -> Run:
    """A run over the files `a` and `b`, which differ in their folders alone."""
    name = stage.words.file_name()
    paths = {label: stage.folder / stage.words.word() / name for label in "ab"}
    for path in paths.values():
        path.parent.mkdir()
    return stage.open("a b", paths=paths)


def judge_namesakes(run: Run, *, in_time: bool = False) -> None:
    """As Run.judge(), without the steps for a script: that would name the files otherwise."""
    run.judge(in_time=in_time, sources=run.sources())
