"""Bugs in the agent: its disk, its orders, its steps, and what it does alone."""

from tests.planted.bug import Bug

FILES = "tests/agents/test_files.py::"
JOURNAL = "tests/agents/test_journal.py::"
RUNNER = "tests/agents/test_runner.py::"
SERVER = "tests/agents/test_steps_server.py::"
DEPENDENTS = "tests/agents/test_dependents.py::"
TERMINAL = "tests/agents/test_steps_terminal.py::"
TRANSPORT = "tests/agents/test_transport.py::"
DEADMAN = "tests/agents/test_deadman.py::"
FORMATS = "tests/agents/test_profiles_formats.py::"
REGISTRY = "tests/agents/test_profiles_registry.py::"
LOCKS = "tests/agents/test_second_locks.py::"

DISK = (
    Bug(
        "file_not_flushed",
        "settings may be empty after a power cut: renamed before their bytes are on disk",
        "agents/storage/atomic.py",
        "        write_all(fd, data)\n        os.fsync(fd)\n",
        "        write_all(fd, data)\n",
        (FILES + "test_everything_is_flushed_before_the_name_changes",),
    ),
    Bug(
        "no_temporary_file",
        "settings are rewritten in place, and torn by a crash",
        "agents/storage/atomic.py",
        "        _write_new(temp, data, path, old, mode)\n        retry_locked.writing(lambda: os.replace(temp, path))\n",
        "        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)\n"
        "        write_all(fd, data)\n        os.fsync(fd)\n        os.close(fd)\n",
        (FILES + "test_a_fault_at_any_operation_leaves_old_or_new",),
    ),
    Bug(
        "folder_not_flushed",
        "a power cut takes the rename back",
        "agents/storage/atomic.py",
        "        raise\n    settle(path)\n",
        "        raise\n",
        (FILES + "test_everything_is_flushed_before_the_name_changes",),
    ),
    Bug(
        "undo_not_flushed",
        "the act is on disk before the way back",
        "agents/storage/journal.py",
        '"step": step, "saved": saved}\n        self._append(record, flush=True)',
        '"step": step, "saved": saved}\n        self._append(record, flush=False)',
        (JOURNAL + "test_what_must_outlive_a_power_cut_is_flushed_before_the_call_returns",),
    ),
    Bug(
        "end_not_flushed",
        "an instruction that has ended is carried out again after a power cut",
        "agents/storage/journal.py",
        "flush=isinstance(report, Finished)",
        "flush=False",
        (JOURNAL + "test_what_must_outlive_a_power_cut_is_flushed_before_the_call_returns",),
    ),
    Bug(
        "torn_tail_kept",
        "the record after a torn one is glued to it and lost",
        "agents/storage/journal.py",
        "            end = len(data) - len(lines[-1])\n",
        "            end = len(data)\n",
        (JOURNAL + "test_after_a_torn_tail_writing_goes_on",),
    ),
    Bug(
        "checksum_ignored",
        "an altered record is believed",
        "agents/storage/journal.py",
        '    if line[:8] != b"%08x" % zlib.crc32(body):\n        return None\n',
        "",
        (JOURNAL + "test_any_altered_byte_costs_at_most_the_record_it_is_in",),
    ),
    Bug(
        "second_undo_record_stands",
        "a resumed step overwrites what was there before with its own half-done work",
        "agents/storage/ledger.py",
        'self.undo.setdefault((instruction.cutover, record["step"]), item)',
        'self.undo[(instruction.cutover, record["step"])] = item',
        (JOURNAL + "test_the_first_undo_record_of_a_step_stands",),
    ),
    Bug(
        "switched_counts_as_confirmed",
        "a server whose dashboard dies before the last check never goes back",
        "agents/storage/ledger.py",
        '        good_check = report.action == "verify" and report.outcome == "done"\n',
        '        good_check = report.outcome == "done"\n',
        (DEADMAN + "test_a_switch_is_uncommitted_until_the_last_check_or_the_way_back",),
    ),
)

ORDERS = (
    Bug(
        "outbox_forgotten_before_ack",
        "a report that was sent into a dying connection is lost",
        "agents/transport.py",
        "                    self._sent = report.n\n",
        "                    self._sent = report.n\n                    self.journal.acked(report.n)\n",
        (TRANSPORT + "test_unacknowledged_reports_come_again_and_acknowledged_ones_do_not",),
    ),
    Bug(
        "signature_not_checked",
        "anybody on the wire can give orders",
        "agents/transport.py",
        "if not self.identity.verify(message.body, message.signature):",
        "if False:",
        (TRANSPORT + "test_orders_that_are_not_beyond_doubt_are_refused",),
    ),
    Bug(
        "order_for_another_agent_taken",
        "a recorded order works on every device",
        "agents/transport.py",
        "elif known is None or instruction.agent != known.agent:",
        "elif known is None:",
        (TRANSPORT + "test_orders_that_are_not_beyond_doubt_are_refused",),
    ),
    Bug(
        "expiry_not_checked",
        "an order that comes after the window is carried out",
        "agents/transport.py",
        "elif self.clock.now_ms() > instruction.expires_ms and instruction.seq > self.journal.ledger.seq:",
        "elif False:",
        (TRANSPORT + "test_orders_that_are_not_beyond_doubt_are_refused",),
    ),
    Bug(
        "expiry_not_checked_again",
        "an order that waited behind another one begins after the point of no return",
        "agents/runner.py",
        'if instruction.action in ("arm", "switch") and self.clock.now_ms() > instruction.expires_ms:',
        "if False:",
        (LOCKS + "test_an_order_that_waited_too_long_is_not_begun",),
    ),
    Bug(
        "epoch_not_fenced",
        "an order of the way forward is taken after the way back has begun",
        "agents/runner.py",
        "if instruction.epoch < ledger.epoch or instruction.seq <= ledger.seq:",
        "if instruction.seq <= ledger.seq:",
        (RUNNER + "test_older_orders_are_refused_even_after_a_restart",),
    ),
    Bug(
        "seq_not_fenced",
        "an older order of the same epoch is carried out after a newer one",
        "agents/runner.py",
        "if instruction.epoch < ledger.epoch or instruction.seq <= ledger.seq:",
        "if instruction.epoch < ledger.epoch:",
        (RUNNER + "test_older_orders_are_refused_even_after_a_restart",),
    ),
    Bug(
        "newer_order_waits",
        "Roll back waits until every step of the way forward has been tried",
        "agents/runner.py",
        "            self.executor.newer.set()\n",
        "            pass\n",
        (RUNNER + "test_a_newer_epoch_stops_the_older_order_between_two_steps",),
    ),
    Bug(
        "failure_not_kept",
        "after a crash while undoing, the switching begins anew",
        "agents/runner.py",
        "            self.journal.failing(instruction.seq, failure)\n",
        "            self.journal.ledger.failures[instruction.seq] = failure\n",
        (RUNNER + "test_after_a_crash_while_undoing_it_goes_on_undoing",),
    ),
    Bug(
        "restored_without_a_probe",
        "an undone till without an answer is called restored",
        "agents/runner.py",
        "            evidence = await self._verify_restored(instruction)\n",
        "            evidence = {}\n",
        (TERMINAL + "test_an_undone_till_that_gets_no_answer_says_so",),
    ),
)

STEPS = (
    Bug(
        "undo_tried_once",
        "a disk that is full for a moment during an undo strands a site until a person comes",
        "agents/runner.py",
        "        for pause_s in UNDO_PAUSES_S:\n",
        "        for pause_s in ():\n",
        ("tests/agents/test_runner.py::test_an_undo_that_fails_for_a_moment_is_tried_again",),
    ),
    Bug(
        "second_attempt_takes_back_what_is_right",
        "a rollback whose first attempt failed in part leaves the Services Monitor disabled, or the service stopped",
        "agents/steps/step_executor.py",
        "            if self.steps[other.step].takes_back == record.step:\n",
        "            if False:\n",
        ("tests/agents/test_steps_server.py::test_an_undo_whose_calls_fail_for_a_while_ends_as_it_was_before",),
    ),
    Bug(
        "undo_written_after_apply",
        "a crash right after a step leaves nothing to undo it with",
        "agents/steps/step_executor.py",
        "            if step.name not in context.saved and (saved := await step.save(context)) is not None:\n"
        "                self.journal.undo(context.instruction, step.name, saved)\n"
        "                context.saved[step.name] = saved\n"
        '                failpoints.step(self.host.config.role, step.name, "saved")\n'
        "            await step.apply(context)\n",
        "            saved = None if step.name in context.saved else await step.save(context)\n"
        "            if saved is not None:\n"
        "                context.saved[step.name] = saved\n"
        "            await step.apply(context)\n"
        "            if saved is not None:\n"
        "                self.journal.undo(context.instruction, step.name, saved)\n",
        (RUNNER + "test_after_a_crash_the_switch_goes_on_where_it_was",),
    ),
    Bug(
        "undo_order_swapped",
        "the first step is undone first",
        "agents/steps/step_executor.py",
        "for record in reversed(self.journal.open_undo(instruction.cutover)):",
        "for record in self.journal.open_undo(instruction.cutover):",
        (RUNNER + "test_a_failure_anywhere_undoes_what_was_done",),
    ),
    Bug(
        "undo_failure_swallowed",
        "a device that could not be undone is called restored",
        "agents/steps/step_executor.py",
        "                failures.append(error)\n",
        "",
        (RUNNER + "test_undoing_goes_on_after_a_failure_and_says_what_is_left",),
    ),
    Bug(
        "undo_stops_at_the_first_failure",
        "one step that is stuck keeps all before it from being undone",
        "agents/steps/step_executor.py",
        "                failures.append(error)\n",
        "                failures.append(error)\n                break\n",
        (RUNNER + "test_undoing_goes_on_after_a_failure_and_says_what_is_left",),
    ),
    Bug(
        "timeout_swallowed",
        "a step that ran out of its time counts as done",
        "agents/steps/step_executor.py",
        '            raise StepError("step_timeout", message, "Check the device; try again.", retryable=True) from error\n',
        "            log.warning(message, exc_info=error)\n            return {}\n",
        (RUNNER + "test_a_step_that_takes_too_long_is_undone",),
    ),
    Bug(
        "crash_loop_not_broken",
        "a step that ends the agent is begun again for ever",
        "agents/steps/step_executor.py",
        "if self.journal.ledger.starts.get((seq, name), 0) >= most:",
        "if False:",
        (RUNNER + "test_a_step_that_crashes_the_agent_every_time_is_undone",),
    ),
    Bug(
        "foreign_binding_deleted",
        "somebody else's certificate is taken off the port",
        "agents/hosts/netsh.py",
        "    if not same(there[0], row) or not ours(there[0]):\n        raise foreign(there[0])\n",
        "",
        (SERVER + "test_a_binding_that_somebody_else_has_made_since_is_left_to_them",),
    ),
    Bug(
        "foreign_binding_not_found",
        "arming says ready although another program has the port",
        "agents/steps/httpsys.py",
        "            raise netsh.foreign(row)\n",
        "            continue\n",
        (SERVER + "test_a_foreign_binding_on_the_port_is_never_touched",),
    ),
    Bug(
        "access_list_forgotten",
        "the old reservation comes back for everyone instead of for the service's account",
        "agents/steps/server.py",
        "                    await netsh.delete_reservation(row.url)\n"
        "                await netsh.add_reservation(row.url, row.sddl or EVERYONE_LISTENS)\n",
        "                    await netsh.delete_reservation(row.url)\n"
        "                await netsh.add_reservation(row.url, EVERYONE_LISTENS)\n",
        (SERVER + "test_undo_brings_back_exactly_what_was_there",),
    ),
    Bug(
        "monitor_not_held",
        "the Services Monitor starts the service in the middle of its switch",
        "agents/steps/services.py",
        '    await sc.set_start_type(monitor, "disabled")  # before the stop, or it could start again at once\n',
        "",
        (LOCKS + "test_the_monitor_is_disabled_and_stopped_whenever_the_service_is",),
    ),
    Bug(
        "dependents_in_the_wrong_order",
        "a service is started before the one that it needs",
        "agents/steps/dependents.py",
        '    for row in reversed(saved["services"]):\n',
        '    for row in saved["services"]:\n',
        (DEPENDENTS + "test_those_that_ran_are_stopped_first_and_started_last",),
    ),
    Bug(
        "dependents_that_did_not_run",
        "a service that had been stopped before the cutover runs after it",
        "agents/steps/dependents.py",
        "    return [name for name in names if await sc.running(name)]\n",
        "    return list(names)\n",
        (DEPENDENTS + "test_those_that_ran_are_stopped_first_and_started_last",),
    ),
    Bug(
        "others_settings_overwritten",
        "undoing takes back what somebody else has set since",
        "agents/steps/switch.py",
        '        untouched = _digest(now) == saved["after_sha256"]\n',
        "        untouched = True\n",
        (TERMINAL + "test_undo_keeps_what_somebody_else_has_changed_since",),
    ),
    Bug(
        "mark_not_counted",
        "a value is written beside its place in files with a byte-order mark",
        "agents/profiles/text.py",
        "return self.bom + len(",
        "return len(",
        (FORMATS + "test_an_ini_file_changes_in_its_switch_and_back",),
    ),
    Bug(
        "registry_not_flushed",
        "a power cut takes the switch in the registry back after it was reported",
        "agents/hosts/registry.py",
        "REG_SZ, value)\n            winreg.FlushKey(key)\n",
        "REG_SZ, value)\n",
        (REGISTRY + "test_a_till_is_switched_and_restored_in_the_registry",),
    ),
    Bug(
        "certificate_not_compared",
        "any trusted certificate will do, also that of a box in between",
        "agents/hosts/lookup.py",
        "    if target.tls and target.thumbprint and thumbprint != target.thumbprint:\n",
        "    if False:\n",
        (TERMINAL + "test_another_certificate_than_the_planned_one_is_refused",),
    ),
)

ALONE = (
    Bug(
        "lease_ignored",
        "a till acts alone while the dashboard is there",
        "agents/deadman.py",
        "        return time.monotonic() - self.runner.heard_at > lease_s\n",
        "        return True\n",
        (DEADMAN + "test_within_the_lease_nothing_is_done",),
    ),
    Bug(
        "policy_ignored",
        "a server that is to finish goes back",
        "agents/deadman.py",
        'if ledger.uncommitted and self.lease_over and last.policy == "restore":',
        "if ledger.uncommitted and self.lease_over:",
        (DEADMAN + "test_a_server_goes_back_when_its_switch_was_not_confirmed_in_time",),
    ),
    Bug(
        "plain_http_trusted",
        "who shows a till a bad certificate gets its members' numbers in plain HTTP",
        "agents/deadman.py",
        'NO_TLS = frozenset({"tls_refused",',
        'NO_TLS = frozenset({"untrusted_root", "tls_refused",',
        (DEADMAN + "test_a_till_follows_what_the_server_really_speaks_and_never_trusts_plain_http_alone",),
    ),
    Bug(
        "till_leaves_https_unasked",
        "a till that never came from HTTP goes there",
        "agents/deadman.py",
        'if why in NO_TLS and self._came_from("http") and',
        "if why in NO_TLS and",
        (DEADMAN + "test_a_till_follows_what_the_server_really_speaks_and_never_trusts_plain_http_alone",),
    ),
    Bug(
        "silent_server_left_alone",
        "a switched server that stopped answering is never put back",
        "agents/deadman.py",
        "            return time.monotonic() - self._answered_at > PATIENCE_S\n",
        "            return False\n",
        (DEADMAN + "test_a_switched_server_that_stays_silent_is_put_back",),
    ),
)

AGENTS: tuple[Bug, ...] = (*DISK, *ORDERS, *STEPS, *ALONE)
