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
