"""What a dialect is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib import resources
from typing import ClassVar

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request."""

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The value of this header, given in lower case; None without it."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    status: int
    media_type: str
    body: bytes
    terminal: str | None = None  # who asked, where the request says it


class Dialect(ABC):
    """How terminals ask and the server answers."""

    name: ClassVar[str]
    needs_code: ClassVar[bool] = False  # whether both sides have an access code in their settings

    @abstractmethod
    def interfaces(self, terminal: str, code: str) -> Asked:
        """What a terminal of this name asks to refresh its interface list."""

    @abstractmethod
    def lookup(self, member: int, terminal: str, code: str) -> Asked:
        """What a terminal of this name asks to look this member up."""

    @abstractmethod
    def is_good(self, status: int, body: bytes, member: int) -> bool:
        """Whether a terminal takes this response to its lookup for good."""

    @abstractmethod
    def answer(self, asked: Asked, code: str) -> Answer:
        """What the server answers. code: its own access code. Never raises, whatever was asked."""

    def profile(self) -> str:
        """The probe profile (TOML) of this dialect, "" where no probe can be written for it."""
        path = resources.files(__package__) / f"{self.name}.toml"
        return path.read_text(encoding="utf-8") if path.is_file() else ""
