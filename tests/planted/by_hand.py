"""Bugs of terminals by hand: docs/by-hand.md. Those of the domain are in tests/cutover/guards/by_hand.py."""

from tests.planted.bug import Bug

SERVICE = "tests/services/test_by_hand.py::"
PAGES = "tests/web/test_by_hand_pages.py::"
PERSON = "tests/management/test_person.py::"

BY_HAND = (
    Bug(
        "the_mark_does_not_win",
        "an agent and a person set the same terminal",
        "fleet/services/cutovers/instructions.py",
        "            by_hand=False,\n",
        "",
        (SERVICE + "test_nothing_is_written_for_its_agent_where_the_mark_wins",),
    ),
    Bug(
        "a_person_has_seconds",
        "a person is given the time of an agent",
        "fleet/services/cutovers/engine.py",
        "            return self.cutover.by_hand_minutes * 60\n",
        "            return step_limit(first_step(run, action))\n",
        (SERVICE + "test_its_deadline_lasts_minutes_and_then_it_is_named",),
    ),
    Bug(
        "minutes_are_pulled_in",
        "the clock's guard cuts a person's minutes to an agent's seconds",
        "fleet/services/cutovers/sweeps.py",
        "        longest = far_by_hand if by_hand else ",
        "        longest = far if by_hand else ",
        (SERVICE + "test_its_deadline_lasts_minutes_and_then_it_is_named",),
    ),
    Bug(
        "the_page_forgets_its_question",
        "Done for HTTPS is taken for Done for HTTP, after the cutover turned around",
        "fleet/web/by_hand/views.py",
        '            scheme=request.POST.get("scheme") or None,\n',
        "",
        (PAGES + "test_an_answer_to_the_question_before_the_turn_is_409_and_says_what_to_do",),
    ),
    Bug(
        "the_page_eats_what_is_typed",
        "a note disappears while it is typed",
        "fleet/web/by_hand/views.py",
        '    if request.GET.get("seen") == ctx["key"]:\n',
        "    if False:\n",
        (PAGES + "test_the_part_that_refreshes_itself_leaves_the_page_alone_until_the_question_changes",),
    ),
    Bug(
        "an_older_cutover_is_answered",
        "an answer for a cutover that is over changes what a later one relies on",
        "fleet/services/cutovers/by_hand.py",
        "    if participants.is_superseded(cutover):\n",
        "    if False:\n",
        (SERVICE + "test_an_older_cutovers_answer_is_refused_once_a_later_one_has_started",),
    ),
    Bug(
        "anybody_answers_by_hand",
        "somebody who may only look verifies a terminal",
        "fleet/services/cutovers/by_hand.py",
        "    return role in (Role.ADMIN, Role.APPROVER)\n",
        "    return role is not None\n",
        (SERVICE + "test_who_may_answer",),
    ),
    Bug(
        "loopback_proves",
        "the server's own lookups prove a terminal",
        "fleet/services/cutovers/by_hand.py",
        "    if ipaddress.ip_address(device.address).is_loopback:\n",
        "    if False:\n",
        (SERVICE + "test_a_loopback_address_proves_nothing",),
    ),
    Bug(
        "another_devices_address_proves",
        "one terminal's connections prove another one",
        "fleet/services/cutovers/by_hand.py",
        "    if Device.objects.filter(address=device.address).exclude(pk=device.pk).exists():\n",
        "    if False:\n",
        (SERVICE + "test_an_address_that_another_device_has_proves_nothing",),
    ),
    Bug(
        "what_was_seen_before_proves",
        "connections from before the answer prove it",
        "fleet/services/cutovers/by_hand.py",
        "row.at_ms > to_ms(cast(dt.datetime, run.answered_at))",
        "row.at_ms > 0",
        (SERVICE + "test_what_was_seen_before_or_without_tls_is_none",),
    ),
    Bug(
        "persons_take_no_time",
        "a cutover begins that cannot be rolled back inside its window",
        "fleet/services/cutovers/actions.py",
        "window.point_of_no_return(ends, terminals, measured, by_hand)",
        "window.point_of_no_return(ends, terminals, measured)",
        (SERVICE + "test_the_window_must_hold_the_time_of_persons",),
    ),
    Bug(
        "the_person_ticks_back",
        "the lab's person unticks Secured in place of putting every byte back, which hides a rollback that is not exact",
        "fleet/management/demo/person.py",
        "            files.write(path, kept.read_bytes())\n            return\n",
        "            pass\n",
        (PERSON + "test_in_a_rollback_every_byte_comes_back",),
    ),
)
