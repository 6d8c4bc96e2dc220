"""Checks every real tailer that can be had, and makes the matrix of them: matrix.py FOLDER [SUBJECT ...]

Reports go to the folder, beside matrix.html and matrix.md. A subject that is not installed is named with the reason.
Its known failures are not excused here: the matrix shows what is so.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from taillog_fixtures.subjects import SUBJECTS, target

WITHIN = 1800.0
"""Seconds that one subject may take: five minutes are usual on two busy cores."""


def main() -> int:
    folder, *subjects = sys.argv[1:]
    reports = []
    for subject in subjects or SUBJECTS:
        report = Path(folder, f"{subject.replace(':', '-')}.json")
        words = [sys.executable, "-m", "taillog_conformance", "check", target(subject), "-q", "--json", str(report)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=WITHIN, check=False)
        said = (done.stdout + done.stderr).strip().splitlines()[-1:]
        print(f"{subject}: {'not run: ' if done.returncode == 2 else ''}{said[0] if said else ''}", flush=True)
        if done.returncode != 2:
            reports.append(str(report))
    pages = ["--html", str(Path(folder, "matrix.html")), "--markdown", str(Path(folder, "matrix.md"))]
    return subprocess.run(
        [sys.executable, "-m", "taillog_conformance", "compare", *reports, *pages], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
