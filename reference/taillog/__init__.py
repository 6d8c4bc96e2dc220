"""TailLog: follows log files while they are written, and passes their lines on, whole and in order.

The modules, in the order to read them: `framing` (bytes to lines), `source` (one followed file),
`destination` (where the lines go), `waiting` (the pause between two looks), `events` (which may end it, with
`inotify` below it), `tail_log` (the lifecycle, and the loop that ties them together). An id such as DEL-1 in a
comment is a requirement of the TailLog contract; it stands beside the line that meets it.
"""

from taillog.tail_log import PollingTailLog, TailLog

__all__ = ["PollingTailLog", "TailLog"]
