"""The two destinations, without a tailer."""

import errno
import io
import os
import pathlib
import stat
from typing import Any

import pytest

from taillog.destination import PathDestination, StreamDestination, destination_for, file_id


def lines(text: str) -> bytearray:
    return bytearray(text.encode())


class FalseStream(io.StringIO):
    def __len__(self) -> int:
        return 0


def test_a_path_is_told_from_a_stream_by_its_type(tmp_path: pathlib.Path) -> None:
    assert isinstance(destination_for(str(tmp_path / "a")), PathDestination)
    assert isinstance(destination_for(tmp_path / "a"), PathDestination)
    assert isinstance(destination_for(io.StringIO()), StreamDestination)
    assert isinstance(destination_for(FalseStream()), StreamDestination)


def test_a_stream_is_flushed_once_after_writes_and_stays_open() -> None:
    flushes = []

    class Stream(io.StringIO):
        def flush(self) -> None:
            flushes.append(self.getvalue())

    stream = Stream()
    destination = StreamDestination(stream)
    destination.open()
    destination.flush()
    assert flushes == []
    destination.write(lines("a\n"), "")
    destination.write(lines("b\n"), "")
    destination.flush()
    destination.flush()
    destination.close()
    assert flushes == ["a\nb\n"]
    assert not stream.closed


def test_a_flush_that_failed_is_tried_again() -> None:
    class Stream(io.StringIO):
        is_full = True

        def flush(self) -> None:
            if self.is_full:
                raise OSError(errno.ENOSPC, "full")

    stream = Stream()
    destination = StreamDestination(stream)
    destination.write(lines("a\n"), "")
    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            destination.flush()
    stream.is_full = False
    destination.flush()
    stream.is_full = True
    destination.flush()


def test_a_stream_needs_no_more_than_write() -> None:
    class Stream:
        got = ""

        def write(self, text: str) -> None:
            self.got += text

    stream = Stream()
    destination = StreamDestination(stream)
    destination.write(lines("a\n"), "")
    destination.flush()
    assert stream.got == "a\n"
    assert destination.regular_file() is None


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("ascii", "a?b?c?\n"), ("latin-1", "aäb?c?\n"), ("cp1252", "aäb?c?\n"), ("utf-16", "aäb\ufffdc😀\n")],
)
def test_what_a_stream_cannot_encode_is_replaced(encoding: str, expected: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    destination = StreamDestination(stream)
    destination.write(lines("aäb\ufffdc😀\n"), "")
    destination.flush()
    assert raw.getvalue().decode(encoding) == expected


@pytest.mark.parametrize("prefix", ["", "[a0]:", "%s {} ", "\n", "ä ", "\udcff:"])
def test_a_stream_gets_the_prefix_letter_for_letter(prefix: str) -> None:
    stream = io.StringIO(newline="")
    StreamDestination(stream).write(lines("a\n\n\ufffdb\n"), prefix)
    assert stream.getvalue() == f"{prefix}a\n{prefix}\n{prefix}\ufffdb\n"


@pytest.mark.parametrize("stated", ["charmap", "no such encoding", None])
def test_a_stream_that_cannot_encode_and_states_no_useful_encoding_gets_ascii(stated: Any) -> None:
    got = []

    class Stream:
        encoding = stated

        def write(self, text: str) -> None:
            got.append(text.encode("cp1252"))

    StreamDestination(Stream()).write(lines("a😀\n"), "")
    assert got == [b"a?\n"]


def test_a_stream_that_encodes_nothing_fails_with_its_own_error() -> None:
    class Stream:
        def write(self, text: str) -> None:
            "\xff".encode("ascii")

    with pytest.raises(UnicodeEncodeError):
        StreamDestination(Stream()).write(lines("a\n"), "")


def test_a_stream_knows_its_regular_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out"
    with path.open("w") as stream:
        assert StreamDestination(stream).regular_file() == file_id(path.stat())
    assert StreamDestination(stream).regular_file() is None  # closed
    with open(os.devnull, "w") as stream:
        assert StreamDestination(stream).regular_file() is None


def test_a_path_is_emptied_when_it_is_opened_and_written_exactly(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out"
    path.write_text("old and long\n")
    destination = PathDestination(path)
    assert path.read_text() == "old and long\n"
    destination.open()
    destination.write(lines("a\r\nä\ufeff\u2028\n"), "")
    assert path.read_bytes() == "a\r\nä\ufeff\u2028\n".encode()
    destination.write(lines("a\n"), "[\udcff]:")
    assert destination.regular_file() == file_id(path.stat())
    destination.flush()
    destination.close()
    assert path.read_bytes() == "a\r\nä\ufeff\u2028\n[?]:a\n".encode()


def test_a_new_file_has_the_mode_that_open_gives(tmp_path: pathlib.Path) -> None:
    (tmp_path / "plain").open("w").close()
    destination = PathDestination(tmp_path / "out")
    destination.open()
    destination.close()
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_device_is_no_regular_file() -> None:
    destination = PathDestination(os.devnull)
    destination.open()
    assert destination.regular_file() is None
    destination.close()


def test_what_a_full_disk_did_not_take_is_written_later_exactly(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 5  # bytes that are still free on the disk
    write = os.write

    def write_with_room(fd: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, "full")
        written = write(fd, data[:room])
        room -= written
        return written

    monkeypatch.setattr(os, "write", write_with_room)
    destination = PathDestination(tmp_path / "out")
    destination.open()
    with pytest.raises(OSError, match="full"):
        destination.write(lines("one\ntwo\n"), "")
    assert destination.stuck
    assert (tmp_path / "out").read_text() == "one\nt"
    with pytest.raises(OSError, match="full"):
        destination.write_the_rest()
    room = 100
    destination.write_the_rest()
    assert not destination.stuck
    destination.write(lines("three\n"), "")
    destination.close()
    assert (tmp_path / "out").read_text() == "one\ntwo\nthree\n"
