"""Asking the server once, as this device's proofs do, and telling what came back without its content."""

from typing import Any

from agents.errors import StepError
from agents.hosts import asking
from agents.hosts.asking import Asked, Question
from agents.hosts.host import Host
from agents.protocol import Finding


async def check(host: Host, profile: str, member: str, transport_path: str) -> dict[str, Any]:
    """What came of each request of this profile (TOML), or of a transport proof for "": the response without its content, or
    the finding that says why there was none. Raises ProbeError where the profile is none, StepError where the settings cannot
    be read."""
    asking.profile(profile)
    order = Asked(profile, member, transport_path)
    try:
        interfaces, lookup = (asking.question(host, order, section) for section in asking.SECTIONS)
    except StepError as error:
        if error.finding.code != asking.UNUSABLE:
            raise
        return {"proof": "application", "scheme": host.scheme(), "requests": [_failed("member", error.finding)]}
    asked: list[tuple[str, Question]] = [("interfaces", interfaces), ("member", lookup)]
    if "transport" in (interfaces.proof, lookup.proof):
        asked = [("transport", asking.transport(transport_path))]
    return {
        "proof": asked[0][1].proof,
        "scheme": host.scheme(),
        "requests": [await _row(host, section, question) for section, question in asked],
    }


def _failed(section: str, finding: Finding) -> dict[str, Any]:
    told = {"code": finding.code, "message": finding.message, "remedy": finding.remedy}
    return {"section": section, "error": told}


async def _row(host: Host, section: str, question: Question) -> dict[str, Any]:
    try:
        answered = await asking.once(host, host.target(None), question)
    except StepError as error:
        return _failed(section, error.finding)
    return {"section": section, "error": None, **answered.evidence()}
