"""Takes the dashboard's inquiries one at a time, and keeps the answers until they are sent. An inquiry never delays a
cutover: it ends as soon as a cutover's instruction comes."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from agents import protocol
from agents.bounds import MAX_ANSWER_BYTES
from agents.clock import Clock
from agents.errors import StepError
from agents.hosts.finding import looking
from agents.hosts.host import Host
from agents.identity import Identity
from agents.inquiries import adopting
from agents.inquiries.checking import check
from agents.inquiries.recording import Recording
from agents.probes import inquiry as orders
from agents.probes.inquiry import Inquiry
from agents.probes.profile import ProbeError
from agents.protocol import Finding, Inquired

log = logging.getLogger(__name__)


class Outbox:
    """Answers that are not sent yet. Of one inquiry only the newest waits, because each answer has everything so far."""

    def __init__(self) -> None:
        self._waiting: dict[int, Inquired] = {}
        self._some = asyncio.Event()

    def put_nowait(self, answer: Inquired) -> None:
        """Have this answer sent."""
        older = self._waiting.get(answer.inquiry)
        if older is None or older.n <= answer.n:
            self._waiting[answer.inquiry] = answer
        self._some.set()

    async def get(self) -> Inquired:
        """The next answer. Waits until there is one."""
        await self._some.wait()
        answer = self._waiting.pop(next(iter(self._waiting)))
        if not self._waiting:
            self._some.clear()
        return answer


class Inquiries:
    """Takes inquiries. busy(): whether a cutover is in progress on this device."""

    def __init__(self, host: Host, identity: Identity, clock: Clock, busy: Callable[[], bool]) -> None:
        self._host, self._identity, self._clock, self._busy = host, identity, clock, busy
        self._now: tuple[Inquiry, asyncio.Task[None]] | None = None
        self._recording: Recording | None = None
        self._last: Inquired | None = None
        self._n = 0
        self.answers = Outbox()

    def take(self, message: protocol.Inquire) -> None:
        """Take an inquiry. One that the dashboard has not signed, or that is for another device, is ignored, because nobody
        waits for an answer to it."""
        try:
            inquiry = orders.parse(message.body)
        except protocol.ProtocolError as error:
            log.error("an inquiry cannot be read: %s", error)
            return
        if not self._identity.is_order("an inquiry", inquiry.agent, message.body, message.signature):
            return
        if inquiry.action == "stop":
            self._stop(inquiry)
        elif self._now is not None and self._now[0].inquiry == inquiry.inquiry:
            self._progress()  # sent twice: the answer may have been lost with a connection
        elif self._last is not None and self._last.inquiry == inquiry.inquiry:
            self.answers.put_nowait(self._last)
        else:
            self._begin(inquiry)

    def give_way(self) -> None:
        """A cutover begins here: end what goes on with the answer `busy`."""
        if self._now is not None:
            inquiry = self._now[0]
            self._end_task()
            self._answer(inquiry, {}, _BUSY)

    async def stop(self) -> None:
        """End everything; never raises."""
        if self._now is not None:
            task = self._now[1]
            self._end_task()
            await asyncio.gather(task, return_exceptions=True)

    # --- one inquiry ---------------------------------------------------------------------------------

    def _stop(self, inquiry: Inquiry) -> None:
        if self._now is not None and self._now[0].inquiry == inquiry.inquiry and self._recording is not None:
            self._recording.stop()
        elif self._last is not None and self._last.inquiry == inquiry.inquiry:
            self.answers.put_nowait(self._last)
        else:
            self._n = 0
            self._answer(inquiry, {}, _NOT_RUNNING)

    def _begin(self, inquiry: Inquiry) -> None:
        self._end_task()  # a newer inquiry replaces an older one, whose answer is no longer needed
        self._n = 0
        if refusal := self._refusal(inquiry):
            self._answer(inquiry, {}, refusal)
            return
        self._now = inquiry, asyncio.create_task(self._work(inquiry))

    def _end_task(self) -> None:
        if self._now is not None:
            self._now[1].cancel()
            self._now = self._recording = None

    def _refusal(self, inquiry: Inquiry) -> Finding | None:
        if self._clock.now_ms() > inquiry.expires_ms:
            return Finding("expired", "the inquiry expired before it could start", "Ask again.")
        return _BUSY if self._busy() else None

    async def _work(self, inquiry: Inquiry) -> None:
        facts: dict[str, Any] = {}
        finding = None
        try:
            async with asyncio.timeout(self._left_s(inquiry)):
                facts |= await self._carry_out(inquiry)
        except StepError as error:
            finding = error.finding
        except ProbeError as error:
            finding = Finding("bad_profile", f"the probe profile cannot be used: {error}", "Correct the profile.")
        except TimeoutError:
            finding = Finding("expired", "this did not finish in time on this device", "Ask again.")
        except Exception as error:
            log.exception("an inquiry failed")
            finding = Finding("inquiry_failed", f"{type(error).__name__}: {error}", "Check this agent's log.")
        self._now = self._recording = None
        self._answer(inquiry, facts, finding)

    async def _carry_out(self, inquiry: Inquiry) -> dict[str, Any]:
        match inquiry.action:
            case "check":
                path = inquiry.transport_path
                return {"asked": [await check(self._host, text, inquiry.member, path) for text in inquiry.probes]}
            case "record":
                return await self._record(inquiry)
            case "find":
                return {"found": [proposal.row() for proposal in await looking.find(self._host.config)]}
            case _:
                return await adopting.adopt(self._host.config, inquiry.adopt)

    async def _record(self, inquiry: Inquiry) -> dict[str, Any]:
        self._recording = recording = Recording(self._host, inquiry, self._progress)
        # The dashboard may be gone when the time is over, so this device ends it by itself.
        seconds = min(inquiry.seconds, orders.MAX_LISTEN_S, self._left_s(inquiry))
        await recording.run(self._clock.now_ms(), seconds)
        return recording.facts()

    def _progress(self) -> None:
        """Tell what a recording has so far."""
        if self._now is not None and self._recording is not None:
            self._answer(self._now[0], self._recording.facts(), None, done=False)

    def _answer(self, inquiry: Inquiry, facts: dict[str, Any], finding: Finding | None, *, done: bool = True) -> None:
        self._n += 1
        answer = Inquired(inquiry.inquiry, inquiry.action, self._n, facts, finding, done)
        if len(protocol.dump(answer)) > MAX_ANSWER_BYTES:
            large = Finding("answer_too_large", "the result does not fit into one message", "Report this to support.")
            answer = Inquired(inquiry.inquiry, inquiry.action, self._n, {}, finding or large, done)
        if done:
            log.info("inquiry %s, %s: %s", inquiry.inquiry, inquiry.action, finding.code if finding else "no finding")
            self._last = answer
        self.answers.put_nowait(answer)

    def _left_s(self, inquiry: Inquiry) -> float:
        return max(inquiry.expires_ms - self._clock.now_ms(), 0) / 1000


_BUSY = Finding("busy", "a cutover is in progress on this device", "Ask again when it has ended.")
_NOT_RUNNING = Finding("not_running", "this device does not record: its agent was started again", "Record again.")
