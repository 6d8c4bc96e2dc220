"""DST: the destination."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..clocks import INTERVAL
from ..destinations import (
    BufferedStream,
    FailingStream,
    FalsyBufferedStream,
    FalsyStream,
    FullStream,
    NoDescriptorStream,
    Recorder,
    disk_full,
    not_in,
)
from ..outcomes import NotApplicable, NotRun, TailerRaised
from ..producer import device
from ..scenario import CALM_INTERVAL
from ..stage import Run, Stage
from ..timeline import shorten
from ._registry import requirement
from .test_err import must_report
from .test_lif import THREADS_THAT_FAIL, start_fails


def file_run(stage: Stage, files: str = "a", **options: object) -> tuple[Run, Path]:
    """A run whose destination is a path, and that path."""
    path = stage.folder / stage.words.file_name()
    return stage.open(files, dst=str(path), **options), path  # type: ignore[arg-type]


@requirement("DST-1")
def test_dst_1_a_destination_file_is_whole_after_stop(taillog_stage: Stage) -> None:
    """With a path, the file is UTF-8 and whole for any reader when stop() returns."""
    words = taillog_stage.words
    run, path = file_run(taillog_stage, "a b")
    run["a"].append(f"{words.text()}\n{words.word()} \u00e9\u20ac\U0001f600\n")
    run.start()
    run.settle()
    run["b"].append("".join(f"{line}\n" for line in words.lines(3000)))
    run.settle()
    run.stop()
    try:
        path.read_bytes().decode("utf-8")
    except OSError as error:
        raise run.failure("the destination file cannot be read", expected="a file", got=str(error)) from None
    except UnicodeDecodeError as error:
        raise run.failure("the destination file is no UTF-8 text", expected="UTF-8", got=str(error)) from None
    run.judge()


@requirement("DST-1", needs=["object", "several-files"])
def test_dst_1_a_full_disk_takes_nothing_that_stood_there(taillog_stage: Stage) -> None:
    """With a path, the file is whole when stop() returns: what stood there before its disk was full still does."""
    run, path = file_run(taillog_stage, "a b")
    stood = _until_its_disk_is_full(run, path).split("\n")
    after = taillog_stage.words.text()
    run["b"].append(f"{after}\n")
    run.wait_for(lambda: after in run.all_text())
    run.stop()
    stands = set(run.all_text().split("\n"))
    if gone := [line for line in stood if line not in stands]:
        raise run.failure(
            f"of {len(stood) - 1:,} lines that stood in the destination's file before its disk was full "
            f"{len(gone):,} stand there no more",
            expected=f"{gone[0]!r} in the file",
            got=shorten(run.all_text()),
        )


@requirement("DST-2")
def test_dst_2_what_stood_in_the_destination_file_is_replaced(taillog_stage: Stage) -> None:
    """With a path, what stood in that file before start() is replaced."""
    words = taillog_stage.words
    run, path = file_run(taillog_stage)
    old = words.lines(50)
    path.write_text("".join(f"{line}\n" for line in old), encoding="utf-8")
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.wait_for(lambda: run.lines_so_far() == 1)
    run.stop()
    if old[-1] in run.text():
        raise run.failure(
            "what stood in the destination's file before start() still stands there",
            expected="only what the tailer delivered",
            got=shorten(run.text()),
        )
    run.judge()


@requirement("DST-2", needs=["from-start"])
def test_dst_2_it_is_replaced_though_no_line_comes(taillog_stage: Stage) -> None:
    """With a path, what stood in that file is replaced, though there is nothing to deliver."""
    run, path = file_run(taillog_stage)
    path.write_text(taillog_stage.words.text() + "\n", encoding="utf-8")
    run["a"].create()
    run.start()
    run.looks(2)
    run.stop()
    _must_be_empty(run, path)


@requirement("DST-2", needs=["object"])
def test_dst_2_it_is_replaced_though_no_file_is_followed(taillog_stage: Stage) -> None:
    """With a path, what stood in that file is replaced, though there are no files at all."""
    run, path = file_run(taillog_stage, "")
    path.write_text(taillog_stage.words.text() + "\n", encoding="utf-8")
    if run.attempt_start() is not None:
        return  # whether it may refuse is MIS-8's to say
    run.looks(2)
    run.stop()
    _must_be_empty(run, path)


def _must_be_empty(run: Run, path: Path) -> None:
    found = path.read_text(encoding="utf-8", errors="replace")
    if found:
        raise run.failure(
            "what stood in the destination's file before start() still stands there",
            expected="an empty file, for no line was written",
            got=shorten(found),
        )


@requirement("DST-3", needs=["stream"])
def test_dst_3_the_callers_stream_is_not_closed(taillog_stage: Stage) -> None:
    """A stream that the caller owns is not closed."""
    run = taillog_stage.open()
    run["a"].append(taillog_stage.words.text() + "\n")
    run.start()
    run.settle()
    run.stop()
    _must_be_open(run, "the tailer closed the caller's stream")


def _must_be_open(run: Run, why: str) -> None:
    if run.stream is not None and run.stream.closed_by_tailer:
        raise run.failure(why, expected="an open stream", got="close() was called")


@requirement("DST-3", needs=["object", "stream", "several-files"])
def test_dst_3_nor_is_it_closed_by_a_start_that_fails(taillog_stage: Stage) -> None:
    """The same where start() fails, since it cannot start a thread."""
    for nth in THREADS_THAT_FAIL:
        run = taillog_stage.open("a b c d")
        for file in run.files.values():
            file.append(taillog_stage.words.text() + "\n")
        if start_fails(run, nth):
            _must_be_open(run, f"start() failed at its thread number {nth}, and closed the caller's stream")


@requirement("DST-3", needs=["object", "stream", "from-start"])
def test_dst_3_nor_is_it_closed_once_the_tailer_is_gone(taillog_stage: Stage) -> None:
    """The same of a text file, and of its buffer, when the tailer has been stopped and is collected."""
    words = taillog_stage.words
    run = taillog_stage.open()
    with (taillog_stage.folder / words.file_name()).open("w", encoding="utf-8") as out:
        run.dst = out
        run["a"].append(f"{words.text()}\n")
        run.start()
        run.seen("a")
        run.stop()
        run.let_go()
        if out.closed:
            raise run.failure(
                "the caller's stream, or its buffer, was closed by the time the tailer had been stopped and collected",
                expected="an open stream",
                got="a closed one",
            )


@requirement("DST-4", needs=["stream"])
def test_dst_4_a_buffered_stream_is_flushed(taillog_stage: Stage) -> None:
    """A stream with a buffer is flushed by the time stop() returns."""
    words = taillog_stage.words
    for interval in (INTERVAL, CALM_INTERVAL):  # written while it runs, and while it drains
        run = taillog_stage.open(stream=BufferedStream, interval=interval)
        run["a"].append(f"{words.text()}\n")
        run.start()
        run.settle()
        run["a"].append(f"{words.text()}\n")
        if interval == INTERVAL:
            run.settle()
        run.stop()
        _must_be_flushed(run, "a buffered stream")


def _must_be_flushed(run: Run, what: str) -> None:
    assert isinstance(run.stream, BufferedStream)
    if run.stream.held:
        raise run.failure(
            f"what was written to {what} had not been flushed when stop() returned",
            expected="nothing left in the buffer",
            got=repr(run.stream.held),
        )


@requirement("DST-4", needs=["stream"])
def test_dst_4_one_without_a_descriptor_is_flushed_too(taillog_stage: Stage) -> None:
    """The same of a stream that has no fileno()."""
    _is_flushed(taillog_stage, NoDescriptorStream, "a buffered stream that has no fileno()")


@requirement("DST-4", needs=["stream"])
def test_dst_4_a_falsy_one_is_flushed_too(taillog_stage: Stage) -> None:
    """The same of a stream that is falsy (`__len__` is 0)."""
    _is_flushed(taillog_stage, FalsyBufferedStream, "a buffered stream that is falsy")


def _is_flushed(stage: Stage, stream: Callable[[Recorder], BufferedStream], what: str) -> None:
    run = stage.open(stream=stream)
    run["a"].append(f"{stage.words.text()}\n")
    if run.attempt_start() is not None:
        return  # it takes files only, and says so
    run.settle()
    run["a"].append(f"{stage.words.text()}\n")
    run.stop()
    _must_be_flushed(run, what)


@requirement("DST-4", needs=["stream", "last-piece"])
def test_dst_4_a_last_piece_is_flushed(taillog_stage: Stage) -> None:
    """A stream with a buffer is flushed by the time stop() returns: after an unterminated last piece, too."""
    words = taillog_stage.words
    run = taillog_stage.open(stream=BufferedStream)
    run["a"].append(f"{words.text()}\n{words.text()}")
    run.start()
    run.seen("a")
    run.stop()  # whether the piece was written is for FRM-2 to say
    _must_be_flushed(run, "a buffered stream")


@requirement("DST-5", needs=["stream"])
def test_dst_5_write_gets_text(taillog_stage: Stage) -> None:
    """write() gets str."""
    run = taillog_stage.open()
    run["a"].append(f"{taillog_stage.words.text()}\n{taillog_stage.words.word()} \u20ac\n")
    run.start()
    run.settle()
    run.stop()
    if run.stream is not None and run.stream.not_text:
        given = run.stream.not_text[0]
        raise run.failure(
            "write() got something else than str", expected="str", got=f"{type(given).__name__}: {given!r}"
        )


def _that_raises(error: BaseException) -> Callable[[Recorder], FailingStream]:
    return lambda recorder: FailingStream(recorder, lambda text: error)


@requirement("DST-6", needs=["stream"])
def test_dst_6_a_destination_that_raises_is_reported(taillog_stage: Stage) -> None:
    """A dst whose write() raises is reported, and stop() returns."""
    for error in (
        disk_full(),
        ValueError("I/O operation on closed file."),
        RuntimeError("reentrant call"),
        BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)),
    ):
        run = taillog_stage.open(stream=_that_raises(error))
        run["a"].append(taillog_stage.words.text() + "\n")
        run.start(placed=False)
        run.wait_for_reports()
        run["a"].append(taillog_stage.words.text() + "\n")
        run.stop()
        must_report(run, f"write() raised {type(error).__name__}")


@requirement("DST-6", needs=["stream", "filter", "error-report"])
def test_dst_6_it_is_reported_after_another_fault_too(taillog_stage: Stage) -> None:
    """A dst whose write() raises is reported: also where a filter that raised was reported before."""
    words = taillog_stage.words
    poison = words.word()
    full = False

    def fault(text: str) -> BaseException | None:
        return disk_full() if full else None

    def keep(text: str) -> bool:
        if poison in text:
            raise ValueError(text)
        return True

    run = taillog_stage.open(stream=lambda recorder: FailingStream(recorder, fault), filter=keep)
    run["a"].append(f"{poison}\n{words.text()}\n")
    run.start()
    run.wait_for_reports()
    run.wait_for(lambda: run.lines_so_far() >= 1)
    before = len(run.reports)
    full = True
    run["a"].append(f"{words.text()}\n")
    run.wait_for_reports(before + 1)
    run.stop()
    if before and len(run.reports) == before and isinstance(run.stream, FailingStream) and run.stream.failed:
        raise run.failure(
            f"write() raised {type(disk_full()).__name__}, and nothing was reported any more after another fault",
            expected=f"another report ({taillog_stage.adapter.reports_as})",
            got=f"the {before} of before",
        )


@requirement("DST-6", needs=["stream", "error-report"])
def test_dst_6_one_that_raises_in_the_drain_is_reported(taillog_stage: Stage) -> None:
    """The same where write() begins to raise when stop() is called."""
    words = taillog_stage.words
    full = False
    refused = []

    def fault(text: str) -> BaseException | None:
        if full:
            refused.append(text)
        return disk_full() if full else None

    run = taillog_stage.open(stream=lambda recorder: FailingStream(recorder, fault), interval=CALM_INTERVAL)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.must_deliver()
    full = True
    run["a"].append(f"{words.text()}\n")
    run.stop()
    if refused:  # where nothing was written, that is DEL-1's matter
        must_report(run, f"write() raised {type(disk_full()).__name__} in the drain")


@requirement("DST-7", needs=["stream"])
def test_dst_7_delivery_goes_on_after_a_failed_write(taillog_stage: Stage) -> None:
    """After one write() failed (a full disk, freed again) later lines are delivered."""
    words = taillog_stage.words
    full = False

    def fault(text: str) -> BaseException | None:
        return disk_full() if full else None

    run = taillog_stage.open(stream=lambda recorder: FailingStream(recorder, fault))
    stream = run.stream
    assert isinstance(stream, FailingStream)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.must_deliver()
    full = True
    lost = words.word()
    run.may_lack = lambda text: lost in text  # it may be lost, or tried again, but not come twice
    for failures in range(1, FAILURES + 1):
        run["a"].append(f"{lost}\n")
        if not run.wait_for(lambda failures=failures: stream.failed >= failures):  # type: ignore[misc]
            break  # it waits for the destination, and does not try each line
    full = False
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


FAILURES = 8
"""Writes in a row that fail: more than a tailer that counts them would take."""


@requirement("DST-7", needs=["stream"])
def test_dst_7_delivery_goes_on_after_a_failed_flush(taillog_stage: Stage) -> None:
    """After flush() failed (of a buffered file whose disk was full, and is free again) later lines are delivered."""
    words = taillog_stage.words
    run = taillog_stage.open(stream=FullStream)
    stream = run.stream
    assert isinstance(stream, FullStream)

    def line_is_taken(word: str) -> bool:
        run["a"].append(f"{word}\n")
        return run.wait_for(lambda: word in stream.taken)

    run["a"].append(f"{words.text()}\n")
    run.start()
    line_is_taken(words.word())
    stream.full = True
    lost = words.word()
    run.may_lack = lambda text: lost in text  # it may be dropped, but not come twice
    for failures in range(1, FAILURES + 1):
        if not line_is_taken(f"{lost} {failures}"):
            break
        if not run.wait_for(lambda failures=failures: stream.failed >= failures):  # type: ignore[misc]
            break  # it flushes now and then, or at stop()
    stream.full = False
    line_is_taken(words.word())
    line_is_taken(words.word())
    run.stop()
    stream.flush()  # whether the tailer does is DST-4's matter
    run.judge()


LINES_OF_A_READ, FAILS_AT = 6, 4


@requirement("DST-7", needs=["stream"])
def test_dst_7_a_write_that_fails_repeats_nothing(taillog_stage: Stage) -> None:
    """After one write() failed, delivery goes on where it was: what dst had taken before is not written again."""
    words = taillog_stage.words
    calls = 0

    def fault(text: str) -> BaseException | None:
        nonlocal calls
        calls += 1
        return disk_full() if calls == FAILS_AT else None

    run = taillog_stage.open(
        stream=lambda recorder: FailingStream(recorder, fault), interval=CALM_INTERVAL
    )  # it sleeps while the lines are written, and has them in one read
    lines = words.lines(3 * LINES_OF_A_READ)
    run["a"].append("".join(f"{line}\n" for line in lines[:LINES_OF_A_READ]))
    run.start()
    run.wait_for(lambda: calls >= 1)
    for begin in range(LINES_OF_A_READ, len(lines), LINES_OF_A_READ):
        run["a"].append("".join(f"{line}\n" for line in lines[begin : begin + LINES_OF_A_READ]))
        run.quiet()
    run.stop()
    text = run.all_text()  # what the failed write() loses, or leaves torn, may be
    twice = [line for line in lines if text.count(f"{line}\n") > 1]
    if twice:
        raise run.failure(
            "a line was delivered again after a later write() had raised",
            expected=f"{twice[0]!r} once",
            got=f"{twice[0]!r} {text.count(f'{twice[0]}{chr(10)}')} times",
        )


LINES_BEFORE = 1000
"""Lines that stand in the destination's file before its disk is full."""

CUT_AFTER = 3
"""Bytes of a line that the full disk still takes."""


@contextmanager
def disk_full_at(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size` bytes meanwhile: writes are cut short there, then they fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _until_its_disk_is_full(run: Run, path: Path) -> str:
    """Follow the run's files until the disk of its destination was full for a while; what stood there before."""
    words = run.stage.words
    run["a"].append("".join(f"{line}\n" for line in words.lines(LINES_BEFORE)))  # so that no source is as long
    run["b"].append(f"{words.text()}\n")
    run.start()
    if not run.wait_long(lambda: run.lines_so_far() > LINES_BEFORE):  # which is LAT-1's matter
        raise NotApplicable("what was written does not stand in the destination's file while the tailer runs")
    stood = run.all_text()
    run.timeline.add("destination", "full", note="no file of this process can grow any more")
    with disk_full_at(path.stat().st_size + CUT_AFTER):
        run["b"].append(f"{words.text()}\n{words.text()}\n")
        run.wait_for(lambda: bool(run.reports))
        run["b"].append(f"{words.text()}\n")
        run.quiet()
    return stood


FULL_DEVICE = "/dev/full"
"""A file of Linux that takes nothing: each write() to it fails, as on a full disk."""


@requirement("DST-6", needs=["destination-path", "error-report"])
def test_dst_6_a_full_disk_is_reported(taillog_stage: Stage) -> None:
    """A destination that takes nothing is reported: a path, on a disk that is full."""
    if not os.path.exists(FULL_DEVICE):
        raise NotRun(f"this system has no {FULL_DEVICE}")
    path = device(taillog_stage.folder, FULL_DEVICE)
    run = taillog_stage.open(dst=str(path))
    run["a"].append(f"{taillog_stage.words.text()}\n")
    if run.attempt_start(placed=False) is not None:
        return  # so it is told
    run.wait_for_reports()
    try:
        run.stop()
    except TailerRaised:
        return  # so it is told, too
    if not path.is_char_device():
        raise NotApplicable("the tailer puts a file of its own in the place of its destination")
    must_report(run, "the disk of the destination's file was full, and a line is lost")


@requirement("DST-7", needs=["object", "destination-path", "several-files"])
def test_dst_7_a_file_goes_on_when_its_disk_has_room_again(taillog_stage: Stage) -> None:
    """The same of a path, whose disk is full in the middle of a line."""
    words = taillog_stage.words
    run, path = file_run(taillog_stage, "a b")
    _until_its_disk_is_full(run, path)
    # What was cut short, or dropped, may be missing, and what comes next may be glued to it. Then it has to go on.
    after, last = words.text(), words.text()
    run["b"].append(f"{after}\n")
    run.wait_for(lambda: after in run.all_text())
    run["b"].append(f"{last}\n")
    run.wait_for(lambda: f"{last}\n" in run.all_text())
    run.stop()
    wanted = [f"{header}{last}" for header in run.headers("b")]
    if sum(line in wanted for line in run.all_text().split("\n")) != 1:
        raise run.failure(
            "the disk of the destination's file was full and is free again, and a later line did not come",
            expected=f"{wanted[0]!r} once",
            got=shorten(run.all_text()[-200:]),
        )


@requirement("DST-8", needs=["stream"])
def test_dst_8_a_falsy_destination_is_written_to(taillog_stage: Stage) -> None:
    """A dst that is falsy (`__len__` is 0) is written to."""
    run = taillog_stage.open(stream=FalsyStream)
    run["a"].append(taillog_stage.words.text() + "\n")
    run.start()
    run.settle()
    run.stop()
    run.judge()


@requirement("DST-9")
def test_dst_9_a_path_that_cannot_be_opened_is_reported(taillog_stage: Stage) -> None:
    """A path that cannot be opened is reported (raised at construction or start(), or logged), and stop() works."""
    folder, words = taillog_stage.folder, taillog_stage.words
    for path in (folder, folder / words.word() / words.file_name()):
        run = taillog_stage.open(dst=str(path))
        run["a"].append(words.text() + "\n")
        raised = run.attempt_start() is not None
        if run.tailer is not None:
            if not raised:
                run.wait_for_reports()
            run.stop()
        opened = path.is_file()  # by a tailer that makes the missing folder: then nothing is amiss
        if not (raised or run.reports or opened) and "error-report" in taillog_stage.adapter.capabilities:
            raise run.failure(
                "the destination cannot be opened, and that was neither raised nor reported",
                expected="an exception of the constructor or start(), or a log record of level ERROR",
                got="neither",
            )


class OwnPath:
    """A path of a caller's own class: it is os.PathLike, and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


@requirement("DST-10")
def test_dst_10_pathlike_works_as_str_does(taillog_stage: Stage) -> None:
    """os.PathLike paths work as str does, for sources and destination."""
    _works_with(taillog_stage, Path)


@requirement("DST-10")
def test_dst_10_a_class_that_has_only_fspath_works_as_str_does(taillog_stage: Stage) -> None:
    """The same of a class that has `__fspath__()`, and is no pathlib.Path."""
    _works_with(taillog_stage, OwnPath)


def _works_with(stage: Stage, as_path: Callable[[Path], os.PathLike[str]]) -> None:
    words = stage.words
    run = stage.open(dst=as_path(stage.folder / words.file_name()), as_path=as_path)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


class Latin1Stream(FailingStream):
    """A stream of the encoding Latin-1, which has neither the sign of the euro nor U+FFFD."""

    encoding = "latin-1"

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder, partial(not_in, self.encoding))


def unencodable_run(stage: Stage) -> tuple[Run, list[str], list[str]]:
    """A run that is over, of lines that the destination can encode, and of some between that it cannot.

    With it come the texts of the former, and those before the character of the latter.
    """
    words = stage.words
    run = stage.open(stream=Latin1Stream)
    stream = run.stream
    assert isinstance(stream, FailingStream)
    first, strange, between, bad, last = (words.word() for _ in range(5))
    between += " \u00e9"  # which the stream can encode
    run["a"].append(f"{first}\n")
    run.start()
    run.settle()
    run["a"].append(f"{strange} \u20ac\n{between}\n{bad} ".encode() + b"\xff\n")
    run.wait_for(lambda: stream.failed > 0 or strange in run.text())
    run["a"].append(f"{last}\n")
    run.settle()
    run.stop()
    return run, [first, between, last], [strange, bad]


@requirement("DST-11", needs=["stream"])
def test_dst_11_an_unencodable_character_ends_nothing(taillog_stage: Stage) -> None:
    """A dst that cannot encode a character ends nothing."""
    run, wanted, _ = unencodable_run(taillog_stage)
    # What becomes of the character is the tailer's choice: any line that holds the word before it will do.
    first, between, last = wanted
    came = [text for text in run.text().split("\n") if any(word in text for word in wanted)]
    if len(came) != len(wanted) or not all(word in text for word, text in zip(wanted, came, strict=True)):
        raise run.failure(
            "lines before or after one that the destination cannot encode did not come",
            expected=f"{first!r}, {between!r} and {last!r}",
            got=repr(run.text()),
        )


@requirement("DST-7", needs=["object", "stream", "several-files"])
def test_dst_7_a_write_that_fails_in_the_drain_costs_no_other_file(taillog_stage: Stage) -> None:
    """After one write() failed while stop() drains, the line of another file is delivered."""
    words = taillog_stage.words
    last = {label: words.word() for label in "ab"}
    refused: list[str] = []

    def fault(text: str) -> BaseException | None:
        if refused or not any(word in text for word in last.values()):
            return None
        refused.append(text)
        return disk_full()

    run = taillog_stage.open(
        "a b", stream=lambda recorder: FailingStream(recorder, fault), interval=CALM_INTERVAL
    )  # it sleeps while the lines are written, and has them in the drain
    for file in run.files.values():
        file.append(f"{words.text()}\n")
    run.start()
    run.settle()
    for label, word in last.items():
        run[label].append(f"{word}\n")
    run.stop()
    text = run.text()
    lost = [label for label, word in last.items() if word not in text and word not in "".join(refused)]
    if refused and lost:  # what was refused may be lost, or tried again; of a drain that loses all, DEL-1 tells
        raise run.failure(
            f"a write() failed, and the line of another file, {lost[0]}, was not delivered by stop()",
            expected=repr(last[lost[0]]),
            got=shorten(text),
        )
