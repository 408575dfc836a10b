"""The emulated sc, run as the program that it is. No reference server runs here: what is asked for stays pending."""

import json

import pytest

from agents.hosts.sc_text import parse_names
from tests.lab.conftest import Lab

pytestmark = pytest.mark.lab

NAME = "NetPOSNet"


def set_row(lab: Lab, **changed: object) -> None:
    data = lab.json("services.json")
    next(row for row in data["services"] if row["name"] == NAME).update(changed)
    (lab.server / "services.json").write_text(json.dumps(data))


def test_query_shows_a_running_service(lab: Lab) -> None:
    code, text = lab.run("sc", "query", NAME)
    assert code == 0
    assert text.startswith(f"\nSERVICE_NAME: {NAME} \n        TYPE               : 10  WIN32_OWN_PROCESS")
    assert "        STATE              : 4  RUNNING" in text
    assert lab.run("sc", "query", "netposnet")[1] == text
    assert lab.run("sc", "query")[1].count("SERVICE_NAME") == 3


def test_stop_returns_while_the_service_is_still_stopping(lab: Lab) -> None:
    before = lab.json("services.json")
    code, text = lab.run("sc", "stop", NAME)
    assert code == 0
    assert "        STATE              : 3  STOP_PENDING" in text
    assert "        WAIT_HINT          : 0x3e8" in text
    assert lab.json("services.json") == before
    assert lab.json("pending.json") == {NAME: {"state": 3, "checkpoint": 0, "wait_hint_ms": 1000}}
    code, text = lab.run("sc", "stop", NAME)
    assert code == 1061 & 0xFF
    assert text.startswith("[SC] ControlService FAILED 1061:\n\nThe service cannot accept control messages")
    assert "FAILED 1056:" in lab.run("sc", "start", NAME)[1]


def test_start_returns_while_the_service_is_still_starting(lab: Lab) -> None:
    set_row(lab, state="stopped")
    code, text = lab.run("sc", "start", NAME)
    assert code == 0
    assert "        STATE              : 2  START_PENDING" in text
    assert lab.json("pending.json")[NAME]["state"] == 2
    assert "FAILED 1061:" in lab.run("sc", "stop", NAME)[1]


def test_whoever_needs_another_one_is_listed_before_it(lab: Lab) -> None:
    data = lab.json("services.json")
    data["services"][0]["dependents"] = ["KioskApi", "Reports"]
    for name, dependents in (("KioskApi", ["MenuBoard"]), ("MenuBoard", []), ("Reports", ["MenuBoard"])):
        data["services"].append({"name": name, "state": "running", "start_type": "auto", "dependents": dependents})
    (lab.server / "services.json").write_text(json.dumps(data))
    assert parse_names(lab.run("sc", "enumdepend", NAME)[1]) == ("MenuBoard", "KioskApi", "Reports")


@pytest.mark.parametrize("verb", ["query", "queryex", "stop", "start", "qc", "config"])
def test_a_service_that_does_not_exist(lab: Lab, verb: str) -> None:
    code, text = lab.run("sc", verb, "Nothing", *(["start=", "auto"] if verb == "config" else []))
    call = "EnumQueryServicesStatus:OpenService" if verb.startswith("query") else "OpenService"
    assert code == 1060 & 0xFF
    assert text == f"[SC] {call} FAILED 1060:\n\nThe specified service does not exist as an installed service.\n\n"


def test_refusals_have_their_numbers(lab: Lab) -> None:
    assert lab.run("sc", "start", NAME) == (
        32,
        "[SC] StartService FAILED 1056:\n\nAn instance of the service is already running.\n\n",
    )
    set_row(lab, dependents=["Spooler"])
    assert "[SC] ControlService FAILED 1051:" in lab.run("sc", "stop", NAME)[1]
    set_row(lab, state="stopped")
    assert lab.run("sc", "stop", NAME) == (38, "[SC] ControlService FAILED 1062:\n\nThe service has not been started.\n\n")
    lab.run("sc", "config", NAME, "start=", "disabled")
    assert "[SC] StartService FAILED 1058:" in lab.run("sc", "start", NAME)[1]


@pytest.mark.parametrize(
    ("word", "stored", "shown"),
    [("auto", "auto", "2   AUTO_START"), ("demand", "manual", "3   DEMAND_START"), ("disabled", "disabled", "4   DISABLED")],
)
def test_the_start_type(lab: Lab, word: str, stored: str, shown: str) -> None:
    assert lab.run("sc", "config", NAME, "start=", word) == (0, "[SC] ChangeServiceConfig SUCCESS\n")
    assert next(row for row in lab.json("services.json")["services"] if row["name"] == NAME)["start_type"] == stored
    assert f"        START_TYPE         : {shown}" in lab.run("sc", "qc", NAME)[1]


def test_the_agents_own_reader_understands_it(lab: Lab) -> None:
    from agents.hosts import sc_text

    lab.run("sc", "stop", NAME)
    assert sc_text.parse_status(lab.run("sc", "query", NAME)[1]) == sc_text.Status(3, 0, 1.0, 0)
    assert sc_text.parse_start_type(lab.run("sc", "qc", NAME)[1]) == "auto"
    assert sc_text.error_number(lab.run("sc", "query", "Nothing")[1]) == 1060
