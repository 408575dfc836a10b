"""Requests that were seen -> a probe profile, with the reasons. Only what the recording has shown to be a read is proposed:
a GET or HEAD, or another request that was asked twice with two member numbers and got a good response each time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agents.probes import grammar
from agents.probes.filling import content_type
from agents.probes.profile import Expectation, Probe, ProbeProfile
from agents.probes.recording import masking
from agents.probes.recording.exchanges import Exchange

# Headers of one connection or one browser, which say nothing to the service.
_LEFT_OUT = grammar.OURS | {
    "accept-language",
    "cache-control",
    "pragma",
    "date",
    "if-modified-since",
    "if-none-match",
    "origin",
}
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{1,20}(?![0-9A-Za-z])")
_MEMBER = "{member}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was learnt. profile: None when something is missing; then `missing` says what to do."""

    profile: ProbeProfile | None
    reasons: dict[str, tuple[str, ...]]
    """Section -> why it is as it is, one sentence each."""
    missing: tuple[str, ...]
    """What the recording lacks, one sentence each."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A good exchange as a probe: credentials masked, numbers as they were."""

    exchange: Exchange
    probe: Probe
    notes: tuple[str, ...]

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset(number for text in self.probe.texts for number in _NUMBER.findall(text))


def propose(exchanges: Sequence[Exchange], members: Sequence[str] = (), terminal: str = "") -> Proposal:
    """A profile from what was seen. members: the numbers that were typed, where somebody says them; terminal: the name
    under which the terminal calls itself, which then becomes a placeholder."""
    seen = [found for exchange in exchanges if (found := _seen(exchange, terminal))]
    reasons: dict[str, tuple[str, ...]] = {}
    missing = []
    member = _member(seen, members)
    if member is None:
        missing.append(
            "No member lookup was recognised. While it is recorded, look two different members up at the terminal, or say "
            "which number you typed."
        )
    else:
        reasons["member"] = member[1]
    interfaces = _interfaces(seen, member[0] if member else None)
    if interfaces is None:
        missing.append(
            "No request without a member number was recognised. While it is recorded, press Refresh Interface List twice "
            "at the terminal."
        )
    else:
        reasons["interfaces"] = interfaces[1]
    profile = ProbeProfile(interfaces[0], member[0]) if interfaces and member else None
    return Proposal(profile, reasons, tuple(missing))


# --- one exchange -------------------------------------------------------------------------------------


def _seen(exchange: Exchange, terminal: str) -> _Seen | None:
    """The exchange as a probe, None where it cannot be one: a bad response, or a request that no profile can hold."""
    if not 200 <= exchange.status < 300 or grammar.method_error(exchange.method) or exchange.body is None:
        return None
    _, charset = content_type(exchange.headers)
    try:
        body = exchange.body.decode(charset)
    except (LookupError, ValueError):
        return None
    notes: list[str] = []
    headers = _headers(exchange, terminal, notes)
    path, path_coded, path_masked = masking.masked(exchange.target)
    body, body_coded, body_masked = masking.masked(body)
    if path_coded or body_coded:
        notes.append("The access code was replaced by {access_code}, which the agent reads from the terminal's settings.")
    if path_masked or body_masked:
        notes.append(f"Something that looks like a password was replaced by {masking.MASK}: this probe does not work as it is.")
    if terminal:
        body = body.replace(terminal, "{terminal}")
    if grammar.path_error(path) or grammar.body_error(body):
        return None
    media_type, _ = content_type(exchange.response_headers)
    type_known = media_type if grammar.type_error(media_type) is None else None
    probe = Probe(exchange.method, path, headers, body, Expectation(exchange.status, type_known))
    return _Seen(exchange, probe, tuple(notes))


def _headers(exchange: Exchange, terminal: str, notes: list[str]) -> tuple[tuple[str, str], ...]:
    kept: dict[str, tuple[str, str]] = {}
    for name, value in exchange.headers:
        if name.lower() in _LEFT_OUT or grammar.header_name_error(name):
            continue
        if masking.is_access_code(name):
            value = "{access_code}"
        elif masking.is_secret(name):
            notes.append(f"The header {name} was left out, because it carries a credential.")
            continue
        elif terminal and value == terminal:
            value = "{terminal}"
        if grammar.header_value_error(value) is None and len(kept) < grammar.MAX_HEADERS:
            kept.setdefault(name.lower(), (name, value))
    return tuple(kept.values())


# --- the member lookup --------------------------------------------------------------------------------


def _member(seen: Sequence[_Seen], members: Sequence[str]) -> tuple[Probe, tuple[str, ...]] | None:
    """The lookup: of two that differ in one number only, or the one with the number that somebody typed."""
    for number, first in enumerate(seen):
        for second in seen[number + 1 :]:
            if pair := _differ_in_one_number(first, second):
                reason = f"This request was seen with {pair[0]} and with {pair[1]}, and differed in this number only."
                return _with_member(first, pair[0], (reason,))
    for one in seen:
        for typed in members:
            if typed in one.numbers and one.probe.method in grammar.READS:
                return _with_member(one, typed, (f"This request was seen once, with the number {typed} that was typed.",))
    return None


def _differ_in_one_number(first: _Seen, second: _Seen) -> tuple[str, str] | None:
    """The two numbers, when the requests are the same but for these."""
    if first.probe.method != second.probe.method or [n for n, _ in first.probe.headers] != [n for n, _ in second.probe.headers]:
        return None
    for one in first.numbers - second.numbers:
        for other in second.numbers - first.numbers:
            if [_replaced(text, one) for text in first.probe.texts] == [_replaced(text, other) for text in second.probe.texts]:
                return one, other
    return None


def _with_member(seen: _Seen, number: str, reasons: tuple[str, ...]) -> tuple[Probe, tuple[str, ...]]:
    probe = seen.probe
    headers = tuple((name, _replaced(value, number)) for name, value in probe.headers)
    expect, said = probe.expect, list(reasons)
    if number in _NUMBER.findall(_answer(seen.exchange)):
        expect = replace(expect, contains=_MEMBER)
        said.append("The response held the member number, so this is expected.")
    made = replace(
        probe, path=_replaced(probe.path, number), body=_replaced(probe.body, number), headers=headers, expect=expect
    )
    return made, (*said, *seen.notes)


def _replaced(text: str, number: str) -> str:
    return re.sub(rf"(?<![0-9A-Za-z]){number}(?![0-9A-Za-z])", _MEMBER, text)


def _answer(exchange: Exchange) -> str:
    _, charset = content_type(exchange.response_headers)
    try:
        return (exchange.response_body or b"").decode(charset, errors="replace")
    except (LookupError, ValueError):
        return ""


# --- the interface list -------------------------------------------------------------------------------


def _interfaces(seen: Sequence[_Seen], member: Probe | None) -> tuple[Probe, tuple[str, ...]] | None:
    """A read that is no member lookup: a GET first, then one that was asked again and answered alike."""
    others = [one for one in seen if member is None or not _is_lookup(one, member)]
    for one in others:
        if one.probe.method in grammar.READS:
            return one.probe, ("This request was seen without a member number, and its method only reads.", *one.notes)
    for number, one in enumerate(others):
        if any(later.probe == one.probe for later in others[number + 1 :]):
            reason = "This request was seen twice, was the same both times, and got a good response both times."
            return one.probe, (reason, *one.notes)
    return None


def _is_lookup(one: _Seen, member: Probe) -> bool:
    """Whether this exchange is the member lookup with some number."""
    wanted = list(member.texts)
    return any([_replaced(text, number) for text in one.probe.texts] == wanted for number in one.numbers)
