"""The nights of test_stateful.py with one more terminal, which a person sets: late, wrongly, twice, or after the cutover
turned around. What is promised there holds with it, too."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from fleet.cutover.states import Run
from fleet.models import Cutover, Device, DeviceRun, Instruction
from fleet.services.cutovers import by_hand
from fleet.services.errors import Conflict
from tests.factories import certificate, make_club, make_device, make_user
from tests.services.crashing import Model
from tests.services.test_stateful import EXAMPLES, FEW, SETTINGS, TERMINALS, Nights

TALLY = {"taken": 0, "refused": 0}


class Staffed(Model):
    """A site with a kiosk, and somebody who does what its page says. letters: answers on their way."""

    def __init__(self, site, user):
        super().__init__(site, user)
        self.kiosk = "http"
        self.wrong = False  # somebody has answered for what was not done
        self.letters = []

    def run(self):
        return DeviceRun.objects.filter(by_hand=True).select_related("cutover", "device").order_by("-cutover_id").first()

    def asked(self):
        """What the kiosk's page asks for now, or None."""
        run = self.run()
        if run is None or not by_hand.waits(run.cutover, run):
            return None
        return run.cutover_id, by_hand.wanted(run.cutover)

    def do_as_asked(self):
        """Set it, look a member up, and send an answer."""
        if (asked := self.asked()) is not None:
            number, scheme = asked
            self.kiosk, self.wrong = scheme, False
            self.letters.append((number, "done" if self.server.scheme == scheme else "does_not_work", scheme))

    def arrive(self, letter):
        number, result, scheme = letter
        try:
            self.follow(by_hand.answer(self.user, number, "Z1", result, self.now, scheme=scheme))
        except Conflict:
            TALLY["refused"] += 1
            return
        TALLY["taken"] += 1
        if result == "done":
            assert DeviceRun.objects.get(cutover=number, by_hand=True).state in (Run.VERIFIED, Run.RESTORED, Run.FAILED)

    def quiet(self, rounds=60):
        """Everybody, and the person, until nobody has anything left to do."""
        for _ in range(rounds):
            super().quiet()
            before = self.run() and self.run().state
            self.letters.clear()
            self.do_as_asked()
            for letter in self.letters:
                self.arrive(letter)
            if before == (self.run() and self.run().state):
                return
        raise AssertionError("the person does not come to rest")


class NightsByHand(Nights):
    """With a person."""

    def __init__(self, site, user):
        super().__init__(site, user)
        self.model = Staffed(site, user)

    @rule()
    def a_person_does_as_asked(self):
        self.model.do_as_asked()

    @rule()
    def everybody_serves_once(self):
        """Agents, and the person, whose answer arrives at once."""
        super().everybody_serves_once()
        self.model.do_as_asked()
        while self.model.letters:
            self.model.arrive(self.model.letters.pop(0))

    @rule(which=st.integers(0, 9), keep=st.booleans())
    @precondition(lambda self: self.model.letters)
    def an_answer_arrives(self, which, keep):
        """keep: it was pressed twice, and arrives once more."""
        letters = self.model.letters
        letter = letters[which % len(letters)]
        if not keep:
            letters.remove(letter)
        self.model.arrive(letter)

    @rule(result=st.sampled_from(["done", "does_not_work"]), scheme=st.sampled_from(["http", "https", None]))
    def somebody_answers_without_looking(self, result, scheme):
        run = self.model.run()
        if run is not None:
            self.model.wrong = True
            self.model.arrive((run.cutover_id, result, scheme))

    def _nobody_is_stranded(self, cutover):
        super()._nobody_is_stranded(cutover)
        run = self.model.run()
        assert not Instruction.objects.filter(run__by_hand=True).exists()
        if run is None or run.cutover_id != cutover.pk or self.model.wrong:
            return
        server = cutover.runs.get(kind="server")
        listed = run.finding or (cutover.state == "needs_person" and server.finding)
        assert self.model.kiosk == self.model.server.scheme or listed, f"the kiosk is stranded: {run.state}"


@pytest.mark.django_db
def test_whatever_a_person_does_in_a_night_nobody_is_stranded():
    site, server, _ = make_club(TERMINALS)
    make_device(site, name="Z1", agent=False)  # the last of the second wave
    Device.objects.filter(pk=server.pk).update(facts={"certificates": [certificate(not_before="2020-01-01T00:00:00+00:00")]})
    user = make_user()
    fewer = settings(SETTINGS, max_examples=EXAMPLES or FEW // 2)
    run_state_machine_as_test(lambda: NightsByHand(site, user), settings=fewer)
    # How often differs a little: agents have random names, and so another order.
    assert TALLY["taken"] > fewer.max_examples // 5, TALLY
    assert TALLY["refused"] > 0, TALLY
    assert not Cutover.objects.exists()
