"""Keeps the files of a failed trial, so that a person can understand it and run it again."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.site import Site
from tests.faults.trial import Result


def keep(site: Site, result: Result, folder: Path, again: str) -> None:
    """Write trial.json, the logs, and copies of the database and of the lab into this folder. again: the command that
    runs the trial again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    story: dict[str, Any] = {
        "again": again,
        "violations": [asdict(v) for v in result.violations],
        "said": result.said,
        "end": result.end,
        "plan": result.plan.as_json(),
        "cutover": result.cutover,
        "transitions": result.log,
    }
    (folder / "trial.json").write_text(json.dumps(story, indent=1, ensure_ascii=False), encoding="utf-8")
    shutil.copytree(site.folder / "logs", folder / "logs", ignore_dangling_symlinks=True)
    # The lab is being changed while it is copied. A file that disappears at that moment does not matter.
    shutil.copytree(site.lab, folder / "lab", ignore=shutil.ignore_patterns("*.tmp*", "bin", "*.lock"), dirs_exist_ok=True)
    database = site.folder / "tillway.sqlite3"
    if database.exists():
        with closing(sqlite3.connect(database)) as live, closing(sqlite3.connect(folder / "tillway.sqlite3")) as copy:
            live.backup(copy)
