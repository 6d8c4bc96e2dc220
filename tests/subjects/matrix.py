"""Checks every real tailer that can be had, and makes the matrix of them: matrix.py FOLDER [SUBJECT ...]

Reports go to the folder, beside matrix.html and matrix.md. A subject that is not installed is named with the reason.
Its known failures are not excused here: the matrix shows what is so.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from taillog_fixtures.subjects import SUBJECTS, arguments

KIT = (sys.executable, "-m", "taillog_conformance")

AT_ONCE = 3
"""Subjects that are checked at a time: most of each run is waiting."""

WITHIN = 1800.0
"""Seconds that one subject may take: some minutes are usual."""


def check(subject: str, report: Path) -> tuple[int, str]:
    """Check a subject; the exit status, and the last line of what was said."""
    words = [*KIT, "check", *arguments(subject), "-q", "--json", str(report)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=WITHIN, check=False)
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()  # a tailer may say things on standard error, too
    return done.returncode, said[-1] if said else ""


def matrix(folder: Path, subjects: Sequence[str]) -> int:
    """Check the subjects, and put their reports side by side; the exit status of that."""
    reports = [folder / f"{subject.replace(':', '-')}.json" for subject in subjects]
    judged = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(check, subjects, reports)
        for subject, report, (status, said) in zip(subjects, reports, found, strict=True):
            print(f"{subject}: {'not run: ' if status == 2 else ''}{said}", flush=True)
            if status != 2:
                judged.append(str(report))
    pages = ["--html", str(folder / "matrix.html"), "--markdown", str(folder / "matrix.md")]
    return subprocess.run([*KIT, "compare", *judged, *pages], check=False).returncode


if __name__ == "__main__":
    sys.exit(matrix(Path(sys.argv[1]), sys.argv[2:] or SUBJECTS))
