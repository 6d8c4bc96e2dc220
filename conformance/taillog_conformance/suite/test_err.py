"""ERR: sources that cannot be read."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat

from ..clocks import FAST_INTERVAL
from ..destinations import FailingStream, FullStream, RecordingStream, disk_full
from ..outcomes import NotRun
from ..scenario import CALM_INTERVAL
from ..stage import Run, Stage
from ._registry import requirement


def directory_run(
    stage: Stage, directories: str, files: str = "", keys: list[int] | None = None, *, before: str = ""
) -> Run:
    """A run in which the sources `directories` are folders, and `files`, and those `before` them, are files."""
    run = stage.open(f"{before} {directories} {files}", keys=keys)
    for label in directories.split():
        run[label].path.mkdir()
        run.timeline.add("producer", "mkdir", label)
    return run


def no_report(run: Run, what: str) -> Exception:
    """The failure of a run that reported nothing."""
    return run.failure(
        f"{what} was not reported by the time stop() returned",
        expected=run.stage.adapter.reports_as,
        got="none",
    )


def must_report(run: Run, what: str) -> None:
    """Raise where `what` came to pass in a run that is over, and its tailer, which reports errors, reported nothing."""
    if "error-report" in run.stage.adapter.capabilities and not run.reports:
        raise run.failure(f"{what}, and nothing was reported", expected=run.stage.adapter.reports_as, got="none")


@requirement("ERR-1")
def test_err_1_a_directory_is_reported(taillog_stage: Stage) -> None:
    """A source that cannot be read is reported at level ERROR or above by the time stop() returns."""
    run = directory_run(taillog_stage, "a")
    run.start()
    run.wait_for_reports()
    run.stop()
    if not run.reports:
        raise no_report(run, "a directory as a source")


IN_A_NAME = "%d-%s-{}-{0}"
"""What a name may hold that a format takes for its own."""


@requirement("ERR-1")
def test_err_1_a_directory_of_any_name_is_reported(taillog_stage: Stage) -> None:
    """The same of one whose name holds what means something in a format: the report's message can be made."""
    path = taillog_stage.folder / f"{taillog_stage.words.word()}-{IN_A_NAME}"
    run = taillog_stage.open(paths={"a": path})
    path.mkdir()
    run.timeline.add("producer", "mkdir", "a", note=path.name)
    run.start()
    run.wait_for_reports()
    run.stop()
    if not run.reports:
        raise no_report(run, f"a directory as a source, whose name ends in {IN_A_NAME!r},")
    if not any(report.formats for report in run.reports):
        raise run.failure(
            f"a directory whose name ends in {IN_A_NAME!r} was reported by a record of which no message can be made",
            expected=run.stage.adapter.reports_as,
            got=run.reports[0].text,
        )


@requirement("ERR-1", needs=["from-start", "missing-files"])  # for others each file is made before start()
def test_err_1_a_directory_that_comes_late_is_reported(taillog_stage: Stage) -> None:
    """The same of a directory that comes to stand at a path where nothing stood at start()."""
    run = taillog_stage.open()
    if run.attempt_start() is not None:
        return  # whether it may refuse a missing file is for MIS-1 to say
    run.looks(5)
    try:
        run["a"].path.mkdir()
    except FileExistsError:
        return  # that the tailer makes the file itself is for MIS-4 to say
    run.timeline.add("producer", "mkdir", "a")
    run.wait_for_reports()
    run.stop()
    if not run.reports:
        raise no_report(run, "a directory that came to stand at a missing source's path")


@requirement("ERR-1", needs=["object", "from-start", "missing-files", "several-files"])
def test_err_1_a_directory_that_the_drain_finds_is_reported(taillog_stage: Stage) -> None:
    """The same of a directory that comes just before stop(), as a file that is delivered does."""
    line = taillog_stage.words.text()
    run = taillog_stage.open("a b", interval=CALM_INTERVAL)  # it sleeps meanwhile
    if run.attempt_start() is not None:
        return  # whether it may refuse a missing file is for MIS-1 to say
    run.quiet()
    try:
        run["a"].path.mkdir()
    except FileExistsError:
        return  # that the tailer makes the file itself is for MIS-4 to say
    run.timeline.add("producer", "mkdir", "a")
    run["b"].append(f"{line}\n")
    run.stop()
    if line in run.all_text() and not run.reports:  # one that looks no more is DEL-7's matter
        raise no_report(run, "a directory that came just before stop()")


def unopenable_run(stage: Stage) -> Run:
    """A run with a source that cannot be opened: a file without permission, or for root, who may read any, a socket."""
    run = stage.open()
    if os.geteuid() == 0:
        os.mknod(run["a"].path, stat.S_IFSOCK | 0o600)  # bind() takes no path of more than 107 bytes
        run.timeline.add("producer", "socket", "a")
    else:
        run["a"].append(stage.words.text() + "\n")
        run["a"].chmod(0)
    return run


@requirement("ERR-1")
def test_err_1_what_cannot_be_opened_is_reported(taillog_stage: Stage) -> None:
    """The same of one that cannot be opened: a file without permission, or for root, who may read any, a socket."""
    run = unopenable_run(taillog_stage)
    if run.attempt_start() is not None:
        return  # that tells it, too; whether it may is ERR-3's to say
    run.wait_for_reports()
    run.stop()
    if not run.reports:
        raise no_report(run, "a source that cannot be opened")


OPEN_TO_NO_READER = "/sys/bus/*/uevent"
"""Files of Linux that root cannot open for reading either: they are for writing only, and their system insists."""


@requirement("ERR-1")
def test_err_1_a_missing_permission_is_reported(taillog_stage: Stage) -> None:
    """The same of a file without the permission to read it; for root, who may read any, one of the kernel's own."""
    run = taillog_stage.open()
    run["a"].append(f"{taillog_stage.words.text()}\n")
    run["a"].chmod(0)
    if _may_read(run["a"].path):
        closed = next((path for path in sorted(glob.glob(OPEN_TO_NO_READER)) if not _may_read(path)), None)
        if closed is None:
            raise NotRun("there is no file that this user may not read: run it as another user than root")
        run["a"].path.unlink()
        run["a"].path.symlink_to(closed)
        run.timeline.add("producer", "link", "a", note=f"to {closed}, which nobody may read")
    if run.attempt_start() is not None:
        return  # that tells it, too; whether it may is ERR-3's to say
    run.wait_for_reports()
    run.stop()
    if not run.reports:
        raise no_report(run, "a source without the permission to read it (EACCES)")


def _may_read(path: str | os.PathLike[str]) -> bool:
    try:
        with open(path, "rb"):
            return True
    except PermissionError:
        return False


def looping_run(stage: Stage) -> Run:
    """A run whose source is a symbolic link to itself."""
    run = stage.open()
    run["a"].path.symlink_to(run["a"].path)
    run.timeline.add("producer", "link", "a", note="to itself")
    return run


FAILS_TO_READ = "/proc/self/mem"
"""A file of Linux that can be opened, and whose first byte cannot be read (EIO): nothing is at that address."""


def unreadable_run(stage: Stage, files: str = "") -> Run:
    """A run with a source that can be opened, and whose read() fails; `files` are files."""
    try:
        with open(FAILS_TO_READ, "rb", buffering=0) as file:
            file.read(1)
    except OSError as error:
        fails = error.errno == errno.EIO
    else:
        fails = False
    if not fails:
        raise NotRun(f"this system has no {FAILS_TO_READ} that can be opened, and whose read() fails")
    run = stage.open(f"memory {files}")
    run["memory"].path.symlink_to(FAILS_TO_READ)
    run.timeline.add("producer", "link", "memory", note=f"to {FAILS_TO_READ}, whose read() fails")
    return run


@requirement("ERR-2", needs=["several-files"])
def test_err_2_other_files_are_not_affected(taillog_stage: Stage) -> None:
    """Other files are not affected."""
    _others_go_on(directory_run(taillog_stage, "folder", "a b"))


@requirement("ERR-2", needs=["several-files"])
def test_err_2_nor_are_they_by_one_whose_read_fails(taillog_stage: Stage) -> None:
    """Other files are not affected by a source that can be opened, and whose read() fails."""
    _others_go_on(unreadable_run(taillog_stage, "a b"))


def _others_go_on(run: Run) -> None:
    words = run.stage.words
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.must_deliver()
    run["a"].append(f"{words.text()}\n")
    run["b"].append(f"{words.text()}\n")
    run.must_deliver()
    run.stop()
    run.judge()


@requirement("ERR-2", needs=["object", "several-files"])
def test_err_2_nor_are_they_in_the_drain(taillog_stage: Stage) -> None:
    """Other files are not affected: neither what stop() finds in one that was there, nor one that comes before it."""
    words = taillog_stage.words
    pairs = [("before", "after")]
    if {"missing-files", "from-start"} <= taillog_stage.adapter.capabilities:
        pairs.append(("late-before", "late-after"))
    labels_before, labels_after = (" ".join(labels) for labels in zip(*pairs, strict=True))
    run = directory_run(taillog_stage, "folder", labels_after, before=labels_before)
    run.interval = CALM_INTERVAL  # it sleeps while the last lines are written
    for label in pairs[0]:
        run[label].append(f"{words.text()}\n")
    if run.attempt_start() is not None:
        return  # whether it may refuse a directory, or a missing file, is for ERR-3 and MIS-1 to say
    run.settle()
    run.quiet()
    last = {label: words.word() for pair in pairs for label in pair}
    for label, word in last.items():
        run[label].append(f"{word}\n")
    run.stop()
    text = run.all_text()
    for before, after in pairs:
        if last[before] in text and last[after] not in text:  # of a drain that loses both, DEL-1 and DEL-7 tell
            raise run.failure(
                f"a source is a directory, and stop() did not deliver the line of the file {after}, which is named "
                f"after it, as it did that of the file {before}",
                expected=repr(last[after]),
                got=repr(text),
            )


@requirement("ERR-3")
def test_err_3_start_and_stop_survive_it(taillog_stage: Stage) -> None:
    """start() does not raise for it, stop() returns as usual and stopped() is true after it."""
    _survives(directory_run(taillog_stage, "a"))


@requirement("ERR-3")
def test_err_3_they_survive_one_that_cannot_be_opened(taillog_stage: Stage) -> None:
    """The same of a source that cannot be opened."""
    _survives(unopenable_run(taillog_stage))


@requirement("ERR-3", needs=["from-start", "missing-files"])  # for others each file is made before start()
def test_err_3_they_survive_a_link_to_itself(taillog_stage: Stage) -> None:
    """The same of a path that leads nowhere: a link to itself."""
    _survives(looping_run(taillog_stage))


def _survives(run: Run) -> None:
    run.start()
    run.looks(5)
    run.stop()
    if not run.stopped():
        raise run.failure("stopped() is false after stop()", expected="True", got="False")


@requirement("ERR-4", needs=["several-files"])
def test_err_4_each_failing_source_is_reported(taillog_stage: Stage) -> None:
    """Each failing source is reported."""
    run = directory_run(taillog_stage, "a b c d e f g h")
    run.start()
    run.wait_for_reports(len(run.files))
    run.stop()
    text = "\n".join(report.text for report in run.reports)
    named = [label for label, file in run.files.items() if str(file.path) in text]
    if max(len(named), len(run.reports)) < len(run.files):
        raise run.failure(
            f"{len(run.files)} sources are directories, and not each of them was reported",
            expected="a report of each",
            got="\n".join(report.text.splitlines()[0] for report in run.reports) or "no report",
        )


LARGE_KEYS = (10_000, 1_000_000)
"""Keys that no line number, errno or count in a report can be."""

NAMES_A_SOURCE = r"(?:{name}|key|rank|source|file|index|worker)\W{{0,3}}(\d+)"
"""How reports name a source by a number."""


@requirement("ERR-5", needs=["several-files"])
def test_err_5_the_report_names_the_source(taillog_stage: Stage) -> None:
    """The report names the right key or path."""
    keys = taillog_stage.words.random.sample(range(*LARGE_KEYS), 3)
    run = directory_run(taillog_stage, "folder", "a b", keys)
    for label in "ab":
        run[label].append(taillog_stage.words.text() + "\n")
    run.start()
    run.settle()
    run.wait_for_reports()
    run.stop()
    key, path = keys[0], str(run["folder"].path)
    for report in run.reports:
        message = report.text.splitlines()[0]
        numbers = re.findall(NAMES_A_SOURCE.format(name=re.escape(run.name)), message)
        wrong = [number for number in numbers if int(number) != key]
        if wrong and path not in message:
            raise run.failure(
                f"the report names {wrong[0]}, which is not the key of the source that failed",
                expected=f"key {key} or the path {path}",
                got=message,
            )
        if path in report.text or re.search(rf"(?<!\d){key}(?!\d)", report.text):
            return
    raise run.failure(
        "no report names the source that failed",
        expected=f"key {key} or the path {path}",
        got="\n".join(report.text.splitlines()[0] for report in run.reports) or "no report",
    )


@requirement("ERR-5", needs=["several-files"])
def test_err_5_each_failing_source_is_named(taillog_stage: Stage) -> None:
    """The report names the right key or path: where several sources fail, each has its own."""
    keys = taillog_stage.words.random.sample(range(*LARGE_KEYS), 2)
    run = directory_run(taillog_stage, "a b", keys=keys)
    run.start()
    run.wait_for_reports(len(keys))
    run.stop()
    text = "\n".join(report.text for report in run.reports)
    unnamed = [
        f"key {file.key} or the path {file.path}"
        for file in run.files.values()
        if str(file.path) not in text and not re.search(rf"(?<!\d){file.key}(?!\d)", text)
    ]
    if len(run.reports) >= len(keys) and unnamed:  # fewer reports are ERR-4's
        raise run.failure(
            f"two sources failed, and none of the {len(run.reports)} reports names one of them",
            expected=unnamed[0],
            got="\n".join(report.text.splitlines()[0] for report in run.reports),
        )


FEW_LOOKS, MANY_LOOKS = 50, 170
MOST_REPORTS = 3
"""Reports of one lasting fault that may come late by the machine's leisure, and do not count as growth."""


@requirement("ERR-6")
def test_err_6_a_lasting_fault_is_not_reported_again_and_again(taillog_stage: Stage) -> None:
    """One lasting fault is not reported again and again: the reports do not grow with the number of looks."""
    directories, what = "a", "one source is a directory"
    if "several-files" in taillog_stage.adapter.capabilities:
        # Who remembers no more than the last fault forgets the one at the other.
        directories, what = "a b", "two sources are directories"
    _reported_a_few_times(directory_run(taillog_stage, directories), what, looks_for_one=20)


@requirement("ERR-6", needs=["from-start", "missing-files"])  # for others each file is made before start()
def test_err_6_nor_is_one_that_cannot_be_opened(taillog_stage: Stage) -> None:
    """The same of a path that cannot be opened: a link to itself."""
    _reported_a_few_times(looping_run(taillog_stage), "one source is a link to itself")


@requirement("ERR-6")
def test_err_6_nor_is_one_whose_read_fails(taillog_stage: Stage) -> None:
    """The same of a source that can be opened, and whose read() fails; a tailer need not read one whose size is 0."""
    _reported_a_few_times(unreadable_run(taillog_stage), "the read() of one source fails")


@requirement("ERR-6", needs=["stream"])
def test_err_6_nor_is_a_destination_that_refuses_each_write(taillog_stage: Stage) -> None:
    """The same of a destination whose write() fails each time, as that of a file on a full disk."""
    run = taillog_stage.open(stream=lambda recorder: FailingStream(recorder, lambda text: disk_full()))
    run["a"].append(f"{taillog_stage.words.text()}\n")
    _reported_a_few_times(run, "each write() to the destination fails")


@requirement("ERR-6", needs=["stream"])
def test_err_6_nor_is_one_that_refuses_each_flush(taillog_stage: Stage) -> None:
    """The same of a destination whose flush() fails each time."""
    run = taillog_stage.open(stream=FullStream)
    assert isinstance(run.stream, FullStream)
    run.stream.full = True
    run["a"].append(f"{taillog_stage.words.text()}\n")
    _reported_a_few_times(run, "each flush() of the destination fails")


def _reported_a_few_times(run: Run, what: str, looks_for_one: int = 1) -> None:
    """As many looks, and as many more as `looks_for_one` says, in the same time: for reports that come now and then."""
    run.interval = FAST_INTERVAL / looks_for_one
    run.start(placed=False)
    run.looks(FEW_LOOKS * looks_for_one)
    few = len(run.reports)
    run.looks(MANY_LOOKS * looks_for_one)
    many = len(run.reports)
    run.stop()
    if many - few > max(MOST_REPORTS, few):
        raise run.failure(
            f"{what}: reported {many} times while the tailer ran",
            expected=f"no more than the {few} reports that the first looks made",
            got=f"{many} reports after more looks",
        )


@requirement("ERR-7")
def test_err_7_the_report_comes_while_the_tailer_runs(taillog_stage: Stage) -> None:
    """The report comes while the tailer runs, not only at stop()."""
    run = directory_run(taillog_stage, "a")
    run.start()
    run.must_happen("a report while the tailer runs", lambda: bool(run.reports))
    run.stop()


class Fatal(BaseException):
    """No Exception: what SystemExit and KeyboardInterrupt are, without their meaning to a test runner."""


@requirement("ERR-8", needs=["filter", "several-files"])
def test_err_8_a_base_exception_of_the_filter_breaks_nothing_else(taillog_stage: Stage) -> None:
    """A BaseException from the filter breaks neither stop() nor other files."""
    words = taillog_stage.words
    poison = words.word()

    def keep(line: str) -> bool:
        if poison in line:
            raise Fatal
        return True

    run = taillog_stage.open("a b", filter=keep)
    run.keeps = lambda text: poison not in text
    run["b"].append(f"{words.text()}\n")
    run.start()
    run.settle()
    run["a"].append(f"{poison}\n")
    run.wait_for_reports()
    run["b"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


class FatalFlush(RecordingStream):
    """Raises what is no Exception from its first flush()."""

    raised = False

    def flush(self) -> None:
        if not self.raised:
            self.raised = True
            self.refuse("flush()", "", Fatal())


@requirement("ERR-8", needs=["stream", "several-files"])
def test_err_8_a_base_exception_of_flush_breaks_nothing_else(taillog_stage: Stage) -> None:
    """The same of dst.flush()."""
    words = taillog_stage.words
    run = taillog_stage.open("a b", stream=FatalFlush)
    run["a"].append(f"{words.text()}\n")
    run.start(placed=False)
    run.settle()
    last = words.text()
    run["b"].append(f"{last}\n")
    run.wait_for(lambda: f"{last}\n" in run.text())
    run.stop()
    _came_once(run, last, "flush()")


def _came_once(run: Run, text: str, method: str) -> None:
    """Raise if a line of b did not come, though nothing but `method` raised, and for a line of a."""
    wanted = [f"{header}{text}" for header in run.headers("b")]
    if sum(each in wanted for each in run.text().split("\n")) != 1:
        raise run.failure(
            f"{method} raised a BaseException for a line of a, and 1 line did not come (1 of b)",
            expected=f"{wanted[0]!r} once",
            got=repr(run.text()),
        )


@requirement("ERR-8", needs=["stream", "several-files"])
def test_err_8_a_base_exception_of_the_destination_breaks_nothing_else(taillog_stage: Stage) -> None:
    """A BaseException from dst breaks neither stop() nor other files."""
    words = taillog_stage.words
    poison = words.word()
    run = taillog_stage.open(
        "a b", stream=lambda recorder: FailingStream(recorder, lambda text: Fatal() if poison in text else None)
    )
    run.may_lack = lambda text: poison in text  # it comes where no write() has it as a whole
    first, after, last = (words.text() for _ in range(3))
    run["b"].append(f"{first}\n")
    run.start()
    run.settle()
    run["a"].append(f"{poison}\n")
    run.wait_for_reports()
    # What was refused may be torn, where a line takes several writes, and what comes next may be glued to it.
    for line in (after, last):
        run["b"].append(f"{line}\n")
        run.wait_for(lambda line=line: f"{line}\n" in run.text())  # type: ignore[misc]
    run.stop()
    for line in (first, last):
        _came_once(run, line, "write()")
