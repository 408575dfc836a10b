"""Name constraints, kind by kind, and stars read defensively."""

import ipaddress

import pytest
from cryptography import x509

from tests.preflight.pki import ca, codes, files, key, san, server, verdict

ROOT = ca("Constraints Root")


def _dns(*names: str) -> list[x509.GeneralName]:
    return [x509.DNSName(name) for name in names]


def _net(text: str) -> list[x509.GeneralName]:
    return [x509.IPAddress(ipaddress.ip_network(text))]


@pytest.mark.parametrize(
    ("permitted", "excluded", "held", "host", "allowed"),
    [
        (_dns("club.lan"), None, "pos.club.lan", "pos.club.lan", True),
        (_dns("club.lan"), None, "club.lan", "club.lan", True),
        (_dns("club.lan"), None, "xclub.lan", "xclub.lan", False),
        (_dns("a.lan", "b.lan"), None, "pos.b.lan", "pos.b.lan", True),
        (None, _dns("club.lan"), "pos.club.lan", "pos.club.lan", False),
        (None, _dns("other.lan"), "pos.club.lan", "pos.club.lan", True),
        (_dns("club.lan"), _dns("bar.club.lan"), "*.club.lan", "pos.club.lan", False),
        (_dns("foo.club.lan"), None, "*.club.lan", "foo.club.lan", False),
        (_dns("club.lan"), _dns("a.bar.club.lan"), "*.club.lan", "pos.club.lan", True),
        (_net("10.0.0.0/8"), None, "10.1.2.3", "10.1.2.3", True),
        (_net("10.0.0.0/8"), None, "11.1.2.3", "11.1.2.3", False),
        (None, _net("fd00::/8"), "fd00::5", "fd00::5", False),
        (_net("10.0.0.0/8"), None, "pos", "pos", True),
        (_dns(".club.lan"), None, "pos.club.lan", "pos.club.lan", False),
        ([x509.UniformResourceIdentifier("club.lan")], None, "pos", "pos", True),
    ],
)
def test_names_under_their_cas_limits(permitted: object, excluded: object, held: str, host: str, allowed: bool) -> None:
    limited = ca("Limited CA", ROOT, own=key("p256", 300), limits=x509.NameConstraints(permitted, excluded))
    result = verdict(files(server(limited, held), limited, roots=[ROOT]), host)
    assert (codes(result) == set()) is allowed
    assert allowed or "name_constraints" in codes(result)


def test_every_name_counts_and_not_only_the_host_asked_for() -> None:
    limited = ca("Limited CA", ROOT, own=key("p256", 300), limits=x509.NameConstraints(None, _dns("secret.lan")))
    given = files(server(limited, names=san("pos-srv", "x.secret.lan")), limited, roots=[ROOT])
    assert codes(verdict(given, "pos-srv")) == {"name_constraints"}


def test_thousands_of_limits_over_thousands_of_names_are_refused_quickly() -> None:
    limits = x509.NameConstraints(None, _dns(*[f"x{number}.lan" for number in range(1000)]))
    limited = ca("Hostile CA", ROOT, own=key("p256", 300), limits=limits)
    many = server(limited, names=san(*[f"y{number}.lan" for number in range(1000)]), subject=x509.Name([]), names_critical=True)
    assert codes(verdict(files(many, limited, roots=[ROOT]), "y1.lan")) == {"name_constraints"}
