"""Why a cutover stopped or turned back by itself: the first reason is kept, with the devices that it names."""

from collections import Counter
from collections.abc import Iterable

from agents.protocol import Finding
from fleet.cutover.snapshot import Cause, RunView

MOST_DEVICES = 20  # names in a cause, as docs/api.md says
MOST_SAID = 5  # names in a sentence
UNKNOWN = Finding("unknown", "It gave no reason.", "Check the device and its agent's log.")


def of_runs(runs: Iterable[RunView], why: str) -> Cause:
    """The cause that these devices share: the code that most of them have, in the words of the first of those."""
    named = [(run.name, run.finding or UNKNOWN) for run in runs]
    if not named:
        return Cause(UNKNOWN.code, why, UNKNOWN.remedy)
    ((code, _),) = Counter(finding.code for _, finding in named).most_common(1)
    name, finding = next(pair for pair in named if pair[1].code == code)
    names = tuple(name for name, _ in named[:MOST_DEVICES])
    return Cause(code, f"{why}. {name}: {finding.message}", finding.remedy, names)


def of_finding(finding: Finding) -> Cause:
    """The cause that concerns no single device."""
    return Cause(finding.code, finding.message, finding.remedy)


def said(runs: Iterable[RunView]) -> str:
    """These devices in a sentence, each with its finding's code: "T01: timeout, T02"."""
    words = [f"{run.name}: {run.finding.code}" if run.finding else run.name for run in runs]
    return ", ".join(words[:MOST_SAID]) + (", …" if len(words) > MOST_SAID else "")
