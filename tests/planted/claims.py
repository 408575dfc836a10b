"""Bugs in what the dashboard believes of an agent, in the reasons that it keeps, and in what one site may do to others."""

from tests.planted.bug import Bug

CLAIMS = "tests/services/test_claims.py::"
CAUSES = "tests/services/test_causes.py::"

BELIEF = (
    Bug(
        "done_without_evidence_believed",
        "a till that answers done without having done it is verified",
        "fleet/services/cutovers/report_taker.py",
        'doubt = self._doubt(run, report, asked) if report.outcome == "done" else None',
        "doubt = None",
        (CLAIMS + "test_done_without_a_proof_is_not_verified",),
    ),
    Bug(
        "another_certificate_believed",
        "a lookup that met another certificate than the plan's counts as a proof",
        "fleet/cutover/proofs.py",
        "if expected.thumbprint and thumbprint != expected.thumbprint:",
        "if False:",
        (CLAIMS + "test_done_without_a_proof_is_not_verified",),
    ),
    Bug(
        "report_without_an_instruction_taken",
        "a report that answers nothing we asked is kept",
        "fleet/services/cutovers/reports.py",
        "if asked is not None and _fits(report, asked):",
        "if (asked := asked or next(iter(known.values()), None)) is not None:",
        (CLAIMS + "test_a_report_that_answers_no_instruction_is_dropped_and_counted",),
    ),
    Bug(
        "duration_unbounded",
        "a step took as long as its agent says",
        "fleet/services/cutovers/report_taker.py",
        "row.took_ms = min(max(report.took_ms, 0), self._waited_ms(asked), 2**31 - 1)",
        "row.took_ms = min(max(report.took_ms, 0), 2**31 - 1)",
        (CLAIMS + "test_durations_and_times_stay_between_asking_and_answering",),
    ),
    Bug(
        "time_unbounded",
        "a step was done when its agent says, in whichever century",
        "fleet/services/cutovers/report_taker.py",
        "        return min(max(ms, low), high)\n",
        "        return ms\n",
        (CLAIMS + "test_durations_and_times_stay_between_asking_and_answering",),
    ),
    Bug(
        "forecast_by_the_slowest",
        "one till that took for ever keeps every later night from starting",
        "fleet/services/cutovers/timings.py",
        "{name: statistics.median(values) for name, values in seconds.items()}",
        "{name: max(values) * 1000 for name, values in seconds.items()}",
        (CLAIMS + "test_one_terminal_that_took_for_ever_does_not_keep_the_next_night_from_starting",),
    ),
    Bug(
        "no_second_lookup",
        "a verified terminal is never asked again",
        "fleet/cutover/plan.py",
        'return [Ask(due, "verify")] if due else []',
        "return []",
        (CLAIMS + "test_every_terminal_is_asked_once_more_and_stays_verified",),
    ),
    Bug(
        "inventory_not_compared",
        "a till whose own inventory says otherwise stays verified",
        "fleet/services/cutovers/second_lookup.py",
        "if told is not None and told != wanted:",
        "if False:",
        (CLAIMS + "test_an_inventory_that_says_otherwise_contradicts",),
    ),
    Bug(
        "server_not_asked",
        "a till that the server has never answered stays verified",
        "fleet/services/cutovers/second_lookup.py",
        "if row and row.scheme",
        "if True or row.scheme",
        (CLAIMS + "test_a_till_that_the_server_never_answered_contradicts",),
    ),
    Bug(
        "an_instruction_ends_twice",
        "a till that failed says later that it has not, and is believed",
        "fleet/services/cutovers/report_taker.py",
        "            if asked.finished_at is not None:\n                return  # it has ended before, and ends once\n",
        "",
        (CLAIMS + "test_an_instruction_ends_once_whatever_is_said_later",),
    ),
    Bug(
        "last_number_believed",
        "a till that says the last number of all is never heard again",
        "fleet/services/cutovers/reports.py",
        "if report.n > agent.acked + MOST_AHEAD:",
        "if False:",
        (CLAIMS + "test_the_last_number_there_is_silences_nobody",),
    ),
    Bug(
        "refusing_agent_not_named",
        "an agent that refuses every instruction is not shown before the night",
        "fleet/services/cutovers/report_taker.py",
        "alarms.sound([asked.agent_id], alarms.refused(finding), self.locked.now)",
        "pass",
        (CLAIMS + "test_an_agent_that_refuses_what_we_sign_is_named_until_it_obeys",),
    ),
)
REASONS = (
    Bug(
        "cause_overwritten",
        "what first stopped a cutover is forgotten for what came later",
        "fleet/services/cutovers/engine.py",
        "if self.cutover.cause is None and (cause or finding):",
        "if cause or finding:",
        (CAUSES + "test_the_first_cause_stays_whatever_comes_after",),
    ),
    Bug(
        "finding_lost_by_restore",
        "a device that failed and was put back does not say why any more",
        "fleet/services/cutovers/engine.py",
        "if finding is None and to in (Run.UNDOING, Run.RESTORED):",
        "if False:",
        (CAUSES + "test_an_automatic_rollback_keeps_its_cause_and_the_devices_finding",),
    ),
    Bug(
        "cut_off_ends_with_failure",
        "the clock of a failed terminal never begins",
        "fleet/services/cutovers/cut_off.py",
        'fresh = [run for run in runs if run.kind == "terminal" and run.cut_off_since is None]',
        'fresh = [run for run in runs if run.kind == "server"]',
        (CAUSES + "test_a_failed_terminals_clock_runs_on_until_it_is_served_again",),
    ),
)
APART = (
    Bug(
        "tick_stopped_by_one_site",
        "one site that fails stops the clocks of all others",
        "fleet/services/trouble.py",
        "    except (OperationalError, InterfaceError):\n        raise\n    except Exception as error:\n",
        "    except (OperationalError, InterfaceError):\n        raise\n    except ZeroDivisionError as error:\n",
        (CAUSES + "test_a_site_that_fails_does_not_stop_the_tick_of_others",),
    ),
    Bug(
        "failed_reports_acknowledged",
        "reports that could not be taken are forgotten by their agents",
        "fleet/services/cutovers/reports.py",
        "agents[agent_id].acked = min(agents[agent_id].acked, report.n - 1)",
        "pass",
        (CAUSES + "test_reports_that_fail_at_one_site_are_kept_for_it_and_taken_at_the_other",),
    ),
)
CLAIMED: tuple[Bug, ...] = (*BELIEF, *REASONS, *APART)
