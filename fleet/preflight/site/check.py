"""Readiness: a SiteView in, a verdict out. One rule file per question; the order of the items is theirs."""

from fleet.preflight.certificate.codes import Code
from fleet.preflight.site.certificate_rules import check_certificate, check_store
from fleet.preflight.site.device_rules import check_devices
from fleet.preflight.site.httpsys_rules import check_httpsys
from fleet.preflight.site.network_rules import check_network
from fleet.preflight.site.passed_checks import what_is_fine
from fleet.preflight.site.presence_rules import check_presence
from fleet.preflight.site.readiness import Item, Readiness, conclude
from fleet.preflight.site.rehearsal_rules import check_rehearsal
from fleet.preflight.site.service_rules import check_services
from fleet.preflight.site.terminal_rules import check_terminals
from fleet.preflight.site.view import SiteView

_RULES = (
    check_presence, check_rehearsal, check_devices, check_terminals, check_httpsys, check_services, check_store, check_network,
)  # fmt: skip


# (code, more precise codes): the first is dropped where one of the others was found for the same device.
_ECHOES = (
    ({"name_mismatch"}, {"ip_not_in_san", "ip_in_dns_san", "wildcard_scope", "host_not_checkable"}),
    ({"cert_expired", "cert_not_yet_valid", "clock_off"}, {"clock_outside_validity"}),
)


def assess(view: SiteView) -> Readiness:
    """Whether this site may be moved, as far as is known now. Raises nothing for what devices told."""
    found = [one for rule in _RULES for one in rule(view)]
    found += check_certificate(view, {(one.code, one.device) for one in found})
    found = _without_echoes(found)
    found = _roots_not_intermediates(view, found)
    found += what_is_fine(view, {one.code for one in found if one.severity in ("error", "warning")})
    return conclude(found, view.moved or view.rehearsal is not None)


def _roots_not_intermediates(view: SiteView, found: list[Item]) -> list[Item]:
    """If the chain leads to a root for one terminal, the chain is complete; a terminal for which it does not lacks the
    root. A single path cannot distinguish an issuer that is missing in the chain from one that is missing among the roots."""
    code = Code.MISSING_INTERMEDIATE.value
    lacking = {one.device for one in found if one.code == code}
    if not lacking or not any(
        check.answered and not check.finding and check.terminal not in lacking for check in view.checks().values()
    ):
        return found
    said = {one.device for one in found if one.code == Code.UNTRUSTED_ROOT.value}
    return [one for one in found if one.code != code or one.device not in said]


def _without_echoes(found: list[Item]) -> list[Item]:
    there = {(one.code, one.device) for one in found}
    return [
        one
        for one in found
        if not any(one.code in dull and any((code, one.device) in there for code in sharp) for dull, sharp in _ECHOES)
    ]
