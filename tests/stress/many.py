"""Runs the suite many times, several runs at once: each is a fork of one process that has everything imported.

A run is what `taillog check -n 0` does, without the time that an interpreter takes to start: half of what a run costs.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LOOKS_EVERY = 0.01
"""Seconds between two looks at which runs have ended."""

ENDS_WITHIN = 600.0
"""Seconds after which a run is ended: none takes as long, however its tailer hangs."""


@dataclass(frozen=True)
class Job:
    """One run: the target as `taillog check` takes it, and what else it is given."""

    target: str
    seed: int = 0
    capabilities: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    to_first_failure: bool = False
    path: tuple[str, ...] = ()
    """Folders that go before the module search path."""


@dataclass(frozen=True)
class Outcome:
    """What came of one run; `report` is empty where it left none, and `said` is what it printed."""

    job: Job
    report: dict[str, Any] = field(repr=False)
    said: str
    seconds: float
    """From its begin to its end."""
    cpu: float
    """Seconds of processor time that it and its processes took."""

    @property
    def verdict(self) -> str:
        """The report's verdict; of a run of a part that passed, which the kit calls inconclusive, `conformant`."""
        if not self.report:
            return "no report"
        verdict: str = self.report["verdict"]
        if self.job.only and verdict == "inconclusive" and not self.failed("MUST"):
            return "conformant"
        return verdict

    def failed(self, *levels: str) -> list[str]:
        """The ids that failed, or broke, at these levels."""
        rows = self.report.get("requirements", ())
        return [row["id"] for row in rows if row["level"] in levels and row["status"] in ("fail", "error")]

    def not_run(self, ids: Iterable[str]) -> str:
        """Why checks of `ids` could not judge on this machine; '' if they could."""
        rows = [row for row in self.report.get("requirements", ()) if row["id"] in ids and row["status"] == "not-run"]
        return "; ".join(check["message"] for row in rows for check in row["checks"])

    def messages(self, id: str) -> list[str]:
        """The messages of a requirement's checks that failed."""
        rows = [row for row in self.report.get("requirements", ()) if row["id"] == id]
        return [check["message"] for row in rows for check in row["checks"] if check["status"] == "fail"]


def run_all(jobs: Iterable[Job], at_once: int) -> Generator[Outcome, None, None]:
    """Run all jobs, `at_once` at a time; each outcome as it comes."""
    return run_chains(([job] for job in jobs), at_once)


def run_chains(chains: Iterable[Sequence[Job]], at_once: int) -> Generator[Outcome, None, None]:
    """Run the jobs of each chain one after the other, up to the first that fails a requirement, `at_once` at a time.

    The outcome of the last one of each chain as it comes.
    """
    server = subprocess.Popen(
        [sys.executable, __file__, str(at_once)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        server.stdin.write(json.dumps([[asdict(job) for job in chain] for chain in chains]))
        server.stdin.close()
        for line in server.stdout:
            yield _outcome(json.loads(line))
    finally:
        server.terminate()
        server.wait()


def _outcome(found: dict[str, Any]) -> Outcome:
    job = Job(**{name: tuple(v) if isinstance(v, list) else v for name, v in found.pop("job").items()})
    return Outcome(job, **found)


# The process that forks.


@dataclass(frozen=True)
class _Running:
    job: dict[str, Any]
    later: list[dict[str, Any]]
    """What of its chain comes after it."""
    began: float
    folder: tempfile.TemporaryDirectory[str]


def _serve(at_once: int) -> None:
    waiting: list[list[dict[str, Any]]] = json.load(sys.stdin)
    waiting.reverse()
    answers = os.fdopen(os.dup(1), "w")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # by way of what ends the runs
    from hypothesis import strategies

    from taillog_conformance import plugin, replay, runner, smoke, suite  # noqa: F401  # all that a run would import

    suite._registry.all_checks()  # imports their modules, and reads the contract and the scenarios
    strategies.text().validate()  # reads the table of characters
    gc.collect()
    gc.freeze()  # what every run shares is not looked through again and again in each
    running: dict[int, _Running] = {}
    root = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                _begin(waiting.pop(), running, Path(root.name))
            pid, _, used = os.wait4(-1, os.WNOHANG)
            if pid in running:
                run = running.pop(pid)
                answer = _ended(pid, run, used.ru_utime + used.ru_stime)
                if run.later and not _outcome(json.loads(answer)).failed("MUST", "SHOULD", "MAY"):
                    waiting.append(run.later)
                else:
                    print(answer, file=answers, flush=True)
            elif not pid:
                time.sleep(LOOKS_EVERY)
                _end_what_hangs(running)
    finally:
        for pid in running:
            _kill_group(pid)
        root.cleanup()


def _begin(chain: list[dict[str, Any]], running: dict[int, _Running], root: Path) -> None:
    job, *later = chain
    # In a folder of its own, where nothing happens but what the run does: a tailer that waits for the kernel's events
    # would be woken by the other runs, else.
    folder = tempfile.TemporaryDirectory(dir=tempfile.mkdtemp(dir=root), ignore_cleanup_errors=True)
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.chdir(folder.name)
            tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(dir=folder.name)
            said = os.open("said", os.O_WRONLY | os.O_CREAT)
            os.dup2(said, 1)
            os.dup2(said, 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            _check(job)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
    running[pid] = _Running(job, later, time.monotonic(), folder)


def _check(job: dict[str, Any]) -> None:
    """What the command does, but for the process in which it would first try whether the target can be loaded."""
    from taillog_conformance.contract import load_contract
    from taillog_conformance.runner import run
    from taillog_conformance.target import Target

    sys.path[:0] = job["path"]
    adapter = Target(job["target"], capabilities=tuple(job["capabilities"])).adapter()
    described = {"name": adapter.name, "adapter": adapter.kind, "capabilities": sorted(adapter.capabilities)}
    options = [f"--taillog-seed={job['seed']}", f"--tailer={job['target']}"]
    options += [f"--tailer-capability={name}" for name in job["capabilities"]]
    options += [f"--taillog-only={name}" for name in job["only"]]
    options += ["--exitfirst"] if job["to_first_failure"] else []
    selected = frozenset(each.id for each in load_contract().select(job["only"])) if job["only"] else None
    run(described, options, 0, job["seed"], selected, None, {"json": Path("report.json")}, quiet=True)


def _ended(pid: int, run: _Running, cpu: float) -> str:
    seconds = time.monotonic() - run.began
    _kill_group(pid)  # what the tailer left behind
    folder = Path(run.folder.name)
    report, said = folder / "report.json", folder / "said"
    found = {
        "job": run.job,
        "report": json.loads(report.read_text(encoding="utf-8")) if report.exists() else {},
        "said": said.read_text(encoding="utf-8", errors="replace") if said.exists() else "",
        "seconds": seconds,
        "cpu": cpu,
    }
    run.folder.cleanup()
    return json.dumps(found)


def _end_what_hangs(running: dict[int, _Running]) -> None:
    for pid, run in running.items():
        if time.monotonic() - run.began > ENDS_WITHIN:
            _kill_group(pid)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
