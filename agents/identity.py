"""This device's identity: an Ed25519 key that was made here, and what the dashboard sent when it enrolled the device. The
private key never leaves the state folder, and appears in no log line and no message."""

import base64
import binascii
import codecs
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from agents.errors import AgentError
from agents.storage import atomic

log = logging.getLogger(__name__)

MAX_TOKEN_BYTES = 4096


class IdentityError(AgentError):
    """This device is not enrolled, or a file of its identity cannot be used; the text says which."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the dashboard sent when it enrolled this device."""

    agent: str  # the id of this agent
    signing_key: str  # the dashboard's public key, with which it signs instructions (base64, raw)


class KeyPair:
    """A private key of this device."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @property
    def public(self) -> str:
        """Base64 of the raw public key."""
        return base64.b64encode(self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def sign(self, payload: bytes) -> str:
        """Base64 of this device's signature."""
        return base64.b64encode(self._private.sign(payload)).decode()


class Identity:
    """The files agent.key, identity.json and enrol.token of a state folder. While a device that had an identity asks for a new
    one, there is also agent.key.new."""

    def __init__(self, state: Path) -> None:
        """Reads the key, or generates one. Raises OSError or IdentityError."""
        atomic.make_folder(state, mode=0o700)
        self._path, self._token = state / "identity.json", state / "enrol.token"
        self._key_path, self._next_path = state / "agent.key", state / "agent.key.new"
        self._key = KeyPair(_load_or_make(self._key_path))
        self.known = self._load()

    def sign(self, payload: bytes) -> str:
        """Base64 of this device's signature."""
        return self._key.sign(payload)

    def applying(self) -> KeyPair:
        """The key with which to enrol. If this device was enrolled before, it is a new one, because somebody else may have the
        old one. Each call returns the same key, also after a crash, because the dashboard's response may have been lost.
        Raises OSError."""
        if self.known is None:
            return self._key
        return KeyPair(_load_or_make(self._next_path))

    def another_key(self) -> None:
        """Generate another key, because another device has the same: both were made from one disk image. Only for a device
        without an identity. Raises OSError."""
        if self.known is None:
            atomic.replace(self._key_path, _raw(Ed25519PrivateKey.generate()), mode=0o600)
            self._key = KeyPair(_load_or_make(self._key_path))

    def token(self) -> str | None:
        """The one-time token from the installer, None if there is none. Raises OSError."""
        try:
            with self._token.open("rb") as file:
                return _plain(file.read(MAX_TOKEN_BYTES)) or None
        except FileNotFoundError:
            return None

    def enrolled(self, agent: str, signing_key: str) -> None:
        """Save the new identity: the dashboard now knows the key of applying(). Raises IdentityError or OSError."""
        known = Known(agent, signing_key)
        _public(known.signing_key)
        data = {"agent": known.agent, "signing_key": known.signing_key}
        atomic.replace(self._path, json.dumps(data, indent=1).encode() + b"\n")
        if self.known is not None and self._next_path.exists():
            # Delete the token last: an agent that dies before that is refused with its old key, and then enrols again.
            atomic.replace(self._key_path, self._next_path.read_bytes(), mode=0o600)
            self._key = KeyPair(_load_or_make(self._key_path))
            self._next_path.unlink()
        self.known = known
        self._token.unlink(missing_ok=True)

    def verify(self, body: str, signature: str) -> bool:
        """Whether the dashboard has signed this text."""
        if self.known is None:
            return False
        try:
            _public(self.known.signing_key).verify(base64.b64decode(signature, validate=True), body.encode())
        except (InvalidSignature, IdentityError, ValueError):
            return False
        return True

    def is_order(self, what: str, agent: str, body: str, signature: str) -> bool:
        """Whether the dashboard has signed this for this device; otherwise the log says why not. what: for the log; agent: for
        whom it is, as the body says."""
        if not self.verify(body, signature):
            log.error("%s is not signed by the dashboard", what)
            return False
        if self.known is None or agent != self.known.agent:
            log.error("%s is for another agent", what)
            return False
        return True

    def _load(self) -> Known | None:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            known = Known(str(data["agent"]), str(data["signing_key"]))
            _public(known.signing_key)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise IdentityError(f"{self._path} cannot be used: {error}") from error
        return known


def _plain(data: bytes) -> str:
    """ASCII text from a file that Notepad or PowerShell may have saved: both write a byte-order mark, PowerShell's `>` writes
    UTF-16."""
    codec = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return data.decode(codec, errors="replace").strip()


def _load_or_make(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        atomic.replace(path, _raw(made), mode=0o600)
        return made
    try:
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except ValueError as error:
        raise IdentityError(f"{path} is not a key of this agent") from error


def _raw(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def _public(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error) as error:
        raise IdentityError("the dashboard's signing key is not an Ed25519 key") from error
