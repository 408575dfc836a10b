"""Settings seen through a profile: their values, and their bytes with the switch changed."""

import json
from dataclasses import dataclass
from types import ModuleType

from agents.errors import StepError
from agents.profiles import ini_text, json_text, registry_text, text, xml_text
from agents.profiles.profile import Format, Profile
from agents.profiles.text import REMEDY, Found, Word

DEFAULT_TIMEOUT_S = 6  # Touch's default
# Each module has read(data, path, file) -> Found and replace(data, path, value, file) -> bytes; those for files also have
# decode(data, file) -> Text.
_FORMATS: dict[Format, ModuleType] = {"xml": xml_text, "ini": ini_text, "json": json_text, "registry": registry_text}


@dataclass(frozen=True, slots=True)
class Reading:
    """The settings of one device. Everything here raises StepError settings_not_xml, settings_not_ini, settings_not_json,
    setting_missing or setting_invalid if a value cannot be read."""

    profile: Profile
    data: bytes
    file: str  # its name, for messages only

    def find(self, path: str) -> Found:
        """The one value at this selector. Raises StepError."""
        found: Found = _FORMATS[self.profile.format].read(self.data, path, self.file)
        return found

    def replaced(self, path: str, value: str) -> bytes:
        """The bytes with the value at this selector replaced by another text, in the notation of find(). Raises StepError."""
        changed: bytes = _FORMATS[self.profile.format].replace(self.data, path, value, self.file)
        return changed

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Line and column of this byte, both counted from 1. Raises StepError."""
        return text.line_and_column(self._text(), self.data, offset)

    def line_parts(self, begin: int, end: int) -> tuple[str, str, str]:
        """The text of these bytes, and the text before and after them on their line. Raises StepError."""
        return text.line_parts(self._text(), self.data, begin, end)

    def _text(self) -> text.Text:
        found: text.Text = _FORMATS[self.profile.format].decode(self.data, self.file)
        return found

    def secure(self) -> bool:
        """Whether the device speaks HTTPS. Raises StepError."""
        switch = self.profile.switch
        answer = switch.meaning(self.find(switch.at).value)
        if answer is None:
            words = " nor ".join(self._written(word) for word in (*switch.on, *switch.off))
            raise text.invalid(switch.at, self.file, f"is neither {words}")
        return answer

    def switched(self, secure: bool) -> bytes:
        """The bytes with the switch changed. Raises StepError, also if its present value is not one of its words."""
        self.secure()
        switch = self.profile.switch
        return self.replaced(switch.at, self._written((switch.on if secure else switch.off)[0]))

    def host(self) -> str:
        """The server's host in the device's settings. Raises StepError."""
        if self.profile.host is None:
            raise LookupError("a server's profile names no host")
        value = self.find(self.profile.host).value
        if not isinstance(value, str):
            raise text.invalid(self.profile.host, self.file, "is not a text")
        return value.strip()

    def port(self) -> int:
        """The TCP port. Raises StepError, port_out_of_range for other numbers."""
        return self._number(self.profile.port, 1, 65535, "port_out_of_range")

    def timeout_s(self) -> int:
        """How many seconds the device waits for a response. Raises StepError."""
        return self._number(self.profile.timeout, 1, 600) if self.profile.timeout else DEFAULT_TIMEOUT_S

    def access_code(self) -> str | None:
        """The device's access code; None if the profile or the settings have none. Raises StepError if the settings cannot be
        read."""
        if self.profile.access_code is None:
            return None
        try:
            return str(self.find(self.profile.access_code).value).strip() or None
        except StepError as error:
            if error.finding.code == "setting_missing":
                return None
            raise

    def _number(self, path: str, low: int, high: int, code: str = "setting_invalid") -> int:
        value = self.find(path).value
        digits = "" if isinstance(value, bool) else str(value).strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10 and low <= int(digits) <= high):
            raise StepError(code, f"{self.file}: {path} is not a whole number from {low} to {high}", REMEDY)
        return int(digits)

    def _written(self, word: Word) -> str:
        """How a file of this format writes this word."""
        return json.dumps(word) if self.profile.format in ("json", "registry") else str(word)
