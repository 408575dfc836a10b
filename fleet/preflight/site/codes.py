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
        "Enrol an agent on this device, or exclude the terminal by name if it may lose its member functions.",
    ),
    "server_no_contact": SiteRule(
        "error",
        "The server's agent is not in contact",
        "Start the agent's service on the server; check its way to this dashboard.",
    ),
    "no_contact": SiteRule(
        "warning",
        "Terminal not in contact",
        "Switch it on, or look at its network. One that is off in the window moves by itself when it comes back.",
    ),
    "no_inventory": SiteRule(
        "warning",
        "Never told what it looks like",
        "Restart its agent: it tells at each start. Until then nothing is known of it.",
    ),
    "inventory_error": SiteRule(
        "error",
        "Its settings or state cannot be read",
        "Put right what its agent names; the agent looks again when it is restarted.",
    ),
    "excluded": SiteRule(
        "warning",
        "Excluded by name",
        "Nothing, if that is meant: one port speaks one scheme, so it has no member functions after the cutover.",
    ),
    "agent_versions": SiteRule(
        "warning", "Agents of different versions", "Update the agents to one version, so that all check the same."
    ),
    "identity_used_twice": SiteRule(
        "error",
        "Two programs use one identity",
        "Revoke the agent, find out which of the two devices is the real one, and enrol that anew.",
    ),
    "instructions_refused": SiteRule(
        "error",
        "The agent refuses this dashboard's instructions",
        "Look into its log for the reason; an agent that knows another dashboard's key has to be enrolled anew.",
    ),
    "agent_alarm": SiteRule(
        "error", "Something is wrong with the agent itself", "Look at what is named on the Fleet page, and put it right there."
    ),
    # --- the rehearsal
    "never_rehearsed": SiteRule("warning", "Never rehearsed", "Press Rehearse now. It changes nothing and takes some seconds."),
    "rehearsal_failed": SiteRule(
        "error", "The last rehearsal could not be held", "Put right what is named, then rehearse again."
    ),
    "rehearsal_old": SiteRule("error", "The rehearsal is too old", "Rehearse again: the site's policy says how old it may be."),
    "rehearsal_other_certificate": SiteRule(
        "error", "Rehearsed with another certificate", "Rehearse with the certificate that the cutover will bind."
    ),
    "seat_no_answer": SiteRule(
        "error",
        "No answer from this seat",
        "Switch the terminal on and rehearse again, or exclude it from the cutover by name.",
    ),
    "seat_unproven": SiteRule("error", "An answer without proof", "Update its agent, then rehearse again."),
    "seat_missing": SiteRule("error", "Not asked in the rehearsal", "It was enrolled after the rehearsal: rehearse again."),
    "changed_since": SiteRule("warning", "Changed since the rehearsal", "Rehearse again: what was seen then may not hold now."),
    "intercepted": SiteRule(
        "error",
        "Another certificate arrived than the server sent",
        "Something between till and server opens TLS: a web shield, a proxy or a firewall. Except the server's address there.",
    ),
    "first_contact_too_slow": SiteRule(
        "error",
        "The first lookup takes longer than the till waits",
        "Find what it waits for: a root list or a missing intermediate fetched from the Internet, DNS. Install the "
        "intermediate on the server, or lengthen the till's timeout.",
    ),
    "slow_first_contact": SiteRule(
        "warning",
        "The first lookup is slow",
        "Look at DNS, and at what the till fetches to check the certificate; a busy evening may take it past its timeout.",
    ),
    # --- what terminals report of their own check
    "cert_expired": SiteRule(
        "error", "Expired by this till's clock", f"Set the till's clock, or renew the certificate, {_AGAIN}."
    ),
    "cert_not_yet_valid": SiteRule("error", "Not yet valid by this till's clock", f"Set the till's clock, {_AGAIN}."),
    "tls_refused": SiteRule(
        "error",
        "No TLS connection comes about",
        "See which TLS versions both sides allow; an old till needs TLS 1.2 enabled in Windows and in .NET, in both "
        "registry views.",
    ),
    "timeout": SiteRule("error", "No answer in time", f"Look at the network and the server's load, {_AGAIN}."),
    "unreachable": SiteRule("error", "The server cannot be reached", f"Correct the host in the till or DNS, {_AGAIN}."),
    "connection_refused": SiteRule(
        "error", "Nothing listens there", f"Look whether NetPOS.Net runs, at the port and at the server's firewall, {_AGAIN}."
    ),
    "lookup_failed": SiteRule("error", "The lookup failed", "Check the site's test member and the log of NetPOS.Net."),
    "busy": SiteRule("error", "The device was busy with a cutover", "Rehearse again when the cutover is over."),
    "seat_finding": SiteRule("error", "This seat is not ready", "Look into the log of this terminal's agent."),
    # --- terminals
    "host_spellings": SiteRule(
        "info", "Terminals name the server differently", "Nothing, as long as the certificate holds every spelling."
    ),
    "port_differs": SiteRule(
        "error", "Port differs from the server's", "Type the server's port into this terminal's settings."
    ),
    "scheme_differs": SiteRule(
        "warning",
        "Terminal and server speak different schemes",
        "This till has no member functions now: move it, or set it back.",
    ),
    "access_code_differs": SiteRule(
        "warning",
        "Access code differs from the server's",
        "Type the same Access Code on both sides; a wrong one looks like a fault of HTTPS afterwards.",
    ),
    "clock_off": SiteRule(
        "warning",
        "Clock off by more than 5 minutes",
        "Set clock and time zone; a clock that is wrong again needs a new battery.",
    ),
    "clock_outside_validity": SiteRule(
        "error", "Certificate not valid by this device's clock", "Set the device's clock; a dead battery puts it back years."
    ),
    "tls_too_old": SiteRule(
        "error",
        "Cannot speak TLS 1.2",
        "Enable TLS 1.2 for clients in Windows (SCHANNEL) and strong cryptography for .NET, in both registry views, or "
        "replace the till.",
    ),
    "tls_no_common": SiteRule("error", "No TLS version in common with the server", "Allow TLS 1.2 on both sides."),
    "disk_full": SiteRule(
        "error", "Disk full", "Free 200 MB: without room the agent cannot write down how to undo a step, and refuses."
    ),
    "disk_low": SiteRule("warning", "Little disk room", "Free 200 MB before the night."),
    "settings_not_writable": SiteRule(
        "error",
        "Settings cannot be rewritten",
        "Close the settings window, take the write protection off, and let the agent's account write there.",
    ),
    # --- the server's http.sys
    "foreign_binding": SiteRule(
        "error",
        "Another program's certificate is bound to the port",
        "Find out which program made it (netsh http show sslcert) and remove it, or move NetPOS.Net to another port.",
    ),
    "specific_binding": SiteRule(
        "error",
        "A more specific binding wins over ours",
        "Remove it (netsh http delete sslcert): a binding for one address or name goes before 0.0.0.0.",
    ),
    "binding_unreadable": SiteRule(
        "error",
        "A binding's thumbprint cannot be read",
        "Bind again with 40 hex digits: a thumbprint copied from the dialog holds an invisible character, or lost two digits.",
    ),
    "binding_other_port": SiteRule(
        "warning",
        "A certificate is bound to another port than the service's",
        "Remove it if it came from following the vendor's page, whose example says 8000. The cutover binds the right port.",
    ),
    "binding_missing": SiteRule(
        "error", "HTTPS without a certificate on the port", "Bind the certificate to the service's own port."
    ),
    "other_scheme_reservation": SiteRule(
        "error",
        "A reservation of the other scheme is left on the port",
        "Delete it (netsh http delete urlacl): a port has one scheme, so the service, or a rollback, would not come up.",
    ),
    "reservation_unreadable": SiteRule(
        "error",
        "A reservation's access list cannot be read",
        "Run netsh http show urlacl on the server: without the list the reservation could not be brought back.",
    ),
    "reservation_refused": SiteRule(
        "error",
        "A reservation could not be moved and brought back",
        "Delete it (netsh http delete urlacl) if no program needs it, or reserve it anew so that it can be moved.",
    ),
    "other_reservation": SiteRule(
        "warning",
        "More reservations on the port",
        "Find out whose they are. The cutover moves every one of them to the new scheme.",
    ),
    "no_reservation": SiteRule(
        "info",
        "No reservation on the port",
        "Nothing. The vendor's user=EVERYONE fails with 1332 where Windows is not English; the cutover reserves by SID.",
    ),
    "iplisten_narrow": SiteRule(
        "error",
        "http.sys listens on other addresses only",
        "Remove the entry (netsh http delete iplisten) or add the server's address; it binds every program on the machine.",
    ),
    "iplisten_set": SiteRule(
        "warning", "http.sys listens on chosen addresses only", "Check that the terminals' address is among them."
    ),
    "port_owner": SiteRule(
        "error", "Another program has the port", "Stop that program, or move one of the two to another port."
    ),
    # --- the server's services
    "service_down": SiteRule(
        "error", "NetPOS.Net does not run", "Start it and look why it stopped: the cutover would hide it."
    ),
    "service_disabled": SiteRule(
        "error", "NetPOS.Net is disabled", "Set its start type to automatic, or the cutover cannot start it."
    ),
    "service_dependents": SiteRule(
        "info",
        "Other services depend on NetPOS.Net",
        "Nothing: the cutover stops those that run before NetPOS.Net and starts exactly them again. They rest meanwhile.",
    ),
    "monitor_present": SiteRule(
        "info",
        "A Services Monitor is there",
        "Nothing: the cutover holds it. Keep the window away from its Restart All Services Daily.",
    ),
    "recovery_restarts": SiteRule(
        "info", "Windows restarts the service by itself", "Nothing: an orderly stop does not set it off."
    ),
    # --- the server's certificates
    "thumbprint_malformed": SiteRule(
        "error",
        "The thumbprint is none",
        "Choose the certificate from the list: 40 hex digits, without the invisible character that copying adds.",
    ),
    "certificate_none": SiteRule(
        "error",
        "No certificate with a key",
        "Import the PFX, with its key, into Personal of the computer account: not of the user, not into Trusted Root.",
    ),
    "certificate_missing": SiteRule(
        "error", "The certificate is not in the server's store", "Import the PFX into Personal of the computer account."
    ),
    "certificate_key_missing": SiteRule(
        "error",
        "The certificate has no private key there",
        "Import the PFX with its key, not the .cer alone; Windows answers error 1312.",
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
        "warning", "The certificate ends within 30 days", "Renew it first, and move with the new one."
    ),
    "newer_certificate": SiteRule(
        "warning", "A newer certificate is not bound", "A renewal has a new thumbprint: bind it, or the old one runs out."
    ),
    # --- the network
    "unmanaged_peers": SiteRule(
        "warning",
        "Unknown devices use the server's port",
        "Find out who they are (kitchen screens, kiosks, other programs): over HTTP they are cut off by the cutover.",
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
