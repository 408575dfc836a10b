"""What can be wrong with the site of site.py, each as a function that spoils it."""

from collections.abc import Callable
from typing import Any

from tests.preflight.site import APPID, THUMBPRINT, Sketch, stored, thumbprint

Spoil = Callable[[Sketch], object]


def told(**facts: Any) -> Spoil:
    """The server's inventory says this."""
    return lambda site: site.server.update(facts)


def till(**facts: Any) -> Spoil:
    """T001's inventory says this."""
    return lambda site: site.terminals["T001"].update(facts)


def saw(**facts: Any) -> Spoil:
    """T001 saw this in the rehearsal."""
    return lambda site: site.checks["T001"].update(facts)


def says(code: str) -> Spoil:
    """T001's agent found this in the rehearsal."""
    finding = {"code": code, "message": "https://netpos: words of the agent", "remedy": "ask somebody"}
    return lambda site: site.findings.update(T001=finding)


def option(**options: Any) -> Spoil:
    """The plan or the site says this."""
    return lambda site: site.options.update(options)


def contact(name: str, word: str) -> Spoil:
    """This device's agent is there, away, or was never enrolled."""
    return lambda site: site.contacts.update({name: word})


def by_hand(name: str) -> Spoil:
    """A person sets this terminal, whose address was entered."""

    def spoil(site: Sketch) -> None:
        site.by_hand.add(name)
        site.addresses[name] = site.checks.pop(name)["own_address"]

    return spoil


def server_by_hand(site: Sketch) -> None:
    """A person sets the server, on which no agent runs."""
    site.by_hand.add("netpos")
    site.contacts["netpos"] = "none"


def alarm(name: str, code: str) -> Spoil:
    """This is kept beside this device's agent."""
    return lambda site: site.alarms.update({name: {"code": code, "message": "Seen twice.", "remedy": "Look."}})


def bound(endpoint: str, **changes: Any) -> Spoil:
    """http.sys has this binding."""
    row = {"endpoint": endpoint, "certhash": THUMBPRINT, "appid": APPID, "store": "MY"} | changes
    return lambda site: site.server["sslcert"].append(row)


def reserved(url: str, sddl: str | None = "D:(A;;GX;;;WD)") -> Spoil:
    """http.sys has this reservation."""
    return lambda site: site.server["urlacl"].append({"url": url, "sddl": sddl})


def rehearsed_with(leaf: Any) -> Spoil:
    """The server would send this certificate; the checks saw it."""

    def spoil(site: Sketch) -> None:
        site.thumbprint = thumbprint(leaf)
        site.rehearsal["chain"][0] = leaf.pem.decode()
        site.server["certificates"] = [stored(thumbprint=site.thumbprint)]
        for check in site.checks.values():
            check["thumbprint"] = site.thumbprint

    return spoil


def both(*spoils: Spoil) -> Spoil:
    """One after the other."""
    return lambda site: [spoil(site) for spoil in spoils]


def failed(site: Sketch) -> None:
    """The server could not open its shadow listener the last time."""
    site.failure = {"code": "shadow_failed", "message": "no port is free", "remedy": "restart it"}
