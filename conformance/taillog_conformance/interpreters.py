"""Workers of other interpreters in one run of pytest-xdist: `--tx popen//python=python3.12`."""

from __future__ import annotations

from typing import Any

from xdist import plugin  # type: ignore[import-untyped]

OWN_PATH = "import sys; channel.send(sys.path)"

_SENT: list[str] = getattr(plugin, "_sys_path", [])
"""What pytest-xdist sends to each local worker as its `sys.path`."""

_HERE = list(_SENT)


def keep_path(node: Any) -> None:
    """Have the worker `node`, which is about to be sent its orders, keep the path of its own interpreter.

    pytest-xdist (3.8) gives each local worker the `sys.path` of the process that distributes, as it stood when the
    plugin was loaded. In another interpreter that leads to packages, and to a standard library, of the wrong version
    (https://github.com/pytest-dev/pytest-xdist/issues/1049). The list is sent right after this, for each worker anew.
    """
    _SENT[:] = _HERE
    if node.gateway.spec.python:
        channel = node.gateway.remote_exec(OWN_PATH)
        _SENT[:] = channel.receive()
        channel.waitclose()  # the worker has one thread for what it is sent
