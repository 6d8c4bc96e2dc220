"""FLT: the caller's filter."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from ..adapters.base import DEFAULT, Default
from ..clocks import FAST_INTERVAL
from ..destinations import FailingStream, disk_full
from ..oracle import canonical
from ..outcomes import NotApplicable
from ..properties import explore, text_of
from ..scenario import CALM_INTERVAL
from ..stage import Run, Stage
from ..timeline import shorten
from ._late import replace_in_sight
from ._registry import requirement
from .test_err import must_report

TRUTHY = (True, 1, "yes", [0], -1.5)
FALSY: tuple[object, ...] = (False, 0, "", [], None)


class ScriptedFilter:
    """A filter that notes what it is asked and answers by `answer`.

    The notes are in a file, by its path: a tailer may ask in a process of its own, in which it has closed what it got.
    """

    def __init__(self, answer: Callable[[str], object], notes: Path) -> None:
        self._answer = answer
        self._notes = notes
        self._notes.touch()

    def __call__(self, line: str) -> object:
        with self._notes.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")
        return self._answer(line)

    @property
    def asked(self) -> list[str]:
        """What it was asked until now, in order."""
        return [json.loads(note) for note in self._notes.read_bytes().splitlines()]


@requirement("FLT-1")
def test_flt_1_truthy_lines_are_delivered(taillog_stage: Stage) -> None:
    """Just the lines for which the filter's answer is truthy are delivered (truthy, not `is True`)."""
    words = taillog_stage.words
    answers: dict[str, object] = {words.text(): answer for answer in (*TRUTHY, *FALSY)}
    texts = list(answers)
    words.random.shuffle(texts)
    run = taillog_stage.open(filter=lambda line: answers[line.removesuffix("\n").removesuffix("\r")])
    run.keeps = lambda text: bool(answers[text])
    run["a"].append("".join(f"{text}\n" for text in texts[:5]))
    run.start()
    run.settle()
    run["a"].append("".join(f"{text}\n" for text in texts[5:]))
    run.settle()
    run.stop()
    run.judge()


class FalsyFilter:
    """A filter that is false itself, as an empty collection of patterns with a `__call__` is."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted

    def __len__(self) -> int:
        return 0

    def __call__(self, line: str) -> bool:
        return self._wanted in line


@requirement("FLT-1")
def test_flt_1_a_falsy_filter_is_a_filter(taillog_stage: Stage) -> None:
    """Just the lines for which the filter's answer is truthy are delivered: whatever the filter's own truth."""
    words = taillog_stage.words
    wanted = words.word()
    run = taillog_stage.open(filter=FalsyFilter(wanted))
    run.keeps = lambda text: wanted in text
    run["a"].append(f"{words.text()}\n{words.word()} {wanted}\n{words.text()}\n")
    run.start()
    run.settle()
    run.stop()
    run.judge()


@requirement("FLT-1")
def test_flt_1_any_choice_of_lines_is_delivered(taillog_stage: Stage) -> None:
    """Just the lines for which the filter's answer is truthy are delivered: any lines, any choice."""

    def holds(example: list[tuple[str, bool]]) -> None:
        chosen = {f"{text} {number}": kept for number, (text, kept) in enumerate(example)}
        run = taillog_stage.open(filter=lambda line: chosen[line.removesuffix("\n")], interval=FAST_INTERVAL)
        run.keeps = lambda text: chosen[text]
        run["a"].append("".join(f"{text}\n" for text in chosen))
        run.start()
        run.settle()
        run.stop()
        run.judge()

    words = text_of("abc", 3)
    explore(taillog_stage, st.lists(st.tuples(words, st.booleans()), min_size=1, max_size=8), holds)


@requirement("FLT-2")
def test_flt_2_the_filter_sees_whole_lines_once(taillog_stage: Stage) -> None:
    """The filter is called once for each complete line, with the decoded text and its newline, without the prefix."""
    words = taillog_stage.words
    asked = ScriptedFilter(lambda line: True, taillog_stage.folder / words.word())
    run = taillog_stage.open(filter=asked)
    expected = [
        f"{words.text()}\n",
        f"{words.word()} \u00e9\u20ac\U0001f600 {words.word()}\n",
        "\n",
        f" {words.word()}\t\n",
    ]
    run["a"].append(expected[0] + expected[1])
    run.start()
    run.settle()
    run["a"].append("".join(expected[2:]))
    run.settle()
    begun, ended = words.text(), words.text()
    run["a"].append(begun)
    run.seen("a")
    run.quiet()
    early = [text for text in asked.asked if text not in expected]
    run["a"].append(f" {ended}\n")
    expected.append(f"{begun} {ended}\n")
    run.settle()
    run.wait_for(lambda: len(asked.asked) >= len(expected))
    run.stop()
    if early:
        raise run.failure(
            "the filter was asked about something that is no complete line",
            expected=f"calls with {expected[:4]}",
            got=f"a call with {early[0]!r}",
        )
    if asked.asked != expected:
        raise run.failure("the filter was not called once for each line", expected=f"{expected}", got=f"{asked.asked}")


@requirement("FLT-2")
def test_flt_2_the_filter_is_asked_once_in_the_drain(taillog_stage: Stage) -> None:
    """The filter is called once for each complete line: for those that are read at stop() too."""
    words = taillog_stage.words
    asked = ScriptedFilter(lambda line: True, taillog_stage.folder / words.word())
    run = taillog_stage.open(filter=asked, interval=CALM_INTERVAL)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    late = [f"{text}\n" for text in words.lines(3)]
    run["a"].append("".join(late))
    run.stop()
    again = [line for line in late if asked.asked.count(line) > 1]  # what the drain loses is DEL-1's
    if again:
        raise run.failure(
            "the filter was called more than once for a line that was written just before stop()",
            expected=f"one call with {again[0]!r}",
            got=f"{asked.asked.count(again[0])} calls",
        )


@requirement("FLT-2")
def test_flt_2_the_filter_gets_the_text_that_is_delivered(taillog_stage: Stage) -> None:
    """The filter is called with the decoded text: the same that is delivered, where bytes are not UTF-8 too."""
    words = taillog_stage.words
    asked = ScriptedFilter(lambda line: True, taillog_stage.folder / words.word())
    run = taillog_stage.open(filter=asked)
    begin, end = words.word(), words.word()
    run["a"].append(begin.encode() + b"\xff" + f"{end}\n".encode())
    run.start()
    run.settle()
    run.stop()
    texts = [canonical(text).removesuffix("\n") for text in asked.asked if text.startswith(begin)]
    lines = [line for line in canonical(run.all_text()).split("\n") if begin in line]
    if texts and lines and not lines[0].endswith(texts[0]):
        raise run.failure(
            "the filter was not called with the text that was delivered",
            expected=f"a call with what stands at the end of {lines[0]!a}",
            got=f"a call with {texts[0]!a}",
        )


@requirement("FLT-2", needs=["prefix"])
def test_flt_2_the_filter_does_not_get_a_given_prefix(taillog_stage: Stage) -> None:
    """The filter is called without the prefix: one that was given neither."""
    words = taillog_stage.words
    asked = ScriptedFilter(lambda line: True, taillog_stage.folder / words.word())
    prefix = f"{words.word()}|"
    run = taillog_stage.open(filter=asked, prefixes={"a": prefix})
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{words.text()}\n{words.text()}")
    run.settle()
    run.stop()
    with_it = [line for line in asked.asked if prefix in line]
    if with_it:
        raise run.failure(
            "the filter was called with the prefix that was given",
            expected=f"a call with {with_it[0].removeprefix(prefix)!r}",
            got=f"a call with {with_it[0]!r}",
        )


LONG_LINES = (5_000, 70_000)
"""Characters of a line's first write: above a page, and above the blocks that readers have."""


@requirement("FLT-2")
def test_flt_2_the_filter_sees_all_of_a_long_line(taillog_stage: Stage) -> None:
    """The filter is called once for each complete line, and never with a piece of one: of one that is long neither."""
    words = taillog_stage.words
    for length in LONG_LINES:
        asked = ScriptedFilter(lambda line: True, taillog_stage.folder / words.word())
        run = taillog_stage.open(filter=asked)
        run["a"].append(f"{words.text()}\n")
        run.start()
        run.settle()
        begin, end = words.word(), words.word()
        line = f"{begin} {begin[0] * length} {end}\n"
        run["a"].append(line[:length])
        run.seen("a")
        run["a"].append(line[length:])
        run.settle()
        run.stop()
        calls = [text for text in asked.asked if begin in text or end in text]
        if line in run.all_text() and calls != [line]:  # where it does not come whole, that is for FRM-9 to say
            told = " and ".join(f"{len(text):,} characters, {shorten(text)}" for text in calls)
            raise run.failure(
                "the filter was not called once, with the whole line, for a long one that came in two writes",
                expected=f"a call with {len(line):,} characters, {shorten(line)}",
                got=f"a call with {told}" if calls else "no call",
            )


@requirement("FLT-2", needs=["stream"])
def test_flt_2_the_filter_is_asked_once_where_a_write_fails(taillog_stage: Stage) -> None:
    """The filter is called once for each complete line: for one whose write() raised too."""
    words = taillog_stage.words
    asked = ScriptedFilter(lambda line: True, taillog_stage.folder / words.word())
    refused, failures = words.word(), [disk_full()]

    def fault(text: str) -> BaseException | None:
        return failures.pop() if failures and refused in text else None

    run = taillog_stage.open(filter=asked, stream=lambda recorder: FailingStream(recorder, fault))
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{refused}\n")
    run.wait_for(lambda: not failures)
    after = words.text()
    run["a"].append(f"{after}\n")
    run.wait_for(lambda: after in run.all_text())
    run.stop()
    calls = asked.asked.count(f"{refused}\n")
    if calls > 1:  # whether the line is lost, or written again, is left to the tailer
        raise run.failure(
            "the filter was called more than once for a line whose write() had raised",
            expected=f"one call with {refused!r}",
            got=f"{calls} calls",
        )


@requirement("FLT-3")
def test_flt_3_none_means_every_line(taillog_stage: Stage) -> None:
    """`None` means every line."""
    run = taillog_stage.open(filter=None)
    run["a"].append("".join(f"{line}\n" for line in taillog_stage.words.lines(3)))
    run.start()
    run.settle()
    run.stop()
    run.judge()


@requirement("FLT-4", needs=["several-files"])
def test_flt_4_the_filter_holds_for_every_file(taillog_stage: Stage) -> None:
    """The filter holds for every file."""
    words = taillog_stage.words
    wanted = words.word()
    run = taillog_stage.open("a b c late", filter=lambda line: wanted in line)
    run.keeps = lambda text: wanted in text
    for label in "abc":
        run[label].append(f"{words.text()}\n{wanted} {words.word()}\n{words.text()}\n")
    run.start()
    run.settle()
    for file in run.files.values():
        file.append(f"{words.word()} {wanted}\n{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("FLT-4")
def test_flt_4_the_filter_holds_during_the_drain(taillog_stage: Stage) -> None:
    """The filter holds during the drain at stop()."""
    words = taillog_stage.words
    wanted = words.word()
    run = taillog_stage.open(filter=lambda line: wanted in line, interval=CALM_INTERVAL)
    run.keeps = lambda text: wanted in text
    run["a"].append(f"{words.text()}\n{wanted}\n")
    run.start()
    run.settle()
    late = words.word()
    run.may_lack = lambda text: late in text  # what the drain loses is DEL-1's; here nothing else may come
    run["a"].append(f"{words.text()}\n{late} {wanted}\n{words.text()}\n")
    run.stop()
    run.judge()


UNKEPT = 1_000
"""Lines of UNKEPT_SIZE characters that the filter does not keep: more than a few blocks of any reader."""

UNKEPT_SIZE = 1_000


@requirement("FLT-1")
def test_flt_1_a_line_that_comes_after_many_others_is_kept(taillog_stage: Stage) -> None:
    """If the filter answers truthy, the line is delivered: also after a long backlog of which it keeps nothing."""
    words = taillog_stage.words
    wanted = words.word()
    backlog = "".join(f"{line}{'x' * UNKEPT_SIZE}\n" for line in words.lines(UNKEPT))

    def drained(filter: Callable[[str], object] | Default) -> Run:
        run = taillog_stage.open(filter=filter, interval=CALM_INTERVAL)  # it sleeps while the lines are written
        run["a"].append(f"{wanted}\n")
        run.start()
        run.settle()
        run["a"].append(f"{backlog}{wanted} {words.word()}\n")
        run.stop()
        return run

    run = drained(lambda line: wanted in line)
    # What the drain loses without a filter as well is DEL-1's matter.
    if run.lines_so_far() < 2 and drained(DEFAULT).lines_so_far() == UNKEPT + 2:
        raise run.failure(
            f"a line that the filter keeps did not come, behind {UNKEPT:,} that it does not keep, in the drain",
            expected=f"a second line with {wanted!r}",
            got=repr(run.all_text()),
        )


@requirement("FLT-4", needs=["missing-files"])
def test_flt_4_the_filter_holds_for_a_file_that_the_drain_finds(taillog_stage: Stage) -> None:
    """The filter holds during the drain at stop(): of a file that first appears then, too."""
    words = taillog_stage.words
    wanted, unkept = words.word(), words.text()
    run = taillog_stage.open(filter=lambda line: wanted in line, interval=CALM_INTERVAL)
    if run.attempt_start() is not None:
        return  # whether it may refuse a missing file is for MIS-1 to say
    run.quiet()
    run["a"].append(f"{unkept}\n{words.word()} {wanted}\n{unkept}\n")
    run.stop()
    _must_lack(run, unkept, "a line of a file that appeared just before stop()")


@requirement("FLT-4")
def test_flt_4_the_filter_holds_for_a_last_piece(taillog_stage: Stage) -> None:
    """The filter holds during the drain at stop(): a last piece that it does not keep is not delivered either."""
    words = taillog_stage.words
    wanted, piece = words.word(), words.word()
    run = taillog_stage.open(filter=lambda line: wanted in line)
    run["a"].append(f"{words.text()} {wanted}\n{piece}")
    run.start()
    run.wait_for(lambda: run.lines_so_far() >= 1)
    run.seen("a")
    run.stop()
    if piece in run.all_text():
        raise run.failure(
            "a last piece was delivered that the filter does not keep",
            expected=f"no {piece!r}, which the filter does not keep",
            got=repr(run.all_text()),
        )


@requirement("FLT-4", needs=["rotation"])
def test_flt_4_the_filter_holds_for_late_lines_of_a_renamed_file(taillog_stage: Stage) -> None:
    """The filter holds for what a producer still writes to the renamed file when a new one stands at the path."""
    words = taillog_stage.words
    wanted, unkept = words.word(), words.text()
    run = taillog_stage.open(filter=lambda line: wanted in line)
    run["a"].append(f"{wanted} {words.word()}\n")
    run.start()
    run.wait_for(lambda: run.lines_so_far() >= 1)
    replace_in_sight(run, f"{wanted} {words.word()}")
    run["a"].append_old(f"{unkept}\n{wanted} {words.word()}\n")
    run.wait_for(lambda: run.lines_so_far() >= 3)
    run.stop()
    _must_lack(run, unkept, "a line that came late, to a renamed file")


@requirement("FLT-4", needs=["rotation"])
def test_flt_4_the_filter_holds_for_an_old_files_piece(taillog_stage: Stage) -> None:
    """The filter holds for the piece at a renamed file's end: it decides whether that is delivered."""
    words = taillog_stage.words
    wanted = words.word()
    unkept, kept = words.text(), f"{words.word()} {wanted}"
    run = _rotated_after_a_piece(taillog_stage, unkept, wanted)
    _must_lack(run, unkept, "the piece at a renamed file's end")
    run = _rotated_after_a_piece(taillog_stage, kept, wanted)
    # Where it does not come without a filter either, that is for ROT-5 to say.
    if not _lines_of(run, kept) and _lines_of(
        _rotated_after_a_piece(taillog_stage, kept, wanted, filtered=False), kept
    ):
        raise run.failure(
            "the piece at a renamed file's end did not come, which the filter keeps, and which comes without a filter",
            expected=repr(kept),
            got=repr(run.all_text()),
        )


@requirement("FLT-4", needs=["truncation"])
def test_flt_4_the_filter_holds_for_a_piece_before_a_truncation(taillog_stage: Stage) -> None:
    """The filter holds for the piece at the end of a file that is then cut: delivered is at most what it keeps."""
    words = taillog_stage.words
    wanted, piece = words.word(), words.text()
    run = taillog_stage.open(filter=lambda line: wanted in line)
    run.keeps = lambda text: wanted in text
    run["a"].append(f"{wanted} {words.word()}\n")
    run.start()
    run.settle()
    run["a"].append(piece)
    run.seen("a")
    run["a"].truncate()
    run.seen_truncated("a")
    run["a"].append(f"{words.word()} {wanted}\n")
    run.settle()
    run.stop()
    _must_lack(run, piece, "the piece at the end of a file that was then cut")


def _rotated_after_a_piece(stage: Stage, piece: str, wanted: str, *, filtered: bool = True) -> Run:
    """A run that is over, in which a file was renamed that ended in `piece`; the filter, if any, asks for `wanted`."""
    words = stage.words
    run = stage.open(filter=(lambda line: wanted in line) if filtered else None)
    run.keeps = lambda text: not filtered or wanted in text
    run["a"].append(f"{wanted} {words.word()}\n")
    run.start()
    if not run.wait_long(lambda: run.lines_so_far() >= 1):  # else it need not know the file that is renamed
        raise NotApplicable("a file's first line did not come, which is DEL-2's matter")
    run["a"].append(piece)
    run.seen("a")
    run["a"].rename()
    run["a"].create()
    run["a"].append(f"{words.word()} {wanted}\n")
    run.settle()
    run.stop()
    return run


def _must_lack(run: Run, unkept: str, what: str) -> None:
    """Raise where a line came that ends in `unkept`, which the filter does not keep; `what` says which line that is."""
    if came := _lines_of(run, unkept):
        raise run.failure(
            f"{what} was delivered, which the filter does not keep", expected=f"no {unkept!r}", got=repr(came[0])
        )


def _lines_of(run: Run, piece: str) -> list[str]:
    """The lines of the destination that end in `piece`."""
    return [line for line in run.all_text().split("\n") if line.endswith(piece)]


@requirement("FLT-5")
def test_flt_5_each_line_is_asked_about_anew(taillog_stage: Stage) -> None:
    """Each line is asked about anew (equal lines, a filter with state)."""
    word = taillog_stage.words.word()
    calls: list[str] = []

    def every_second(line: str) -> bool:
        calls.append(line)
        return len(calls) % 2 == 0

    run = taillog_stage.open(filter=every_second)
    run["a"].append(f"{word}\n" * 5)
    run.start()
    run.wait_for(lambda: len(calls) >= 5)
    run["a"].append(f"{word}\n" * 5)
    run.wait_for(lambda: len(calls) >= 10)
    run.stop()
    came = run.all_text().count(word)
    if came != 5:
        raise run.failure(
            "a filter that keeps every second of ten equal lines did not get five of them kept",
            expected="5 lines of 10, the filter asked 10 times",
            got=f"{came} lines, the filter asked {len(calls)} times",
        )


def raising_run(stage: Stage) -> tuple[Run, str]:
    """A run of two files whose filter raises for the lines of `a` that hold the word returned."""
    poison = stage.words.word()

    def raises(line: str) -> bool:
        if poison in line:
            raise ValueError(f"the filter cannot judge {line!r}")
        return True

    run = stage.open("a b", filter=raises)
    run.keeps = lambda text: poison not in text
    return run, poison


@requirement("FLT-6", needs=["several-files"])
def test_flt_6_a_filter_that_raises_is_reported_and_other_files_go_on(taillog_stage: Stage) -> None:
    """A filter that raises is reported, and other files go on."""
    words = taillog_stage.words
    run, poison = raising_run(taillog_stage)
    run["a"].append(f"{words.text()}\n")
    run["b"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{poison}\n")
    run.wait_for_reports()
    run["b"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    came = [line for line in run.all_text().split("\n") if poison in line]
    if came:
        raise run.failure(
            "a line was delivered for which the filter had raised ValueError",
            expected=f"no line that holds {poison!r}",
            got=repr(came[0]),
        )
    run.judge()
    must_report(run, "the filter raised ValueError")


@requirement("FLT-6", needs=["several-files"])
def test_flt_6_other_files_are_drained_when_a_filter_raises(taillog_stage: Stage) -> None:
    """A filter that raises keeps no line of other files back: in the drain at stop() neither."""
    words = taillog_stage.words
    poison = words.word()

    def raises(line: str) -> bool:
        if poison in line:
            raise ValueError(f"the filter cannot judge {line!r}")
        return True

    asked = ScriptedFilter(raises, taillog_stage.folder / words.word())
    run = taillog_stage.open("a b c", filter=asked, interval=CALM_INTERVAL)
    run.keeps = lambda text: poison not in text
    for file in run.files.values():
        file.append(f"{words.text()}\n")
    run.start()
    run.settle()
    for label in "abc":  # one of a file before it, one of a file after it
        run[label].append(f"{poison if label == 'b' else words.text()}\n")
    run.stop()
    if any(poison in line for line in asked.asked):  # if not, the drain loses lines as it is: DEL-1
        run.judge()
        must_report(run, "the filter raised ValueError in the drain")


@requirement("FLT-6", needs=["several-files", "last-piece"])
def test_flt_6_other_last_pieces_come_when_a_filter_raises(taillog_stage: Stage) -> None:
    """A filter that raises keeps nothing of other files back: for an unterminated last piece at stop() neither."""
    words = taillog_stage.words
    poison = words.word()

    def raises(line: str) -> bool:
        if poison in line:
            raise ValueError(f"the filter cannot judge {line!r}")
        return True

    asked = ScriptedFilter(raises, taillog_stage.folder / words.word())
    run = taillog_stage.open("a b c", filter=asked)
    for file in run.files.values():
        file.append(f"{words.text()}\n")
    run.start()
    run.settle()
    pieces = {"a": words.text(), "b": poison, "c": words.text()}  # one of a file before it, one of a file after it
    for label, piece in pieces.items():
        run[label].append(piece)
        run.seen(label)
    run.stop()
    text = run.all_text()
    lost = [label for label in "ac" if pieces[label] not in text]
    if lost and any(poison in line for line in asked.asked):  # if not, it is not asked about a last piece: FLT-4
        raise run.failure(
            "the filter raised for the last piece of one file, and that of another did not come",
            expected=f"{pieces[lost[0]]!r}, the last piece of {lost[0]}",
            got=repr(text),
        )


@requirement("FLT-7", needs=["several-files"])
def test_flt_7_a_filter_that_raises_costs_one_line(taillog_stage: Stage) -> None:
    """After a filter raised for one line, later lines of that file are still delivered."""
    words = taillog_stage.words
    run, poison = raising_run(taillog_stage)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{poison}\n{words.text()}\n")
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run["a"].append(f"{poison}\n" * MANY_POISONED + f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


MANY_POISONED = 12
"""Lines in a row for which the filter raises: more than a tailer that counts them would take."""


class Unjudged(Exception):
    """An exception of the filter's own."""


TELLING_ERRORS = (StopIteration, KeyError, FileNotFoundError, BlockingIOError, Unjudged)
"""What a filter may let out, and what a tailer could take for its own: for the end of an iteration, for a key without
a prefix, for a file that is not there yet, for one that has no more to read."""


def _raising(stage: Stage, error: type[Exception]) -> tuple[Run, str, str]:
    """A run that is over, whose filter raised `error` for the second of three lines that came to `a` at once while `b`
    got one as well; the line before it and the one after it."""
    words = stage.words
    poison, before, after = words.word(), words.text(), words.text()

    def raises(line: str) -> bool:
        if poison in line:
            raise error(poison)
        return True

    run = stage.open("a b", filter=raises)
    run.keeps = lambda text: poison not in text
    for file in run.files.values():
        file.append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{before}\n{poison}\n{after}\n")
    run.wait_for_reports()
    run["b"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    return run, before, after


@requirement("FLT-6", needs=["several-files"])
def test_flt_6_whatever_the_filter_raises_is_reported(taillog_stage: Stage) -> None:
    """A filter that raises is reported, and other files go on: whatever the exception."""
    for error in TELLING_ERRORS:
        run, before, after = _raising(taillog_stage, error)
        run.may_lack = lambda text, own=(before, after): text in own  # type: ignore[misc]  # that is FLT-7's
        run.judge()
        must_report(run, f"the filter raised {error.__name__}")


@requirement("FLT-7", needs=["several-files"])
def test_flt_7_whatever_the_filter_raises_costs_one_line(taillog_stage: Stage) -> None:
    """After a filter raised for one line, later lines of that file are still delivered: whatever the exception."""
    for error in TELLING_ERRORS:
        run, _, after = _raising(taillog_stage, error)
        if after not in run.all_text():
            raise run.failure(
                f"the filter raised {error.__name__} for one line, and the next one of that file did not come",
                expected=repr(after),
                got=repr(run.all_text()),
            )
