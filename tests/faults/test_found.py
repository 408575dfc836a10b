"""What the fault trials have found, each as a small test of its own."""

import pytest

from agents.protocol import StepDone, parse_instruction
from fleet.cutover.states import Cutover
from fleet.models import Agent
from fleet.services.cutovers import instructions
from tests.factories import make_club
from tests.services.fleet_sim import SimFleet, states

pytestmark = pytest.mark.django_db


def test_a_late_terminal_that_is_found_ready_is_not_taken_for_switching():
    """tests.faults table, hello_said: it came back during arming; its "ready" made it `switching` before the server had
    flipped, nobody ever told it to switch, and its silence rolled the cutover back."""
    site, _, _ = make_club(3)
    fleet = SimFleet.of(site)
    till, server = fleet["T03"], fleet.server
    till.offline = server.offline = True
    # A device without a connection is waited for less long than one that has one, as the server here.
    Agent.objects.filter(device=till.device).update(connected=False)
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    fleet.work()
    fleet.tick(5)
    assert states(cutover)["T03"] == "late"

    (row,) = instructions.waiting([till.device.agent.pk])
    arm = parse_instruction(row.body)
    till.n += 1
    fleet.deliver([(till.device.agent.pk, StepDone(till.n, arm.seq, arm.epoch, arm.cutover, "ready", "forward", 0, 1, {}))])
    cutover.refresh_from_db()
    assert cutover.state == Cutover.ARMING
    assert states(cutover)["T03"] == "late"

    till.offline = server.offline = False
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == Cutover.COMPLETED, cutover.reason
    assert states(cutover)["T03"] == "verified"
