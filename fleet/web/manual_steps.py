"""What a person does at the device itself when its agent could not: the vendor's steps, corrected
(shared findings: one port everywhere, the computer's own certificate store, no account names)."""

from typing import NamedTuple

from agents.catalogue import APPID, EVERYONE_LISTENS
from fleet.cutover.states import WITH_FINDING, Run
from fleet.models import DEFAULT_PORT, DeviceRun

# The Windows services' names, as the vendor's installer and our agents' configuration have them.
SERVICE, MONITOR = "NetPOSNet", "SwiftPOSServicesMonitor"

WRITTEN_DOWN = "<the hash that you wrote down>"

# On the way back nobody knows how far the way forward came.
GO_ON = (
    "If a command says that there is nothing to delete or to stop, or that what it adds exists already, go on with the next "
    "one."
)


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


def server(scheme: str, port: int, thumbprint: str) -> list[Step]:
    """What to type at the server so that it speaks this scheme, from the first command to the last look. port: on which it
    listens; thumbprint: of the certificate to bind, "" where it is not
    known: then it is the one that was written down."""
    return [
        *_stop(),
        *(_to_https(port, thumbprint) if scheme == "https" else _to_http(port)),
        Step(f"In NetPOS.Net's settings {'tick' if scheme == 'https' else 'untick'} Use SSL. Save."),
        Step("Start NetPOS.Net.", f"sc start {SERVICE}"),
        Step("Wait until this says RUNNING.", f"sc query {SERVICE}"),
        Step("Start the dependent services that you wrote down, the last one first: sc start and the name."),
        Step("Start the Services Monitor.", f"sc start {MONITOR}"),
    ]


def _stop() -> list[Step]:
    return [
        Step(
            "Open a command prompt as administrator (not PowerShell). Type each command exactly. If one says that there is no "
            "such service, look its name up in services.msc."
        ),
        Step("Stop the Services Monitor, which would start NetPOS.Net again.", f"sc stop {MONITOR}"),
        Step("Wait until this says STOPPED.", f"sc query {MONITOR}"),
        Step("See which services need NetPOS.Net. Write down those that run, and stop each: sc stop and the name.",
             f"sc enumdepend {SERVICE}"),
        Step("Stop NetPOS.Net. From now on no terminal is answered.", f"sc stop {SERVICE}"),
        Step("Wait until this says STOPPED.", f"sc query {SERVICE}"),
    ]  # fmt: skip


def _to_https(port: int, thumbprint: str) -> list[Step]:
    return [
        Step("Look at the URL reservation. If its SDDL is another than below, write it down: the way back needs it.",
             f"netsh http show urlacl url=http://+:{port}/"),
        *_swap("http", "https", port),
        Step("Bind the certificate. If it says that the file exists already, write the old binding down (show in place of "
             "add, without what follows ipport) and delete it first.",
             f"netsh http add sslcert ipport=0.0.0.0:{port} certhash={thumbprint or WRITTEN_DOWN} appid={APPID} "
             "certstorename=MY"),
        Step("This must show exactly that certificate hash.", f"netsh http show sslcert ipport=0.0.0.0:{port}"),
    ]  # fmt: skip


def _to_http(port: int) -> list[Step]:
    return [
        Step("Look at the binding, and write its certificate hash down.", f"netsh http show sslcert ipport=0.0.0.0:{port}"),
        *_swap("https", "http", port, " If you wrote down another SDDL on the way to HTTPS, take that one."),
        Step("Delete the binding. If there was an older one that you wrote down, add that again.",
             f"netsh http delete sslcert ipport=0.0.0.0:{port}"),
    ]  # fmt: skip


def _swap(old: str, new: str, port: int, hint: str = "") -> list[Step]:
    return [
        Step("Delete the reservation of the old scheme.", f"netsh http delete urlacl url={old}://+:{port}/"),
        Step(f"Reserve the port for {new.upper()}.{hint}",
             f'netsh http add urlacl url={new}://+:{port}/ sddl="{EVERYONE_LISTENS}"'),
    ]  # fmt: skip


def _server(run: DeviceRun, scheme: str) -> list[Step]:
    last = "press Done on the server's page in the cutover" if run.by_hand else "its agent reports it automatically"
    found = server(scheme, run.device.port or DEFAULT_PORT, run.cutover.certificate_thumbprint)
    return [*found, Step(f"Look up a member on one till that is on {scheme.upper()}. If that works, {last}.")]
