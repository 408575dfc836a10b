"""What can be wrong with a terminal compared with its server: port, scheme, access code, TLS, and the host that it calls."""

from collections import Counter
from collections.abc import Iterator

from fleet.preflight.site.device_rules import has_tls_1_2, ranks
from fleet.preflight.site.readiness import Item, item
from fleet.preflight.site.view import ServerView, SiteView, TerminalView

_SHOWN = 8
STARTING_MS = 60_000  # a Touch that writes its settings while it starts knows them


def check_terminals(view: SiteView) -> Iterator[Item]:
    """Items about each terminal that takes part, and about how they call the server."""
    for terminal in view.taking_part:
        if view.server is not None:
            yield from _beside(terminal, view.server)
        yield from _touch(terminal)
    yield from _spellings(view.taking_part)


def _beside(terminal: TerminalView, server: ServerView) -> Iterator[Item]:
    name = terminal.name
    if terminal.port and server.port and terminal.port != server.port:
        yield item("port_differs", f"{name} uses port {terminal.port}, the server listens on {server.port}", name)
    if terminal.scheme and server.scheme and terminal.scheme != server.scheme:
        schemes = f"{name} is on {terminal.scheme.upper()}, the server on {server.scheme.upper()}"
        yield item("scheme_differs", schemes, name)
    if terminal.access_code and server.access_code and terminal.access_code != server.access_code:
        yield item("access_code_differs", f"{name}'s access code differs from the server's", name)
    yield from _tls(terminal, server)


def _touch(terminal: TerminalView) -> Iterator[Item]:
    """Whether a Touch that is not restarted has started before its settings were changed. It may not know them, and at its end
    it may write back those that it has read."""
    touch = terminal.touch
    if terminal.restart is not None or touch is None or not touch.running:
        return
    if touch.since_ms is None or touch.settings_changed_ms is None:
        return
    late_ms = touch.settings_changed_ms - touch.since_ms
    if late_ms > STARTING_MS:
        message = f"{terminal.name}'s settings were changed {late_ms // 60_000} min after Touch had started"
        yield item("touch_writes_back", f"{message}, and its profile does not restart Touch", terminal.name)


def _tls(terminal: TerminalView, server: ServerView) -> Iterator[Item]:
    mine, its = ranks(terminal), ranks(server)
    # A terminal whose TLS is too old has its own item.
    if mine and its and not mine & its and has_tls_1_2(terminal) and has_tls_1_2(server):
        message = f"{terminal.name} supports {', '.join(terminal.tls or ())}, the server {', '.join(server.tls or ())}"
        yield item("tls_no_common", message, terminal.name)


def _spellings(terminals: tuple[TerminalView, ...]) -> Iterator[Item]:
    counted = Counter(terminal.host for terminal in terminals if terminal.host)
    if len(counted) > 1:
        most = [f'"{host}" ({count})' for host, count in counted.most_common(_SHOWN)]
        more = f" and {len(counted) - _SHOWN} more" if len(counted) > _SHOWN else ""
        yield item("host_spellings", f"the terminals name the server in {len(counted)} ways: {', '.join(most)}{more}")
