"""What a person does at the device itself when its agent could not: the vendor's steps, corrected
(shared findings: one port everywhere, the computer's own certificate store, no account names)."""

from typing import NamedTuple

from agents.catalogue import APPID, EVERYONE_LISTENS
from fleet.cutover.states import WITH_FINDING, Run
from fleet.models import DEFAULT_PORT, DeviceRun


class Step(NamedTuple):
    """One thing to do."""

    text: str  # what to do
    command: str = ""  # what to type, exactly


def steps(run: DeviceRun) -> list[Step]:
    """The steps that bring this device to the scheme of its cutover; none while its agent can still do it."""
    if run.state not in WITH_FINDING or run.state == Run.LATE:
        return []
    back = run.state == Run.UNDO_FAILED or run.cutover.direction == "back"
    scheme = run.cutover.from_scheme if back else run.cutover.to_scheme
    if run.kind == "server":
        return _server(run, scheme)
    told = "press Done on this terminal's page in the cutover" if run.by_hand else "its agent reports it automatically"
    last = f"If that works, the terminal is on {scheme.upper()}; {told}."
    set_it, save, *prove = terminal(scheme)[:-1]
    restart = (
        [] if run.device.restart is None else ["Close Touch and start it again: it reads its settings only when it starts."]
    )
    return [Step(text) for text in [set_it, save, *restart, *prove, f"Look up a member. {last}"]]


def terminal(scheme: str, member: str = "") -> list[str]:
    """What to do at a terminal so that it speaks this scheme. member: the number to look up."""
    return [
        "In Touch open Tools > Basic Tools > Terminal Settings > Customers, and there the tab Validation.",
        f"{'Tick' if scheme == 'https' else 'Untick'} Secured. Leave host and port as they are. Save.",
        "Press Refresh Interface List; it must show the interfaces.",
        f"Look up a member{f', for example {member}' if member else ''}; the answer must appear.",
    ]


def _server(run: DeviceRun, scheme: str) -> list[Step]:
    port = run.device.port or DEFAULT_PORT
    other = "http" if scheme == "https" else "https"
    thumbprint = run.cutover.certificate_thumbprint or "<thumbprint>"
    bind = f"netsh http add sslcert ipport=0.0.0.0:{port} certhash={thumbprint} appid={APPID} certstorename=MY"
    unbind = f"netsh http delete sslcert ipport=0.0.0.0:{port}"
    return [
        Step("Stop the SwiftPOS Services Monitor, then NetPOS.Net. If Windows lists dependent services, let it stop them too."),
        Step("In a command prompt as administrator (not PowerShell):", f"netsh http delete urlacl url={other}://+:{port}/"),
        Step("Then:", f'netsh http add urlacl url={scheme}://+:{port}/ sddl="{EVERYONE_LISTENS}"'),
        Step("And:", bind if scheme == "https" else unbind),
        Step(f"In NetPOS.Net's settings {'tick' if scheme == 'https' else 'untick'} Use SSL. Save."),
        Step("Start NetPOS.Net, then the dependent services, then the Services Monitor."),
        Step(f"Look up a member on one till that is on {scheme.upper()}."),
    ]
