"""`python -m tests.preflight.measure`: the figures of docs/preflight.md. Needs the limbo data (TILLWAY_LIMBO)."""

import collections
import datetime as dt
import gzip
import json
import subprocess
import sys
import time

from fleet.preflight.certificate.batch import answer
from tests.preflight.test_limbo import DATA, NOW

FORWARD = 10  # The data several times over: what starting two processes costs is then a small part.


def main() -> None:
    """Prints agreement by namespace, verdicts a second, and the slowest single one."""
    lines = gzip.decompress(DATA.read_bytes()).splitlines()
    namespaces: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    slowest, total = (0.0, ""), time.process_time()
    for line in lines:
        case, begun = json.loads(line), time.process_time()
        suitable = answer(line, NOW)["suitable"]
        slowest = max(slowest, (time.process_time() - begun, case["id"]))
        wanted = case["expected_result"] == "SUCCESS"
        kind = "agreed" if suitable is wanted else "false accept" if suitable else "false reject"
        namespaces[case["id"].split("::")[0]][kind] += 1
    total = time.process_time() - total
    for name, counts in sorted(namespaces.items()):
        print(f"{name:14}", dict(counts))
    print(f"in this process: {len(lines) / total:.0f} verdicts a second of CPU time; slowest {slowest[0]:.3f} s, {slowest[1]}")
    print(f"check_certificate --batch: {_batch(lines):.0f} verdicts a second by the clock, its start included")


def _batch(lines: list[bytes]) -> float:
    begun = dt.datetime.now(dt.UTC)
    data = b"\n".join(lines * FORWARD)
    done = subprocess.run(
        [sys.executable, "manage.py", "check_certificate", "--batch"], input=data, capture_output=True, check=True
    )
    assert done.stdout.count(b"\n") == len(lines) * FORWARD
    return len(lines) * FORWARD / (dt.datetime.now(dt.UTC) - begun).total_seconds()


if __name__ == "__main__":
    main()
