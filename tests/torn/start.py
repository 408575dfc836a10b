"""Starts the agent's own code on a folder as a power cut has left it, and looks at what it makes of it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from agents.clock import Clock
from agents.files import Files
from agents.identity import Identity
from agents.steps import steps
from agents.steps.base import Context
from agents.storage.journal import Journal
from agents.storage.ledger import Ledger, UndoRecord
from tests.torn.model import Model, Tree, write
from tests.torn.promises import records

Key = bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """lines: the journal's whole lines; wrong: what no crash may lead to."""

    lines: tuple[bytes, ...]
    wrong: tuple[str, ...]


class Starter:
    """seen: every state so far, and what came of it. original: the settings as they were before any switch;
    scratch: a folder to work in."""

    def __init__(self, model: Model, original: bytes, scratch: Path) -> None:
        self.model, self.original, self.scratch = model, original, scratch
        self.host = model.host(scratch)
        self.settings = scratch / model.settings
        self.step = steps(model.role)[model.step]
        self.seen: dict[Key, Seen] = {}
        self._ledgers: dict[tuple[bytes, ...], Ledger] = {}

    def look(self, tree: Tree) -> Seen:
        """Start it on these files, if that was not done before."""
        key = _key(tree)
        if key not in self.seen:
            self.seen[key] = self._start(tree)
        return self.seen[key]

    def _start(self, tree: Tree) -> Seen:
        write(self.scratch, tree)
        lines = tuple(records(tree.get(self.model.journal, b"")))
        wrong: list[str] = []
        try:
            wrong += self._identity()
            wrong += self._journal(lines)
            wrong += self._litter()
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            wrong.append(f"does not start: {error!r}")
        return Seen(lines, tuple(wrong))

    def _identity(self) -> list[str]:
        identity = Identity(self.scratch / self.model.state)
        made_by_installer = self.model.role == "server"
        if made_by_installer and identity.known is None and identity.token() is None:
            return ["neither enrolled nor a token to enrol with"]
        return []

    def _journal(self, lines: tuple[bytes, ...]) -> list[str]:
        journal = Journal(self.scratch / self.model.journal)
        try:
            if journal.ledger != self._ledger(lines):
                return ["the journal is not read as it was written"]
            return self._way_back(journal)
        finally:
            journal.close()

    def _ledger(self, lines: tuple[bytes, ...]) -> Ledger:
        if lines not in self._ledgers:
            ledger = self._ledgers[lines] = Ledger()
            for line in lines:
                ledger.apply(json.loads(line[9:]))
        return self._ledgers[lines]

    def _way_back(self, journal: Journal) -> list[str]:
        """New settings have their undo record, and undoing makes them the old ones, byte for byte."""
        if not self.host.scheme():  # raises when they are no settings any more
            return ["no scheme"]
        if self.settings.read_bytes() == self.original:
            return []
        undo = [record for (_, step), record in journal.ledger.undo.items() if step == self.model.step]
        if not undo:
            return ["new settings without an undo record"]
        self._undo(undo[-1])
        return [] if self.settings.read_bytes() == self.original else ["the undo record does not lead back"]

    def _undo(self, record: UndoRecord) -> None:
        """As agents.steps.step_executor does. Nothing in it waits, so it needs no event loop."""
        work = self.step.undo(Context(record.instruction, self.host, Clock(), 10.0), record.saved)
        try:
            work.send(None)
        except StopIteration:
            return
        raise AssertionError("undoing settings waits for something")

    def _litter(self) -> list[str]:
        """What is left of interrupted writes must be gone after the next ones, or it would pile up."""
        left = [path for path in self.settings.parent.iterdir() if ".tillway-probe" in path.name]
        if left:
            Files().try_folder(self.settings)
        return ["left for ever: .tillway-probe"] if any(path.exists() for path in left) else []


def _key(tree: Tree) -> Key:
    digest = hashlib.blake2b(digest_size=16)
    for path, data in tree.items():
        digest.update(b"%s\0%d\0%s" % (path.encode(), len(data), data))
    return digest.digest()
