"""What the command says of each breaker, and how long it takes: the whole suite on all of them, as a table.

Not part of the tests, which ask for a few requirements only: it takes a quarter of an hour. `tox -e breakers` runs it
and writes docs/breakers.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from taillog_fixtures.specimens.breakers import Breaker, all_breakers
from taillog_fixtures.specimens.trials import Trial, Way, trial

WITHIN = 600.0
"""Seconds after which a run counts as hung."""

BOUND = 120.0
"""Seconds in which a tailer is to be judged that lets nothing be judged; another takes as long as the suite does."""

HEAD = """# What a tailer may do to the kit

A conformance kit meets broken programs by profession: nothing that they do may end a run, spoil another check's result,
or stay behind. Each row is a tailer of `fixtures/taillog_fixtures/specimens/` (`breakers.py`, `broken_adapters.py`,
`commands.py`, `imports/`) that is correct but for what the row says, the whole suite run on it by `taillog check`.
*Judged* counts the MUST requirements that apply and were judged; the others were blocked, because the smoke check
showed that nothing more can be said of such a tailer.

- **A call that does not return** is broken into after 10 s without progress, and its stack is shown. One that swallows
  that, or holds the interpreter up in C, is ended with its process: the check is failed, and another process goes on.
  So is one that stops its process, or takes its timer away: the process over it looks for signs of life.
- **A process that ends**, by whatever, is a failed check, with the signal or status and, where there is one, the stack.
- **What a tailer changes of its process** (working folder, umask, signal handlers, standard streams and descriptors,
  logging, trace functions, recursion and resource limits, timers, functions of the standard library, environment) is
  put back after each check, and noted below the report.
- **Memory** is bounded by 1 GiB of growth in a check (`--scale` above 1 multiplies it), a destination by 64 MiB, a file
  by 1 GiB, what is printed and logged by 1 MiB that is kept.
- **Processes** that a tailer leaves are ended with the run, though they have left its session; an interpreter ends in
  spite of threads and exit handlers that do not.
- **An adapter that raises** is an error of its own, and the run inconclusive; so is a full disk.

In plain pytest the tailer runs in pytest's own process. All of this holds there too, but for what only a process over
it can do: where a tailer ends the process in a check (the smoke check has one of its own), or holds it up so that
nothing else ends it, pytest ends with it. `pytest -n 1` has a process over it.

"""


def cell(text: str) -> str:
    """`text` as it may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")


def said(found: Trial) -> str:
    """What the run said of it, in a sentence or two."""
    checks = [check for row in found.report.get("requirements", []) for check in row["checks"]]
    for status in ("fail", "error"):
        for row in found.report.get("requirements", []):
            for check in row["checks"]:
                if check["status"] == status and (row["level"] == "MUST" or status == "error"):
                    return f"{row['id']}: {what(check['message'])}"
    notes = sorted({check["message"] for check in checks if check["status"] == "pass" and check["message"]})
    if notes:
        return "noted: " + "; ".join(notes)
    return next((line for line in reversed(found.said.splitlines()) if line.startswith("Error: ")), "nothing")


def what(message: str) -> str:
    """The line of a failure's message that says what came, or the first one of an error's."""
    lines = message.splitlines()
    for at, line in enumerate(lines):
        if line.startswith("  what: "):
            more = [each for each in lines[at + 1 : at + 3] if each.startswith(" " * 12)]
            return " ".join([line.removeprefix("  what: "), *more])
    return lines[0]


def row(breaker: Breaker, found: Trial) -> str:
    """The row of the table."""
    summary = found.report.get("summary", {})
    judged = f"{summary['ran']} of {summary['required']}" if summary else ""
    cells = (breaker.name, breaker.does, found.verdict, said(found), judged, f"{found.seconds:.0f}")
    return "| " + " | ".join(cell(text) for text in cells) + " |"


def wrong(breaker: Breaker, found: Trial) -> str:
    """What is not as it has to be; '' if all is."""
    summary = found.report.get("summary", {})
    missing = [words for words in breaker.expect if words not in " ".join(found.said.split())]
    kept = [name for name in found.folders if not (breaker.leaves and name.startswith(breaker.leaves))]
    faults = {
        f"{found.verdict}, not {breaker.verdict}": found.verdict != breaker.verdict,
        f"does not say {missing}": bool(missing),
        f"processes left: {found.processes}": bool(found.processes),
        f"folders left: {kept}": bool(kept),
        f"took {found.seconds:.0f} s": bool(summary.get("blocked")) and found.seconds > BOUND,
        "checks were not run": bool(summary.get("not_run")),
    }
    return "; ".join(fault for fault, holds in faults.items() if holds)


def main() -> int:
    """Try them all, and write the page; 1 if something was not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, help="write the page here")
    parser.add_argument("--alone", action="store_true", help="with -n 0, not with workers")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("names", nargs="*", help="only these breakers")
    options = parser.parse_args()
    chosen = [each for each in all_breakers() if not options.names or each.name in options.names]
    rows = []
    faults = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        way: Way = "alone" if options.alone else "workers"
        tried = pool.map(lambda breaker: trial(breaker, way, within=WITHIN), chosen)
        for breaker, found in zip(chosen, tried, strict=True):
            rows.append(row(breaker, found))
            fault = wrong(breaker, found)
            faults += bool(fault)
            print(rows[-1] + (f"   <-- {fault}" if fault else ""), flush=True)
    titles = ("tailer", "what it does", "verdict", "what the run said", "judged", "seconds")
    page = HEAD + (
        f"Measured by `tox -e breakers` on {date.today()}: {platform.system()}, {os.cpu_count()} cores, CPython "
        f"{platform.python_version()}, `taillog check -n {0 if options.alone else 2}`, {options.jobs} at a time. "
        f"Not as it has to be: {faults or 'none'}.\n\n"
        f"| {' | '.join(titles)} |\n|{' --- |' * len(titles)}\n"
    )
    if options.output:
        options.output.write_text(page + "\n".join(rows) + "\n", encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
