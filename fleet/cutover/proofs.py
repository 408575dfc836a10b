"""Whether a device has proven that it works. `done` alone is only a claim. It counts together with the evidence of the
lookups that the plan asked for, each with the right scheme, certificate, answer and time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.protocol import Finding, Role, Scheme

TLS_VERSIONS = frozenset({"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"})
SLACK_MS = 60_000  # how far two clocks may differ, also when one of them was corrected meanwhile
LONGEST_MS = 120_000  # of one lookup; the step has a much shorter time limit
# The steps of a switch that prove it: those that read the settings back, and those that look something up.
SETTING = {"terminal": ("secured",), "server": ()}
LOOKUPS = {"terminal": ("interface_list", "member_lookup"), "server": ("verify_server",)}
REMEDY = "Look up a member at this device and check its agent's log. If both are good, press Retry failed."


@dataclass(frozen=True, slots=True)
class Statuses:
    """The HTTP statuses that a probe profile expects."""

    interfaces: int
    member: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What a proof has to show."""

    scheme: Scheme
    thumbprint: str | None  # of the plan's certificate; None: any certificate is right
    # When the device was asked and when its answer came: ms since 1970 by the dashboard's clock.
    asked_ms: int
    now_ms: int
    # The statuses by which the probe profile knows a good response, when proofs have to be of the application. None: a
    # transport proof is enough.
    statuses: Statuses | None = None


def switch_doubt(role: Role, steps: Mapping[str, Mapping[str, Any]], expected: Expected) -> Finding | None:
    """Why these steps' evidence (by step name) does not prove that the device works in the new scheme, or None."""
    for name in SETTING[role]:
        if steps.get(name, {}).get("scheme") != expected.scheme:
            return _no_proof(f"{name}: its settings do not read {expected.scheme.upper()}")
    for name in LOOKUPS[role]:
        if why := lookup_flaw(steps.get(name), expected, interfaces=name == "interface_list"):
            return _no_proof(f"{name}: {why}")
    return None


def answer_doubt(evidence: Mapping[str, Any], scheme: Scheme | None, expected: Expected) -> Finding | None:
    """Why an answer that holds the evidence of one lookup does not prove it, or None. scheme: what the device's settings
    say."""
    if scheme != expected.scheme:
        return _no_proof(f"its settings say {scheme or 'nothing'}, not {expected.scheme}")
    why = lookup_flaw(evidence, expected)
    return _no_proof(why) if why else None


def lookup_flaw(evidence: Mapping[str, Any] | None, expected: Expected, *, interfaces: bool = False) -> str | None:
    """What is wrong with the evidence of one lookup, or None. interfaces: it asked for the interface list, not for a member."""
    if not evidence:
        return "the report has no lookup"
    if why := _response_flaw(evidence, expected.statuses, interfaces):
        return why
    if not _between(evidence.get("ms"), 0, LONGEST_MS):
        return "the lookup has an impossible duration"
    if "at_ms" in evidence and not _between(evidence["at_ms"], *_bounds(expected)):
        return "the lookup was not made between instruction and report"
    return _tls_flaw(evidence, expected)


def _response_flaw(evidence: Mapping[str, Any], wanted: Statuses | None, interfaces: bool) -> str | None:
    if not _between(evidence.get("status"), 100, 599):
        return "the lookup got no response"
    of_application = evidence.get("proof") == "application"
    if wanted is not None:
        if not of_application:
            return "it made only a transport proof"
        if evidence["status"] != (wanted.interfaces if interfaces else wanted.member):
            return "the response had another status than the probe profile expects"
    if of_application and evidence.get("matched") is not True:
        return "the response was not as the probe profile expects"
    if not of_application and evidence.get("by_http_sys") is True:
        return "Windows gave the response by itself, without the service"
    return None


def _tls_flaw(evidence: Mapping[str, Any], expected: Expected) -> str | None:
    tls, thumbprint = evidence.get("tls"), evidence.get("thumbprint")
    if expected.scheme == "http":
        return "the lookup was made over TLS" if tls is not None or thumbprint is not None else None
    if not isinstance(tls, str) or tls not in TLS_VERSIONS:
        return "the lookup was not made over TLS"
    if not isinstance(thumbprint, str) or len(thumbprint) != 40:
        return "the lookup does not name the server's certificate"
    if expected.thumbprint and thumbprint != expected.thumbprint:
        return "the server's certificate is not the plan's"
    return None


def _bounds(expected: Expected) -> tuple[int, int]:
    # The dashboard's own clock may have been put back in between.
    low, high = sorted((expected.asked_ms, expected.now_ms))
    return low - SLACK_MS, high + SLACK_MS


def _between(value: object, low: int, high: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _no_proof(why: str) -> Finding:
    return Finding("no_proof", f"It reports success without proof: {why}.", REMEDY)
