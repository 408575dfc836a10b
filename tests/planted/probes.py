"""Bugs of learning and using a site's dialect: docs/probes.md."""

from tests.planted.bug import Bug

VALIDATOR = "tests/probes/test_validator.py::"
ASKING = "tests/probes/test_asking.py::"
PROPOSAL = "tests/probes/test_proposal.py::"
RELAY = "tests/probes/test_relay.py::"

PROBES = (
    Bug(
        "probe_names_a_host",
        "a profile sends a terminal's request to another host",
        "agents/probes/grammar.py",
        '_PATH = re.compile(rf"/(?!/)(?:',
        '_PATH = re.compile(rf"/(?:',
        (VALIDATOR + "test_a_path_is_a_path_and_nothing_else",),
    ),
    Bug(
        "probe_sets_the_length",
        "a profile moves the end of the request, and smuggles a second one",
        "agents/probes/grammar.py",
        "    if name.lower() in OURS:\n",
        "    if name in OURS:\n",
        (VALIDATOR + "test_headers_of_the_connection_are_not_a_profiles",),
    ),
    Bug(
        "member_is_not_quoted",
        "a member number becomes another path",
        "agents/probes/filling.py",
        'quote(value, safe="")',
        "value",
        (ASKING + "test_a_value_stays_a_value",),
    ),
    Bug(
        "xml_is_not_escaped",
        "a member number becomes an element of its own",
        "agents/probes/filling.py",
        '        return escape(value, {\'"\': "&quot;", "\'": "&apos;"})\n',
        "        return value\n",
        (ASKING + "test_a_value_stays_a_value",),
    ),
    Bug(
        "slow_patterns_pass",
        "a profile keeps an agent busy for years",
        "agents/probes/pattern.py",
        "        ways *= most - least + 1\n",
        "        ways += most - least\n",
        (ASKING + "test_the_slowest_patterns_that_are_allowed_take_moments",),
    ),
    Bug(
        "access_code_is_written_down",
        "an access code stands in the profile that a recording made",
        "agents/probes/recording/masking.py",
        '    coded, codes = _ACCESS_CODE.subn(lambda match: match[1] + "{access_code}", text)\n',
        "    coded, codes = text, 0\n",
        (PROPOSAL + "test_soap_with_an_access_code",),
    ),
    Bug(
        "a_post_once_is_a_read",
        "a request that changes something is proposed as a proof, and sent at every till",
        "agents/probes/recording/proposal.py",
        "            if typed in one.numbers and one.probe.method in grammar.READS:\n",
        "            if typed in one.numbers:\n",
        (PROPOSAL + "test_what_is_missing_is_said",),
    ),
    Bug(
        "relay_does_not_pass_on_the_end",
        "a terminal at the relay waits for a response that ends with the connection",
        "agents/probes/recording/relay.py",
        "    if writer.can_write_eof():\n        writer.write_eof()\n",
        "",
        (RELAY + "test_a_response_that_ends_with_the_connection",),
    ),
    Bug(
        "a_bomb_is_unpacked",
        "a small gzip body takes all memory of the computer that records",
        "agents/probes/recording/exchanges.py",
        "reader.decompress(body, MAX_KEPT)",
        "reader.decompress(body)",
        (RELAY + "test_a_gzip_bomb_is_not_unpacked",),
    ),
    Bug(
        "http_sys_speaks_for_the_service",
        "a port whose service is down counts as answered by it",
        "agents/probes/httpsys.py",
        "    return status == 503 and not body and bool(_SERVER.match(server))\n",
        "    return False\n",
        (ASKING + "test_what_http_sys_says_by_itself_is_told_apart",),
    ),
    Bug(
        "http_sys_proves_the_service",
        "Windows answers 503 by itself, and a terminal counts as working",
        "agents/hosts/asking.py",
        "    if alone and (asked.probe is None or told.missed):\n",
        "    if alone and asked.probe is not None and told.missed:\n",
        ("tests/agents/test_asking.py::test_a_transport_proof_takes_any_response_that_the_service_itself_gave",),
    ),
    Bug(
        "wrong_answer_is_a_proof",
        "a response that the profile does not expect counts as a lookup",
        "agents/hosts/asking.py",
        "    if told.missed is None:\n        return\n",
        "    if told.status < 400:\n        return\n",
        ("tests/agents/test_asking.py::test_an_application_proof_takes_what_the_profile_expects",),
    ),
    Bug(
        "weaker_proof_is_taken",
        "a terminal proves the transport where the plan promised a lookup",
        "fleet/cutover/proofs.py",
        "        if not of_application:\n",
        "        if of_application is None:\n",
        ("tests/services/test_claims.py::test_done_without_a_proof_is_not_verified",),
    ),
    Bug(
        "any_status_is_taken",
        "an agent says that the response matched, with a status that cannot match",
        "fleet/cutover/proofs.py",
        'if evidence["status"] != (wanted.interfaces if interfaces else wanted.member):',
        'if evidence["status"] is None:',
        ("tests/services/test_claims.py::test_done_without_a_proof_is_not_verified",),
    ),
    Bug(
        "profile_changes_in_the_night",
        "a cutover asks by another profile than the one that was approved",
        "fleet/services/cutovers/instructions.py",
        "versions.text_of(cutover.probe)",
        "versions.text_of(versions.current(cutover.site))",
        ("tests/services/test_probes.py::test_a_cutover_keeps_the_profile_that_it_was_scheduled_with",),
    ),
)
