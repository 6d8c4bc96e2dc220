"""ROT: paths at which another file comes to stand."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from .. import model
from ..clocks import INTERVAL
from ..offsets import family, position
from ..outcomes import NotApplicable, NotRun
from ..producer import NEW_FILES
from ..properties import explore
from ..scenario import CALM_INTERVAL, Scenario, play
from ..sequences import PLAIN, ROTATION, scenarios
from ..stage import Run, Stage
from ._registry import requirement
from .test_del import long_head
from .test_res import DESCRIPTORS, descriptors
from .test_src import twice, under_two_keys


@requirement("ROT-1", scenarios=True)
def test_rot_1_the_renamed_file_is_read_out_first(taillog_stage: Stage, case: Scenario) -> None:
    """Lines written to the renamed file before a new one stands at the path are delivered, then the new file's."""
    play(taillog_stage, case)


@requirement("ROT-1")
def test_rot_1_late_lines_are_not_lost_to_a_race(taillog_stage: Stage) -> None:
    """The same while the tailer is slowed down between the lines of its code."""
    words = taillog_stage.words
    with taillog_stage.slowed():
        for _ in range(4):
            run = followed(taillog_stage)
            run["a"].rename()
            run["a"].append(f"{words.text()}\n")
            run["a"].create()
            run["a"].append(f"{words.text()}\n")
            run.settle()
            run.stop()
            run.judge()
            run.close()


UNREAD = 300
"""Lines of UNREAD_SIZE characters that wait in the file when it is renamed: more than one block of any reader."""

UNREAD_SIZE = 4_000


@requirement("ROT-1")
def test_rot_1_a_backlog_in_the_renamed_file_comes_first(taillog_stage: Stage) -> None:
    """The lines of a renamed file that has a long backlog all come before the new file's, in the drain as well."""
    _comes_first(taillog_stage, UNREAD, Run.settle)
    _comes_first(taillog_stage, 1, lambda run: None)


def _comes_first(stage: Stage, lines: int, until_stop: Callable[[Run], object]) -> None:
    """`lines` wait in a file when it is renamed, and one in the new file."""
    words = stage.words
    run = stage.open(interval=CALM_INTERVAL)  # it sleeps meanwhile
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.must_deliver()
    backlog = words.lines(lines)
    first = words.text()
    run["a"].append("".join(f"{line}{'x' * UNREAD_SIZE}\n" for line in backlog))
    run["a"].rename()
    run["a"].create()
    run["a"].append(f"{first}\n")
    until_stop(run)
    run.stop()
    run.judge()
    text = run.all_text()
    if text.find(first) < text.rfind(backlog[-1]):
        raise run.failure(
            "a line of the new file came before the renamed file had been read out",
            expected=f"{first!r} after {backlog[-1]!r}",
            got=f"{first!r} as line {text.count(chr(10), 0, text.find(first)) + 1} of {run.lines_so_far()}",
        )


def stays_open(run: Run, label: str) -> bool:
    """Whether the tailer has the file open, and is one that keeps it open until its next look."""
    return run.stage.profile.keeps_open and run.offset(label) is not None


@requirement("ROT-1")
def test_rot_1_a_renamed_file_that_is_removed_at_once_is_read_out(taillog_stage: Stage) -> None:
    """The same where the renamed file is removed as soon as the new one stands at the path: it is still open."""
    words = taillog_stage.words
    run = followed(taillog_stage, interval=CALM_INTERVAL)  # it sleeps meanwhile
    unread = words.text()
    if not stays_open(run, "a"):
        run.may_lack = lambda text: text == unread  # a file without a name cannot be opened again
    run["a"].append(f"{unread}\n")
    aside = run["a"].rename()
    run["a"].create()
    run["a"].append(f"{words.text()}\n")
    run.timeline.add("producer", "remove", "a", note=aside.name)
    aside.unlink()
    run.settle()
    run.stop()
    run.judge()


DOZES = 0.1
"""Seconds between looks where a tailer is to sleep while a few things are done, and then to look."""


@requirement("ROT-1", needs=["object"])  # what tells a fault by its end has no later
def test_rot_1_a_directory_in_the_gap_hides_no_line(taillog_stage: Stage) -> None:
    """The same where a directory stands at the path for a while, before the new file does."""
    words = taillog_stage.words
    run = followed(taillog_stage, interval=DOZES)  # it sleeps meanwhile
    after = words.text()
    run.may_lack = lambda text: text == after  # whether a path that could not be read is tried again is left open
    run["a"].append(f"{words.text()}\n")
    run["a"].rename()
    run.timeline.add("producer", "mkdir")
    run["a"].path.mkdir()
    run.looks(2)
    run.timeline.add("producer", "rmdir")
    run["a"].path.rmdir()
    run["a"].create()
    run["a"].append(f"{after}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("ROT-1", needs=["several-files", "from-start"])
def test_rot_1_a_file_that_was_empty_until_then_is_read_out(taillog_stage: Stage) -> None:
    """The same where the file was empty until just before the rename."""
    words = taillog_stage.words
    run = taillog_stage.open("a b", interval=CALM_INTERVAL)  # it sleeps meanwhile
    run["a"].create()
    run["b"].append(f"{words.text()}\n")
    run.start()
    run.must_deliver()
    early = words.text()
    # That it has looked at an empty file can be seen by the open file, and of none that does not keep its files open.
    if not stays_open(run, "b"):
        run.may_lack = lambda text: text == early
    else:
        run.wait_long(lambda: run.offset("a") is not None)
    run.timeline.add("check", model.SEEN, "a", note="empty")
    run["a"].append(f"{early}\n")
    run["a"].rename()
    run["a"].create()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("ROT-1", needs=["missing-files"])
def test_rot_1_a_file_that_is_renamed_with_its_folder_is_followed(taillog_stage: Stage) -> None:
    """The same where it is the folder that is renamed, and made anew with a new file in it."""
    words = taillog_stage.words
    folder = taillog_stage.folder / words.word()
    folder.mkdir()
    run = taillog_stage.open(paths={"a": folder / words.file_name()})
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.must_deliver()
    run.timeline.add("producer", model.RENAME, "a", note="with its folder")
    folder.rename(folder.with_name(f"{folder.name}.1"))
    run["a"].append(f"{words.text()}\n")
    run.looks(2)
    run.timeline.add("producer", "mkdir")
    folder.mkdir()
    run["a"].create()
    run["a"].append(f"{words.text()}\n")
    run.must_deliver()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


def followed(stage: Stage, lines: int = 2, interval: float = INTERVAL, files: str = "a") -> Run:
    """A run whose files have been read and delivered so far, each with so many lines."""
    run = stage.open(files, interval=interval)
    for file in run.files.values():
        file.append("".join(f"{stage.words.text()}\n" for _ in range(lines)))
    run.start()
    run.must_deliver()
    return run


@requirement("ROT-2", scenarios=True)
def test_rot_2_a_recreated_file_is_followed(taillog_stage: Stage, case: Scenario) -> None:
    """Delete and recreate: the new file is followed."""
    play(taillog_stage, case)


@requirement("ROT-2", needs=["several-files", "path-twice", "from-start"])
def test_rot_2_a_path_under_two_keys_is_followed_for_each(taillog_stage: Stage) -> None:
    """The new file is followed: for each key under which its path is."""
    words = taillog_stage.words
    run = under_two_keys(taillog_stage)
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.wait_for(lambda: run.lines_so_far() >= 2)
    run["a"].rename()
    run["a"].create()
    run["a"].append(f"{words.text()}\n{words.text()}\n")
    run.wait_for(lambda: run.lines_so_far() >= 6)
    run.stop()
    run.judge(sources=twice(run))


@requirement("ROT-2", needs=["several-files"])
def test_rot_2_two_files_that_are_renamed_at_once_are_followed(taillog_stage: Stage) -> None:
    """The new file is followed: of two paths at once as well, whose files are renamed just before stop()."""
    run = followed(taillog_stage, lines=1, interval=CALM_INTERVAL, files="a b")  # it sleeps meanwhile
    new = {label: taillog_stage.words.text() for label in run.files}
    for label, file in run.files.items():
        file.rename()
        file.create()
        file.append(f"{new[label]}\n")
    run.stop()
    if not any(text in run.all_text() for text in new.values()):
        raise NotApplicable("the drain finds no new file, which is ROT-1's matter")
    run.judge()


@requirement("ROT-2")
def test_rot_2_a_file_behind_a_link_is_followed(taillog_stage: Stage) -> None:
    """The new file is followed: also where the path is a link, and the file that it leads to is made anew."""
    words = taillog_stage.words
    link = taillog_stage.folder / words.file_name()
    run = taillog_stage.open()
    target = run["a"].path
    link.symlink_to(target)
    run.timeline.add("producer", "link", "a", note="the path that is followed, to the file that is written")
    run["a"].append(f"{words.text()}\n")
    run["a"].path = link
    run.start()
    run.must_deliver()
    run["a"].path = target  # the producer's own name for it
    run["a"].rename()
    run["a"].create()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("ROT-2", needs=["missing-files"])
def test_rot_2_a_file_in_a_folder_made_anew_is_followed(taillog_stage: Stage) -> None:
    """The new file is followed: also where its folder was removed with it, and made anew."""
    words = taillog_stage.words
    folder = taillog_stage.folder / words.word()
    folder.mkdir()
    run = taillog_stage.open(paths={"a": folder / words.file_name()})
    run["a"].append(f"{words.text()}\n")
    run.start()
    run.must_deliver()
    run["a"].delete()
    folder.rmdir()
    run.timeline.add("producer", "rmdir")
    run.looks(5)
    folder.mkdir()
    run.timeline.add("producer", "mkdir")
    run["a"].create()
    run["a"].append(f"{words.text()}\n{words.text()}\n")
    run.must_deliver()  # to look for it at stop() is not to follow it
    run.stop()
    run.judge()


@requirement("ROT-3", scenarios=True)
def test_rot_3_the_new_file_comes_whole(taillog_stage: Stage, case: Scenario) -> None:
    """The new file is delivered from its first byte, once."""
    play(taillog_stage, case)


@requirement("ROT-3")
def test_rot_3_a_file_put_in_place_at_once_comes_whole(taillog_stage: Stage) -> None:
    """The new file is delivered from its first byte, once: also one that was full when it came to the path."""
    words = taillog_stage.words
    run = followed(taillog_stage)
    run["a"].replace("".join(f"{words.text()}\n" for _ in range(6)))
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("ROT-3")
def test_rot_3_a_new_file_that_begins_as_the_old_one_comes_whole(taillog_stage: Stage) -> None:
    """The new file is delivered from its first byte, once: also one that begins with the lines of the old one."""
    words = taillog_stage.words
    head = long_head(words)
    run = taillog_stage.open()
    run["a"].append(head)
    run.start()
    run.must_deliver()
    run["a"].append(f"{words.text()}\n")
    run.must_deliver()
    run["a"].replace(f"{head}{words.text()}\n{words.text()}\n")
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("ROT-3")
def test_rot_3_a_file_of_the_same_size_is_a_new_one_too(taillog_stage: Stage) -> None:
    """The new file is delivered from its first byte: though it is as long as the old one."""
    first, second = taillog_stage.words.lines(2)
    size = max(len(first), len(second))
    run = taillog_stage.open()
    run["a"].append(f"{first:x<{size}}\n")
    run.start()
    run.must_deliver()
    run.looks(2)  # by now a tailer knows the size, too
    run["a"].replace(f"{second:x<{size}}\n")
    run.must_deliver()
    run.stop()
    run.judge()


OLDER_BY = 3600.0
"""Seconds by which a new file may be older than the one whose place it takes: one that was copied, or put back."""


@requirement("ROT-3")
def test_rot_3_an_older_file_is_a_new_one_too(taillog_stage: Stage) -> None:
    """The new file is delivered from its first byte: though it was last written to before the old one."""
    words = taillog_stage.words
    run = followed(taillog_stage)
    run["a"].replace(f"{words.text()}\n{words.text()}\n", older_by=OLDER_BY)
    run.settle()
    run.stop()
    run.judge()


@requirement("ROT-4", scenarios=True)
def test_rot_4_a_gap_without_a_file_is_waited_through(taillog_stage: Stage, case: Scenario) -> None:
    """A gap between the rename and the new file is waited through."""
    play(taillog_stage, case)


@requirement("ROT-5", scenarios=True)
def test_rot_5_the_old_files_piece_stands_alone(taillog_stage: Stage, case: Scenario) -> None:
    """An unterminated piece of the old file is delivered as a line of its own, never joined to the new file's first."""
    play(taillog_stage, case)


@requirement("ROT-5")
def test_rot_5_a_piece_before_a_file_that_stays_empty_stands_alone(taillog_stage: Stage) -> None:
    """An unterminated piece of the old file is delivered as a line of its own: where nothing comes after it, too."""
    words = taillog_stage.words
    run = followed(taillog_stage)
    piece = f"{words.text()} {words.text()}"
    run["a"].append(piece)
    run.seen("a")
    run["a"].rename()
    run["a"].create()
    if "last-piece" in taillog_stage.adapter.capabilities:
        run.looks(5)
    else:  # it may be ended before it knows that the old file has ended
        run.wait_for(lambda: piece in run.all_text())
        run.may_lack = lambda text: text == piece
    run.stop()
    run.judge()


@requirement("ROT-5", needs=["last-piece"])
def test_rot_5_a_deleted_files_piece_is_not_lost(taillog_stage: Stage) -> None:
    """An unterminated piece of the old file is delivered as a line of its own: of one that was deleted, too.

    None comes in its place until the tailer has given it up.
    """
    words = taillog_stage.words
    run = followed(taillog_stage)
    piece = words.text()
    run["a"].append(piece)
    run.seen("a")
    if (run.offset("a") or 0) < run["a"].size():
        raise NotApplicable("whether the tailer has read the piece cannot be known")
    run["a"].delete()
    run.wait_for(lambda: not held(run["a"].path))
    run["a"].create()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()  # whether the new file's line came is for ROT-2 to say
    if not any(line.endswith(piece) for line in run.all_text().split("\n")):
        raise run.failure(
            "the piece at the end of a file that was deleted did not come as a line of its own",
            expected=f"{piece!r}: the tailer had the file open",
            got=repr(run.all_text()),
        )


@requirement("ROT-6")
def test_rot_6_rotation_may_come_again_and_again(taillog_stage: Stage) -> None:
    """Rotation again and again; a new file that is at once larger than the old one."""
    words = taillog_stage.words
    run = followed(taillog_stage, lines=1)
    for size in (3, 9, 1, 30, 2):
        run["a"].rename()
        run["a"].create()
        run["a"].append("".join(f"{words.word()} {number}\n" for number in range(size)))
        run.must_deliver()
    run.stop()
    run.judge()


@requirement("ROT-7")
def test_rot_7_a_turned_link_is_followed(taillog_stage: Stage) -> None:
    """A link turned to a new target is followed."""
    _turned(taillog_stage.open())


def _turned(run: Run) -> None:
    words = run.stage.words
    run["a"].link()
    run["a"].append(f"{words.text()}\n{words.text()}\n")
    run.start()
    run.must_deliver()
    run["a"].turn()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("ROT-7")
def test_rot_7_a_turned_link_behind_a_link_is_followed(taillog_stage: Stage) -> None:
    """The same of a link that another link leads to, which stays as it is."""
    words = taillog_stage.words
    link = taillog_stage.folder / words.file_name()
    run = taillog_stage.open(as_path=lambda path: str(link))
    link.symlink_to(run["a"].path)
    run.timeline.add("producer", "link", "a", note=f"{link.name}, which the tailer is given, to it")
    _turned(run)


@requirement("ROT-7", needs=["missing-files"])
def test_rot_7_a_turned_link_to_the_folder_is_followed(taillog_stage: Stage) -> None:
    """The same of a link to the folder in which the file is."""
    words = taillog_stage.words
    link, new_link, *folders = (taillog_stage.folder / words.word() for _ in range(4))
    for folder in folders:
        folder.mkdir()
    link.symlink_to(folders[0])
    run = taillog_stage.open(paths={"a": link / words.file_name()})
    run.timeline.add("producer", "link", "a", note=f"its folder's, to {folders[0].name}")
    run["a"].append(f"{words.text()}\n{words.text()}\n")
    run.start()
    run.must_deliver()
    new_link.symlink_to(folders[1])
    run.timeline.add("producer", model.RENAME, "a", note=f"its folder's link is turned to {folders[1].name}")
    new_link.replace(link)
    run["a"].create()
    run["a"].append(f"{words.text()}\n")
    run.must_deliver()
    run["a"].append(f"{words.text()}\n")
    run.settle()
    run.stop()
    run.judge()


@requirement("ROT-8")
def test_rot_8_a_deleted_files_descriptor_is_given_back(taillog_stage: Stage) -> None:
    """The deleted file's descriptor is given back."""
    run = followed(taillog_stage)
    run["a"].delete()
    run["a"].create()
    run["a"].append(f"{taillog_stage.words.text()}\n")
    run.settle()
    _is_released(run)


@requirement("ROT-8")
def test_rot_8_a_file_that_does_not_come_again_is_released(taillog_stage: Stage) -> None:
    """The same of a file that is deleted, and in whose place none comes."""
    run = followed(taillog_stage)
    run["a"].delete()
    _is_released(run)


def _is_released(run: Run) -> None:
    run.must_happen("the descriptor of the deleted file given back", lambda: not held(run["a"].path))
    run.stop()


def held(path: Path) -> bool:
    """Whether this process, or one below it, still has a file open to read that stood at `path` and is deleted.

    What is open to be written to is the producer's, which a tailer that forks has inherited.
    """
    return any(
        where == f"{path} (deleted)" and position(pid, number) is not None
        for pid in family(os.getpid())
        for number, where in descriptors(pid).items()
    )


TRIES = 5
"""Times that is tried what may go wrong by the machine's doing: an inode number may be another program's by then."""


def hands_numbers_out_again(folder: Path) -> bool:
    """Whether the file system of `folder` gives a new file the inode number of a deleted one."""
    given: list[set[int]] = []
    for _ in range(2):
        paths = [folder / f"number{at}" for at in range(NEW_FILES)]
        for path in paths:
            path.touch()
        given.append({path.stat().st_ino for path in paths})
        for path in paths:
            path.unlink()
    return not given[0].isdisjoint(given[1])


@requirement("ROT-9")
def test_rot_9_a_reused_inode_is_no_old_file(taillog_stage: Stage) -> None:
    """A file at the path with the old one's inode number is not resumed at the old offset."""
    if not hands_numbers_out_again(taillog_stage.folder):
        raise NotRun("the file system of the temporary files gives no inode number twice, as tmpfs: set TMPDIR")
    words = taillog_stage.words
    run = followed(taillog_stage, lines=3)
    given = {os.stat(run["a"].path).st_ino}
    again = False
    for _ in range(TRIES):
        # Longer than any file before it, whose offsets lie within it, and from none of them on as from its beginning.
        first = words.word() + words.word() * run["a"].size()
        run["a"].delete()
        run.quiet()
        if DESCRIPTORS.is_dir() and not run.wait_long(lambda: not held(run["a"].path)):
            raise NotRun("the tailer keeps a deleted file open, and so no other file gets its inode number")
        run["a"].arrive(f"{first}\n{words.text()}\n", given)
        number = os.stat(run["a"].path).st_ino
        run.settle()
        again = number in given
        if again:
            break
        given.add(number)
    run.stop()
    run.judge()
    if not again:
        raise NotRun(f"of {TRIES} new files none got a number that an old one had had")


@requirement("ROT-10")
def test_rot_10_late_lines_to_the_renamed_file_arrive(taillog_stage: Stage) -> None:
    """Lines that a producer still writes to the renamed file shortly after the new one stands at the path come too."""
    _late_lines_come(taillog_stage, LEISURELY)


@requirement("ROT-10")
def test_rot_10_those_that_come_just_before_stop_arrive_too(taillog_stage: Stage) -> None:
    """The same where the last of them comes just before stop(), so that it is the drain that has to find it."""
    _late_lines_come(taillog_stage, DOZES, at_stop=True)


def _late_lines_come(stage: Stage, interval: float, *, at_stop: bool = False) -> None:
    if not any(_they_come(stage, interval, at_stop) for _ in range(TRIES)):
        raise NotRun(f"this machine was too busy, {TRIES} times in a row, to write within {SHORTLY} looks")


def _they_come(stage: Stage, interval: float, at_stop: bool) -> bool:
    """Fail unless they do; False if the last of them was written too late for anything to be said."""
    words = stage.words
    run = followed(stage, interval=interval)
    run["a"].rename()
    began = time.monotonic()
    run["a"].create()
    run["a"].append(f"{words.text()}\n")
    run["a"].append_old(f"{words.text()}\n")
    # By then the tailer has seen the new file. Its line is not waited for longer: some hold what they deliver back for
    # a while, and some read that file only once they are done with the old one.
    if at_stop:
        run.wait_for(lambda: run.lines_so_far() >= 3 or time.monotonic() - began >= SEEN_WITHIN * interval)
    else:
        run.looks(SEEN_WITHIN)
    run["a"].append_old(f"{words.text()}\n")
    in_time = time.monotonic() - began <= SHORTLY * interval
    if not at_stop:
        run.wait_for(lambda: run.lines_so_far() >= 5)
    run.stop()
    if in_time:
        run.judge(sources=run.sources(late_optional=False))
    run.close()
    return in_time


LEISURELY = 0.02
"""Seconds between looks, of which a busy machine keeps the producer from its next step for one at the most."""

SEEN_WITHIN = 2
"""Looks after which a tailer has seen a new file."""

SHORTLY = 3
"""Looks for which a tailer reads on in a renamed file at the least, if it does so at all."""


@requirement("ROT-6", needs=["several-files"])
def test_rot_6_any_sequence_with_rotations(taillog_stage: Stage) -> None:
    """Rotation again and again: any sequence of appends, touches, rotations, deletions and turned links."""
    explore(taillog_stage, scenarios("ROT-6", (*PLAIN, *ROTATION)), lambda scenario: play(taillog_stage, scenario))
