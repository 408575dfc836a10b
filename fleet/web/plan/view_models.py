"""What the plan page reads from the database."""

from collections.abc import Collection

from agents.catalogue import RESTART_TOUCH, RESTARTS, SERVER_STEPS, TERMINAL_STEPS, steps_for
from fleet.cutover.forecast import Timings
from fleet.models import Cutover, Device, ProbeVersion, Site
from fleet.services.by_hand import ByHand, is_server, of
from fleet.services.cutovers.timings import timings
from fleet.services.probes import versions
from fleet.web.device_steps import step_title


def sites() -> list[Site]:
    """All of them."""
    return list(Site.objects.all())


def server_of(site: Site | None) -> Device | None:
    """The site's server, if it has one."""
    return site.server if site else None


def terminal_names(site: Site) -> list[str]:
    """The names of all terminals of the site, in the order in which waves take them."""
    return list(site.devices.filter(kind=Device.Kind.TERMINAL).values_list("name", flat=True))


def server_steps(proof: ProbeVersion | None) -> list[tuple[str, bool]]:
    """(title, whether terminals cannot work while it runs) of each step of the server. proof: see proof()."""
    return [(step_title(step.name, transport=proof is None), step.outage) for step in SERVER_STEPS]


def terminal_steps(site: Site, excluded: Collection[str], proof: ProbeVersion | None) -> list[tuple[str, str]]:
    """(title, which terminals) of each step of a terminal; "" for all. Restarting Touch is there if some terminal does it.
    excluded: names of those that do not take part; proof: see proof()."""
    terminals = site.devices.filter(kind=Device.Kind.TERMINAL, by_hand=False).exclude(name__in=excluded)
    found = [d.restart for d in terminals.filter(facts__restart__how__in=RESTARTS).only("kind", "facts")]
    restarts = [restart for restart in found if restart is not None]
    if not restarts:
        return [(step_title(step.name, transport=proof is None), "") for step in TERMINAL_STEPS]
    which = "" if len(restarts) == (total := terminals.count()) else f"{len(restarts)} of {total} terminals"
    steps = steps_for("terminal", "switch", restarts[0])
    return [
        (step_title(step.name, transport=proof is None), which if step.name == RESTART_TOUCH.name else "") for step in steps
    ]


def by_hand(site: Site, excluded: Collection[str]) -> list[ByHand]:
    """The terminals that a person has to set, with the reason."""
    return [terminal for terminal in of(site) if terminal.name not in excluded]


def server_by_hand(site: Site | None) -> bool:
    """Whether a person sets the site's server."""
    server = server_of(site)
    return server is not None and is_server(server)


def proof(site: Site) -> ProbeVersion | None:
    """By which probe profile a cutover that is planned now would prove; None: by transport proofs."""
    return versions.current(site)


def measured(site: Site) -> Timings:
    """How long steps took at this site before, as the forecast for a new cutover uses it."""
    return timings(Cutover(site=site))
