"""A probe profile as TOML, with the reasons as comments. What validator.parse() reads from it is the same profile."""

import json
from collections.abc import Mapping, Sequence

from agents.probes.profile import Probe, ProbeProfile


def write(profile: ProbeProfile, reasons: Mapping[str, Sequence[str]] | None = None) -> str:
    """The text. reasons: section ("interfaces", "member") -> why it is as it is, one sentence each."""
    reasons = reasons or {}
    sections = (("interfaces", profile.interfaces), ("member", profile.member))
    return "\n".join(_section(name, probe, reasons.get(name, ())) for name, probe in sections)


def _section(name: str, probe: Probe, reasons: Sequence[str]) -> str:
    lines = [f"# {_comment(reason)}" for reason in reasons]
    lines += [f"[{name}]", f"method = {_string(probe.method)}", f"path = {_string(probe.path)}"]
    if probe.body:
        lines.append(f"body = {_string(probe.body)}")
    if probe.headers:
        lines += ["", f"[{name}.headers]", *(f"{_string(key)} = {_string(value)}" for key, value in probe.headers)]
    expect = probe.expect
    lines += ["", f"[{name}.expect]", f"status = {expect.status}"]
    texts = (("type", expect.type), ("contains", expect.contains), ("matches", expect.matches))
    lines += [f"{key} = {_string(value)}" for key, value in texts if value is not None]
    if expect.json is not None:
        lines += ["", f"[{name}.expect.json]", f"path = {_string('.'.join(expect.json.path))}"]
        lines.append(f"value = {_string(expect.json.value)}")
    return "\n".join(lines) + "\n"


def _string(text: str) -> str:
    """A basic string of TOML 1.0: JSON's, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return " ".join(text.split())
