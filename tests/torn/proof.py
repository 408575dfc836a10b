"""Every state that a power cut during one recording may leave, each looked at once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.torn.calls import Op
from tests.torn.disk import Disk
from tests.torn.fates import fates
from tests.torn.model import Tree
from tests.torn.promises import Promises
from tests.torn.record import Recording
from tests.torn.start import Starter


@dataclass(slots=True)
class Proof:
    """states: how many different folders; wrong: what was wrong, and how often; first: the number of operations
    after which it was first seen."""

    states: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)


def prove(recording: Recording, starter: Starter, *, ops: Sequence[Op] | None = None, fine: int, until: str = "") -> Proof:
    """Replay the recording. ops: with these in the place of the recorded ones, number by number, while the
    promises stay those of the recorded. fine: see fates. until: end as
    soon as something with this word in it is wrong."""
    promises = Promises(recording.base, recording.ops, recording.model.journal)
    replaced = [path for path in promises.versions if not path.endswith("enrol.token")]  # which is only removed
    proof = Proof()
    for done, tree in states(recording.base, ops or recording.ops, fine):
        seen = starter.look(tree)
        found = [*seen.wrong, *(promises.broken(done, tree, path) for path in replaced)]
        for what in filter(None, (*found, promises.forgotten(done, seen.lines))):
            proof.wrong[what] += 1
            proof.first.setdefault(what, done)
            if until and until in what:
                return proof
    proof.states = len(starter.seen)
    return proof


def states(base: Tree, ops: Sequence[Op], fine: int) -> Iterator[tuple[int, Tree]]:
    """Number of operations done, and the files then found; the same files may come more than once."""
    disk = Disk(base)
    for done in range(len(ops) + 1):
        if done:
            disk.do(done - 1, ops[done - 1])
        for fate in fates(disk.pending, fine):
            yield done, disk.after(fate)
