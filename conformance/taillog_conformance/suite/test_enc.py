"""ENC: bytes and characters."""

from __future__ import annotations

import locale
import sys
from collections.abc import Callable
from typing import Any

from .. import oracle
from ..isolated import in_a_process
from ..outcomes import NotRun
from ..scenario import Scenario, play
from ..stage import Run, Stage
from ._late import late_in_two_writes
from ._namesakes import judge_namesakes, open_namesakes
from ._registry import requirement


@requirement("ENC-1", scenarios=True)
def test_enc_1_bad_bytes_end_and_drop_nothing(taillog_stage: Stage, case: Scenario) -> None:
    """Bytes that are not UTF-8 never end or drop anything: they come as U+FFFD, and all else round them is exact."""
    play(taillog_stage, case, piece_optional=True)


BAD_ENDS = (b"\xff\xfe", "\u20ac".encode()[:2])
"""What a last piece may end in: bytes that no character has, and a character cut short."""


@requirement("ENC-1", needs=["last-piece"])
def test_enc_1_bad_bytes_drop_no_last_piece(taillog_stage: Stage) -> None:
    """Bytes that are not UTF-8 drop no last piece: where one without them is delivered, so is one that holds them."""
    if not _last_piece(taillog_stage, b"", taillog_stage.words.word())[1]:
        return  # that a last piece comes at all is for FRM-2 to say
    for end in BAD_ENDS:
        for before in (taillog_stage.words.word(), ""):
            run, came = _last_piece(taillog_stage, end, before)
            source = run.sources()[0]
            if not came:
                which = f"{'ends in' if before else 'is'} {end!r}"
                raise run.failure(
                    f"a last piece that {which} was dropped, though one of good bytes is delivered",
                    expected=oracle.rendered(source, source.lines[-1]),
                    got=repr(run.all_text()),
                )


def _last_piece(stage: Stage, end: bytes, piece: str) -> tuple[Run, bool]:
    """A run over a file with a last piece of `piece` and `end`, and whether one came, with what stands before `end`."""
    run = stage.open()
    run["a"].append(f"{stage.words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(piece.encode() + end)
    run.seen("a")
    run.stop()
    text = run.all_text()
    return run, piece in text and text.count("\n") >= 2


@requirement("ENC-2", scenarios=True)
def test_enc_2_a_character_in_two_writes_is_one_character(taillog_stage: Stage, case: Scenario) -> None:
    """A character whose bytes come in separate writes is delivered as that character."""
    play(taillog_stage, case)


@requirement("ENC-2", needs=["several-files"])
def test_enc_2_a_character_is_its_own_files(taillog_stage: Stage) -> None:
    """A character whose bytes come in separate writes is that character, though another file's bytes come between."""
    words = taillog_stage.words
    run = open_namesakes(taillog_stage)
    for file in run.files.values():
        file.append(f"{words.text()}\n")
    run.start()
    run.settle()
    first, *rest = "\u20ac".encode()
    run["a"].append(words.word().encode() + bytes([first]))
    run.seen("a")
    run["b"].append(f"{words.text()}\n")
    run.settle()
    run["a"].append(bytes(rest) + f" {words.word()}\n".encode())
    run.settle()
    run.stop()
    judge_namesakes(run)


@requirement("ENC-2", needs=["rotation"])
def test_enc_2_a_character_of_a_late_line_is_one_character(taillog_stage: Stage) -> None:
    """A character whose bytes come in separate writes is that character: in a late line of a renamed file, too."""
    words = taillog_stage.words
    begun, rest = words.word(), words.word()
    first, *others = "\u20ac".encode()
    run = late_in_two_writes(taillog_stage, begun.encode() + bytes([first]), bytes(others) + rest.encode())
    for line in run.all_text().split("\n"):
        if begun in line and rest in line and not line.endswith(f"{begun}\u20ac{rest}"):
            raise run.failure(
                "a character of a line that came late, to a renamed file, in two writes, was not delivered as it is",
                expected=repr(f"{begun}\u20ac{rest}"),
                got=repr(line),
            )


@requirement("ENC-3", scenarios=True)
def test_enc_3_valid_utf_8_is_exact(taillog_stage: Stage, case: Scenario) -> None:
    """Valid UTF-8, beyond the BMP too, is delivered exactly."""
    play(taillog_stage, case)


MIXED = "x\U0001f600\u00e9\u20ac"
"""Ten bytes: a cut after two, four, six or eight of them is within a character; four blocks of five end so."""

MIXED_TIMES = 120_000
"""How often a line holds it: for more than 1 MiB."""


@requirement("ENC-3")
def test_enc_3_a_long_line_is_exact(taillog_stage: Stage) -> None:
    """Valid UTF-8 is delivered exactly in a line that is longer than what is read, or decoded, at once."""
    words = taillog_stage.words
    run = taillog_stage.open()
    run["a"].append(f"{MIXED * MIXED_TIMES}\n{words.text()}\n")
    run.start()
    run.settle()
    run.stop()
    text = run.all_text()
    right = {*MIXED, *"".join(run.headers("a"))}
    wrong = next((at for at, character in enumerate(text) if character > "\x7f" and character not in right), None)
    if wrong is not None:  # that the line comes whole is for FRM-9 to say
        raise run.failure(
            f"a long line's text was changed: a character that it does not hold stands in it, {text[wrong]!a}",
            expected=f"nothing but {MIXED!r} again and again, {len((MIXED * MIXED_TIMES).encode()):,} bytes in all",
            got=f"...{text[max(0, wrong - SHOWN) : wrong + SHOWN]}... at character {wrong:,} of the destination",
        )


SHOWN = 8
"""Characters shown before and after one that is wrong."""


@requirement("ENC-4", needs=["object"])
def test_enc_4_the_locale_changes_nothing(taillog_stage: Stage) -> None:
    """The result does not depend on the locale (LC_ALL=C, UTF-8 mode off)."""
    if sys.flags.utf8_mode:
        raise NotRun("this interpreter is in UTF-8 mode, in which no locale counts: run it with PYTHONUTF8=0")
    words = taillog_stage.words
    to_path = "destination-path" in taillog_stage.adapter.capabilities
    path = taillog_stage.folder / words.file_name()
    run = taillog_stage.open(dst=str(path) if to_path else None)

    def part(send: Callable[[Any], None]) -> None:
        locale.setlocale(locale.LC_ALL, "C")
        run["a"].append(f"{words.word()} \u00e9\u20ac\U0001f600\n")
        run.start()
        run.settle()
        run["a"].append(f"{words.text()}\n")
        run.settle()
        run.stop()
        send((run.sources(), run.all_text()))

    ended = in_a_process(part, taillog_stage.clocks.over_all)
    if not ended.answers:
        raise run.failure("in the locale C the tailer broke", expected="the same as in any other", got=ended.told)
    sources, text = ended.answers[0]
    run.timeline.add("destination", "write", data=text, note="in locale C")
    run.judge(sources=sources)
