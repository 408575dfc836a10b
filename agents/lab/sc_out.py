"""What `sc` prints. Its field names are the same in every language; `say` puts its error sentences into the site's.
Sources: the captures listed in docs/lab.md."""

from agents.lab.machine import Row
from agents.lab.texts.languages import Say

TEXTS = {
    5: "Access is denied.",
    1051: "A stop control has been sent to a service that other running services are dependent on.",
    1056: "An instance of the service is already running.",
    1058: "The service cannot be started, either because it is disabled or because it has no enabled devices "
    "associated with it.",
    1060: "The specified service does not exist as an installed service.",
    1061: "The service cannot accept control messages at this time.",
    1062: "The service has not been started.",
}
USAGE = (
    "DESCRIPTION:\n"
    "        SC is a command line program used for communicating with the\n"
    "        Service Control Manager and services.\n"
)
_STATES = {1: "STOPPED", 2: "START_PENDING", 3: "STOP_PENDING", 4: "RUNNING"}
_ACCEPTS = {3: "STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN", 4: "STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN"}
_START_TYPES = {"auto": "2   AUTO_START", "manual": "3   DEMAND_START", "disabled": "4   DISABLED"}


def failed(say: Say, call: str, number: int) -> str:
    """The text of an error; `call` is the API call that failed."""
    return f"[SC] {call} {say('FAILED')} {number}:\n\n{say(TEXTS[number])}\n\n"


def done(say: Say, call: str) -> str:
    """The line for an API call that did what it was asked for."""
    return f"[SC] {call} {say('SUCCESS')}\n"


def status(row: Row, way: Row | None, exit_code: int, *, pid: int | None = None) -> str:
    """The output of query, and with a process id that of queryex. way: the pending row, if the service is on its way."""
    state = way["state"] if way else 4 if row["state"] == "running" else 1
    shown = exit_code if state == 1 else 0
    lines = [
        "",
        f"SERVICE_NAME: {row['name']} ",
        "        TYPE               : 10  WIN32_OWN_PROCESS  ",
        f"        STATE              : {state}  {_STATES[state]} ",
        f"                                ({_ACCEPTS.get(state, 'NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN')})",
        f"        WIN32_EXIT_CODE    : {shown}  ({shown:#x})",
        "        SERVICE_EXIT_CODE  : 0  (0x0)",
        f"        CHECKPOINT         : {way['checkpoint'] if way else 0:#x}",
        f"        WAIT_HINT          : {way['wait_hint_ms'] if way else 0:#x}",
    ]
    if pid is not None:
        lines += [f"        PID                : {0 if state == 1 else pid}", "        FLAGS              : "]
    return "\n".join(lines) + "\n"


def listed(row: Row, text: str) -> str:
    """One service in the output of query without a name: the shown name stands behind the name."""
    name, rest = text.lstrip("\n").split("\n", 1)
    return f"\n{name.rstrip()}\nDISPLAY_NAME: {display(row)}\n{rest}"


def display(row: Row) -> str:
    """The name that Windows shows to people."""
    return str(row.get("display", row["name"]))


def configuration(say: Say, row: Row, program: str | None) -> str:
    """The output of qc. program: path of the service's program; None for one in the folder of real installations."""
    program = program or f"C:\\Program Files (x86)\\Samford Software\\{row['name']}.exe"
    return done(say, "QueryServiceConfig") + "\n".join(
        [
            "",
            f"SERVICE_NAME: {row['name']}",
            "        TYPE               : 10  WIN32_OWN_PROCESS ",
            f"        START_TYPE         : {_START_TYPES[row['start_type']]}",
            "        ERROR_CONTROL      : 1   NORMAL",
            f"        BINARY_PATH_NAME   : {program}",
            "        LOAD_ORDER_GROUP   : ",
            "        TAG                : 0",
            f"        DISPLAY_NAME       : {display(row)}",
            "        DEPENDENCIES       : ",
            "        SERVICE_START_NAME : LocalSystem",
            "",
        ]
    )


def recovery(say: Say, row: Row) -> str:
    """The output of qfailure. row["recovery"]: how often Windows starts the service again, 0 without the key."""
    action = f"{say('RESTART')} -- {say('Delay')} = 60000 {say('milliseconds.')}"
    begin, actions = "        FAILURE_ACTIONS              : ", []
    for _ in range(int(row.get("recovery", 0))):
        actions.append(begin + action)
        begin = " " * len(begin)
    return done(say, "QueryServiceConfig2") + "\n".join(
        [
            "",
            f"SERVICE_NAME: {row['name']}",
            f"        RESET_PERIOD (in seconds)    : {86400 if actions else 0}",
            "        REBOOT_MESSAGE               : ",
            "        COMMAND_LINE                 : ",
            *actions,
            "",
        ]
    )


def enumerated(say: Say, shown: list[str]) -> str:
    """The output of enumdepend."""
    return f"{say('Enum: entriesRead')}  = {len(shown)}\n" + "".join(shown)
