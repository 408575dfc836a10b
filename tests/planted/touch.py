"""Bugs in the restart of Touch: on the terminal, in the dashboard, and in the lab's own Touch."""

from tests.planted.bug import Bug

STEPS = "tests/agents/test_steps_touch.py::"
WINDOWS = "tests/agents/test_touch_windows.py::"
FLEET = "tests/services/test_restart.py::"
LAB = "tests/lab/test_touch.py::"

TOUCH = (
    Bug(
        "written_while_touch_runs",
        "Touch writes its old settings over the new ones when it ends",
        "agents/steps/terminal.py",
        "        await touch.close(ctx)\n        switch.set_scheme(ctx)\n\n    async def undo",
        "        switch.set_scheme(ctx)\n\n    async def undo",
        (STEPS + "test_the_settings_are_changed_while_touch_is_closed",),
    ),
    Bug(
        "started_twice",
        "an agent that died just after it had started Touch starts a second one",
        "agents/steps/touch.py",
        "if await touch.appears(MAYBE_S if maybe_started else 0):",
        "if await touch.appears(0):",
        (STEPS + "test_a_switch_goes_on_after_a_crash_at_any_act", STEPS + "test_an_undo_goes_on_after_a_crash_at_any_act"),
    ),
    Bug(
        "killed_in_a_sale",
        "Touch is ended in the middle of a sale although its profile does not allow it",
        "agents/steps/touch.py",
        "touch.close(restart.limit_s, kill=restart.kill)",
        "touch.close(restart.limit_s, kill=True)",
        (STEPS + "test_a_sale_stops_it_before_anything_is_changed",),
    ),
    Bug(
        "undone_while_touch_runs",
        "the old settings are put back under a Touch that writes the new ones again when it ends",
        "agents/steps/touch.py",
        "    _owe(ctx, Owed(start=True))\n    await close(ctx)\n",
        "    _owe(ctx, Owed(start=True))\n",
        (STEPS + "test_an_undo_closes_touch_puts_every_byte_back_and_starts_it",),
    ),
    Bug(
        "not_started_after_undo",
        "after a rollback the till has no Touch",
        "agents/steps/touch.py",
        'if how(ctx) != "program" or not (ran(before) or _owed(ctx).start):',
        'if how(ctx) != "never":',
        (STEPS + "test_an_undo_closes_touch_puts_every_byte_back_and_starts_it",),
    ),
    Bug(
        "opened_since_is_forgotten",
        "a Touch that somebody has opened since the switch stays closed when the agent dies in the undo",
        "agents/steps/touch.py",
        "    _owe(ctx, Owed(start=True))\n    await close(ctx)\n",
        "    await close(ctx)\n",
        (STEPS + "test_one_that_somebody_opened_since_is_closed_for_the_undo_and_opened_again",),
    ),
    Bug(
        "closed_before_the_file_is_tried",
        "Touch is closed for settings that cannot be written anyway",
        "agents/steps/touch.py",
        "        ctx.host.try_settings_folder()\n        await terminal(ctx).touch.close",
        "        await terminal(ctx).touch.close",
        (STEPS + "test_settings_that_cannot_be_written_are_found_before_touch_is_closed",),
    ),
    Bug(
        "left_closed_after_a_failed_undo",
        "a till sells nothing because its settings could not be put back",
        "agents/steps/terminal.py",
        "            await touch.start_again(ctx, saved)  # a closed",
        "            pass  # a closed",
        (STEPS + "test_touch_is_started_although_its_settings_could_not_be_put_back",),
    ),
    Bug(
        "restarted_again_after_the_restart",
        "the machine is restarted again and again",
        "agents/steps/terminal.py",
        'return mine is not None and mine["boot"] != touch.terminal(ctx).touch.boot()',
        'return mine is not None and mine["boot"] is None',
        (STEPS + "test_the_machine_is_restarted_once_and_the_journal_goes_on",),
    ),
    Bug(
        "undo_without_a_restart",
        "after a rollback Touch still has the new settings in memory",
        "agents/steps/touch.py",
        "    if due is not None and not rebooted:\n",
        "    if due is None and not rebooted:\n",
        (STEPS + "test_the_machine_is_restarted_once_and_the_journal_goes_on",),
    ),
    Bug(
        "old_plan_obeyed",
        "an agent whose dashboard does not know that Touch is restarted changes settings that Touch does not notice",
        "agents/runner.py",
        "elif self.host.restart and instruction.action",
        "elif not self.host.restart and instruction.action",
        (STEPS + "test_an_instruction_without_the_restart_is_refused_and_the_inventory_sent",),
    ),
    Bug(
        "asked_again_and_again",
        "the second WM_CLOSE answers the question that the first one has raised",
        "agents/hosts/touch/windows.py",
        "if not asked and now >= ask_at:",
        "if now >= ask_at:",
        (WINDOWS + "test_one_that_stays_open_is_asked_once_only_and_left_running",),
    ),
    Bug(
        "every_terminal_waited_for",
        "a terminal that restarts nothing gets the limits of one that does",
        "fleet/services/cutovers/run_steps.py",
        "return catalogue.info(name, run.device.restart).limit_s",
        'return catalogue.info(name, catalogue.Restart("program", 120)).limit_s',
        (FLEET + "test_only_such_a_terminal_may_take_longer",),
    ),
    Bug(
        "restart_not_in_the_plan",
        "a terminal is told nothing of the restart that its profile demands, and refuses every night",
        "fleet/services/cutovers/run_steps.py",
        "return catalogue.steps_for(run.kind, action, run.device.restart)",
        "return catalogue.steps_for(run.kind, action, None)",
        (FLEET + "test_only_a_terminal_that_restarts_touch_is_told_to",),
    ),
    Bug(
        "lab_touch_is_live",
        "the lab's caching Touch writes nothing back, so nothing shows that it must be closed first",
        "agents/lab/touch/reference.py",
        '            if want == "closed":\n',
        '            if want == "never":\n',
        (LAB + "test_it_does_not_notice_new_settings_and_writes_its_own_back",),
    ),
)
