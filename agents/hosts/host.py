"""The objects by which steps reach the device: TerminalHost and ServerHost. They keep no state: everything is read anew,
because other programs may have changed it. Only the inventory caches some facts, in `kept`."""

import asyncio
import contextlib
import datetime as dt
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from agents.catalogue import Restart
from agents.config import Config
from agents.errors import StepError
from agents.files import Files
from agents.hosts import sc, settings_store
from agents.hosts.certstore import store
from agents.hosts.inventory.kept import Kept
from agents.hosts.lookup import Target
from agents.hosts.settings_store import SettingsStore
from agents.hosts.touch import choice as touch_program
from agents.hosts.touch.program import TouchProgram
from agents.net import Network
from agents.profiles.profile import BUILT_IN
from agents.profiles.reading import Reading
from agents.protocol import Scheme

log = logging.getLogger(__name__)

SERVER_TIMEOUT_S = 6.0
PROBE_PAUSE_S = 0.01


class Host(ABC):
    """What both roles have in common: settings with one switch, which the profile finds."""

    def __init__(self, config: Config, network: Network, files: Files) -> None:
        self.config, self.network, self.files = config, network, files
        self.profile = config.profile or BUILT_IN[config.role]
        self.kept = Kept()

    @property
    def restart(self) -> Restart | None:
        """How this device restarts Touch; None where it does not, and for every server."""
        return self.profile.restart.told

    def settings(self) -> bytes:
        """The settings as bytes. Raises StepError settings_unreadable."""
        try:
            return self._store.read()
        except OSError as error:
            raise StepError("settings_unreadable", f"{self.file}: {error.strerror or error}", "Check the file.") from error

    def write_settings(self, data: bytes) -> None:
        """Replace the settings. Raises StepError settings_not_writable."""
        try:
            self._store.write(data)
        except OSError as error:
            message = f"{self.file} cannot be written: {error.strerror or error}"
            remedy = "Remove the write protection; check free space and the agent's rights on the folder."
            raise StepError("settings_not_writable", message, remedy) from error

    def settle_settings(self) -> None:
        """Flush the settings to disk, so that a power cut cannot change them back. Never raises: without their folder there
        is nothing to flush."""
        try:
            self._store.settle()
        except OSError as error:
            log.warning("the folder of %s cannot be flushed: %s", self.file, error)

    def try_settings_folder(self) -> None:
        """Check that the settings could be rewritten. Raises StepError settings_not_writable."""
        try:
            self._store.try_write()
        except OSError as error:
            message = f"the folder of {self.file} cannot be written: {error.strerror or error}"
            raise StepError("settings_not_writable", message, "Check free space and the agent's rights.") from error

    def settings_changed_ms(self) -> int | None:
        """When the settings were last changed, by this machine's clock, in ms since 1970; None if that cannot be read."""
        try:
            return self._store.changed_ms()
        except OSError as error:
            log.info("no time of change of %s: %s", self.file, error)
            return None

    def scheme(self) -> Scheme:
        """The scheme in the device's settings. Raises StepError."""
        return "https" if self.reading(self.settings()).secure() else "http"

    def port(self) -> int:
        """The port in the settings. Raises StepError."""
        return self.reading(self.settings()).port()

    def check_port(self, planned: int) -> int:
        """The port in the settings, which must be the planned one. Raises StepError port_differs."""
        port = self.port()
        if port != planned:
            message = f"{self.file} says port {port}, the plan says {planned}"
            raise StepError("port_differs", message, "Correct the port in the settings, or plan anew.")
        return port

    def reading(self, data: bytes) -> Reading:
        """These bytes of the settings, parsed."""
        return Reading(self.profile, data, self.file)

    async def should_answer(self) -> bool:
        """Whether this device's server has to answer now, so that an undo can be proven. Raises StepError."""
        return True

    @property
    def file(self) -> str:
        """The name of the settings file or key, for messages."""
        return self._store.name

    @property
    def _store(self) -> SettingsStore:
        return settings_store.of(self.profile, self.config.settings, self.files)

    @abstractmethod
    def target(self, thumbprint: str | None) -> Target:
        """The destination of this device's lookups, read from its settings now. Raises StepError."""


class TerminalHost(Host):
    """A terminal with Touch."""

    def __init__(self, config: Config, network: Network, files: Files, touch: TouchProgram | None = None) -> None:
        super().__init__(config, network, files)
        self.touch = touch or touch_program.of(self.profile.restart)

    def target(self, thumbprint: str | None) -> Target:
        reading = self.reading(self.settings())
        return Target(
            host=reading.host(),
            port=reading.port(),
            tls=reading.secure(),
            timeout_s=reading.timeout_s(),
            roots=self.network.roots(self.config.roots),
            thumbprint=thumbprint,
        )


@dataclass(frozen=True, slots=True)
class Stopped:
    """The result of ServerHost.stop_watched()."""

    last_answer_ms: int  # when the service last accepted a connection; if it accepted none, when the stop was requested


class ServerHost(Host):
    """The server with NetPOS.Net."""

    def target(self, thumbprint: str | None) -> Target:
        # The server asks itself at 127.0.0.1 and does not verify trust: whether terminals trust the certificate is for them to
        # report. Here it matters that exactly this certificate is presented.
        tls = self.scheme() == "https"
        return Target("127.0.0.1", self.port(), tls, SERVER_TIMEOUT_S, trust=False, thumbprint=thumbprint)

    async def should_answer(self) -> bool:
        # A service that did not run before the cutover and was put back to that has nothing to prove.
        return await sc.running(self.config.service)

    async def stop_watched(self, now_ms: Callable[[], int]) -> Stopped:
        """Stop NetPOS.Net, and record when it last accepted a connection. Raises StepError."""
        last = now_ms()
        port = self.port()
        stopping = asyncio.ensure_future(sc.stop(self.config.service))
        try:
            while not stopping.done():
                if not await _listens(port):
                    break
                last = now_ms()
                await asyncio.wait({stopping}, timeout=PROBE_PAUSE_S)
            await stopping
        finally:
            stopping.cancel()
        return Stopped(last)

    def check_certificate(self, thumbprint: str | None) -> None:
        """Check that the machine's store has this certificate with a key that http.sys can use. Raises StepError if not."""
        store.check(self.config.store, thumbprint)

    def validity(self, thumbprint: str) -> tuple[dt.datetime, dt.datetime] | None:
        """Begin and end of this certificate's validity; None if the machine's store does not have it. Raises StepError."""
        return store.validity(self.config.store, thumbprint)


async def _listens(port: int) -> bool:
    """Whether a connection to this port is accepted right now."""
    try:
        async with asyncio.timeout(0.5):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
