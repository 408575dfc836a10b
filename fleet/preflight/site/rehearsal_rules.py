"""What the last rehearsal showed, and whether it still counts."""

import datetime as dt
from collections.abc import Iterator

from agents.protocol import Finding
from fleet.preflight.site.codes import OF_AGENTS
from fleet.preflight.site.readiness import NEVER, Item, item
from fleet.preflight.site.view import RehearsalView, SiteView, TerminalCheckView, TerminalView, wanted


def check_rehearsal(view: SiteView) -> Iterator[Item]:
    """Items about the rehearsal as a whole and about each terminal's check in it."""
    if view.moved:
        return
    if view.server is not None and view.server.by_hand:
        yield from _impossible(view)
        return
    rehearsal = view.rehearsal
    if view.failed is not None:
        message, code = _words(view.failed, "it failed")
        said = f"{message} ({code})" if code else message
        yield item("rehearsal_failed", f"{said} {view.failed.remedy}".strip(), level="warning" if rehearsal else None)
    if rehearsal is None:
        asked = view.policy_hours is not None
        yield item(NEVER, "no terminal has tried the certificate yet", level="error" if asked else None)
        return
    yield from _age(view, rehearsal)
    yield from _certificate(view, rehearsal)
    if view.probe_changed:
        yield item("rehearsal_other_probe", "the site's probe profile was changed after the last rehearsal")
    checks = view.checks()
    for terminal in view.taking_part:
        # Without an agent nobody can be asked, and by hand nobody is; that has its own item.
        if terminal.contact != "none" and not terminal.by_hand:
            yield from _check(terminal, checks.get(terminal.name), rehearsal)


def _impossible(view: SiteView) -> Iterator[Item]:
    asked = view.policy_hours is not None
    but = f", and this site requires a rehearsal that is at most {view.policy_hours} hours old" if asked else ""
    message = f"the server is done by hand, so no terminal can try the certificate before the cutover{but}"
    yield item("no_rehearsal_by_hand", message, level="error" if asked else None)


def _age(view: SiteView, rehearsal: RehearsalView) -> Iterator[Item]:
    if view.policy_hours is None:
        return
    old = view.now - rehearsal.at
    if old > dt.timedelta(hours=view.policy_hours):
        hours = int(old.total_seconds() // 3600)
        yield item("rehearsal_old", f"the last rehearsal is {hours} hours old; this site allows {view.policy_hours}")


def _certificate(view: SiteView, rehearsal: RehearsalView) -> Iterator[Item]:
    target = view.thumbprint.upper() or getattr(wanted(view), "thumbprint", "")
    if target and target != rehearsal.thumbprint:
        # No plan names a certificate yet: the one that a plan would take by itself is worth a warning only.
        message = f"the rehearsal used {rehearsal.thumbprint[:8]}…, the cutover would bind {target[:8]}…"
        yield item("rehearsal_other_certificate", message, level="error" if view.thumbprint else "warning")


def _check(terminal: TerminalView, check: TerminalCheckView | None, rehearsal: RehearsalView) -> Iterator[Item]:
    name = terminal.name
    if check is None:
        yield item("seat_missing", f"{name} did not take part in the last rehearsal", name)
    elif not check.answered:
        yield item("seat_no_answer", f"{name} did not answer in the last rehearsal", name)
    else:
        if check.finding is not None:
            yield _finding(name, check.finding)
        elif check.thumbprint is None:
            yield item("seat_unproven", f"{name} reported success without the certificate that it saw", name)
        elif check.thumbprint != rehearsal.thumbprint:
            message = f"{name} was shown certificate {check.thumbprint[:40]}, the server sent {rehearsal.thumbprint}"
            yield item("intercepted", message, name)
        yield from _first_contact(terminal, check)
        yield from _changed(terminal, check)


def _finding(name: str, said: Finding) -> Item:
    """The agent's finding with our own code and remedy, where we know the agent's code."""
    message, code = _words(said, "its agent says that it is not ready")
    if code not in OF_AGENTS:
        return item("seat_finding", f"{name}: {message}" + (f" ({code})" if code else ""), name)
    return item(OF_AGENTS[code], f"{name}: {message}", name, level="error")


def _words(said: Finding, otherwise: str) -> tuple[str, str]:
    return said.message or otherwise, said.code


def _first_contact(terminal: TerminalView, check: TerminalCheckView) -> Iterator[Item]:
    limit, cold = check.timeout_s or terminal.timeout_s, check.cold_ms
    if limit is None or cold is None or cold <= limit * 500:
        return
    code = "first_contact_too_slow" if cold > limit * 1000 else "slow_first_contact"
    message = f"{terminal.name}'s first lookup over HTTPS took {cold / 1000:.1f} s; it waits {limit:g} s"
    yield item(code, message, terminal.name)


def _changed(terminal: TerminalView, check: TerminalCheckView) -> Iterator[Item]:
    now, then = (terminal.host, terminal.port), (check.host, check.port)
    if None not in (*now, *then) and now != then:
        message = f"{terminal.name} was set to {then[0]}:{then[1]} in the rehearsal and is set to {now[0]}:{now[1]} now"
        yield item("changed_since", message, terminal.name)
