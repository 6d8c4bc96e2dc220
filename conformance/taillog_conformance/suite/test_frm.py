"""FRM: what a line is."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import strategies as st

from ..clocks import FAST_INTERVAL
from ..properties import explore, text_of
from ..scenario import CALM_INTERVAL, Scenario, play
from ..stage import Run, Stage
from ._late import late_in_two_writes
from ._namesakes import judge_namesakes, open_namesakes
from ._registry import requirement
from .test_del import stopped_from_within
from .test_dst import unencodable_run


@requirement("FRM-1", scenarios=True)
def test_frm_1_a_half_line_waits_for_its_end(taillog_stage: Stage, case: Scenario) -> None:
    """A line is not delivered before its newline has been written, as long as the tailer runs."""
    play(taillog_stage, case)


@requirement("FRM-1", needs=["several-files"])
def test_frm_1_a_half_line_is_its_own_files(taillog_stage: Stage) -> None:
    """A line is not delivered before its newline has been written: that of another file of the same name is none."""
    words = taillog_stage.words
    run = open_namesakes(taillog_stage)
    for file in run.files.values():
        file.append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(words.text())
    run.seen("a")
    run["b"].append(f"{words.text()}\n")
    run.settle()
    run["a"].append(f" {words.text()}\n")
    run.settle()
    run.stop()
    judge_namesakes(run, in_time=True)


IDLE_LOOKS = 600
"""Looks for which a half line waits, at the fast interval: more, and more than half a second, than a tailer takes for
its end that gives up a piece after some quiet."""

IDLE_FOR_THOROUGHLY = 3.0
"""Seconds for which it waits in a thorough run: more than the usual time after which a piece is given up."""


@requirement("FRM-1")
def test_frm_1_a_half_line_waits_however_long(taillog_stage: Stage) -> None:
    """A line is not delivered before its newline has been written, however long nothing comes."""
    words = taillog_stage.words
    run = taillog_stage.open(interval=FAST_INTERVAL)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(words.text())
    run.seen("a")
    if taillog_stage.depth == 1:
        run.looks(IDLE_LOOKS)
    else:
        run.rest(IDLE_FOR_THOROUGHLY)
    run["a"].append(f" {words.text()}\n")
    run.settle()
    run.stop()
    run.judge(in_time=True)


@requirement("FRM-1", needs=["rotation"])
def test_frm_1_a_half_line_waits_in_a_renamed_file(taillog_stage: Stage) -> None:
    """A line is not delivered before its newline has been written: that may still come to a renamed file."""
    words = taillog_stage.words
    begun = words.text()
    run = taillog_stage.open()
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(begun)
    run.seen("a")
    run["a"].rename()
    run.quiet()
    early = run.all_text()
    run["a"].append(f" {words.text()}\n")
    run["a"].create()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()  # whether the lines came is for ROT-1 to say
    if begun in early:
        raise run.failure(
            "half a line was delivered when its file had been renamed, and no new one stood at the path yet",
            expected=f"nothing of {begun!r} before its newline has been written, or a new file stands there",
            got=repr(early[early.index(begun) :]),
        )


@requirement("FRM-1", needs=["rotation"])
def test_frm_1_a_late_half_line_of_a_renamed_file_waits(taillog_stage: Stage) -> None:
    """A line is not delivered before its newline has been written: nor one that comes late, to a renamed file.

    It need not come at all, nor its second half, where the file is not read any more by then.
    """
    words = taillog_stage.words
    begun, rest = words.text(), words.text()
    run = late_in_two_writes(taillog_stage, begun.encode(), rest.encode())
    for line in run.all_text().split("\n"):
        if line.endswith(rest) and not line.endswith(f"{begun}{rest}"):
            raise run.failure(
                "a line that came late, to a renamed file, in two writes, was delivered in two parts",
                expected=f"{begun + rest!r}, or nothing of {rest!r}",
                got=repr(line),
            )


@requirement("FRM-2", scenarios=True, needs=["last-piece"])
def test_frm_2_a_last_piece_is_delivered_at_stop(taillog_stage: Stage, case: Scenario) -> None:
    """An unterminated last piece is delivered once, at stop."""
    play(taillog_stage, case)


@requirement("FRM-2", needs=["object", "missing-files", "last-piece"])
def test_frm_2_the_piece_of_a_file_that_the_drain_finds_is_delivered(taillog_stage: Stage) -> None:
    """The same of a file that first appears just before stop()."""
    words = taillog_stage.words
    line, piece = words.lines(2)
    run = taillog_stage.open(interval=CALM_INTERVAL)  # it sleeps meanwhile
    if run.attempt_start() is not None:
        return  # whether it may refuse a missing file is for MIS-1 to say
    run.quiet()
    run["a"].append(f"{line}\n{piece}")
    run.stop()
    if line in run.all_text():  # else it looks no more, which is DEL-7's matter
        run.judge()


@requirement("FRM-2", needs=["object", "stream", "last-piece"])
def test_frm_2_a_stop_from_the_destination_loses_no_piece(taillog_stage: Stage) -> None:
    """The same where stop() is called from dst.write()."""
    stopped_from_within(taillog_stage, "dst.write()", Run.judge, piece=taillog_stage.words.text())


@requirement("FRM-2", needs=["object", "filter", "last-piece"])
def test_frm_2_a_stop_from_the_filter_loses_no_piece(taillog_stage: Stage) -> None:
    """The same where stop() is called from the filter."""
    stopped_from_within(taillog_stage, "the filter", Run.judge, piece=taillog_stage.words.text())


@requirement("FRM-3", scenarios=True, needs=["several-files"])
def test_frm_3_a_piece_never_runs_into_another_files_line(taillog_stage: Stage, case: Scenario) -> None:
    """Every destination line carries one source line."""
    play(taillog_stage, case, piece_optional=True)


@requirement("FRM-3", needs=["stream"])
def test_frm_3_a_line_that_dst_cannot_encode_runs_into_no_other(taillog_stage: Stage) -> None:
    """Every destination line carries one source line: where dst cannot encode it, what comes in its place, too."""
    run, others, strange = unencodable_run(taillog_stage)
    for line in run.text().split("\n"):
        if any(word in line for word in strange) and sum(word in line for word in (*others, *strange)) > 1:
            raise run.failure(
                "what came in place of a line that dst cannot encode ran into another line",
                expected="a line of its own, or nothing",
                got=repr(line),
            )


@requirement("FRM-4", scenarios=True)
def test_frm_4_only_lf_ends_a_line(taillog_stage: Stage, case: Scenario) -> None:
    """Only LF ends a line: not U+2028, U+2029, U+0085, VT, FF, FS, GS, RS."""
    play(taillog_stage, case, piece_optional=True)


@requirement("FRM-5", scenarios=True)
def test_frm_5_a_lone_cr_ends_no_line(taillog_stage: Stage, case: Scenario) -> None:
    """A lone CR does not end a line."""
    play(taillog_stage, case)


@requirement("FRM-6", scenarios=True)
def test_frm_6_cr_lf_is_one_line_end(taillog_stage: Stage, case: Scenario) -> None:
    """CR LF is one line end, also when the two bytes come in two writes; the CR is always treated the same way."""
    play(taillog_stage, case)


BLOCK, BLOCKS = 4096, 80
"""Bytes of which every usual size of a read is a multiple, and how often they come: for several reads of 64 KiB."""


@requirement("FRM-6")
def test_frm_6_cr_lf_over_the_ends_of_blocks(taillog_stage: Stage) -> None:
    """CR LF is one line end, also when a read ends between the two bytes; the CR is always treated the same way."""
    word = taillog_stage.words.word()
    run = taillog_stage.open()
    texts = [f"{word} {at:03}a\r\n{word} {at:03}b " for at in range(BLOCKS)]
    # Each begins with the LF that the one before it has left over. Not the first: an empty line is FRM-7's matter.
    blocks = [(f"\n{text}" if at else text).ljust(BLOCK - 1, "x") + "\r" for at, text in enumerate(texts)]
    run["a"].append("".join([*blocks, "\n"]))
    run.start()
    run.settle()
    run.stop()
    run.judge()


@requirement("FRM-6")
def test_frm_6_the_drain_treats_cr_lf_the_same_way(taillog_stage: Stage) -> None:
    """The CR of CR LF is always treated the same way: in what is read at stop() as in what was before."""
    words = taillog_stage.words
    last = words.text()
    run = taillog_stage.open(interval=CALM_INTERVAL)  # it sleeps while the last line is written
    run.may_lack = lambda text: text == f"{last}\r"  # that it comes is for DEL-1 to say
    run["a"].append(f"{words.text()}\r\n")
    run.start()
    run.settle()
    run["a"].append(f"{words.text()}\r\n")
    run.settle()
    run["a"].append(f"{last}\r\n")
    run.stop()
    run.judge()


@requirement("FRM-7", scenarios=True)
def test_frm_7_empty_lines_are_delivered(taillog_stage: Stage, case: Scenario) -> None:
    """Empty lines are delivered."""
    play(taillog_stage, case)


@requirement("FRM-7")
def test_frm_7_empty_lines_are_drained(taillog_stage: Stage) -> None:
    """Empty lines are delivered: those that stop() finds, too."""
    words = taillog_stage.words
    before, after = words.lines(2)
    run = taillog_stage.open(interval=CALM_INTERVAL)  # it sleeps meanwhile
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{before}\n\n\n{after}\n")
    run.stop()
    if before in run.all_text() and after in run.all_text():  # else it loses lines as it is: DEL-1
        run.judge()


@requirement("FRM-8", scenarios=True)
def test_frm_8_the_text_is_untouched(taillog_stage: Stage, case: Scenario) -> None:
    """The text is untouched: leading and trailing blanks, tabs, NUL, control characters, BOM."""
    play(taillog_stage, case)


@requirement("FRM-8", needs=["last-piece"])
def test_frm_8_a_last_pieces_cr_is_text(taillog_stage: Stage) -> None:
    """The text is untouched: a CR at a last piece's end is no part of a line end, and stays where those stay too."""
    words = taillog_stage.words
    whole, piece = words.word(), words.word()
    run = taillog_stage.open()
    run["a"].append(f"{whole}\r\n")
    run.start()
    run.settle()
    run["a"].append(f"{piece}\r")
    run.seen("a")
    run.stop()
    text = run.all_text()
    # Where the CR of CR LF is dropped, the newline that a piece gets may make one of it.
    if f"{whole}\r\n" in text and piece in text and f"{piece}\r" not in text:
        raise run.failure(
            "the CR at the end of the last piece was dropped, though that of CR LF is kept",
            expected=repr(f"{piece}\r"),
            got=repr(text[text.index(piece) :]),
        )


@requirement("FRM-9", scenarios=True)
def test_frm_9_a_very_long_line_comes_whole(taillog_stage: Stage, case: Scenario) -> None:
    """A line of 1 MiB and one of 4 MiB come whole, and the lines round them too."""
    play(taillog_stage, case)


PIECES = st.one_of(
    st.sampled_from([b"\n", b"\r\n", b"\r", b" ", b"", b"\xff", b"\xe2\x82\xac\n", "\U0001f600".encode()]),
    text_of("ab \u00e9\u20ac\U0001f600\u2028\t", 6).map(str.encode),
)

WRITES = st.lists(st.lists(PIECES, min_size=1, max_size=4).map(b"".join), min_size=1, max_size=4)
"""What is written one after the other: each ends where a piece does, with blanks, with a CR, with half a character."""

CUTS = st.lists(st.integers(0, 40), max_size=2)
"""Bytes after which it is cut once more: anywhere."""


@requirement("FRM-10")
def test_frm_10_the_cut_of_the_writes_does_not_matter(taillog_stage: Stage) -> None:
    """The delivered text does not depend on how the same bytes were cut into writes."""

    def one(example: tuple[list[bytes], list[int]]) -> None:
        writes, cuts = example
        data = b"".join(writes) + b"end\n"
        ends = accumulate(len(write) for write in writes)
        places = sorted({*ends, *(min(cut, len(data)) for cut in cuts), len(data)})
        run = taillog_stage.open(interval=FAST_INTERVAL)
        run["a"].create()
        run.start()
        last = 0
        for place in places:
            if data[last:place]:
                run["a"].append(data[last:place])
                run.glimpsed("a")
            last = place
        run.settle()
        run.stop()
        run.judge()

    explore(taillog_stage, st.tuples(WRITES, CUTS), one)
