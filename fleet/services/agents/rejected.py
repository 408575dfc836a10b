"""Why an agent is refused, and the check of its signature."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fleet.services.errors import ServiceError


class AgentRejected(ServiceError):
    """The agent is refused. code: one of those of protocol.Refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_signature(public_key: str, signature: str, payload: bytes) -> None:
    """Raises AgentRejected unless this key has signed this."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), payload)
    except (ValueError, InvalidSignature) as error:
        raise AgentRejected("bad_signature", "the signature does not fit the key") from error
