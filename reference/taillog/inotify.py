"""The kernel's events about files, on Linux: inotify(7), called through ctypes.

What a caller gets are numbers: of a watch, and of what happened. What they mean for a log file is said in `events`.
"""

import ctypes
import errno
import os
import struct
from typing import NamedTuple

MODIFY = 0x2
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
OVERFLOW = 0x4000
IGNORED = 0x8000
ONLY_FOLDERS = 0x1000000
NO_LINKS = 0x2000000
ADD = 0x20000000

EVENT = struct.Struct("iIII")  # watch, what, cookie, length of the name that follows

EVENTS_SIZE = 64 * 1024
"""Bytes of events that are read at once: about 2,000."""

LOCAL = frozenset(
    {
        0xEF53,  # ext2, ext3, ext4
        0x58465342,  # xfs
        0x9123683E,  # btrfs
        0x01021994,  # tmpfs
        0x858458F6,  # ramfs
        0x794C7630,  # overlayfs
        0xF2F52010,  # f2fs
        0x2FC12FC1,  # zfs
        0xCA451A4E,  # bcachefs
    }
)
"""File systems of which the kernel makes all changes itself, and so tells of all: their numbers in statfs(2). Of what
happens on the far side of a network, or in /proc, it tells nothing, though it takes the watch."""


class Event(NamedTuple):
    """What happened, by the number of a watch; the name is that of a file in a watched folder, or empty."""

    watch: int
    what: int
    name: bytes


class Inotify:
    """One queue of events. Raises OSError if there is none to be had: this is no Linux, or a limit is reached."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "inotify_init1"):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        self.fd = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def watch(self, path: str, what: int) -> int:
        """Have events of `what` happens to `path`; the number of the watch, of which each inode has one.

        Raises OSError, with ENOTSUP on a file system that does not tell of all that happens.
        """
        encoded = os.fsencode(path)
        about = ctypes.create_string_buffer(256)  # more than a struct statfs has; its first word is the number
        self._checked(self._libc.statfs(encoded, about))
        if ctypes.c_long.from_buffer(about).value not in LOCAL:
            raise OSError(errno.ENOTSUP, "its file system does not tell of all changes")
        return self._checked(self._libc.inotify_add_watch(self.fd, encoded, ctypes.c_uint32(what)))

    def forget(self, watch: int) -> None:
        """End a watch; it may have ended by itself."""
        self._libc.inotify_rm_watch(self.fd, watch)

    def read(self) -> list[Event]:
        """The events that have come since. Raises OSError if there will be no more."""
        try:
            data = os.read(self.fd, EVENTS_SIZE)
        except BlockingIOError:
            return []
        if not data:
            raise OSError(errno.EPIPE, "the queue of events has ended")
        events = []
        at = 0
        while at < len(data):
            watch, what, _, length = EVENT.unpack_from(data, at)
            at += EVENT.size
            events.append(Event(watch, what, data[at : at + length].rstrip(b"\0")))
            at += length
        return events

    def close(self) -> None:
        """Give back the queue."""
        os.close(self.fd)

    @staticmethod
    def _checked(result: int) -> int:
        if result == -1:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result
