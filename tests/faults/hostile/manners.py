"""How a liar answers instructions. None of these changes anything on its till."""

import asyncio
import hashlib
from typing import Any

from agents.protocol import Instruction
from tests.faults.hostile import voice
from tests.faults.hostile.till import Till
from tests.faults.hostile.voice import Voice, Words

WRONG_HASH = "BAD0" * 10
TURNS, TURN_S = 4, 0.4


async def fails(till: Till, line: Voice, told: Instruction) -> None:
    """It says that it is ready, and then that it cannot switch. Everything else it answers honestly."""
    if told.action == "switch":
        finding = {"code": "hostile_cannot", "message": "this till says that it cannot", "remedy": "Look at the till."}
        await _end(till, line, told, "failed", "http", finding=finding, restored=True)
    else:
        await _honestly(till, line, told)


async def done_without_doing(till: Till, line: Voice, told: Instruction) -> None:
    """It says that it is done, without any step."""
    await _end(till, line, told, "done", "https" if told.action == "switch" else None, restored=told.action == "undo")


async def done_with_forged_evidence(till: Till, line: Voice, told: Instruction) -> None:
    """Each step with evidence that is wrong in one place: another certificate, no answer, an impossible time."""
    if told.action in ("switch", "verify"):
        now = till.clock.now_ms()
        flaw: Words = till.rng.choice(
            (
                {"thumbprint": WRONG_HASH}, {"thumbprint": None}, {"status": 503}, {"tls": None}, {"tls": "SSLv3"},
                {"matched": False}, {"proof": "transport"},
                {"at_ms": now - 3_600_000}, {"at_ms": now + 3_600_000}, {"status": True}, {"ms": -5}, {"ms": 10**12},
            )
        )  # fmt: skip
        await _forge(till, line, told, flaw)
    else:
        await _honestly(till, line, told)


async def done_far_away(till: Till, line: Voice, told: Instruction) -> None:
    """Perfect evidence, but for the time of the lookup, which is millions of years ahead."""
    if told.action in ("switch", "verify"):
        await _forge(till, line, told, {"at_ms": 2**62})
    else:
        await _honestly(till, line, told)


async def well_forged(till: Till, line: Voice, told: Instruction) -> None:
    """Each step with the evidence that an honest agent would have."""
    if told.action in ("switch", "verify"):
        await _forge(till, line, told, {})
    else:
        await _honestly(till, line, told)


async def refuses_everything(till: Till, line: Voice, told: Instruction) -> None:
    """It refuses, like an agent that has another dashboard's key."""
    finding = {"code": "bad_signature", "message": "the instruction is not signed by the dashboard", "remedy": "Enrol again."}
    await _end(till, line, told, "refused", None, finding=finding)


async def undo_failed_always(till: Till, line: Voice, told: Instruction) -> None:
    """It says that it has switched, and later that it cannot go back."""
    if told.action == "undo":
        finding = {"code": "hostile_stuck", "message": "this till says that it cannot go back", "remedy": "Look at the till."}
        await _end(till, line, told, "undo_failed", "https", finding=finding)
    else:
        await well_forged(till, line, told)


async def flip_flop(till: Till, line: Voice, told: Instruction) -> None:
    """It says again and again that it has switched, and that it has gone back by itself."""
    await well_forged(till, line, told)
    if told.action != "switch":
        return
    finding = {"code": "hostile_turns", "message": "this till says that it went back by itself", "remedy": "Look at the till."}
    for _ in range(TURNS):
        await asyncio.sleep(TURN_S)
        await _end(till, line, told, "done", "http", action="undo", finding=finding, restored=True, by_itself=True)
        await asyncio.sleep(TURN_S)
        await _end(till, line, told, "done", "https", evidence=_lookup(till, told))


async def says_nothing(till: Till, line: Voice, told: Instruction) -> None:
    """It is connected, sends beats, and never answers."""


async def _honestly(till: Till, line: Voice, told: Instruction) -> None:
    """The honest answer of a till on which nothing was changed: ready, as before, or failed."""
    if told.action == "arm":
        await _step(till, line, told, "ready", {"scheme": "http"})
        await _end(till, line, told, "done", "http")
    elif told.action == "undo":
        plain = {**_lookup(till, told), "tls": None, "thumbprint": None}
        await _end(till, line, told, "done", "http", restored=True, evidence=plain)
    else:
        finding = {"code": "lookup_failed", "message": "the server does not answer this till", "remedy": "Look at the till."}
        await _end(till, line, told, "failed", "http", finding=finding)


async def _forge(till: Till, line: Voice, told: Instruction, flaw: Words) -> None:
    """What an honest agent reports about a successful switch or lookup, except for this flaw."""
    before = till.config.settings.read_bytes() if till.config.settings else b""
    digest = hashlib.sha256(before.replace(b"<Secured>False", b"<Secured>True")).hexdigest()
    lookup = _lookup(till, told)
    evidence: dict[str, Words] = {
        "secured": {"file": "TouchSettings.xml", "before": "False", "after": "True", "scheme": "https", "sha256": digest},
        "interface_list": lookup,
        "member_lookup": lookup,
    }
    if told.action == "switch":
        for name, shown in evidence.items():
            await _step(till, line, told, name, {**shown, **{key: flaw[key] for key in flaw.keys() & shown.keys()}})
    await _end(till, line, told, "done", "https", evidence={**lookup, **flaw})


def _lookup(till: Till, told: Instruction) -> Words:
    at = {"at_ms": till.clock.now_ms()}
    proof = {"proof": "application" if told.probe else "transport", "matched": True, "missed": None, "by_http_sys": False}
    response = {"status": 200, "type": "application/json", "size": 57, "sha256": "5d" * 32}
    return {**proof, **response, "tls": "TLSv1.3", "thumbprint": told.thumbprint, "ms": 2.3, "connect_ms": 4.1, **at}


async def _step(till: Till, line: Voice, told: Instruction, name: str, evidence: Words) -> None:
    words = {**_of(told), "step": name, "direction": "forward", "took_ms": till.rng.randint(2, 30), "evidence": evidence}
    await line.report(**voice.message("StepDone", **words, at_ms=till.clock.now_ms()))


async def _end(till: Till, line: Voice, told: Instruction, outcome: str, scheme: str | None, **more: Any) -> None:
    words = {**_of(told), "action": told.action, "outcome": outcome, "scheme": scheme, "at_ms": till.clock.now_ms(), **more}
    await line.report(**voice.message("Finished", **words))


def _of(told: Instruction) -> Words:
    return {"seq": told.seq, "epoch": told.epoch, "cutover": told.cutover}
