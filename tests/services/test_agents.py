"""Who is let in, and who is not."""

import base64
import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents import protocol
from fleet.models import Agent
from fleet.services.agents import admission
from fleet.services.errors import Invalid
from tests.factories import NOW, make_club, make_user

pytestmark = pytest.mark.django_db
NONCE = "nonce"


class Key:
    """A device's own key."""

    def __init__(self):
        self.private = Ed25519PrivateKey.generate()
        self.public = base64.b64encode(self.private.public_key().public_bytes_raw()).decode()

    def sign(self, payload):
        return base64.b64encode(self.private.sign(payload)).decode()

    def enrol(self, token, role="terminal", nonce=NONCE):
        signature = self.sign(protocol.enrol_payload(nonce, token, self.public))
        return protocol.Enrol(token, self.public, role, "T01", signature)

    def hello(self, agent, nonce=NONCE, life="", proof=None):
        return protocol.Hello(agent, self.sign(protocol.hello_payload(nonce, agent)), 1, life, proof)


@pytest.fixture
def device():
    return make_club(1)[2][0]


def test_a_token_admits_one_agent_once(device):
    token, key = admission.new_token(device, NOW), Key()
    enrolled = admission.enrol(key.enrol(token), NONCE, NOW)
    assert admission.recognise(key.hello(enrolled.agent), NONCE, NOW).device == device
    with pytest.raises(admission.AgentRejected, match="used"):
        admission.enrol(Key().enrol(token), NONCE, NOW)


def test_a_device_whose_answer_was_lost_may_ask_again_with_the_same_key(device):
    token, key = admission.new_token(device, NOW), Key()
    first = admission.enrol(key.enrol(token), NONCE, NOW)
    assert admission.enrol(key.enrol(token), NONCE, NOW) == first
    admission.revoke(make_user(), first.agent, NOW)
    with pytest.raises(admission.AgentRejected):
        admission.enrol(key.enrol(token), NONCE, NOW)


@pytest.mark.parametrize("role", ["server"])
def test_a_token_is_for_its_device_alone(device, role):
    with pytest.raises(admission.AgentRejected, match="another device"):
        admission.enrol(Key().enrol(admission.new_token(device, NOW), role), NONCE, NOW)


def test_an_old_token_is_worthless(device):
    token = admission.new_token(device, NOW)
    with pytest.raises(admission.AgentRejected, match="expired"):
        admission.enrol(Key().enrol(token), NONCE, NOW + dt.timedelta(hours=25))


def test_a_signature_for_another_connection_is_refused(device):
    key = Key()
    enrolled = admission.enrol(key.enrol(admission.new_token(device, NOW)), NONCE, NOW)
    with pytest.raises(admission.AgentRejected) as caught:
        admission.recognise(key.hello(enrolled.agent, "an older nonce"), NONCE, NOW)
    assert caught.value.code == "bad_signature"


def test_a_revoked_agent_is_out(device):
    key = Key()
    enrolled = admission.enrol(key.enrol(admission.new_token(device, NOW)), NONCE, NOW)
    after = admission.revoke(make_user(), enrolled.agent, NOW)
    assert after.dropped == {enrolled.agent}
    with pytest.raises(admission.AgentRejected) as caught:
        admission.recognise(key.hello(enrolled.agent), NONCE, NOW)
    assert caught.value.code == "revoked"


def test_the_token_is_not_kept(device):
    token = admission.new_token(device, NOW)
    assert not device.tokens.filter(digest=token).exists()


def test_inventory_is_bounded_and_its_nonsense_ignored(device):
    agent = Agent.objects.get(device=device)
    admission.take_inventory(agent.pk, {"scheme": "gopher", "host": "x" * 900, "port": 99999}, NOW)
    device.refresh_from_db()
    assert (device.scheme, len(device.host), device.port) == ("", 253, 10101)
    with pytest.raises(Invalid, match="facts"):
        admission.take_inventory(agent.pk, {"x": "y" * 200_000}, NOW)
