"""TRN: files that are cut while they are followed."""

from __future__ import annotations

from ..outcomes import NotApplicable
from ..properties import explore
from ..scenario import CALM_INTERVAL, Scenario, play
from ..sequences import PLAIN, TRUNCATION, scenarios
from ..stage import Stage
from ..timeline import shorten
from ..words import SHORTEST
from ._registry import requirement
from .test_src import twice, under_two_keys


@requirement("TRN-1", scenarios=True)
def test_trn_1_a_shortened_file_is_read_anew(taillog_stage: Stage, case: Scenario) -> None:
    """After a truncation to a smaller size, what is written next is delivered from the new first byte."""
    play(taillog_stage, case)


@requirement("TRN-1", needs=["several-files", "path-twice", "from-start"])
def test_trn_1_a_path_under_two_keys_is_read_anew_for_each(taillog_stage: Stage) -> None:
    """The same for each key under which a path is."""
    words = taillog_stage.words
    run = under_two_keys(taillog_stage)
    run["a"].append(f"{words.text()} {words.text()}\n{words.text()}\n")
    run.start()
    if not run.wait_long(lambda: run.lines_so_far() >= 4):
        raise NotApplicable("a path under two keys does not come for each, which is SRC-1's matter")
    run["a"].truncate()
    run.seen_truncated("a")
    run["a"].append(f"{words.word()}\n")
    run.wait_for(lambda: run.lines_so_far() >= 6)
    run.stop()
    run.judge(sources=twice(run))


@requirement("TRN-1", needs=["several-files"])
def test_trn_1_two_files_that_are_cut_at_once_are_read_anew(taillog_stage: Stage) -> None:
    """The same of two files that are cut between two looks."""
    words = taillog_stage.words
    run = taillog_stage.open("a b", interval=CALM_INTERVAL)  # it sleeps meanwhile
    for file in run.files.values():
        file.append(f"{words.text()} {words.text()}\n{words.text()}\n")
    run.start()
    run.must_deliver()
    for file in run.files.values():
        file.truncate()
    for file in run.files.values():
        file.append(f"{words.word()}\n")
    run.stop()
    run.judge()


@requirement("TRN-1")
def test_trn_1_a_file_that_is_cut_while_a_piece_is_held_is_read_anew(taillog_stage: Stage) -> None:
    """The same while a piece of a line is held, written anew at once, to behind the end of the last whole line."""
    words = taillog_stage.words
    first, new = words.word(), words.text()
    run = taillog_stage.open()
    run["a"].append(f"{first}\n{words.text()} {'x' * len(new)}")
    run.start()
    run.seen("a")
    run["a"].truncate()
    run["a"].append(f"{new} {'x' * len(first)}\n")
    if not run.wait_long(lambda: new in run.all_text()):  # whether the piece is put before it, is TRN-2's matter
        raise run.failure(
            "a line that was written to a file that had been cut while a piece was held did not come while it ran",
            expected=f"{new!r} in the destination",
            got=shorten(run.all_text()),
        )
    run.stop()


@requirement("TRN-1", needs=["rotation"])
def test_trn_1_a_file_that_came_by_rotation_is_read_anew(taillog_stage: Stage) -> None:
    """The same of a file that took another one's place."""
    words = taillog_stage.words
    run = taillog_stage.open()
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.must_deliver()
    run["a"].rename()
    run["a"].create()
    run["a"].append(f"{words.text()} {words.text()}\n{words.text()}\n")
    if not run.wait_long(lambda: run.lines_so_far() >= 3):
        raise NotApplicable("the new file's lines do not come, which is ROT-2's matter")
    run["a"].truncate()
    run.seen_truncated("a")
    run["a"].append(f"{words.word()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("TRN-2", scenarios=True)
def test_trn_2_an_old_piece_joins_no_new_line(taillog_stage: Stage, case: Scenario) -> None:
    """A piece held from before the truncation is not put before a new line."""
    play(taillog_stage, case)


@requirement("TRN-3")
def test_trn_3_a_quick_regrowth_yields_no_torn_line(taillog_stage: Stage) -> None:
    """Truncated and grown past the old offset between two looks: no tail of a line is delivered as a line."""
    words = taillog_stage.words
    _regrown(taillog_stage, "", "".join(f"{words.text()}\n" for _ in range(3)))


@requirement("TRN-3")
def test_trn_3_nor_does_one_that_begins_with_the_same_line(taillog_stage: Stage) -> None:
    """The same where the new text begins as the old one did: with a line of headings, say."""
    words = taillog_stage.words
    _regrown(taillog_stage, f"{words.text()} {words.text()}\n", f"{words.text()}\n")


@requirement("TRN-3")
def test_trn_3_nor_does_one_after_another_truncation(taillog_stage: Stage) -> None:
    """The same of a file that was truncated before, which was seen, and was read anew since."""
    words = taillog_stage.words
    _regrown(taillog_stage, "", f"{words.text()}\n", before="".join(f"{words.text()}\n" for _ in range(5)))


def _regrown(stage: Stage, head: str, rest: str, before: str = "") -> None:
    """A file of `head` and `rest` is truncated, and begins with `head` again when it has grown past the old offset.

    If there is a text `before`, the file held that first, and was truncated in plain sight.
    """
    words = stage.words
    run = stage.open(interval=0.2)
    run["a"].append(before or f"{head}{rest}")
    run.start()
    run.must_deliver()
    if before:
        run["a"].truncate()
        run.seen_truncated("a")
        run["a"].append(f"{head}{rest}")
        run.settle()
    run.rest(run.interval / 2)  # the look that delivered it is over by then, and the next one has not begun
    # Whether the truncation is seen is the tailer's luck; that it makes no line of its own of what it finds is not.
    run.may_lack = lambda text: True
    long = words.word() * (run["a"].size() // SHORTEST)
    run["a"].truncate()
    anew = f"{head}{long}{words.word()}\n{words.text()}\n"
    all_lines = run.lines_so_far() + anew.count("\n")
    run["a"].append(anew)
    run.wait_for(lambda: run.lines_so_far() >= all_lines)
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


TIMES = 5


@requirement("TRN-4")
def test_trn_4_truncation_may_come_again_and_again(taillog_stage: Stage) -> None:
    """Truncation again and again."""
    words = taillog_stage.words
    run = taillog_stage.open()
    run["a"].append(_lines(words.word(), TIMES + 1))
    run.start()
    run.must_deliver()
    for count in range(TIMES, 0, -1):  # each time less than before, so that it can be seen as a truncation
        run["a"].truncate()
        run.seen_truncated("a")
        run["a"].append(_lines(words.word(), count))
        run.must_deliver()
    run.stop()
    run.judge()


def _lines(word: str, count: int) -> str:
    return "".join(f"{word[:SHORTEST]} {number}\n" for number in range(count))


@requirement("TRN-4", needs=["several-files"])
def test_trn_4_any_sequence_with_truncations(taillog_stage: Stage) -> None:
    """Truncation again and again: any sequence of appends, touches and truncations."""
    explore(taillog_stage, scenarios("TRN-4", (*PLAIN, *TRUNCATION)), lambda scenario: play(taillog_stage, scenario))
