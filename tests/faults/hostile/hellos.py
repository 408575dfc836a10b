"""Lies in the first message: how far the dashboard's database must be, and false proofs of that."""

import base64
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.faults.hostile.till import Lie, Till
from tests.faults.hostile.voice import Words

HUGE = 2**63 - 1
FAR = 2**40 - 1  # within the bounds of the protocol


def number(field: str, value: Any) -> Lie:
    """A hello with this value in this field."""

    def lie(till: Till, words: Words) -> Words:
        return {**words, field: value}

    return lie


def proof(make: Callable[[Till], Words]) -> Lie:
    """A hello with the proof that `make` makes."""

    def lie(till: Till, words: Words) -> Words:
        return {**words, "proof": make(till)}

    return lie


def own_key(till: Till) -> Words:
    """An instruction with high numbers, which this till has signed with a new key."""
    return _signed(json.dumps(_instruction(till, FAR)), Ed25519PrivateKey.generate())


def device_key(till: Till) -> Words:
    """The same, signed with this device's own key, which the dashboard knows."""
    body = json.dumps(_instruction(till, FAR))
    return {"body": body, "signature": till.identity.sign(body.encode())}


def of_another(till: Till) -> Words:
    """An instruction that the dashboard signed for another agent."""
    if not till.loot:
        return own_key(till)
    body, signature = till.rng.choice(till.loot)
    return {"body": body, "signature": signature}


def altered(till: Till) -> Words:
    """An instruction that the dashboard signed for this till, with numbers that were changed afterwards."""
    if till.signed is None:
        return own_key(till)
    body = json.loads(till.signed["body"])
    return {"body": json.dumps({**body, "epoch": FAR, "seq": FAR}), "signature": till.signed["signature"]}


def no_instruction(till: Till) -> Words:
    """A proof that is deeply nested and no instruction at all."""
    return {"body": "[" * 50_000, "signature": "\x1b[2J" * 100}


def _instruction(till: Till, far: int) -> Words:
    assert till.identity.known is not None
    return {
        "agent": till.identity.known.agent, "seq": far, "epoch": far, "cutover": 1, "action": "switch", "to_scheme": "https",
        "steps": ["secured", "interface_list", "member_lookup"], "port": 10101, "thumbprint": None, "member": "1001",
        "expires_ms": 1_900_000_000_000, "lease_ms": 28_000, "policy": "restore",
    }  # fmt: skip


def _signed(body: str, key: Ed25519PrivateKey) -> Words:
    return {"body": body, "signature": base64.b64encode(key.sign(body.encode())).decode()}
