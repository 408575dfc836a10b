"""Bugs in the dashboard: its domain, its services, its database."""

from tests.planted.bug import Bug

CUTOVER = "tests/services/test_cutover.py::"
REPORTS = "tests/services/test_reports.py::"
AGENTS = "tests/services/test_agents.py::"
ACTIONS = "tests/services/test_actions.py::"
LOCKS = "tests/services/test_second_locks.py::"

DOMAIN = (
    Bug(
        "threshold_off_by_one",
        "one terminal more than allowed may fail before a wave stops",
        "fleet/cutover/plan.py",
        "if len(failed) > limit and wave not in s.waived:",
        "if len(failed) > limit + 1 and wave not in s.waived:",
        (CUTOVER + "test_a_terminal_lost_while_switching_is_unreachable_and_counts_as_failed",),
    ),
    Bug(
        "forward_after_no_return",
        "a wave begins that no rollback can follow within the window",
        "fleet/cutover/plan.py",
        'if open_runs and s.on_window_close != "finish" and _closing(s, now):',
        "if False:",
        (LOCKS + "test_no_wave_begins_after_the_point_of_no_return",),
    ),
    Bug(
        "server_back_alone_unnoticed",
        "a server that went back by itself leaves its terminals behind",
        "fleet/cutover/plan.py",
        'if s.direction == "forward" and s.server.state is Run.RESTORED and s.state in CAN_ROLL_BACK:',
        "if False:",
        (CUTOVER + "test_a_server_that_went_back_by_itself_takes_its_terminals_along",),
    ),
    Bug(
        "terminals_undone_before_server",
        "terminals are sent to a scheme that their server does not speak yet",
        "fleet/cutover/rollback.py",
        "    if steps := _undo((s.server,)):\n",
        "    if steps := _undo(s.terminals) or _undo((s.server,)):\n",
        (LOCKS + "test_on_the_way_back_terminals_wait_for_their_server",),
    ),
    Bug(
        "older_epoch_believed",
        "a report from before the turn moves a device that is on its way back",
        "fleet/cutover/reports.py",
        "    if not current_epoch:\n        return None\n",
        "",
        (LOCKS + "test_a_refusal_from_before_the_turn_says_nothing_about_the_way_back",),
    ),
)

SERVICES = (
    Bug(
        "run_update_not_guarded",
        "who was second overwrites a device's state",
        "fleet/services/engine.py",
        "DeviceRun.objects.filter(pk__in=ids, state=old)",
        "DeviceRun.objects.filter(pk__in=ids)",
        (LOCKS + "test_a_change_made_underneath_is_never_overwritten",),
    ),
    Bug(
        "cutover_update_not_guarded",
        "who was second overwrites the cutover's state",
        "fleet/services/engine.py",
        "Cutover.objects.filter(pk=self.cutover.pk, state=old)",
        "Cutover.objects.filter(pk=self.cutover.pk)",
        (LOCKS + "test_a_change_made_underneath_is_never_overwritten",),
    ),
    Bug(
        "audit_chain_broken",
        "rows of the audit log do not follow from each other",
        "fleet/services/engine.py",
        "row.digest = self._chain = chain_digest(self._chain, row)",
        "row.digest = chain_digest(self._chain, row)",
        (CUTOVER + "test_every_change_is_in_the_chained_log",),
    ),
    Bug(
        "rollback_keeps_the_epoch",
        "orders of the way forward stay good on the way back",
        "fleet/services/engine.py",
        'changes |= {"epoch": self.new_epoch(), "direction": "back"}',
        'changes |= {"direction": "back"}',
        (ACTIONS + "test_rollback_in_the_middle_reaches_what_is_already_running", LOCKS + "test_a_turn_is_a_new_epoch"),
    ),
    Bug(
        "reports_taken_twice",
        "an acknowledgement goes back, and doubled reports are looked at again",
        "fleet/services/reports.py",
        "not agent.acked < report.n <= LARGEST:",
        "not report.n <= LARGEST:",
        (LOCKS + "test_an_older_report_does_not_take_the_acknowledgement_back",),
    ),
    Bug(
        "step_kept_twice",
        "one step of a device is in the database twice, or breaks its batch",
        "fleet/services/reports.py",
        "if key in self.known or ",
        "if ",
        (LOCKS + "test_a_step_told_again_under_a_new_number_is_kept_once",),
    ),
    Bug(
        "outage_reset_by_rollback",
        "undoing a terminal changes the outage that was measured",
        "fleet/services/reports.py",
        'if verdict.to is Run.VERIFIED and run.kind == "terminal":',
        'if run.kind == "terminal":',
        (CUTOVER + "test_rollback_after_completion_restores_everything_server_first",),
    ),
    Bug(
        "outage_begins_again",
        "a second stop of the service shortens every outage",
        "fleet/services/reports.py",
        "if self.session.cutover.last_answer_ms is None and ",
        "if ",
        (LOCKS + "test_a_second_stop_does_not_move_the_beginning_of_the_outage",),
    ),
    Bug(
        "lost_tasks_not_found",
        "an emptied broker leaves devices without their instructions for ever",
        "fleet/services/sweeps.py",
        'elif lost := tuple(instructions.missing(cutover).values_list("pk", flat=True)):',
        "elif lost := ():",
        (LOCKS + "test_instructions_whose_task_was_lost_are_found_by_the_next_tick",),
    ),
    Bug(
        "no_grace",
        "the dashboard takes its own absence for its agents' silence",
        "fleet/services/sweeps.py",
        "        give_grace(now, [cutover.pk])\n",
        "",
        ("tests/services/test_grace.py::test_after_a_long_absence_deadlines_begin_anew",),
    ),
    Bug(
        "orders_without_expiry",
        "an agent that was cut off begins after the point of no return",
        "fleet/services/instructions.py",
        "return now + LONG if free else cutover.no_return_at or cutover.ends_at",
        "return now + LONG",
        (LOCKS + "test_no_wave_begins_after_the_point_of_no_return",),
    ),
    Bug(
        "two_active_cutovers",
        "two cutovers that are started at once both run",
        "fleet/migrations/0001_start.py",
        "fields=('site',), name='one_active_cutover_per_site'",
        "fields=('site', 'id'), name='one_active_cutover_per_site'",
        (LOCKS + "test_the_database_itself_allows_one_active_cutover_of_a_site",),
    ),
    Bug(
        "restored_backup_unnoticed",
        "a database from a backup goes on as if nothing had happened since",
        "fleet/services/agents.py",
        "if message.epoch > agent.device.site.epoch or message.seq > agent.seq:",
        "if False:",
        (LOCKS + "test_an_agent_that_says_hello_with_a_newer_epoch_is_noticed",),
    ),
    Bug(
        "token_for_every_key",
        "who finds a used enrolment token is let in as its device",
        "fleet/services/agents.py",
        "filter(device=device, public_key=public_key, revoked_at__isnull=True)",
        "filter(device=device, revoked_at__isnull=True)",
        (AGENTS + "test_a_token_admits_one_agent_once",),
    ),
    Bug(
        "hello_not_proven",
        "who knows an agent's number can speak for it",
        "fleet/services/agents.py",
        "    _check_signature(agent.public_key, message.signature, protocol.hello_payload(nonce, message.agent))\n",
        "",
        (AGENTS + "test_a_signature_for_another_connection_is_refused",),
    ),
)

DASHBOARD: tuple[Bug, ...] = (*DOMAIN, *SERVICES)
