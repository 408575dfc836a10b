"""Asking the server once, as this device's proofs do, and telling what came back without its content."""

from typing import Any, Literal

import h11

from agents.errors import StepError
from agents.hosts import asking, lookup
from agents.hosts.host import Host
from agents.http import Connection
from agents.probes import httpsys, validator
from agents.probes.judging import judge
from agents.probes.profile import Expectation, ProbeError, Values

Section = Literal["interfaces", "member", "transport"]


async def check(host: Host, profile: str, member: str, transport_path: str) -> list[dict[str, Any]]:
    """One row for each request of this profile (TOML); for "" one of a transport proof. A row has the response without its
    content, or the finding that says why there was none. Raises ProbeError where the profile is none."""
    if not profile:
        return [await _row(host, "transport", lambda: _transport(host, transport_path))]
    probes = validator.parse(profile.encode("utf-8", "surrogatepass")).profile
    return [
        await _row(host, "interfaces", lambda: asking.once(host, probes.interfaces, asking.values(host, member))),
        await _row(host, "member", lambda: asking.once(host, probes.member, asking.values(host, member))),
    ]


async def _row(host: Host, section: Section, ask: Any) -> dict[str, Any]:
    try:
        answered = await ask()
    except StepError as error:
        return {"section": section, "error": _finding(error.finding.code, error.finding.message, error.finding.remedy)}
    except (ProbeError, h11.LocalProtocolError) as error:
        remedy = "Correct the probe profile, or say in this device's settings profile where the value is."
        return {"section": section, "error": _finding("probe_unusable", f"the probe cannot be filled here: {error}", remedy)}
    return {"section": section, "error": None, **answered.evidence()}


def _finding(code: str, message: str, remedy: str) -> dict[str, str]:
    return {"code": code, "message": message, "remedy": remedy}


async def _transport(host: Host, path: str) -> asking.Answered:
    """Any response that the service itself gives."""
    target = host.target(None)
    with lookup.explaining(target):
        connection = Connection(
            target.host, target.port, tls=lookup.context(target, host.network), network=host.network, timeout_s=target.timeout_s
        )
        async with connection:
            response = await connection.get(path, {"Accept": "*/*"})
    told = judge(Expectation(response.status), response.status, response.headers, response.body, Values("", ""))
    alone = httpsys.answered_alone(response.status, response.headers, response.body)
    return asking.Answered(told, alone, connection.tls_version, connection.thumbprint, response.ms, connection.connect_ms)
