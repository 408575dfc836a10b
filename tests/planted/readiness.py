"""Bugs before a cutover: rehearsals, readiness, and what is checked once more before anything is stopped."""

from tests.planted.bug import Bug

REHEARSALS = "tests/services/test_rehearsals.py::"
GATE = "tests/services/test_gate.py::"

READINESS: tuple[Bug, ...] = (
    Bug(
        "no_gate",
        "a cutover is approved without the rehearsal that its site requires",
        "fleet/services/cutovers/actions.py",
        "    if why := readiness.why_not(cutover, thumbprint, now):\n        raise Conflict(why)\n",
        "",
        (GATE + "test_none_at_all", GATE + "test_approving_asks_the_same"),
    ),
    Bug(
        "answer_for_another",
        "an agent answers for another site's terminal",
        "fleet/services/rehearsals/lifecycle.py",
        "Agent.objects.admitted().filter(pk=agent_id)",
        "Agent.objects.admitted()",
        (REHEARSALS + "test_answers_that_nobody_asked_for_change_nothing",),
    ),
    Bug(
        "first_answer_overwritten",
        "a second answer replaces the first, which said that the terminal is not ready",
        "fleet/services/rehearsals/lifecycle.py",
        "action=answer.action, answered_at__isnull=True)",
        "action=answer.action)",
        (REHEARSALS + "test_the_first_answer_counts",),
    ),
    Bug(
        "stopped_for_a_lost_certificate",
        "the service is stopped before the agent checks that the certificate is still there",
        "agents/steps/server.py",
        "        httpsys.check_certificate(ctx)\n        await httpsys.check_port(ctx)\n        return {",
        "        await httpsys.check_port(ctx)\n        return {",
        ("tests/agents/test_certificate_swaps.py::test_it_is_found_before_the_service_is_stopped",),
    ),
    Bug(
        "second_reader_ignored",
        "netsh and the registry disagree, and the server is armed anyway",
        "agents/steps/httpsys.py",
        "    httpsys_registry.compare(httpsys_registry.read(), port, bindings, reservations)\n",
        "",
        ("tests/agents/test_httpsys_registry.py::test_a_server_whose_readers_disagree_is_not_armed",),
    ),
    Bug(
        "any_digits",
        "a port with digits of another script reaches netsh",
        "agents/hosts/netsh_values.py",
        ':([0-9]{{1,5}})(/.*)?',
        ':(\\d{{1,5}})(/.*)?',
        ("tests/agents/test_hostile_values.py::test_digits_of_other_scripts_are_refused",),
    ),
)  # fmt: skip
