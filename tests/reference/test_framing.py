"""Bytes to lines, without a file: any cutting of the bytes gives the same lines."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from taillog.framing import LineFramer, each_line, to_text, to_utf8, with_prefix

# Bytes that a framer or a decoder could trip over: both newline characters, the bytes of a character beyond
# the BMP, of U+2028, U+0085 and a BOM, a byte that no UTF-8 has, NUL, and something ordinary.
TRICKY = [
    b"\n",
    b"\r",
    b"\r\n",
    "😀".encode(),
    b"\xf0",
    b"\x9f",
    "\u2028\x85\ufeff".encode(),
    b"\xff",
    b"\0",
    b"a ",
]
AT_ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""How fast an example is made and tried is the machine's, not the framer's."""

texts = st.lists(st.sampled_from(TRICKY) | st.binary(max_size=5), max_size=40).map(b"".join)


def framed(pieces: list[bytes]) -> str:
    framer = LineFramer()
    return "".join(to_text(framer.feed(piece)) for piece in pieces) + to_text(framer.end())


@AT_ANY_SPEED
@given(texts, st.data())
def test_the_text_does_not_depend_on_the_cuts(text: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert framed(pieces) == framed([text])


@AT_ANY_SPEED
@given(texts)
@example(b"\n\nno end")
@example(b"broken \xf0\x9f\nwhole\n")
def test_a_line_is_what_stands_between_two_lf(text: bytes) -> None:
    lines = text.split(b"\n")
    piece = lines.pop()
    expected = "".join(line.decode("utf-8", "replace") + "\n" for line in lines)
    if piece:
        expected += piece.decode("utf-8", "replace") + "\n"
    assert framed([text]) == expected


def test_of_a_larger_room_only_what_was_read_is_taken() -> None:
    framer = LineFramer()
    room = bytearray(b"one\ntwo\nold\n")
    assert framer.feed(room, 6) == b"one\n"
    assert framer.feed(room, 0) == b""
    assert framer.end() == b"tw\n"


def test_a_piece_is_held_until_its_newline_comes() -> None:
    framer = LineFramer()
    assert framer.feed(b"one\ntw") == b"one\n"
    assert framer.feed(b"o") == b""
    assert framer.feed(b"\nthree\nfo") == b"two\nthree\n"
    assert framer.end() == b"fo\n"
    assert framer.end() == b""


def test_a_long_line_in_small_pieces_takes_linear_time() -> None:
    # 4 MiB in pieces of 64 bytes. If each piece led to a copy or a search of the held ones, that would be
    # 65,536 times 2 MiB, which takes a minute; it takes some hundredths of a second.
    framer = LineFramer()
    for _ in range(65_536):
        assert not framer.feed(b"x" * 64)
    assert len(framer.feed(b"\n")) == 4 * 1024 * 1024 + 1


@AT_ANY_SPEED
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n")), min_size=1))
def test_lines_are_split_and_prefixed_at_lf_only(lines: list[str]) -> None:
    text = "".join(line + "\n" for line in lines)
    assert [line.decode() for line in each_line(bytearray(text.encode()))] == [line + "\n" for line in lines]
    prefixed = "".join(f"[p0]:{line}\n" for line in lines)
    assert with_prefix(bytearray(text.encode()), b"[p0]:") == prefixed.encode()


@AT_ANY_SPEED
@given(texts)
@example(b"broken \xf0\x9f\nwhole\n")
@example(b"\xed\xb3\xbf, half of a pair\n")
def test_in_utf8_it_is_the_same_text(text: bytes) -> None:
    lines = bytearray(text + b"\n")
    assert to_utf8(lines).decode("utf-8") == to_text(lines)


@AT_ANY_SPEED
@given(texts)
@example(b"x" * 8191 + "\u20ac".encode() + b"\nover the end of a block\n")
@example(b"x" * 8190 + b"\xf0\x9f\nbroken there\n")
def test_the_lines_of_the_text_are_the_text(text: bytes) -> None:
    lines = bytearray(text + b"\n")
    assert "".join(line.decode() for line in each_line(to_utf8(lines))) == to_text(lines)


@pytest.mark.parametrize("prefix", ["", "%s", "{}", " blank ", "two\nlines"])
def test_a_prefix_stands_letter_for_letter(prefix: str) -> None:
    assert with_prefix(bytearray(b"a\n\nb\n"), prefix.encode()) == f"{prefix}a\n{prefix}\n{prefix}b\n".encode()
