"""The producer: what is done to the files that a tailer follows, each step noted in the timeline before it is done."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

from . import model
from .timeline import Timeline

NEW_FILES = 32
"""New files of which one may have a number that was free: other programs take numbers, too."""


REMOVED_WITHIN = 60.0
"""Seconds after which a folder is left to the system; one of a hundred thousand files takes two."""


class ProducedFile:
    """One file as its producer sees it: the path it writes to, and the descriptor that it keeps open meanwhile.

    The descriptor is open for writing only, so that the read offset of a tailer is told apart from it.

    What is appended first may be held back until the tailer stands where it begins: `hold`, `release`.
    """

    def __init__(self, label: str, key: int, path: Path, timeline: Timeline) -> None:
        self.label = label
        self.key = key
        self.path = path
        self._timeline = timeline
        self._descriptor: int | None = None
        self._renamed: int | None = None
        self._renames = 0
        self._targets = 0
        self._held: list[bytes] | None = None

    def hold(self) -> None:
        """Keep what is appended, until `release` or a step for which it must stand in the file."""
        self._held = []

    def release(self) -> None:
        """Write what was kept back, and keep no more back."""
        held, self._held = self._held, None
        for data in held or ():
            self.write(data)

    def append(self, data: str | bytes) -> None:
        """Write `data` at the end, in one write(); the file is created if it is not there."""
        data = data.encode() if isinstance(data, str) else data
        if self._held is not None:
            self._held.append(data)
        else:
            self.write(data)

    def write(self, data: bytes) -> None:
        """As append(), but at once, whatever is kept back."""
        self._timeline.add("producer", model.APPEND, self.label, data)
        if self._descriptor is None:
            self._descriptor = self._open()
        _write_all(self._descriptor, data)

    def create(self) -> None:
        """Make the file, empty; one that was renamed or deleted before stays another file."""
        if self._descriptor is not None:
            self.release()
        self._timeline.add("producer", model.CREATE, self.label)
        if self._descriptor is not None:
            if self._renamed is not None:
                os.close(self._renamed)
            self._renamed = self._descriptor
        self._descriptor = self._open()

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def _step(self, what: str, data: bytes | None = None, note: str = "") -> None:
        """Note a step for which what was kept back must stand in the file."""
        self.release()
        self._timeline.add("producer", what, self.label, data, note)

    def truncate(self) -> None:
        """Cut the file to no bytes, in place."""
        self._step(model.TRUNCATE)
        os.truncate(self.path, 0)

    def rename(self) -> Path:
        """Move the file aside, and tell where to; what is appended before create() still goes to it."""
        # Not to one name each time: a file that is replaced so is deleted, and its inode's number comes again (ROT-9).
        self._renames += 1
        aside = self.path.with_name(f"{self.path.name}.{self._renames}")
        self._step(model.RENAME, note=f"to {aside.name}")
        os.replace(self.path, aside)
        return aside

    def link(self) -> None:
        """Make the path a link to a file that does not exist yet; to be called before the file is made."""
        target = self._next_target()
        self._step("link", note=f"to {target.name}")
        self.path.symlink_to(target)

    def turn(self) -> None:
        """Turn the link to a new, empty file, in one step; what is appended from now on goes there."""
        target = self._next_target()
        self._step(model.RENAME, note=f"the link is turned to {target.name}")
        self._step(model.CREATE)
        self.close()
        target.touch()
        link = self.path.with_name(self.path.name + ".new")
        link.symlink_to(target)
        os.replace(link, self.path)

    def _next_target(self) -> Path:
        self._targets += 1
        return self.path.with_name(f"{self.path.name}.target{self._targets}")

    def replace(self, data: str | bytes, older_by: float = 0.0) -> None:
        """Put another file with `data` in the place of this one, in one step; it was written `older_by` seconds ago."""
        self._step(model.RENAME, note="replaced by another file" + (", which is older" if older_by else ""))
        self.arrive(data, older_by=older_by)

    def arrive(self, data: str | bytes, numbers: Container[int] = (), older_by: float = 0.0) -> None:
        """Put a file with `data` at the path, in one step: nobody sees it empty. It was written `older_by` seconds ago.

        If the file system gives one of some new files an inode number of `numbers`, it is that one.
        """
        data = data.encode() if isinstance(data, str) else data
        self._step(model.CREATE)
        self._step(model.APPEND, data)
        self.close()
        made = [self.path.with_name(f"{self.path.name}.new{at}") for at in range(NEW_FILES if numbers else 1)]
        for path in made:
            path.write_bytes(data)
            if older_by:
                os.utime(path, (time.time() - older_by,) * 2)
        made.sort(key=lambda path: path.stat().st_ino in numbers)
        os.replace(made.pop(), self.path)
        for path in made:
            path.unlink()

    def append_old(self, data: str | bytes) -> None:
        """Write to the file that was renamed, after another one stands at the path."""
        data = data.encode() if isinstance(data, str) else data
        assert self._renamed is not None, "append_old needs a rename() and a create() before it"
        self._step(model.APPEND_OLD, data)
        _write_all(self._renamed, data)

    def delete(self) -> None:
        """Remove the file."""
        self._step(model.DELETE)
        os.unlink(self.path)
        self.close()

    def touch(self, at: float | None = None) -> None:
        """Give the file a new time of modification, now or `at` seconds since 1970; its bytes stay."""
        if at is None:
            self._step("touch")
            os.utime(self.path)
        else:
            self._step("set time", note=f"of modification to {at:g} s after 1970")
            os.utime(self.path, (at, at))

    def chmod(self, mode: int) -> None:
        """Change the file's permissions."""
        self._step("chmod", note=f"{mode:o}")
        os.chmod(self.path, mode)

    def size(self) -> int:
        """Bytes that stand at the path now; 0 where nothing does."""
        try:
            return os.stat(self.path).st_size
        except OSError:
            return 0

    def close(self) -> None:
        """Close what the producer holds open."""
        for descriptor in (self._descriptor, self._renamed):
            if descriptor is not None:
                os.close(descriptor)
        self._descriptor = self._renamed = None


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def device(folder: Path, path: str) -> Path:
    """The device at `path`; for root a node of its own in `folder`: a tailer may remove or replace what it is given."""
    if os.geteuid() != 0:
        return Path(path)
    node = folder / Path(path).name
    try:
        os.mknod(node, stat.S_IFCHR | 0o666, os.stat(path).st_rdev)
        os.close(os.open(node, os.O_RDWR))  # a file system may be mounted so that its devices are none
    except OSError:
        node.unlink(missing_ok=True)
        node.symlink_to(path)
    return node


def remove_tree(folder: Path) -> None:
    """Remove a check's folder, whatever was done to its permissions, as far as it can be removed."""

    def allow(function: object, path: str, _: object) -> None:
        for place in (os.path.dirname(path), path):
            if not os.path.islink(place) and Path(place).is_relative_to(folder):  # nothing above is ours
                os.chmod(place, 0o700)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)

    try:
        shutil.rmtree(folder, onerror=allow)
    except (OSError, RecursionError):
        # It goes as deep as folders do, and leaves what cannot be removed.
        with suppress(OSError, subprocess.SubprocessError):
            words = ["rm", "-rf", "--", os.fspath(folder)]
            subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=REMOVED_WITHIN)
