"""How far a process has read in a file, as /proc shows it."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from taillog_conformance.offsets import family, read_offset, read_offsets

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fdinfo"), reason="this system has no /proc/PID/fdinfo")

HERE = [os.getpid()]

Open = Callable[[int], int]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of ten bytes."""
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")
    return path


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    """Opens the file in a mode; closed at the end."""
    with ExitStack() as stack:

        def open_(flags: int) -> int:
            descriptor = os.open(path, flags)
            stack.callback(os.close, descriptor)
            return descriptor

        yield open_


def test_it_moves_with_the_reader(path: Path, opened: Open) -> None:
    reader = opened(os.O_RDONLY)
    found = [read_offset(path, HERE)]
    for _ in range(4):
        os.read(reader, 3)
        found.append(read_offset(path, HERE))
    assert found == [0, 3, 6, 9, 10]
    assert read_offset(str(path), HERE) == 10


def test_a_file_that_nobody_has_open_is_unknown(path: Path) -> None:
    assert read_offset(path, HERE) is None


def test_a_file_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    assert read_offset(tmp_path / "gone", HERE) is None


def test_the_producers_descriptor_does_not_count(path: Path, opened: Open) -> None:
    writer = opened(os.O_WRONLY | os.O_APPEND)
    os.write(writer, b"more")
    assert read_offset(path, HERE) is None
    reader = opened(os.O_RDONLY)
    os.read(reader, 2)
    assert read_offset(path, HERE) == 2


def test_one_that_reads_and_writes_counts(path: Path, opened: Open) -> None:
    os.read(opened(os.O_RDWR), 4)
    assert read_offset(path, HERE) == 4


def test_the_furthest_of_several_counts(path: Path, opened: Open) -> None:
    os.read(opened(os.O_RDONLY), 7)
    os.read(opened(os.O_RDONLY), 2)
    assert read_offset(path, HERE) == 7


def test_only_the_file_at_the_path_counts(path: Path, opened: Open, tmp_path: Path) -> None:
    os.read(opened(os.O_RDONLY), 7)
    aside = path.rename(tmp_path / "log.1")
    assert read_offset(path, HERE) is None
    path.write_bytes(b"new")
    assert read_offset(path, HERE) is None
    assert read_offset(aside, HERE) == 7


def test_a_link_leads_to_its_file(path: Path, opened: Open, tmp_path: Path) -> None:
    os.read(opened(os.O_RDONLY), 5)
    link = tmp_path / "link"
    link.symlink_to(path)
    assert read_offset(link, HERE) == 5


def test_a_map_shows_nothing(path: Path, opened: Open) -> None:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    assert mapped[:4] == b"0123"
    offset = read_offset(path, HERE)
    mapped.close()
    assert not offset


def test_a_read_by_position_does_not_move_it(path: Path, opened: Open) -> None:
    assert os.pread(opened(os.O_RDONLY), 4, 2) == b"2345"
    assert read_offset(path, HERE) == 0


# Other processes.

READER = "import os, sys; os.read(os.open(sys.argv[1], os.O_RDONLY), 6); print('read', flush=True); sys.stdin.read()"

PARENT = (
    "import subprocess, sys; "
    f"child = subprocess.Popen([sys.executable, '-c', {READER!r}, sys.argv[1]]); "
    "print(child.pid, flush=True); sys.exit(child.wait())"
)


@pytest.fixture
def spawned() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a program in Python with these arguments; it ends with its standard input."""
    processes = []

    def spawn(program: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield spawn
    for process in processes:
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    """The next line that the program prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_child_reads(path: Path, spawned: Callable[..., subprocess.Popen[str]]) -> None:
    process = spawned(READER, path)
    assert said(process) == "read"
    assert read_offset(path, HERE) is None
    assert read_offset(path, [process.pid]) == 6
    assert process.pid in family(os.getpid())
    assert read_offset(path, family(os.getpid())) == 6


def test_a_grandchild_reads(path: Path, spawned: Callable[..., subprocess.Popen[str]]) -> None:
    process = spawned(PARENT, path)
    words = {said(process), said(process)}
    (grandchild,) = (int(word) for word in words - {"read"})
    assert family(process.pid) == [process.pid, grandchild]
    assert read_offset(path, [process.pid]) is None
    assert read_offset(path, family(process.pid)) == 6


def test_a_process_that_has_ended_is_unknown(path: Path, spawned: Callable[..., subprocess.Popen[str]]) -> None:
    process = spawned(READER, path)
    assert said(process) == "read"
    process.communicate()
    assert read_offset(path, [process.pid]) is None
    assert family(process.pid) == [process.pid]


def test_several_files_are_looked_at_together(tmp_path: Path) -> None:
    first, second, gone = (tmp_path / name for name in ("first", "second", "gone"))
    first.write_text("abcdef")
    second.write_text("uvwxyz")
    with first.open() as one, second.open() as two:
        one.seek(2)
        two.seek(4)
        assert read_offsets([first, gone, second, first], HERE) == [2, None, 4, 2]
