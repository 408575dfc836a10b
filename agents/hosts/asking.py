"""Asking the server by a probe: the one way in which a device's agent makes a request of a site's own dialect."""

from dataclasses import dataclass
from typing import Any

from agents.hosts import lookup
from agents.hosts.host import Host
from agents.http import Connection
from agents.probes import httpsys
from agents.probes.filling import fill
from agents.probes.judging import Judgement, judge
from agents.probes.profile import Probe, Values


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back, without its content."""

    judgement: Judgement
    by_http_sys: bool
    """http.sys gave this response by itself: the service behind it was not asked."""
    tls: str | None
    """TLS version, None without TLS."""
    thumbprint: str | None
    """SHA-1 of the certificate on the wire, 40 upper-case hex."""
    ms: float
    """From sending the request to the last byte."""
    connect_ms: float
    """Connecting, with the TLS handshake."""

    def evidence(self) -> dict[str, Any]:
        """For a report."""
        times = {"ms": round(self.ms, 1), "connect_ms": round(self.connect_ms, 1)}
        return {
            **self.judgement.evidence(),
            "by_http_sys": self.by_http_sys,
            "tls": self.tls,
            "thumbprint": self.thumbprint,
            **times,
        }


def values(host: Host, member: str) -> Values:
    """What this device fills placeholders with. Raises StepError when its settings cannot be read."""
    code = host.reading(host.settings()).access_code() if host.profile.access_code else None
    return Values(member, host.header_name(), code or "")


async def once(host: Host, probe: Probe, given: Values, thumbprint: str | None = None) -> Answered:
    """One request to the server that the device's settings name. thumbprint: the certificate that is expected, None for any.
    Raises StepError with the reason why there was no response, ProbeError for a probe that cannot be filled."""
    request = fill(probe, given)
    target = host.target(thumbprint)
    with lookup.explaining(target):
        connection = Connection(
            target.host, target.port, tls=lookup.context(target, host.network), network=host.network, timeout_s=target.timeout_s
        )
        async with connection:
            lookup.compare(target, connection.thumbprint)
            response = await connection.ask(request.method, request.target, request.headers, request.body)
    told = judge(probe.expect, response.status, response.headers, response.body, given)
    alone = httpsys.answered_alone(response.status, response.headers, response.body)
    return Answered(told, alone, connection.tls_version, connection.thumbprint, response.ms, connection.connect_ms)
