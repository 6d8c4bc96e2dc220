"""The situations of PyTorch's TailLogTest, in our words: the reference has that class's shape and behaviour.

Each situation is judged more strictly than there: line by line and in order, not as a set of lines.
"""

import io
import pathlib
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest

from taillog.tail_log import TailLog

WRITERS = 32
LINES = 1000
INTERVAL_SEC = 0.0001


def write_numbers(path: pathlib.Path, begin: threading.Barrier | None = None) -> None:
    """Write LINES numbered lines, some at a time, cut anywhere."""
    text = "".join(f"{number}\n" for number in range(LINES)).encode()
    if begin is not None:
        begin.wait()
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(text), 333):
            file.write(text[start : start + 333])


def write_all_at_once(paths: dict[int, pathlib.Path]) -> None:
    begin = threading.Barrier(len(paths))
    with ThreadPoolExecutor(len(paths)) as pool:
        for _ in pool.map(lambda path: write_numbers(path, begin), paths.values()):
            pass


def by_prefix(text: str) -> dict[str, list[str]]:
    """The lines under each prefix, which ends at the first "]:"; in the order in which they came."""
    lines = defaultdict(list)
    for line in text.split("\n")[:-1]:
        prefix, end, rest = line.partition("]:")
        lines[prefix + end].append(rest)
    return dict(lines)


NUMBERS = [str(number) for number in range(LINES)]


def test_many_files_written_at_once_into_a_stream(tmp_path: pathlib.Path) -> None:
    paths = {rank: tmp_path / f"{rank}.log" for rank in range(WRITERS)}
    stream = io.StringIO()
    tailer = TailLog("writer", paths, stream, interval_sec=INTERVAL_SEC).start()
    write_all_at_once(paths)
    assert not tailer.stopped()
    tailer.stop()
    assert tailer.stopped()
    assert by_prefix(stream.getvalue()) == {f"[writer{rank}]:": NUMBERS for rank in range(WRITERS)}


def test_many_files_written_at_once_into_a_path(tmp_path: pathlib.Path) -> None:
    paths = {rank: tmp_path / f"{rank}.log" for rank in range(WRITERS)}
    out = tmp_path / "out"
    tailer = TailLog("writer", paths, str(out), interval_sec=INTERVAL_SEC).start()
    write_all_at_once(paths)
    tailer.stop()
    assert by_prefix(out.read_text()) == {f"[writer{rank}]:": NUMBERS for rank in range(WRITERS)}


def test_prefixes_of_their_own(tmp_path: pathlib.Path) -> None:
    paths = {rank: tmp_path / f"{rank}.log" for rank in range(3)}
    prefixes = {rank: f"[worker{rank}][{rank}]:" for rank in paths}
    stream = io.StringIO()
    tailer = TailLog("writer", paths, stream, prefixes, INTERVAL_SEC).start()
    write_all_at_once(paths)
    tailer.stop()
    lines = stream.getvalue().split("\n")[:-1]
    for prefix in prefixes.values():
        assert [line for line in lines if line.startswith(prefix)] == [prefix + number for number in NUMBERS]
    assert len(lines) == 3 * LINES
    assert "writer" not in stream.getvalue()


def test_a_filter(tmp_path: pathlib.Path) -> None:
    paths = {rank: tmp_path / f"{rank}.log" for rank in range(3)}
    stream = io.StringIO()
    tailer = TailLog(
        "writer", paths, stream, interval_sec=INTERVAL_SEC, log_line_filter=lambda line: "2" in line
    ).start()
    write_all_at_once(paths)
    tailer.stop()
    with_two = [number for number in NUMBERS if "2" in number]
    assert by_prefix(stream.getvalue()) == {f"[writer{rank}]:": with_two for rank in paths}


def test_no_files() -> None:
    stream = io.StringIO()
    tailer = TailLog("writer", {}, stream, interval_sec=INTERVAL_SEC).start()
    tailer.stop()
    assert tailer.stopped()
    assert stream.getvalue() == ""


def test_a_file_that_never_comes(tmp_path: pathlib.Path) -> None:
    stream = io.StringIO()
    with mock.patch("taillog.tail_log.logger") as logger:
        tailer = TailLog("writer", {0: tmp_path / "never"}, stream, interval_sec=INTERVAL_SEC).start()
        tailer.stop()
    assert tailer.stopped()
    assert stream.getvalue() == ""
    assert logger.mock_calls == []


@pytest.mark.parametrize("repeat", range(3))
def test_a_directory_as_a_log_file(tmp_path: pathlib.Path, repeat: int) -> None:
    with mock.patch("taillog.tail_log.logger") as logger:
        tailer = TailLog("writer", {7: str(tmp_path)}, io.StringIO(), interval_sec=INTERVAL_SEC).start()
        threading.Event().wait(0.01 * repeat)  # some looks, or none: there is one report
        tailer.stop()
    assert tailer.stopped()
    logger.error.assert_called_once()
    template, *arguments = logger.error.call_args.args
    message = template % tuple(arguments)
    assert str(tmp_path) in message
    assert "key 7" in message
