"""Reading sc by numbers only."""

import json

import pytest
from test_netsh_text import CAPTURES, NAMES, _capture

from agents.hosts import sc_text


@pytest.mark.skipif(not NAMES, reason=f"{CAPTURES} is not here: sc captures are NOT tested")
@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("sc_")])
def test_every_capture_is_read_as_expected(name: str) -> None:
    text, expected, _ = _capture(name)
    for row in expected:
        if "error" in row:
            assert sc_text.error_number(text) == row["error"], json.dumps(row)
            assert sc_text.parse_status(text) is None
        else:
            status = sc_text.parse_status(text)
            assert sc_text.error_number(text) is None
            assert status is not None
            assert (status.state, status.checkpoint, status.hint_s * 1000) == (
                row["state"],
                row["checkpoint"],
                row["wait_hint_ms"],
            )


QUERY = (
    "\r\nDIENSTNAME: NetPOSNet\r\n        TYP                : 10  WIN32_OWN_PROCESS\r\n        STATUS             : {}\r\n"
    "                                (STOPPABLE, PAUSABLE)\r\n        WIN32_BEENDIGUNG   : 1067  (0x42b)\r\n"
    "        DIENST_BEENDIGUNG  : 0  (0x0)\r\n        PRÜFPUNKT          : 0x2\r\n        WARTEZEIT          : 0x7d0\r\n"
)


@pytest.mark.parametrize("state", [1, 2, 3, 4, 7])
def test_translated_labels_do_not_matter(state: int) -> None:
    assert sc_text.parse_status(QUERY.format(f"{state}  WORD ")) == sc_text.Status(state, 2, 2.0, 1067)


@pytest.mark.parametrize("text", ["", "nothing", QUERY.format("9  WORD"), QUERY.format("words only")])
def test_what_is_not_understood_has_no_state(text: str) -> None:
    assert sc_text.parse_status(text) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2   AUTO_START", "auto"),
        ("2   AUTO_START  (DELAYED)", "delayed-auto"),
        ("3   DEMAND_START", "demand"),
        ("4   DISABLED", "disabled"),
        ("1   SYSTEM_START", None),
    ],
)
def test_start_types_are_read(text: str, kind: str | None) -> None:
    qc = f"[SC] SUCCESS\n\nN: x\n  TYPE : 110  WIN32_OWN_PROCESS (interactive)\n  START : {text}\n  E : 1   NORMAL\n"
    assert sc_text.parse_start_type(qc) == kind


SHOWN = (
    "SERVICE_NAME: {name}\nDISPLAY_NAME: a: b\n        TYPE : 10  WIN32_OWN_PROCESS\n        STATE : 4  RUNNING\n"
    "        WIN32_EXIT_CODE : 0  (0x0)\n        CHECKPOINT : 0x0\n        WAIT_HINT : 0x0\n"
)


def test_a_services_process() -> None:
    assert sc_text.parse_process(SHOWN.format(name="x") + "        PID : 4216\n        FLAGS : \n") == 4216
    assert sc_text.parse_process(SHOWN.format(name="x")) is None
    assert sc_text.parse_process("rubbish: 4\n") is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[SC] SUCCESS\n\nNAME: x\n  PERIOD (in seconds) : 0\n  MESSAGE : \n  LINE : \n", False),
        ("[SC] ERFOLG\n\nN: x\n  P : 86400\n  A : NEU STARTEN -- Verzögerung = 60000 Millisekunden.\n", True),
        ("[SC] SUCCESS\n\nN: x\n  P : 86400\n  A : RESTART -- Delay = 0\n", True),
        ("rubbish", None),
        ("", None),
    ],
)
def test_recovery_actions_in_any_words(text: str, wanted: bool | None) -> None:
    assert sc_text.parse_recovery(text) is wanted


def test_the_names_of_dependents() -> None:
    two = "Enum: voci  = 2\n\n" + SHOWN.format(name="One") + "\n" + SHOWN.format(name="Two (2)")
    assert sc_text.parse_names(two) == ("One", "Two (2)")
    assert sc_text.parse_names(two.replace("\n", "\r\n")) == ("One", "Two (2)")
    assert sc_text.parse_names("Enum: voci  = 0\n") == ()
    assert sc_text.parse_names("rubbish") is None


# As Windows prints it in German: one word of the first line is translated, and a dependency has a line of its own.
GERMAN_QC = r"""[SC] QueryServiceConfig ERFOLG

SERVICE_NAME: gupdate
        TYPE               : 10  WIN32_OWN_PROCESS
        START_TYPE         : 2   AUTO_START  (DELAYED)
        ERROR_CONTROL      : 1   NORMAL
        BINARY_PATH_NAME   : "C:\Program Files (x86)\Google\Update\GoogleUpdate.exe" /svc
        LOAD_ORDER_GROUP   :
        TAG                : 0
        DISPLAY_NAME       : Google Update-Dienst: gupdate
        DEPENDENCIES       : RPCSS
                           : Tcpip
        SERVICE_START_NAME : LocalSystem
"""


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ('"C:\\Program Files (x86)\\Google\\Update.exe" /svc', "C:\\Program Files (x86)\\Google\\Update.exe"),
        ("C:\\Program Files\\Samford Software\\NetPOS.EXE -service", "C:\\Program Files\\Samford Software\\NetPOS.EXE"),
        ("C:\\Windows\\system32\\svchost.exe -k netsvcs -p", "C:\\Windows\\system32\\svchost.exe"),
        ("C:\\a.exe.d\\b.exe", "C:\\a.exe.d\\b.exe"),
        ("\\\\host\\share\\service", "\\\\host\\share\\service"),
    ],
)  # fmt: skip
def test_a_services_program_and_shown_name_are_read_without_their_labels(command: str, program: str) -> None:
    text = GERMAN_QC.replace('"C:\\Program Files (x86)\\Google\\Update\\GoogleUpdate.exe" /svc', command)
    translated = text.replace("BINARY_PATH_NAME", "NOME_PERCORSO_BINARIO").replace("DISPLAY_NAME", "NOME_VISUALIZZATO")
    for printed in (text, translated, text.replace("\n", "\r\n")):
        found = sc_text.parse_program("gupdate", printed)
        assert found == sc_text.Service("gupdate", "Google Update-Dienst: gupdate", program)


@pytest.mark.parametrize("text", ["", "[SC] OpenService FAILED 5:\n\nAccess is denied.\n\n", GERMAN_QC[:200], GERMAN_QC[:330]])
def test_a_program_that_is_not_told_is_none(text: str) -> None:
    assert sc_text.parse_program("gupdate", text) is None


def test_all_services_are_listed_with_the_shown_name_behind_the_name() -> None:
    text = "".join(
        f"\nSERVICE_NAME: {name}\nDISPLAY_NAME: {shown}\n        TYPE               : 10  WIN32_OWN_PROCESS  \n"
        "        STATE              : 1  STOPPED \n        WIN32_EXIT_CODE    : 1077  (0x435)\n"
        for name, shown in (("AJRouter", "AllJoyn: Router"), ("NetPOS", "NetPOS.Net"))
    )
    assert sc_text.parse_names(text) == ("AJRouter", "NetPOS")
