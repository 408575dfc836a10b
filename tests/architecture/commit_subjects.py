"""`python -m tests.architecture.commit_subjects`: a commit's subject has at most 72 characters. Part of `make lint`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SINCE = "ea9505f"  # the rule is held from the commit after this one
LONGEST = 72


def too_long(subjects: list[str]) -> list[str]:
    """Those that have more than 72 characters."""
    return [subject for subject in subjects if len(subject) > LONGEST]


def main() -> int:
    """1 when a subject is too long. A copy without this part of the history is not checked, and a line says so."""
    log = ["git", "log", "--format=%s", f"{SINCE}..HEAD"]
    try:
        done = subprocess.run(log, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        print("skipped: commit subjects are not checked, because git is not installed")
        return 0
    if done.returncode != 0:
        print(f"skipped: commit subjects are not checked, because this copy's history does not have {SINCE}")
        return 0
    bad = too_long(done.stdout.splitlines())
    for subject in bad:
        print(f"{len(subject)} characters, at most {LONGEST}: {subject}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
