"""Asking the server once, as this device's proofs do, and telling what came back without its content."""

from typing import Any, Literal

from agents.errors import StepError
from agents.hosts import asking
from agents.hosts.asking import Question
from agents.hosts.host import Host, ServerHost
from agents.probes.profile import ProbeError

Section = Literal["interfaces", "member", "transport"]


async def check(host: Host, profile: str, member: str, transport_path: str) -> dict[str, Any]:
    """What came of each request of this profile (TOML), or of a transport proof for "": the response without its content, or
    the finding that says why there was none. Raises ProbeError where the profile is none, StepError where the settings cannot
    be read."""
    found = asking.profile(profile)
    asked: list[tuple[Section, Question]] = [("transport", asking.transport(transport_path))]
    if found is not None:
        try:
            values = asking.values(host, member)
            asked = [
                ("interfaces", asking.by_probe(found.interfaces, values)),
                ("member", asking.by_probe(found.member, values)),
            ]
        except ProbeError as error:
            if not isinstance(host, ServerHost):  # a server that lacks a value makes transport proofs, and does so here
                return {"proof": "application", "scheme": host.scheme(), "requests": [_unusable(error)]}
    return {
        "proof": asked[0][1].proof,
        "scheme": host.scheme(),
        "requests": [await _row(host, section, question) for section, question in asked],
    }


def _unusable(error: ProbeError) -> dict[str, Any]:
    told = {
        "code": "probe_unusable",
        "message": f"the probe profile cannot be used here: {error}",
        "remedy": "Correct it, or say in this terminal's settings profile where the value is.",
    }
    return {"section": "member", "error": told}


async def _row(host: Host, section: Section, question: Question) -> dict[str, Any]:
    try:
        answered = await asking.once(host, host.target(None), question)
    except StepError as error:
        told = {"code": error.finding.code, "message": error.finding.message, "remedy": error.finding.remedy}
        return {"section": section, "error": told}
    return {"section": section, "error": None, **answered.evidence()}
