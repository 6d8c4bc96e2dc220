"""A tailer at work in a process of its own, so that only it is measured: `python -m taillog_conformance.bench.host`.

The bench writes one word a line on standard input, and gets one line of JSON on the descriptor that the first argument
names. The second argument is the job, as JSON: see `subject.Hosted`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from typing import Any, TextIO

from ..adapters import DEFAULT, Job
from ..outcomes import UsageProblem
from ..target import Target, one_line

LOOKS_AFTER, LOOKS_AFTER_AT_MOST = 0.001, 0.01
"""Seconds between two looks at how much has come into a stream in memory: the fewer the further the end is, for each of
them stops the tailer (there is one GIL)."""


class UnbufferedText(io.StringIO):
    """A text stream that writes at once: the time that a line takes is then the tailer's."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd

    def write(self, text: str) -> int:
        data = text.encode()
        while data:
            data = data[os.write(self._fd, data) :]
        return len(text)


def keeps_all(line: str) -> bool:
    """The filter of the measures: it looks at the line, and keeps it."""
    return "line" in line


def _destination(sink: str, out: str, takes_path: bool) -> TextIO | str:
    if sink == "memory":
        return io.StringIO()
    if sink == "pipe":
        return UnbufferedText(int(out))
    return out if takes_path else open(out, "w", encoding="utf-8")


def serve(answers: int, job: dict[str, Any]) -> None:
    """Do what standard input says, until it ends."""

    def answer(**fields: object) -> None:
        os.write(answers, json.dumps(fields).encode() + b"\n")

    name, command, capabilities, without = job["target"]
    adapter = Target(name, command, tuple(capabilities), tuple(without)).adapter()
    dst = _destination(job["sink"], job["out"], "destination-path" in adapter.capabilities)

    def deliver(key: int, text: str) -> None:
        if not isinstance(dst, str):
            dst.write(text)

    prefixes = job["prefixes"]
    tailer = adapter.open(
        Job(
            name="bench",
            log_files={int(key): path for key, path in job["files"].items()},
            dst=dst,
            deliver=deliver,
            report=lambda text: None,
            interval=job["interval"],
            prefixes={int(key): prefix for key, prefix in prefixes.items()} if prefixes else DEFAULT,
            filter=keeps_all if job["keep"] else DEFAULT,
        )
    )
    answer(ready=True)
    began = time.perf_counter()
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "start":
            began = time.perf_counter()
            tailer.start()
        elif word == "wait":
            assert isinstance(dst, io.StringIO)
            wanted = int(rest[0])
            while (came := dst.tell()) < wanted:
                left = (time.perf_counter() - began) * (wanted / came - 1) if came else 0.0
                time.sleep(min(max(left / 2, LOOKS_AFTER), LOOKS_AFTER_AT_MOST))
        elif word == "stop":
            began = time.perf_counter()
            tailer.stop()
        seconds = time.perf_counter() - began
        if word == "stop" and not isinstance(dst, str):
            with contextlib.suppress(OSError):
                dst.flush()  # not all tailers do; it is no part of what is timed
        answer(seconds=seconds)


def main() -> None:
    """Serve, and end without waiting for what a tailer has left behind."""
    answers = int(sys.argv[1])
    try:
        serve(answers, json.loads(sys.argv[2]))
    except UsageProblem as problem:
        os.write(answers, json.dumps({"problem": str(problem)}).encode() + b"\n")
    except BaseException as error:
        text = f"{type(error).__name__}: {one_line(error)}"
        os.write(answers, json.dumps({"problem": text}).encode() + b"\n")
    os._exit(0)


if __name__ == "__main__":
    main()
