"""Instructions that an agent shows as its proof."""

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents import protocol
from fleet.services import keys


def proof_of(agent: str, key: Ed25519PrivateKey | None = None, **changes: Any) -> protocol.Proof:
    """An instruction for this agent, signed by the dashboard, or by another key."""
    values = {
        "agent": agent, "seq": 1, "epoch": 1, "cutover": 1, "action": "arm", "to_scheme": "https", "steps": (), "port": 10101,
        "thumbprint": None, "member": "1001", "expires_ms": 1_900_000_000_000, "lease_ms": 20_000,
    }  # fmt: skip
    body = protocol.dump_signed(protocol.Instruction(**values | changes))
    signature = keys.sign(body) if key is None else base64.b64encode(key.sign(body.encode())).decode()
    return protocol.Proof(body, signature)
