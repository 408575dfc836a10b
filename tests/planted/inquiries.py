"""Bugs of what a person asks a device on the Site page: docs/probes.md."""

from tests.planted.bug import Bug

AGENT = "tests/agents/test_inquiries.py::"
DASHBOARD = "tests/services/test_inquiries.py::"
FINDING = "tests/lab/test_finding.py::"

INQUIRIES = (
    Bug(
        "inquiry_without_a_signature",
        "anybody on the way makes a terminal listen",
        "agents/identity.py",
        "        if not self.verify(body, signature):\n",
        "        if not signature:\n",
        (AGENT + "test_what_is_not_beyond_doubt_has_no_answer",),
    ),
    Bug(
        "inquiry_does_not_give_way",
        "a recording goes on in the middle of a cutover",
        "agents/inquiries/inquiries.py",
        "            self._end_task()\n            self._answer(inquiry, {}, _BUSY)\n",
        "            self._answer(inquiry, {}, _BUSY)\n",
        (AGENT + "test_an_instruction_ends_a_recording",),
    ),
    Bug(
        "terminal_listens_to_everybody",
        "a terminal has an open port in the venue's network",
        "agents/inquiries/recording.py",
        "relay.open(_OWN if self._own else None, 0)",
        "relay.open(None, 0)",
        (AGENT + "test_only_the_terminals_own_touch_can_come",),
    ),
    Bug(
        "anything_is_adopted",
        "a signed message sets what no agent has found",
        "agents/inquiries/adopting.py",
        '        if found is None or found.state in ("told", "fixed"):\n',
        '        if found is not None and found.state in ("told", "fixed"):\n',
        (AGENT + "test_nothing_else_is_kept",),
    ),
    Bug(
        "found_overrides_the_configuration",
        "what was confirmed on a page counts more than what the admin wrote on the device",
        "agents/config.py",
        '    data = {**found(base, "server" if role == "server" else "terminal"), **data}\n',
        '    data = {**data, **found(base, "server" if role == "server" else "terminal")}\n',
        (AGENT + "test_what_was_confirmed_counts_where_the_configuration_says_nothing",),
    ),
    Bug(
        "settings_with_entities_are_read",
        "a small file beside the service becomes a huge text in the agent",
        "agents/hosts/finding/documents.py",
        "        parser.StartDoctypeDeclHandler = _doctype\n",
        "",
        (FINDING + "test_what_is_no_settings_file_is_passed_over",),
    ),
    Bug(
        "an_older_answer_counts",
        "an answer that comes late takes back a newer one",
        "fleet/services/probes/inquiries.py",
        "asked.filter(action=answer.action, heard__lt=answer.n)",
        "asked.filter(action=answer.action)",
        (DASHBOARD + "test_a_doubled_an_older_and_a_late_answer_change_nothing",),
    ),
    Bug(
        "anybody_answers_an_inquiry",
        "one terminal proposes the profile that another one was asked for",
        "fleet/services/probes/inquiries.py",
        "    asked = asked.filter(agent__in=Agent.objects.admitted().filter(pk=agent_id))\n",
        "",
        (DASHBOARD + "test_nobody_answers_for_another_or_what_was_not_asked",),
    ),
    Bug(
        "what_was_not_found_is_confirmed",
        "a form sets what no device has found",
        "fleet/services/probes/inquiries.py",
        "    if any(pair not in proposed for pair in settings):\n",
        "    if not proposed:\n",
        (DASHBOARD + "test_nothing_else_can_be_confirmed",),
    ),
    Bug(
        "put_back_what_is_there_now",
        "the page tells a person to put the recording's own port back into Touch",
        "fleet/services/probes/inquiries.py",
        '    was = {"was_host": terminal.host, "was_port": terminal.port} if terminal else {}\n',
        "    was: dict[str, Any] = {}\n",
        ("tests/web/test_site_page.py::test_what_to_put_back_is_what_was_there_when_it_began",),
    ),
)
