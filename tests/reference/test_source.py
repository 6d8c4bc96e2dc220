"""One followed file, turn by turn: no thread, no clock, so each race stands still."""

import errno
import math
import os
import pathlib
import time
from collections.abc import Iterator

import pytest

import taillog.source
from taillog.destination import FileId, file_id
from taillog.source import LEFT_FILES_KEPT, MARK_SIZE, Source

READ_SIZE = 64 * 1024


class Follower:
    """A source, driven by hand."""

    def __init__(self, path: str | os.PathLike[str], forbidden: FileId | None = None) -> None:
        self.source = Source(0, path, "", lambda: forbidden, bytearray(READ_SIZE))

    def turn(self) -> bytes:
        return b"".join(self.source.turn())

    def until_even(self) -> bytes:
        got = self.turn()
        while self.source.behind:
            got += self.turn()
        return got

    def drain(self) -> bytes:
        """Drain as if stop() had been called just now."""
        return self.drain_to({file_id(status): status.st_size for status in self.source.statuses()})

    def drain_to(self, ends: dict[FileId, int]) -> bytes:
        return b"".join(self.source.drain(ends))

    def descriptors(self) -> int:
        return len(self.source.files)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "log"


@pytest.fixture
def log(path: pathlib.Path) -> Iterator[Follower]:
    follower = Follower(path)
    yield follower
    follower.source.close()
    assert follower.descriptors() == 0


def append(path: pathlib.Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


def with_grace(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(taillog.source, "DELETED_GRACE_SEC", seconds)
    monkeypatch.setattr(taillog.source, "RENAMED_GRACE_SEC", seconds)


def without_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    with_grace(monkeypatch, -1)


def with_endless_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the machine stands still between two looks."""
    with_grace(monkeypatch, math.inf)


# Waiting, opening, reading on.


def test_a_missing_file_is_waited_for(log: Follower, path: pathlib.Path) -> None:
    assert log.turn() == b""
    assert not path.exists()
    path.write_bytes(b"a\nb\npiece")
    assert log.turn() == b"a\nb\n"
    assert log.turn() == b""
    append(path, b" ends\n")
    assert log.turn() == b"piece ends\n"


def test_a_missing_folder_is_waited_for(tmp_path: pathlib.Path) -> None:
    log = Follower(tmp_path / "folder" / "log")
    assert log.turn() == b""
    (tmp_path / "folder").write_text("a file where the folder should be")
    assert log.turn() == b""
    (tmp_path / "folder").unlink()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "log").write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    log.source.close()


def test_a_file_that_goes_between_the_look_and_the_open_is_waited_for(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"a\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", lambda *args: (_ for _ in ()).throw(FileNotFoundError()))
        assert log.turn() == b""
    assert log.turn() == b"a\n"


def test_a_backlog_is_read_in_blocks(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"0123456\n" * (READ_SIZE // 8 * 2) + b"end\n")
    assert len(log.turn()) == READ_SIZE
    assert log.source.behind
    assert len(log.turn()) == READ_SIZE
    assert log.turn() == b"end\n"
    assert not log.source.behind


def test_a_line_longer_than_a_block_comes_whole(log: Follower, path: pathlib.Path) -> None:
    line = b"x" * (READ_SIZE * 3) + b"\n"
    path.write_bytes(b"before\n" + line + b"after\n")
    assert log.until_even() == b"before\n" + line + b"after\n"


def test_a_touch_delivers_nothing_again(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    for stamp in (0, 10**18, 2 * 10**18):
        os.utime(path, ns=(stamp, stamp))
        path.chmod(0o600)
        assert log.turn() == b""


def test_a_file_at_rest_is_not_read_at_all(log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taillog.source, "UNSETTLED_NS", -1)
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", lambda *args: pytest.fail("it was read"))
        assert log.turn() == b""


def test_the_drain_ends_at_the_size_that_it_is_given(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"a\nb\n")
    ends = {file_id(path.stat()): path.stat().st_size}
    append(path, b"too late\n")
    assert log.drain_to(ends) == b"a\nb\n"


def test_the_drain_takes_up_a_new_file_and_hands_out_its_piece(log: Follower, path: pathlib.Path) -> None:
    assert log.turn() == b""
    path.write_bytes(b"a\npiece")
    assert log.drain() == b"a\npiece\n"


def test_the_drain_does_not_read_a_file_that_came_after_it(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"too late\n")
    assert log.drain_to({}) == b""


# Unusual sources and faults.


def test_a_link_whose_target_is_missing_is_waited_for(log: Follower, path: pathlib.Path) -> None:
    path.symlink_to(path.parent / "target")
    assert log.turn() == b""
    (path.parent / "target").write_bytes(b"a\n")
    assert log.turn() == b"a\n"


@pytest.mark.parametrize("step", ["turn", "drain"])
def test_a_directory_is_a_fault_and_leaves_no_descriptor(log: Follower, path: pathlib.Path, step: str) -> None:
    path.mkdir()
    for _ in range(3):
        with pytest.raises(IsADirectoryError):
            getattr(log, step)()
        assert log.descriptors() == 0


def test_a_path_with_a_nul_is_a_fault() -> None:
    with pytest.raises(ValueError, match="null"):
        Follower("a\0b").turn()
    with pytest.raises(ValueError, match="null"):
        Follower("a\0b").drain()


def test_a_link_to_itself_is_a_fault(log: Follower, path: pathlib.Path) -> None:
    path.symlink_to(path)
    with pytest.raises(OSError) as caught:  # noqa: PT011
        log.turn()
    assert caught.value.errno == errno.ELOOP


def test_the_destination_is_refused_as_a_source(path: pathlib.Path) -> None:
    path.write_bytes(b"a\n")
    log = Follower(path, forbidden=file_id(path.stat()))
    with pytest.raises(OSError, match="destination"):
        log.turn()
    assert log.descriptors() == 0


def test_a_fault_that_went_away_does_no_harm(log: Follower, path: pathlib.Path) -> None:
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        log.turn()
    path.rmdir()
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"


def test_a_file_that_cannot_be_looked_at_for_a_while_is_read_on(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    append(path, b"b\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda *args: (_ for _ in ()).throw(PermissionError("not now")))
        got: list[bytearray] = []
        with pytest.raises(PermissionError):
            got.extend(log.source.turn())
    assert b"".join(got) == b"b\n"
    append(path, b"c\n")
    assert log.turn() == b"c\n"


def test_a_fifo_blocks_nothing_and_is_read_when_it_has_a_writer(log: Follower, path: pathlib.Path) -> None:
    os.mkfifo(path)
    assert log.turn() == b""
    with path.open("wb", buffering=0) as writer:
        assert log.turn() == b""
        writer.write(b"a\npie")
        assert log.turn() == b"a\n"
        writer.write(b"ce\n")
    assert log.turn() == b"piece\n"
    with path.open("wb", buffering=0) as writer:
        writer.write(b"b\nend")
        assert log.drain() == b"b\nend\n"


def test_an_empty_file_and_the_null_device_are_followed(log: Follower, path: pathlib.Path) -> None:
    path.touch()
    assert log.turn() + log.drain() == b""
    null = Follower(os.devnull)
    assert null.turn() + null.drain() == b""
    null.source.close()


def test_a_device_that_has_no_end_has_one_in_the_drain() -> None:
    log = Follower("/dev/zero")
    assert log.drain() == b"\0" * taillog.source.PIPE_SIZE + b"\n"
    log.source.close()


# Truncation.


def test_a_truncated_file_is_read_from_its_first_byte(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"old 1\nold 2\n")
    assert log.until_even() == b"old 1\nold 2\n"
    for new in (b"new\n", b"", b"newer\n", b"newest\n" * 100):
        path.write_bytes(new)
        assert log.until_even() == new


@pytest.mark.parametrize("new", [b"NEW 1\nNEW 2\n", b"NEW 1\nNEW 2\nNEW 3\n", b"NEW 1\nNEW 2\nNEW 3"])
def test_a_file_that_was_truncated_and_has_grown_again_is_read_from_its_first_byte(
    log: Follower, path: pathlib.Path, new: bytes
) -> None:
    path.write_bytes(b"old 1\nold 2\n")
    assert log.until_even() == b"old 1\nold 2\n"
    path.write_bytes(new)  # as long as the old text, or longer, within the file system's step of time maybe
    assert log.drain() == new.removesuffix(b"\n") + b"\n"


def test_the_same_size_and_time_do_not_hide_a_truncation(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"old\n")
    first = path.stat()
    monkeypatch.setattr(os, "stat", lambda *args: first)  # a file system that counts time in long steps
    assert log.until_even() == b"old\n"
    path.write_bytes(b"new\n")
    assert log.until_even() == b"new\n"


def test_a_time_that_was_put_back_does_not_hide_a_truncation(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taillog.source, "UNSETTLED_NS", -1)
    path.write_bytes(b"old\n")
    os.utime(path, ns=(0, 0))
    assert log.until_even() == b"old\n"
    time.sleep(0.05)  # longer than the steps in which file systems count
    path.write_bytes(b"new\n")
    os.utime(path, ns=(0, 0))
    assert log.until_even() == b"new\n"


SAME = b"the same " * MARK_SIZE + b"\n"


@pytest.mark.parametrize(("old", "new"), [(b"1\n" + SAME, b"2\n" + SAME), (SAME + b"1\n", SAME + b"2\nmore\n")])
def test_a_truncation_shows_at_the_beginning_and_before_the_offset(
    log: Follower, path: pathlib.Path, old: bytes, new: bytes
) -> None:
    path.write_bytes(old)
    assert log.until_even() == old
    path.write_bytes(new)
    assert log.until_even() == new


def test_a_piece_from_before_a_truncation_is_a_line_of_its_own(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"a\nold piece")
    assert log.until_even() == b"a\n"
    path.write_bytes(b"new\n")
    assert log.until_even() == b"old piece\nnew\n"


def test_a_truncation_of_a_part_only_shows_too(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"a\nb\nc\n")
    assert log.until_even() == b"a\nb\nc\n"
    os.truncate(path, 2)
    append(path, b"d\n")
    assert log.until_even() == b"a\nd\n"


def test_a_truncation_between_the_look_and_the_read_is_seen(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"a\nb\n")
    assert log.turn() == b"a\nb\n"
    append(path, b"lost\n")
    read = os.readv

    def truncate_and_read(fd: int, room: list[memoryview]) -> int:
        path.write_bytes(b"n\n")
        return read(fd, room)

    with monkeypatch.context() as patch:
        patch.setattr(os, "readv", truncate_and_read)
        assert log.turn() == b""
    assert log.until_even() == b"n\n"


def test_a_producer_that_truncates_without_end_does_not_keep_the_drain_from_ending(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"0\n" * READ_SIZE)
    assert log.turn()
    read = os.readv
    rounds = 0

    def rewrite_and_read(fd: int, room: list[memoryview]) -> int:
        nonlocal rounds
        rounds += 1
        path.write_bytes(b"%d\n" % (rounds % 10) * READ_SIZE)
        return read(fd, room)

    with monkeypatch.context() as patch:
        patch.setattr(os, "readv", rewrite_and_read)
        assert log.drain()
    assert rounds < 5


# Rotation.


def test_a_renamed_file_is_read_to_its_end_and_then_the_new_one(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    append(path, b"b\n")
    path.rename(path.with_suffix(".1"))
    append(path.with_suffix(".1"), b"c\n")
    path.write_bytes(b"d\n")
    assert log.turn() == b"b\nc\nd\n"


def test_the_gap_of_a_rotation_is_waited_through(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    path.rename(path.with_suffix(".1"))
    assert log.turn() == b""
    append(path.with_suffix(".1"), b"b\n")
    assert log.turn() == b"b\n"
    path.write_bytes(b"c\n")
    assert log.turn() == b"c\n"


def test_in_the_gap_the_renamed_file_is_kept_as_long_as_it_takes(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_grace(monkeypatch)
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    path.rename(path.with_suffix(".1"))
    for _ in range(10):
        assert log.turn() == b""
    append(path.with_suffix(".1"), b"b\n")
    assert log.turn() == b"b\n"


def test_a_file_that_was_renamed_and_back_is_read_on(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    path.rename(path.with_suffix(".1"))
    assert log.turn() == b""
    path.with_suffix(".1").rename(path)
    append(path, b"b\n")
    assert log.turn() == b"b\n"
    assert log.descriptors() == 1


def test_a_deleted_file_that_comes_again_is_followed(log: Follower, path: pathlib.Path) -> None:
    for text in (b"a\n", b"longer than that\n", b"b\n"):
        path.write_bytes(text)
        assert log.turn() == text
        path.unlink()


def test_a_file_that_replaces_another_at_once_is_read_from_its_first_byte(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    append(path, b"b\n")
    path.with_suffix(".new").write_bytes(b"much longer than the old one\n")
    path.with_suffix(".new").rename(path)
    assert log.turn() == b"b\nmuch longer than the old one\n"


def test_late_lines_of_the_old_file_are_delivered(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    path.rename(path.with_suffix(".1"))
    path.write_bytes(b"new\n")
    assert log.turn() == b"new\n"
    append(path.with_suffix(".1"), b"late\n")
    assert log.turn() == b"late\n"
    append(path.with_suffix(".1"), b"last\n")
    assert log.drain() == b"last\n"


def test_a_piece_of_the_old_file_can_end_as_long_as_the_new_one_is_empty(log: Follower, path: pathlib.Path) -> None:
    path.write_bytes(b"a\npie")
    assert log.turn() == b"a\n"
    path.rename(path.with_suffix(".1"))
    path.touch()
    assert log.turn() == b""
    append(path.with_suffix(".1"), b"ce\n")
    assert log.turn() == b"piece\n"


@pytest.mark.parametrize("step", ["turn", "drain"])
def test_a_piece_of_the_old_file_is_a_line_of_its_own_before_the_new_ones(
    log: Follower, path: pathlib.Path, step: str
) -> None:
    path.write_bytes(b"a\npiece")
    assert log.turn() == b"a\n"
    path.rename(path.with_suffix(".1"))
    path.write_bytes(b"new\n")
    assert getattr(log, step)() == b"piece\nnew\n"


def test_an_old_file_with_a_backlog_goes_before_the_new_one(log: Follower, path: pathlib.Path) -> None:
    old = b"0123456\n" * (READ_SIZE // 8 * 3)
    path.write_bytes(old)
    got = log.turn()
    path.rename(path.with_suffix(".1"))
    path.write_bytes(b"new\n")
    assert got + log.until_even() == old + b"new\n"


def test_the_descriptor_of_a_deleted_file_is_given_back(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_grace(monkeypatch)
    path.write_bytes(b"a\n")
    with path.open("ab", buffering=0) as writer:
        assert log.turn() == b"a\n"
        path.unlink()
        assert log.turn() == b""
        writer.write(b"as long as it grows\n")
        assert log.turn() == b"as long as it grows\n"
        assert log.descriptors() == 1
        writer.write(b"piece")
        assert log.turn() == b""
        assert log.turn() == b"piece\n"
        assert log.descriptors() == 0
    path.write_bytes(b"new\n")
    assert log.turn() == b"new\n"


def test_a_renamed_file_is_given_up_after_its_grace(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_endless_grace(monkeypatch)
    path.write_bytes(b"a\n")
    assert log.turn() == b"a\n"
    path.rename(path.with_suffix(".1"))
    path.write_bytes(b"b\n")
    assert log.turn() == b"b\n"
    assert log.turn() == b""
    assert log.descriptors() == 2
    without_grace(monkeypatch)
    assert log.turn() == b""
    assert log.descriptors() == 1


def test_a_new_file_with_the_old_inode_number_is_read_from_its_first_byte(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_grace(monkeypatch)
    numbers = set()
    for n in range(20):  # a file system that takes the lowest free number gives it again at once
        text = b"file %d\n" % n
        path.write_bytes(text)
        numbers.add(path.stat().st_ino)
        assert log.turn() == text
        path.unlink()
        while log.descriptors():
            assert log.turn() == b""


def test_quick_rotations_do_not_use_up_the_descriptors(log: Follower, path: pathlib.Path) -> None:
    for n in range(30):
        path.write_bytes(b"%d\n" % n)
        assert log.turn() == b"%d\n" % n
        path.rename(path.with_suffix(f".{n}"))
        assert log.descriptors() <= LEFT_FILES_KEPT + 2
    path.write_bytes(b"end\n")
    assert log.turn() == b"end\n"


def test_a_link_that_is_turned_is_followed_and_back_too(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_endless_grace(monkeypatch)
    targets = [path.with_suffix(".a"), path.with_suffix(".b")]
    for target in targets:
        target.write_bytes(b"%s\n" % target.suffix.encode())
    path.symlink_to(targets[0])
    assert log.turn() == b".a\n"
    for _ in range(3):
        for target, expected in zip(reversed(targets), (b".b\n", b""), strict=True):
            path.unlink()
            path.symlink_to(target)
            assert log.turn() in (expected, b"")
    append(targets[0], b"more a\n")
    append(targets[1], b"more b\n")
    assert sorted(log.turn().splitlines()) == [b"more a", b"more b"]


def test_an_old_file_that_cannot_be_read_any_more_is_given_up(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"a\npiece")
    assert log.turn() == b"a\n"
    path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", lambda *args: (_ for _ in ()).throw(OSError(errno.ESTALE, "stale")))
        got: list[bytearray] = []
        with pytest.raises(OSError, match="stale"):
            got.extend(log.source.turn())
    assert b"".join(got) == b"piece\n"
    assert log.descriptors() == 0


def test_a_file_that_cannot_be_read_is_read_later(
    log: Follower, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"a\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "readv", lambda *args: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
        with pytest.raises(OSError, match="broken"):
            log.turn()
        with pytest.raises(OSError, match="broken"):
            log.drain()
    assert log.turn() == b"a\n"
