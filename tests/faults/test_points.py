"""The list of points and the code tell of the same points; a point is fatal exactly as often as it was armed."""

import ast
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents import catalogue, failpoints
from agents.steps import steps
from agents.steps.base import Step
from fleet import failpoints as dashboard
from tests.faults.__main__ import main
from tests.faults.points import every
from tests.faults.table import cases

ROOT = Path(__file__).resolve().parents[2]


def called(function: str) -> list[str]:
    """The last argument of each call of this function of agents.failpoints in our code."""
    found = []
    for path in (*ROOT.glob("agents/**/*.py"), *ROOT.glob("fleet/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"failpoints.{function}":
                argument = node.args[-1]
                assert isinstance(argument, ast.Constant), f"{path}: the point's name must be a literal"
                found.append(argument.value)
    return sorted(found)


def test_every_listed_point_is_in_the_code_once_and_every_call_is_listed():
    assert called("reached") == sorted(dashboard.NAMES)
    assert called("agent") == sorted(failpoints.AGENT)
    assert called("step") == sorted((*failpoints.FORWARD, *failpoints.BACK))


@pytest.mark.parametrize("role", ["server", "terminal"])
def test_the_list_knows_which_steps_change_something(role):
    for name, step in steps(role).items():
        assert (type(step).save is Step.save) == (name in failpoints.ASKS_ONLY), name


def test_names_are_unique_and_of_the_catalogue():
    names = [point.name for point in every()]
    assert len(names) == len(set(names)) > 40
    of_steps = {name.split(".")[1] for name in names if name.count(".") == 2}
    assert of_steps == catalogue.NAMES


def test_the_command_prints_them_all(capsys):
    assert main(["points", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == [point.name for point in every()]


def test_a_point_kills_so_often_and_no_oftener(tmp_path):
    file = tmp_path / "point.json"

    def reach(name: str) -> int:
        code = f"from agents import failpoints; failpoints.reached({name!r}); print('alive')"
        env = {**os.environ, failpoints.VARIABLE: str(file)}
        return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, timeout=20).returncode

    assert reach("web.act_committed") == 0, "without a file nobody dies"
    file.write_text(json.dumps({"point": "web.act_committed", "times": 2}))
    assert reach("gateway.acks_sent") == 0
    assert [reach("web.act_committed") for _ in range(3)] == [-signal.SIGKILL, -signal.SIGKILL, 0]


def test_where_processes_share_code_each_of_them_dies_in_turn(tmp_path):
    file = tmp_path / "point.json"
    file.write_text(json.dumps({"point": "engine.carried_out", "times": 1, "part": "worker"}))

    def reach(part: str) -> int:
        code = "from agents import failpoints; failpoints.reached('engine.carried_out')"
        env = {**os.environ, failpoints.VARIABLE: str(file), failpoints.PART_VARIABLE: part}
        return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, timeout=20).returncode

    assert [reach(part) for part in ("web", "gateway", "worker")] == [0, 0, -signal.SIGKILL]


def test_the_table_has_a_line_for_each_process_that_shares_a_point():
    lines = [(case.part, case.way) for case in cases((1,)) if case.point.name == "engine.carried_out"]
    assert sorted(lines) == [
        ("gateway", "back"),
        ("gateway", "forward"),
        ("web", "back"),
        ("web", "forward"),
        ("worker", "forward"),
    ]
