"""Anything that people, agents, the clock and the broker can do, in any order: the promises hold after each.

Hypothesis chooses what happens next; the services and the database are real. TILLWAY_EXAMPLES says how many
nights are played (make test plays few, always the same ones; any other number plays new ones each time)."""

import datetime as dt
import os
import sys

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from fleet.cutover import states
from fleet.cutover.states import Run
from fleet.cutover.waves import Wave
from fleet.models import Cutover, Device, DeviceRun, Instruction, StepRun, Transition
from fleet.services.cutovers import actions, instructions, sweeps
from fleet.services.cutovers.engine import chain_digest
from fleet.services.errors import Conflict
from tests.factories import certificate, make_club, make_user
from tests.services.crashing import DOWN, Model

EXAMPLES = int(os.environ.get("TILLWAY_EXAMPLES", "0"))
FEW, STEPS = 50, 40
SETTINGS = settings(
    max_examples=EXAMPLES or FEW,
    stateful_step_count=STEPS,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TERMINALS = 4
who = st.integers(0, TERMINALS)  # 0 is the server
GOOD_ENDS = {Run.VERIFIED, Run.LATE}
CLEAN_ENDS = {Run.RESTORED, Run.PENDING, Run.ARMED, Run.LATE}
MINUTE = dt.timedelta(minutes=1)
WAVES = (
    (),
    (Wave(size=2, max_failed=1), Wave(percent=100, max_failed=1)),
    (Wave(percent=100, max_failed_percent=100),),
)
EVERYTHING = {"rows": 0, "steps": 0}


class Nights(RuleBasedStateMachine):
    """One site through one example's events. Everything it writes is rolled back at its end."""

    def __init__(self, site, user):
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.model = Model(site, user)
        self.last = None
        self.outages = {}
        self.seen = 0
        self.chain = {}
        self.states = {}

    # --- people

    @initialize()
    def begin_one(self):
        self.last = self.model.plan().pk
        self.model.press(self.last, "start")

    @rule(
        on_close=st.sampled_from(["finish", "hold", "roll_back"]),
        on_threshold=st.sampled_from(["roll_back", "pause"]),
        minutes=st.sampled_from([2, 10, 60]),
        waves=st.sampled_from(WAVES),
        away=st.booleans(),
    )
    @precondition(lambda self: Cutover.objects.count() < 4)
    def plan_and_start_another(self, on_close, on_threshold, minutes, waves, away):
        model = self.model
        to_scheme = "http" if model.server.scheme == "https" else "https"
        cutover = model.plan(
            to_scheme=to_scheme, duration_minutes=minutes, on_window_close=on_close, on_threshold=on_threshold,
            waves=waves, starts_at=model.now.replace(microsecond=0) + MINUTE if away else None,
        )  # fmt: skip
        busy = Cutover.objects.filter(state__in=states.ACTIVE).exists()
        try:
            model.press(cutover.pk, "start")
        except Conflict:
            return
        assert not busy, "a second active cutover of one site was let in"
        self.last = cutover.pk

    @rule(verb=st.sampled_from(["pause", "resume", "retry_failed", "roll_back", "cancel", "start", "submit"]))
    def press(self, verb):
        may = verb in actions.allowed(self.model.user, Cutover.objects.get(pk=self.last))
        try:
            self.model.press(self.last, verb)
        except Conflict:
            return
        assert may, f"{verb} was not offered, and was done"

    @rule(which=st.integers(0, 3), verb=st.sampled_from(["roll_back", "retry_failed"]))
    def take_an_older_one_up_again(self, which, verb):
        older = list(Cutover.objects.exclude(started_at=None).order_by("id"))[:-1]
        if which < len(older):
            with pytest.raises(Conflict):
                self.model.press(older[which].pk, verb)

    # --- agents

    @rule(i=who)
    def serve_one_agent(self, i):
        self.model.turn(self.model.agents[i])

    @rule(i=who)
    def hand_out_and_do_half(self, i):
        agent = self.model.agents[i]
        self.model.deliver(agent)
        self.model.advance(agent)

    @rule(i=who)
    def crash_and_start_again(self, i):
        self.model.crash(self.model.agents[i])

    @rule(i=who)
    def go_offline_or_come_back(self, i):
        agent = self.model.agents[i]
        self.model.connect(agent, not agent.online)

    @rule(i=who)
    def break_or_mend(self, i):
        self.model.agents[i].broken ^= True

    @rule()
    def everybody_serves_once(self):
        self.model.work_off()
        for agent in self.model.agents:
            self.model.turn(agent)
        self.model.tick(1)

    # --- reports on the way

    @rule(i=who, upto=st.integers(1, 6), heard=st.booleans())
    def some_reports_arrive(self, i, upto, heard):
        """The first few, because a connection broke; the answer may not come through."""
        agent = self.model.agents[i]
        if agent.online and agent.outbox:
            self.model.take_reports([(agent, r) for r in agent.outbox[:upto]], acknowledge=heard)

    @rule(i=who, upto=st.integers(1, 30), times=st.integers(1, 3))
    def old_reports_arrive_again(self, i, upto, times):
        """Doubles of what was once said and acknowledged: nothing at all may change."""
        agent = self.model.agents[i]
        unacked = agent.outbox[0].n if agent.outbox else agent.n + 1
        old = [(agent, r) for r in agent.said if r.n < unacked][-upto:] * times
        before = self._effects()
        self.model.take_reports(old)
        assert self._effects() == before

    @rule(order=st.permutations(range(TERMINALS + 1)), heard=st.booleans())
    def reports_of_all_arrive_mixed(self, order, heard):
        """In turns, one of each; within one agent in order."""
        queues = [[(a, r) for r in a.outbox] for a in (self.model.agents[i] for i in order) if a.online]
        batch = [q[k] for k in range(max(map(len, queues), default=0)) for q in queues if k < len(q)]
        if batch:
            self.model.take_reports(batch, acknowledge=heard)

    # --- the clock and the broker

    @rule(seconds=st.sampled_from([0, 0, 2, 5, 9, 31, 140, 200, 900]), away=st.booleans())
    def time_passes(self, seconds, away):
        """away: the dashboard was down meanwhile."""
        self.model.tick(seconds, away=away)

    @rule(where=st.sampled_from(["starts_at", "no_return_at", "ends_at"]), early=st.booleans())
    def time_jumps_to(self, where, early):
        """To the opening, the point of no return, the close, or one second before."""
        at = getattr(Cutover.objects.get(pk=self.last), where)
        if at is not None:
            self.model.tick(max(0.0, (at - self.model.now).total_seconds() - early))

    @rule(days=st.sampled_from([-365, -1, 1]))
    def the_clock_is_set(self, days):
        """Of the machine that the dashboard runs on; the agents follow it, as agents/clock.py does."""
        self.model.now += dt.timedelta(days=days)
        self.model.follow(sweeps.tick(self.model.now))

    @rule(i=st.integers(0, 5), twice=st.booleans())
    @precondition(lambda self: self.model.broker)
    def a_worker_takes_one_task(self, i, twice):
        task = self.model.broker.pop(i % len(self.model.broker))
        self.model.follow(instructions.write(task, self.model.now))
        if twice:
            before = Instruction.objects.count()
            self.model.follow(instructions.write(task, self.model.now))
            assert Instruction.objects.count() == before, "a doubled task wrote a second instruction"

    @rule()
    @precondition(lambda self: self.model.broker)
    def the_broker_is_emptied(self):
        """The sweep finds what was lost: one tick for what there is to decide, one to look for it."""
        self.model.broker.clear()
        self.model.tick()
        self.model.tick()
        found = {run for task in self.model.broker for run in task.runs}
        lost = {run.pk for c in Cutover.objects.filter(state__in=states.ACTIVE) for run in instructions.missing(c)}
        assert lost <= found, "an instruction was lost with its task"

    # --- what holds after every step

    @invariant()
    def every_change_is_in_the_chain(self):
        """Each row follows from the one before, names the state before, and is a legal move."""
        for row in Transition.objects.filter(pk__gt=self.seen).order_by("id"):
            assert row.digest == chain_digest(self.chain.get(row.cutover_id, ""), row)
            key = (row.cutover_id, row.run_id)
            kind, first = (states.Run, "pending") if row.run_id else (states.Cutover, "draft")
            assert row.old == self.states.get(key, first), f"{row} does not follow {self.states.get(key, first)}"
            states.advance(kind, row.old, row.new)
            self.chain[row.cutover_id], self.states[key], self.seen = row.digest, row.new, row.pk
            EVERYTHING["rows"] += 1

    @invariant()
    def the_states_are_what_the_chain_says(self):
        """No state was changed without a row."""
        EVERYTHING["steps"] += 1
        for pk, state in Cutover.objects.values_list("pk", "state"):
            assert state == self.states.get((pk, None), "draft")
        for cutover, pk, state in DeviceRun.objects.values_list("cutover_id", "pk", "state"):
            assert state == self.states.get((cutover, pk), "pending")

    @invariant()
    def one_active_cutover_at_most(self):
        assert Cutover.objects.filter(state__in=states.ACTIVE).count() <= 1

    @invariant()
    def an_end_is_what_it_says(self):
        """completed and rolled_back say something about every device run."""
        if not self.last:
            return
        state = Cutover.objects.get(pk=self.last).state
        found = set(DeviceRun.objects.filter(cutover=self.last, kind="terminal").values_list("state", flat=True))
        server = DeviceRun.objects.filter(cutover=self.last, kind="server").values_list("state", flat=True)
        if state == states.Cutover.COMPLETED:
            # A late one that came back is switching, and may fail before the cutover says so.
            assert found <= {*GOOD_ENDS, Run.SWITCHING}
            assert set(server) == {Run.VERIFIED}
        if state == states.Cutover.ROLLED_BACK:
            assert found | set(server) <= CLEAN_ENDS

    @invariant()
    def an_outage_is_set_when_verified_and_stays(self):
        for pk, state, outage in DeviceRun.objects.filter(kind="terminal").values_list("pk", "state", "outage_ms"):
            if state == Run.VERIFIED:
                assert outage is not None
                assert outage >= 0
            assert outage == self.outages.get(pk, outage), "an outage has changed"
            if outage is not None:
                self.outages[pk] = outage

    @invariant()
    def whoever_needs_a_person_has_a_finding(self):
        assert not DeviceRun.objects.filter(state__in=states.WITH_FINDING, finding=None).exists()
        assert not Cutover.objects.filter(state="paused", reason="").exists()

    # --- the end of the night

    def teardown(self):
        try:
            if self.last:
                self.the_night_ends_well()
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def the_night_ends_well(self):
        """Faults cease and time passes: the cutover rests, and nobody is stranded without a finding."""
        model = self.model
        for agent in model.agents:
            agent.broken = False
            model.connect(agent, True)
        for _ in range(12):
            model.quiet()
            self._check_everything()
            cutover = Cutover.objects.get(pk=self.last)
            if cutover.state == "paused":
                model.press(self.last, "roll_back")
            elif cutover.state in states.AT_REST or cutover.state == "draft":
                break
            else:
                model.tick(max(240.0, (cutover.starts_at - model.now).total_seconds()))
        else:
            raise AssertionError(f"it does not come to rest: {cutover.state}, {cutover.reason}")
        self._nobody_is_stranded(cutover)

    def _nobody_is_stranded(self, cutover):
        model = self.model
        runs = {r.device_id: r for r in cutover.runs.all()}
        named = {pk for pk, r in runs.items() if r.finding}
        assert model.server.scheme != DOWN or model.server.device.pk in named, "the server is down and nobody says so"
        for agent in model.terminals:
            listed = agent.device.pk in named or (cutover.state == "needs_person" and model.server.device.pk in named)
            assert agent.scheme == model.server.scheme or listed, f"{agent.name} is stranded"
        if cutover.state == "completed":
            assert {a.scheme for a in model.agents} == {cutover.to_scheme}
        if cutover.state == "rolled_back":
            assert model.server.scheme == cutover.from_scheme

    def _check_everything(self):
        self.every_change_is_in_the_chain()
        self.the_states_are_what_the_chain_says()
        self.one_active_cutover_at_most()
        self.an_end_is_what_it_says()
        self.an_outage_is_set_when_verified_and_stays()

    def _effects(self):
        found = list(DeviceRun.objects.order_by("pk").values_list("pk", "state", "outage_ms", "attempts", "asks"))
        return (found, Transition.objects.count(), StepRun.objects.count(), Instruction.objects.count())


@pytest.mark.django_db
def test_whatever_happens_in_a_night_nobody_is_stranded_and_every_change_is_written_down(capsys):
    site, server, _ = make_club(TERMINALS)
    # Its clock is set back by a year, and the night begins all the same.
    Device.objects.filter(pk=server.pk).update(facts={"certificates": [certificate(not_before="2020-01-01T00:00:00+00:00")]})
    user = make_user()
    run_state_machine_as_test(lambda: Nights(site, user), settings=SETTINGS)
    assert EVERYTHING["rows"] > 10 * SETTINGS.max_examples, "hardly anything has happened"
    if EXAMPLES:
        with capsys.disabled():
            sys.stdout.write(f"\n{EXAMPLES} nights, {EVERYTHING['steps']} checks, {EVERYTHING['rows']} changes of state\n")
