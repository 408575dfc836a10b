"""The result of a check: findings, and the verdict that they make."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fleet.preflight.certificate.codes import RULES, Code, Severity

SCHEMA = 1


class Profile(StrEnum):
    """Which rules are errors. terminals: those that terminals enforce, the default. strict: also those that the CA/Browser
    Forum has for public CAs."""

    TERMINALS = "terminals"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class CertificateFinding:
    """One thing found."""

    code: Code
    message: str  # for an admin, about this certificate
    cert: str | None = None  # which certificate; None for the files as a whole

    @property
    def remedy(self) -> str:
        """What an admin should do about it."""
        return RULES[self.code].remedy

    def severity(self, profile: Profile) -> Severity:
        """How grave it is in this profile. Profile strict makes errors of what the CA/Browser Forum forbids."""
        rule = RULES[self.code]
        return Severity.ERROR if profile is Profile.STRICT and rule.forbidden_by_cabf else rule.severity

    @property
    def is_error(self) -> bool:
        """Whether terminals would refuse (profile `terminals`)."""
        return RULES[self.code].severity is Severity.ERROR


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about one certificate."""

    findings: tuple[CertificateFinding, ...]
    checked_at: tuple[dt.datetime, ...] = ()  # the moments it was checked for, UTC
    profile: Profile = field(default=Profile.TERMINALS)

    @property
    def suitable(self) -> bool:
        """True when no finding is an error; there is no other rule."""
        return all(finding.severity(self.profile) is not Severity.ERROR for finding in self.findings)

    def as_answer(self, identifier: Any = None) -> dict[str, Any]:
        """The answer as JSON values, as docs/preflight.md describes it. identifier: the request's `id`, unchanged."""
        return {
            "schema": SCHEMA,
            "id": identifier,
            "suitable": self.suitable,
            "checked_at": [moment.isoformat() for moment in self.checked_at],
            "findings": [
                {
                    "code": finding.code.value,
                    "severity": finding.severity(self.profile).value,
                    "message": finding.message,
                    "remedy": finding.remedy,
                    "cert": finding.cert,
                }
                for finding in self.findings
            ],
        }


def once(findings: Iterable[CertificateFinding]) -> tuple[CertificateFinding, ...]:
    """The same findings without doubles: errors first, then in the order in which they were found."""
    unique = dict.fromkeys(findings)
    ranks = list(Severity)
    return tuple(sorted(unique, key=lambda finding: ranks.index(RULES[finding.code].severity)))
