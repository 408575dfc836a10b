"""Every code of readiness: its severity, the heading under which it is shown, and what to do about it. The codes of
certificates are in certificate/codes.py; these are the codes of the site, its devices and its rehearsal."""

from dataclasses import dataclass
from typing import Literal

from fleet.preflight.certificate.codes import RULES, Code

Level = Literal["error", "warning", "info", "fine"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info", "fine")


@dataclass(frozen=True, slots=True)
class SiteRule:
    """What is known about one code."""

    level: Level  # error: where the site requires a rehearsal, no cutover is approved
    title: str
    remedy: str


# Alarms of agents that have a rule of their own; any other is agent_alarm.
ALARMS = frozenset({"identity_used_twice", "instructions_refused"})
_AGAIN = "then rehearse again"

SITE_RULES: dict[str, SiteRule] = {
    # --- who is there
    "no_server": SiteRule("error", "No server", "Add the site's server on the Import page and enrol its agent."),
    "no_agent": SiteRule(
        "error",
        "No agent",
        "Enrol an agent on this device. Or mark it as done by hand on its page, or exclude it by name if it is a terminal.",
    ),
    "by_hand": SiteRule(
        "info",
        "Done by hand",
        "Make sure that somebody is there in the window. The cutover's page has a print-out for them.",
    ),
    "no_rehearsal_by_hand": SiteRule(
        "info",
        "No rehearsal with a server by hand",
        "Check the certificate with manage.py check_certificate. Where the site requires a rehearsal, lift that rule: on the "
        "Readiness page, empty Maximum rehearsal age.",
    ),
    "server_no_contact": SiteRule(
        "error",
        "The server's agent is not in contact",
        "Start the agent's service on the server; check its connection to this dashboard.",
    ),
    "no_contact": SiteRule(
        "warning",
        "Terminal not in contact",
        "Switch it on, or check its network. One that is off during the window switches automatically when it is back.",
    ),
    "no_inventory": SiteRule(
        "warning",
        "No inventory received",
        "Restart its agent, which reports at each start. Until then nothing is known about the device.",
    ),
    "inventory_error": SiteRule(
        "error",
        "Its settings or state cannot be read",
        "Fix what its agent reports; the agent checks again when it is restarted.",
    ),
    "excluded": SiteRule(
        "warning",
        "Excluded by name",
        "Nothing, if this is intended. A port has only one scheme, so its member functions do not work after the cutover.",
    ),
    "agent_versions": SiteRule(
        "warning", "Agents have different versions", "Update all agents to the same version, so that all make the same checks."
    ),
    "identity_used_twice": SiteRule(
        "error",
        "Two programs use one identity",
        "Revoke the agent, find out which of the two devices is the real one, and enrol it again.",
    ),
    "instructions_refused": SiteRule(
        "error",
        "The agent refuses this dashboard's instructions",
        "Check its log for the reason. An agent that knows another dashboard's key must be enrolled again.",
    ),
    "agent_alarm": SiteRule("error", "The agent raised an alarm", "See the alarm on the Fleet page, and fix it there."),
    # --- the rehearsal
    "never_rehearsed": SiteRule(
        "warning", "Never rehearsed", "Press Rehearse now. It takes a few seconds and changes nothing."
    ),
    "rehearsal_failed": SiteRule("error", "The last rehearsal failed", "Fix the named problem, then rehearse again."),
    "rehearsal_old": SiteRule(
        "error", "The rehearsal is too old", "Rehearse again: the site's rehearsal policy limits its age."
    ),
    "rehearsal_other_certificate": SiteRule(
        "error", "Rehearsed with another certificate", "Rehearse with the certificate that the cutover will bind."
    ),
    "rehearsal_other_probe": SiteRule(
        "error", "Rehearsed with another probe profile", "Rehearse again: the new profile was not tried by every terminal yet."
    ),
    "seat_no_answer": SiteRule(
        "error",
        "No answer from this terminal",
        "Switch the terminal on and rehearse again, or exclude it from the cutover by name.",
    ),
    "seat_unproven": SiteRule("error", "Answer without proof", "Update its agent, then rehearse again."),
    "seat_missing": SiteRule("error", "Not part of the rehearsal", "It was enrolled after the rehearsal: rehearse again."),
    "changed_since": SiteRule(
        "warning", "Changed since the rehearsal", "Rehearse again: the old result may no longer be valid."
    ),
    "intercepted": SiteRule(
        "error",
        "Terminal received a different certificate than the server sent",
        "A web shield, proxy or firewall between terminal and server opens TLS. Exclude the server's address there.",
    ),
    "first_contact_too_slow": SiteRule(
        "error",
        "The first lookup exceeds the terminal's timeout",
        "Find the cause: a root list or a missing intermediate that is fetched from the Internet, or DNS. Install the "
        "intermediate on the server, or increase the terminal's timeout.",
    ),
    "slow_first_contact": SiteRule(
        "warning",
        "The first lookup is slow",
        "Check DNS, and what the terminal fetches to check the certificate. Under load the lookup may exceed its timeout.",
    ),
    # --- what terminals report of their own check
    "cert_expired": SiteRule(
        "error", "Expired according to this terminal's clock", f"Set the terminal's clock, or renew the certificate, {_AGAIN}."
    ),
    "cert_not_yet_valid": SiteRule(
        "error", "Not yet valid according to this terminal's clock", f"Set the terminal's clock, {_AGAIN}."
    ),
    "tls_refused": SiteRule(
        "error",
        "TLS connection failed",
        "Check which TLS versions both sides allow. An old terminal needs TLS 1.2 enabled in Windows and in .NET, in both "
        "registry views.",
    ),
    "timeout": SiteRule("error", "No answer in time", f"Check the network and the server's load, {_AGAIN}."),
    "unreachable": SiteRule(
        "error", "The server cannot be reached", f"Correct the host in the terminal's settings or in DNS, {_AGAIN}."
    ),
    "connection_refused": SiteRule(
        "error", "Connection refused", f"Check that NetPOS.Net runs, the port and the server's firewall, {_AGAIN}."
    ),
    "lookup_failed": SiteRule("error", "The lookup failed", "Check the site's test member and the log of NetPOS.Net."),
    "busy": SiteRule("error", "The device was busy with a cutover", "Rehearse again when the cutover is over."),
    "seat_finding": SiteRule("error", "Terminal not ready", "Check the log of this terminal's agent."),
    # --- terminals
    "host_spellings": SiteRule(
        "info", "Terminals name the server differently", "Nothing, as long as the certificate contains every spelling."
    ),
    "port_differs": SiteRule("error", "Port differs from the server's", "Enter the server's port in this terminal's settings."),
    "scheme_differs": SiteRule(
        "warning",
        "Terminal and server use different schemes",
        "Member functions do not work on this terminal now: switch it, or set it back.",
    ),
    "access_code_differs": SiteRule(
        "warning",
        "Access code differs from the server's",
        "Enter the same Access Code on both sides. A wrong one looks like an HTTPS problem after the cutover.",
    ),
    "clock_off": SiteRule(
        "warning",
        "Clock off by more than 5 minutes",
        "Set the clock and the time zone. If the clock is wrong again, replace the battery.",
    ),
    "clock_outside_validity": SiteRule(
        "error",
        "Certificate not valid according to this device's clock",
        "Set the device's clock. An empty battery sets it back by years.",
    ),
    "tls_too_old": SiteRule(
        "error",
        "Cannot speak TLS 1.2",
        "Enable TLS 1.2 for clients in Windows (SCHANNEL) and strong cryptography for .NET, in both registry views, or "
        "replace the terminal.",
    ),
    "tls_no_common": SiteRule("error", "No TLS version in common with the server", "Allow TLS 1.2 on both sides."),
    "disk_full": SiteRule(
        "error", "Disk full", "Free 200 MB: without disk space the agent cannot record how to undo a step, and refuses it."
    ),
    "disk_low": SiteRule("warning", "Low disk space", "Free 200 MB before the cutover."),
    "settings_not_writable": SiteRule(
        "error",
        "Settings are not writable",
        "Close the settings window, remove the write protection, and let the agent's account write there.",
    ),
    "touch_writes_back": SiteRule(
        "warning",
        "Touch may write its old settings back",
        "Set [restart] in this terminal's profile (docs/profiles.md), or restart Touch by hand; then look here again.",
    ),
    # --- the server's http.sys
    "foreign_binding": SiteRule(
        "error",
        "Another program's certificate is bound to the port",
        "Find out which program made it (netsh http show sslcert) and remove it, or move NetPOS.Net to another port.",
    ),
    "specific_binding": SiteRule(
        "error",
        "A more specific binding has precedence",
        "Remove it (netsh http delete sslcert): a binding for one address or name has precedence over 0.0.0.0.",
    ),
    "binding_unreadable": SiteRule(
        "error",
        "A binding's thumbprint cannot be read",
        "Bind again with 40 hex digits: a thumbprint that is copied from the dialog may contain an invisible character or lack "
        "two digits.",
    ),
    "binding_other_port": SiteRule(
        "warning",
        "A certificate is bound to a port that the service does not use",
        "Remove it if it comes from the example on the vendor's page, which uses port 8000. The cutover binds the right port.",
    ),
    "binding_missing": SiteRule(
        "error", "HTTPS without a certificate on the port", "Bind the certificate to the service's own port."
    ),
    "other_scheme_reservation": SiteRule(
        "error",
        "A reservation of the other scheme exists on the port",
        "Delete it (netsh http delete urlacl): a port has only one scheme, so the service would not start after the cutover or "
        "a rollback.",
    ),
    "reservation_unreadable": SiteRule(
        "error",
        "A reservation's access list cannot be read",
        "Run netsh http show urlacl on the server: without the list the reservation cannot be restored.",
    ),
    "reservation_refused": SiteRule(
        "error",
        "A reservation cannot be moved and restored",
        "Delete it (netsh http delete urlacl) if no program needs it, or reserve it again so that it can be moved.",
    ),
    "other_reservation": SiteRule(
        "warning",
        "More reservations on the port",
        "Find out which programs own them. The cutover moves all of them to the new scheme.",
    ),
    "no_reservation": SiteRule(
        "info",
        "No reservation on the port",
        "Nothing. The vendor's user=EVERYONE fails with 1332 where Windows is not English; the cutover reserves by SID.",
    ),
    "iplisten_narrow": SiteRule(
        "error",
        "http.sys listens on other addresses only",
        "Remove the entry (netsh http delete iplisten) or add the server's address. It applies to all programs on the machine.",
    ),
    "iplisten_set": SiteRule(
        "warning", "http.sys listens on chosen addresses only", "Check that the terminals' address is among them."
    ),
    "port_owner": SiteRule(
        "error", "Another program uses the port", "Stop that program, or move one of the two to another port."
    ),
    # --- the server's services
    "service_down": SiteRule(
        "error", "NetPOS.Net does not run", "Start it and find out why it stopped: the cutover would hide the cause."
    ),
    "service_disabled": SiteRule(
        "error", "NetPOS.Net is disabled", "Set its start type to automatic. Otherwise the cutover cannot start it."
    ),
    "service_dependents": SiteRule(
        "info",
        "Other services depend on NetPOS.Net",
        "Nothing: the cutover stops the running ones before NetPOS.Net and restarts the same ones. They are down meanwhile.",
    ),
    "monitor_present": SiteRule(
        "info",
        "A Services Monitor is installed",
        "Nothing: the cutover suspends it. Choose a window that does not overlap its Restart All Services Daily.",
    ),
    "recovery_restarts": SiteRule(
        "info", "Windows restarts the service automatically", "Nothing: a normal stop does not trigger it."
    ),
    # --- the server's certificates
    "thumbprint_malformed": SiteRule(
        "error",
        "Not a valid thumbprint",
        "Choose the certificate from the list: 40 hex digits, without the invisible character that copying may add.",
    ),
    "certificate_none": SiteRule(
        "error",
        "No certificate with a key",
        "Import the PFX with its key into Personal of the computer account, not of the user, and not into Trusted Root.",
    ),
    "certificate_missing": SiteRule(
        "error", "The certificate is not in the server's store", "Import the PFX into Personal of the computer account."
    ),
    "certificate_key_missing": SiteRule(
        "error",
        "The certificate has no private key",
        "Import the PFX with its key, not the .cer alone. Without the key, Windows reports error 1312.",
    ),
    "key_in_profile": SiteRule(
        "error",
        "The private key is in a user's profile",
        "Import the PFX again, into Personal of the computer account, by certlm.msc or certutil -importpfx: a key in a "
        "profile is none for http.sys, and Windows answers error 1312.",
    ),
    "key_unreadable": SiteRule(
        "error",
        "The private key cannot be used",
        "Import it again as a machine key that is kept (MachineKeySet, PersistKeySet), and let SYSTEM read it.",
    ),
    "certificate_expires_soon": SiteRule(
        "warning", "The certificate expires within 30 days", "Renew it first, and use the new one for the cutover."
    ),
    "newer_certificate": SiteRule(
        "warning",
        "A newer certificate is not bound",
        "A renewed certificate has a new thumbprint. Bind it before the old one expires.",
    ),
    # --- the network
    "unmanaged_peers": SiteRule(
        "warning",
        "Unknown devices use the server's port",
        "Find out what they are (kitchen screens, kiosks, other programs). If they use HTTP, the cutover cuts them off.",
    ),
}

# Codes that agents report about their own check, and the code under which we show each. Other codes of agents may look like
# ours and mean something else (an agent's "expired": the rehearsal was over), so no others are translated.
OF_AGENTS = {
    "wrong_certificate": "intercepted",
    "slow_first_contact": "first_contact_too_slow",
    **{
        code: code
        for code in (
            "cert_expired",
            "cert_not_yet_valid",
            "tls_refused",
            "timeout",
            "unreachable",
            "connection_refused",
            "lookup_failed",
            "busy",
            "port_differs",
            "untrusted_root",
            "name_mismatch",
        )
    },
}


def rule_of(code: str) -> SiteRule:
    """The rule of a code, of this file or of a certificate. Raises KeyError for any other code."""
    if code in SITE_RULES:
        return SITE_RULES[code]
    rule = RULES[Code(code)]
    return SiteRule(rule.severity.value, f"Certificate: {code.replace('_', ' ')}", rule.remedy)


def is_known(code: str) -> bool:
    """Whether this is a code of ours; the code of an agent may be any."""
    return code in SITE_RULES or code in frozenset(Code)
