"""What an agent says of its numbers decides nothing; what it can prove does."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents import protocol
from fleet.models import Agent, Site
from fleet.services.agents import admission, hello_proof
from fleet.services.agents.hello_proof import Proven
from fleet.services.cutovers import restored
from tests.factories import NOW, make_club
from tests.services.fleet_sim import SimFleet
from tests.services.proving import proof_of
from tests.services.test_agents import NONCE, Key

pytestmark = pytest.mark.django_db


@pytest.fixture
def key():
    return Key()


@pytest.fixture
def agent(key):
    device = make_club(3)[2][0]
    enrolled = admission.enrol(key.enrol(admission.new_token(device, NOW)), NONCE, NOW)
    return Agent.objects.get(pk=enrolled.agent)


def numbers(agent):
    agent.refresh_from_db()
    site = Site.objects.get(devices__agent=agent)
    return site.epoch, agent.seq, site.warning


def test_an_instruction_of_ours_for_this_agent_proves_its_numbers(agent):
    assert hello_proof.read(agent.pk, proof_of(agent.pk, epoch=7, seq=9)) == Proven(7, 9)


BAD = {
    "none at all": lambda me: None,
    "signed by the agent itself": lambda me: proof_of(me, Ed25519PrivateKey.generate(), epoch=50, seq=90),
    "another agent's": lambda me: proof_of("somebody else", epoch=50, seq=90),
    "altered": lambda me: protocol.Proof(proof_of(me).body.replace('"epoch":1', '"epoch":50'), proof_of(me).signature),
    "no signature": lambda me: protocol.Proof(proof_of(me, epoch=50).body, "%%%"),
    "an absurd number, from when we signed those": lambda me: proof_of(me, epoch=2**62, seq=2**62),
    "a rehearsal": lambda me: protocol.Proof(*rehearsal(me)),
}


def rehearsal(me):
    from fleet.services import keys

    order = protocol.Rehearsal(me, 10**9, "close", 10101, "1", 1_900_000_000_000)
    body = protocol.dump_signed(order)
    return body, keys.sign(body)


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_what_is_no_proof_says_nothing_about_the_databases_age(agent, key, make):
    before = numbers(agent)
    admission.recognise(key.hello(agent.pk, proof=make(agent.pk)), NONCE, NOW)
    assert numbers(agent) == before


@pytest.mark.parametrize("epoch", [2**63 - 1, 2**62, 2**41])
def test_a_till_that_only_says_a_number_stops_nobody(key, epoch):
    """One till paused the cutover, made Roll back answer 500 and everything else 409, for ever."""
    site, _, _ = make_club(3)
    fleet = SimFleet.of(site)
    cutover = fleet.plan()
    fleet.act(cutover, "start")
    till = Agent.objects.get(device=fleet["T01"].device)
    Agent.objects.filter(pk=till.pk).update(public_key=key.public)
    text = protocol.dump(key.hello(till.pk)).replace('"proof":null', f'"proof":null,"epoch":{epoch},"seq":{epoch}')
    admission.recognise(protocol.parse(text), NONCE, NOW)
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "completed"
    site.refresh_from_db()
    assert site.epoch < 10
    fleet.act(cutover, "roll_back")
    fleet.work()
    cutover.refresh_from_db()
    assert cutover.state == "rolled_back"


def test_one_proof_moves_the_numbers_once(agent, key):
    hello = key.hello(agent.pk, proof=proof_of(agent.pk, epoch=50, seq=90))
    admission.recognise(hello, NONCE, NOW)
    epoch, seq, _ = numbers(agent)
    assert (epoch, seq) == (50, restored.LOST_AT_MOST)
    for _ in range(3):
        admission.recognise(hello, NONCE, NOW)
    assert numbers(agent)[:2] == (epoch, seq)
