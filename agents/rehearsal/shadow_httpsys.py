"""The shadow listener through http.sys. Only with it do terminals see the TLS versions, ciphers and chain that SCHANNEL will
offer with this certificate. Windows uses the private key, so the key need not be exportable.

It adds one binding to http.sys's tables, on a spare port, see agents/hosts/spare_binding.py."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agents.catalogue import APPID
from agents.errors import StepError
from agents.hosts import netsh, spare_binding
from agents.hosts.host import ServerHost
from agents.hosts.netsh_text import Binding
from agents.protocol import Rehearsal
from agents.rehearsal import sent_chain, shadow
from agents.rehearsal.relay import Relay
from agents.rehearsal.shadow import Shadow
from agents.winapi import httpapi_types as api
from agents.winapi.httpapi import Ended, HttpApiError, Listener

log = logging.getLogger(__name__)

WORKERS = 32
ATTEMPTS = 5
# http.sys would wait for a client that reads its response slowly; the listener does not.
END_LIMIT_S = 10.0
_TLS, _PLAIN = 0, 1  # indexes of the listener's prefixes
_TAKEN = frozenset((api.ALREADY_EXISTS, api.SHARING_VIOLATION))


class HttpSysShadow(Shadow):
    """Forwards as many requests at once as there are workers. http.sys itself queues at most 1000 requests, and answers 503 to
    more. A handshake is counted at the first request of its connection, because http.sys does not report it before."""

    def __init__(self, host: ServerHost, probe: Rehearsal, listen: Callable[[Sequence[str]], Listener] = Listener) -> None:
        super().__init__(host, probe)
        self._listen_at = listen
        self._listener: Listener | None = None
        self._workers: list[threading.Thread] = []
        self._connections: set[int] = set()
        self._passed_on = 0
        self._counting = threading.Lock()
        self._turn = asyncio.Lock()  # closing waits until opening has ended
        self._ending: asyncio.Task[None] | None = None

    @property
    def handshakes(self) -> int:
        return len(self._connections)

    @property
    def lookups(self) -> int:
        return self._passed_on

    def shut(self) -> None:
        if self._listener is not None:
            self._listener.shut()
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())

    async def _ended(self) -> None:
        if self._ending is not None:
            await asyncio.wait([self._ending])

    # --- opening -----------------------------------------------------------------------------------------

    async def _listen(self) -> dict[str, Any]:
        async with self._turn:
            await spare_binding.remove(self._state, self.probe.port)  # an agent that died may have left it
            refused: set[int] = set()
            for _ in range(ATTEMPTS):
                ports = await self._free_ports(refused)
                if await self._try(ports):
                    chain = await sent_chain.read(ports[_TLS], self.probe.thumbprint or "")
                    return {"port": ports[_TLS], "plain_port": ports[_PLAIN], "chain": chain}
                refused |= set(ports)
        message = f"other programs use all of the {2 * ATTEMPTS} ports that were tried"
        raise StepError("shadow_failed", message, "Check netsh http show servicestate, then rehearse again.")

    async def _free_ports(self, refused: set[int]) -> tuple[int, int]:
        """Two ports on which nobody listens and that are not in http.sys's tables."""
        named = {row.port for row in await netsh.all_bindings()} | {row.port for row in await netsh.reservations()}
        named |= refused | {self.probe.port}
        for _ in range(ATTEMPTS):
            with shadow.spare() as one, shadow.spare() as other:
                ports = (int(one.getsockname()[1]), int(other.getsockname()[1]))
            if named.isdisjoint(ports):
                return ports
        raise StepError("shadow_failed", "Windows offers only ports that its tables name", "Rehearse again.")

    async def _try(self, ports: tuple[int, int]) -> bool:
        """Bind, then listen, as the cutover does. Returns False if another program has taken a port meanwhile. Raises
        StepError or OSError."""
        row = Binding(netsh.endpoint(ports[_TLS]), self.probe.thumbprint, APPID, "MY")
        try:
            await spare_binding.add(self._state, row)
            # Not in a thread: it takes only milliseconds, and must not be cancelled in between.
            self._listener = self._listen_at([f"https://+:{ports[_TLS]}/", f"http://+:{ports[_PLAIN]}/"])
        except HttpApiError as error:
            if error.number not in _TAKEN:
                raise _explained(error) from error
        except StepError as error:
            if error.finding.code != "foreign_binding":
                raise
        else:
            self._start(self._listener)
            return True
        await spare_binding.remove(self._state, self.probe.port)
        return False

    def _start(self, listener: Listener) -> None:
        for number in range(WORKERS):
            worker = threading.Thread(target=self._work, args=(listener,), name=f"shadow-{number}", daemon=True)
            self._workers.append(worker)
            worker.start()

    # --- working, in threads -----------------------------------------------------------------------------

    def _work(self, listener: Listener) -> None:
        relay = Relay(self.probe.port, self._upstream, shadow.LOOKUP_LIMIT_S)
        try:
            while True:
                self._pass_on(listener, relay)
        except Ended:
            return
        except HttpApiError as error:
            log.error("a worker of the shadow listener ends: %s", error)
        finally:
            relay.close()

    def _pass_on(self, listener: Listener, relay: Relay) -> None:
        request = listener.receive()
        with self._counting:
            self._passed_on += 1
            if request.url == _TLS:
                self._connections.add(request.connection)
        answer = relay.ask(request)
        try:
            listener.answer(request, answer.status, answer.reason, answer.headers, answer.body, close=answer.close)
        except ValueError as error:
            log.warning("a response of the live service cannot be forwarded: %s", error)
            listener.answer(request, 502, "Bad Gateway", (), b"", close=True)

    # --- ending ------------------------------------------------------------------------------------------

    async def _end(self) -> None:
        async with self._turn:
            if self._listener is not None:
                self._listener.shut()  # it may have been opened meanwhile
                await asyncio.to_thread(self._stop, self._listener)
            try:
                await spare_binding.remove(self._state, self.probe.port)
            except (StepError, OSError) as error:
                log.warning("the rehearsal's binding stays until the next attempt: %s", error)

    def _stop(self, listener: Listener) -> None:
        end = time.monotonic() + END_LIMIT_S
        for worker in self._workers:
            worker.join(max(end - time.monotonic(), 0))
        listener.close()

    @property
    def _state(self) -> Path:
        return self._host.config.state


def _explained(error: HttpApiError) -> StepError:
    if error.number == api.ACCESS_DENIED:
        message = "Windows does not let the agent's account listen at a port of http.sys (error 5)"
        return StepError("access_denied", message, "Run the agent as LocalSystem or an administrator, then rehearse again.")
    message = f"the shadow listener cannot be opened on the server: {error}"
    return StepError("shadow_failed", message, "Look up the error number, then rehearse again.")
