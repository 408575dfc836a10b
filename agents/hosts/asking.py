"""Asking the server what proves that a device works: the one way in which steps, undo, the rehearsal, the dead man's switch and
the commands make a request of a site's own dialect.

With the site's probe profile the proof is of the application: the server answers this request as the profile says. Without
one it is of the transport: TCP, TLS verified as the terminal does it, and an HTTP response that the service itself gave,
whatever its status. A transport proof does not show that a member lookup works."""

import functools
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, get_args

from agents.errors import StepError
from agents.hosts import lookup
from agents.hosts.host import Host, ServerHost
from agents.hosts.lookup import Target
from agents.http import Connection, Response
from agents.probes import grammar, httpsys, validator
from agents.probes.filling import Request, fill
from agents.probes.judging import Judgement, judge
from agents.probes.profile import Expectation, Probe, ProbeError, ProbeProfile, Values

Section = Literal["interfaces", "member"]
Proof = Literal["application", "transport"]
SECTIONS: tuple[Section, ...] = get_args(Section)
UNUSABLE = "probe_unusable"  # the finding where a device lacks a value that its profile asks for


class Order(Protocol):
    """How to ask, as the dashboard says it: an Instruction, a Rehearsal, or Asked."""

    @property
    def probe(self) -> str:
        """The probe profile (TOML), "" for a transport proof."""

    @property
    def member(self) -> str:
        """Number of the test member."""

    @property
    def transport_path(self) -> str:
        """The path at which a transport proof asks."""


class Asked(NamedTuple):
    """How to ask where there is no order of a cutover or a rehearsal."""

    probe: str
    member: str
    transport_path: str = "/"


@dataclass(frozen=True, slots=True)
class Question:
    """One request, and what its response must be like."""

    request: Request
    probe: Probe | None  # None: any response of the service is good
    values: Values

    @property
    def proof(self) -> Proof:
        """What a good response proves."""
        return "application" if self.probe else "transport"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back, without its content."""

    proof: Proof  # what it proves if it is good
    judgement: Judgement
    by_http_sys: bool  # http.sys gave this response by itself: the service behind it was not asked
    tls: str | None  # TLS version, None without TLS
    thumbprint: str | None  # SHA-1 of the certificate on the wire, 40 upper-case hex
    ms: float  # from sending the request to the last byte
    connect_ms: float  # connecting, with the TLS handshake

    def evidence(self) -> dict[str, Any]:
        """For a report."""
        times = {"ms": round(self.ms, 1), "connect_ms": round(self.connect_ms, 1)}
        wire = {"tls": self.tls, "thumbprint": self.thumbprint, "by_http_sys": self.by_http_sys}
        return {"proof": self.proof, **self.judgement.evidence(), **wire, **times}


async def interfaces(host: Host, order: Order, within_s: float, thumbprint: str | None = None) -> Answered:
    """Ask for the interface list, again for up to within_s seconds while the failure may be temporary. thumbprint: the
    certificate that is expected, None for any. Raises StepError."""
    return await lookup.patiently(lambda: ask(host, host.target(thumbprint), question(host, order, "interfaces")), within_s)


async def member(host: Host, order: Order, within_s: float, thumbprint: str | None = None) -> Answered:
    """Like interfaces(), for the test member."""
    return await lookup.patiently(lambda: ask(host, host.target(thumbprint), question(host, order, "member")), within_s)


def question(host: Host, order: Order, section: Section) -> Question:
    """How this device asks, by the probe profile of this order. A server that lacks a value of it (its settings need no
    access code) asks for a transport proof. Raises StepError probe_unusable."""
    try:
        found = profile(order.probe)
        if found is None:
            return transport(order.transport_path)
        probe = found.interfaces if section == "interfaces" else found.member
        return by_probe(probe, values(host, order.member, probe))
    except ProbeError as error:
        if isinstance(host, ServerHost):
            return transport(order.transport_path)
        message = f"the probe profile cannot be used here: {error}"
        remedy = "Correct the probe profile on the Site page, or say in this terminal's settings profile where the value is."
        raise StepError(UNUSABLE, message, remedy) from error


def by_probe(probe: Probe, given: Values) -> Question:
    """The question that this probe asks with these values. Raises ProbeError where it cannot be filled."""
    return Question(fill(probe, given), probe, given)


def transport(path: str = "/") -> Question:
    """The question that any service answers somehow. path: of the URL that the service has reserved; "/" where it is not
    usable."""
    target = path if grammar.is_plain_path(path) else "/"
    return Question(Request("GET", target, (("Accept", "*/*"),), b""), None, Values("", ""))


@functools.lru_cache(maxsize=8)
def profile(text: str) -> ProbeProfile | None:
    """The probe profile that an order carries; None for "", a transport proof. Raises ProbeError."""
    return validator.parse(text.encode("utf-8", "surrogatepass")).profile if text else None


def values(host: Host, member: str, *probes: Probe) -> Values:
    """What this device fills the placeholders of these probes with. Raises StepError when its settings cannot be read."""
    needed = host.profile.access_code and any(probe.uses("access_code") for probe in probes)
    code = host.reading(host.settings()).access_code() if needed else None
    return Values(member, host.config.name, code or "")


async def ask(host: Host, target: Target, asked: Question) -> Answered:
    """One request. Raises StepError unless the response is good."""
    answered = await once(host, target, asked)
    _insist(target, asked, answered.judgement, answered.by_http_sys)
    return answered


async def once(host: Host, target: Target, asked: Question) -> Answered:
    """One request, whatever its response is like. Raises StepError with the reason why there was none."""
    with lookup.explaining(target):
        connection = Connection(
            target.host, target.port, tls=lookup.context(target, host.network), network=host.network, timeout_s=target.timeout_s
        )
        async with connection:
            lookup.compare(target, connection.thumbprint)
            response = await send(connection, asked)
    told, alone = _judged(asked, response)
    return Answered(asked.proof, told, alone, connection.tls_version, connection.thumbprint, response.ms, connection.connect_ms)


async def send(connection: Connection, asked: Question) -> Response:
    """The request over a connection that is open. Raises what Connection.ask() raises."""
    request = asked.request
    return await connection.ask(request.method, request.target, request.headers, request.body)


def check(target: Target, asked: Question, response: Response) -> None:
    """Raises StepError unless this response is good."""
    _insist(target, asked, *_judged(asked, response))


def _judged(asked: Question, response: Response) -> tuple[Judgement, bool]:
    expect = asked.probe.expect if asked.probe else Expectation(response.status)
    told = judge(expect, response.status, response.headers, response.body, asked.values)
    return told, httpsys.answered_alone(response.status, response.headers, response.body)


def _insist(target: Target, asked: Question, told: Judgement, alone: bool) -> None:
    """Raises StepError lookup_failed, or not_the_service where http.sys answered by itself. The message never holds the
    request, which may contain an access code."""
    if alone and (asked.probe is None or told.missed):
        raise StepError(
            "not_the_service",
            f"{target.where}: Windows answered {told.status} by itself, without the service behind this port",
            "Check that NetPOS.Net runs and has opened this port; its log says why it has not.",
            retryable=True,
        )
    if told.missed is None:
        return
    if asked.probe is not None and told.missed == "status":
        what = f"the response was {told.status}, and the probe profile expects {asked.probe.expect.status}"
    else:
        what = f"the response was {told.status}, but not what the probe profile expects (`{told.missed}`)"
    raise StepError(
        "lookup_failed",
        f"{target.where}: {what}",
        "Check the log of NetPOS.Net, the number of the test member, and the probe profile on the Site page.",
        retryable=told.status >= 500,
    )
