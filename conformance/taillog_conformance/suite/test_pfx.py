"""PFX: the header before each line."""

from __future__ import annotations

import sys
from collections import UserDict

from hypothesis import strategies as st

from ..clocks import FAST_INTERVAL
from ..properties import explore, text_of
from ..scenario import Scenario, play
from ..stage import Run, Stage
from ._late import replace_in_sight
from ._registry import requirement
from .test_dst import unencodable_run


@requirement("PFX-1", scenarios=True)
def test_pfx_1_the_default_header(taillog_stage: Stage, case: Scenario) -> None:
    """Without prefixes, a line is `[{name}{key}]:` + text, no blank between."""
    play(taillog_stage, case)


@requirement("PFX-1")
def test_pfx_1_nothing_in_the_name_is_special(taillog_stage: Stage) -> None:
    """Without prefixes, a line is `[{name}{key}]:` + text: whatever stands in the name."""
    words = taillog_stage.words
    run = taillog_stage.open()
    run.name = f"{words.word()} 50% of {{0}} %s"
    run["a"].append(words.text() + "\n")
    run.start()
    run.settle()
    run["a"].append(words.text() + "\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("PFX-1")
def test_pfx_1_a_name_may_be_empty(taillog_stage: Stage) -> None:
    """Without prefixes, a line is `[{name}{key}]:` + text: with an empty name, `[{key}]:`."""
    run = taillog_stage.open()
    run.name = ""
    run["a"].append(taillog_stage.words.text() + "\n")
    run.start()
    run.settle()
    run.stop()
    run.judge(sources=run.sources())  # given, they make no script: one has a name of its own


@requirement("PFX-2", scenarios=True)
def test_pfx_2_the_header_carries_the_key(taillog_stage: Stage, case: Scenario) -> None:
    """The header carries the mapping's key, not the file's position."""
    play(taillog_stage, case)


@requirement("PFX-2", needs=["several-files"])
def test_pfx_2_a_key_may_be_negative(taillog_stage: Stage) -> None:
    """The header carries the mapping's key, though it be less than 0."""
    words = taillog_stage.words
    run = taillog_stage.open("a b", keys=[-1, *words.keys(1)])
    for file in run.files.values():
        file.append(f"{words.text()}\n")
    run.start()
    run.settle()
    run.stop()
    run.judge()


@requirement("PFX-3", scenarios=True)
def test_pfx_3_a_prefix_replaces_the_header(taillog_stage: Stage, case: Scenario) -> None:
    """A prefix given for a key replaces the header, letter for letter."""
    play(taillog_stage, case)


@requirement("PFX-3", needs=["object"])
def test_pfx_3_prefixes_may_be_any_mapping(taillog_stage: Stage) -> None:
    """A prefix given for a key replaces the header: in a mapping that is no dict too."""
    words = taillog_stage.words
    prefix, text = f"{words.word()}|", words.text()
    run = taillog_stage.open(prefixes={"a": prefix})
    # Not types.MappingProxyType: it can be neither copied nor pickled, and a tailer may do either.
    run.mapping = UserDict({run["a"].key: prefix})
    run["a"].append(f"{text}\n")
    run.start()
    run.settle()
    run.stop()
    came = [line for line in run.all_text().split("\n") if line.endswith(text)]
    if came and not came[0].startswith(prefix):  # what does not come at all is another requirement's
        raise run.failure(
            "a prefix was not put before its lines that stands in a mapping that is no dict",
            expected=repr(prefix + text),
            got=repr(came[0]),
        )


@requirement("PFX-3", needs=["rotation"])
def test_pfx_3_a_prefix_outlasts_a_rotation(taillog_stage: Stage) -> None:
    """A prefix given for a key replaces the header, before the lines of a new file at the path too, and late ones."""
    run = _delivered_with_a_prefix(taillog_stage)
    replace_in_sight(run, taillog_stage.words.text())
    run["a"].append_old(f"{taillog_stage.words.text()}\n")
    _goes_on_with_its_prefix(run, "a rotation")


@requirement("PFX-3", needs=["truncation"])
def test_pfx_3_a_prefix_outlasts_a_truncation(taillog_stage: Stage) -> None:
    """A prefix given for a key replaces the header, after a truncation too."""
    run = _delivered_with_a_prefix(taillog_stage)
    run["a"].truncate()
    run.seen_truncated("a")
    _goes_on_with_its_prefix(run, "a truncation")


def _delivered_with_a_prefix(stage: Stage) -> Run:
    """A run with a given prefix that has delivered a line."""
    words = stage.words
    run = stage.open(prefixes={"a": f"{words.word()}|"})
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    return run


def _goes_on_with_its_prefix(run: Run, after: str) -> None:
    """Write one more line; whatever comes then has to carry its prefix. That it comes is asked for elsewhere."""
    (prefix,) = run.headers("a")
    before = run.lines_so_far()
    run["a"].append(f"{run.stage.words.text()}\n")
    run.wait_for(lambda: run.lines_so_far() > before)
    run.stop()
    for line in run.all_text().split("\n")[before:]:
        if line and not line.startswith(prefix):
            raise run.failure(
                f"a line that came after {after} does not carry the prefix that was given",
                expected=f"{prefix!r} before the text",
                got=repr(line),
            )


@requirement("PFX-4", needs=["several-files"])
def test_pfx_4_prefixes_need_not_match_the_keys(taillog_stage: Stage) -> None:
    """A key without a prefix keeps the default header; prefixes for unknown keys are ignored."""
    words = taillog_stage.words
    run = taillog_stage.open("a b", prefixes={"a": f"{words.word()}|"}, extra_prefixes={7: f"{words.word()}|"})
    run["a"].append(words.text() + "\n")
    run["b"].append(words.text() + "\n")
    run.start()
    run.settle()
    run["b"].append(words.text() + "\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("PFX-5", scenarios=True)
def test_pfx_5_an_empty_prefix_is_honoured(taillog_stage: Stage, case: Scenario) -> None:
    """An empty prefix is honoured."""
    play(taillog_stage, case)


@requirement("PFX-6", scenarios=True)
def test_pfx_6_one_prefix_stands_on_each_line(taillog_stage: Stage, case: Scenario) -> None:
    """Exactly one prefix stands on each line, at its start."""
    play(taillog_stage, case)


@requirement("PFX-6")
def test_pfx_6_a_line_that_begins_like_its_prefix_gets_it_too(taillog_stage: Stage) -> None:
    """Exactly one prefix stands on each line, at its start: besides what the line itself begins with."""
    words = taillog_stage.words
    for prefixes in (None, {"a": f"{words.word()}|"}):
        run = taillog_stage.open(prefixes=prefixes)
        (prefix,) = run.headers("a")
        run["a"].append(f"{words.text()}\n{prefix}{words.text()}\n{prefix}\n")
        run.start()
        run.settle()
        run.stop()
        run.judge()


@requirement("PFX-6", needs=["stream"])
def test_pfx_6_a_line_that_dst_cannot_encode_has_its_prefix(taillog_stage: Stage) -> None:
    """Exactly one prefix stands on each line, at its start: where dst cannot encode it, on what comes in its place."""
    run, _, strange = unencodable_run(taillog_stage)
    headers = tuple(run.headers("a"))
    for line in run.text().split("\n"):
        # Where it ran into another line, which is FRM-3's matter, the other one's may stand at the start.
        if any(word in line for word in strange) and not line.startswith(headers):
            raise run.failure(
                "what came in place of a line that dst cannot encode has no prefix",
                expected=f"{headers[0]!r} at its start, or nothing",
                got=repr(line),
            )


TELLING = "ab 1%s{0}[]:$\\'\"\t\0\v\f\x1c\x85\u2028\ufeff\u00e9\u0301\u20ac\U0001f600"
"""Characters that a format, a pattern or a line's end could take for its own."""

# Not st.characters(), for the reason that text_of() has.
CHARACTERS = st.sampled_from(TELLING) | st.integers(0, sys.maxunicode).map(chr).filter(
    lambda character: character not in "\n\r" and not "\ud800" <= character <= "\udfff"
)

PREFIXES = st.lists(CHARACTERS, min_size=1, max_size=8).map("".join)

# What else may be in a line is other requirements' business (FRM-4, FRM-8).
LINES = text_of("ab1%s{0}[]:$\\'\"", 8).map("x{}\n".format)
"""Lines with what stands in prefixes, too."""


@requirement("PFX-6")
def test_pfx_6_any_prefix_stands_on_each_line(taillog_stage: Stage) -> None:
    """Exactly one prefix stands on each line, at its start: any prefix."""

    def holds(example: tuple[str, list[str]]) -> None:
        prefix, lines = example
        if taillog_stage.adapter.kind == "command":
            prefix = prefix.replace("\0", "0")  # no word of a command holds it
        run = taillog_stage.open(prefixes={"a": prefix}, interval=FAST_INTERVAL)
        run["a"].append("".join(lines))
        run.start()
        run.settle()
        run.stop()
        run.judge()

    explore(taillog_stage, st.tuples(PREFIXES, st.lists(LINES, max_size=5)), holds)
