"""Checks what a person asked for, and keeps it as a draft."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from fleet.cutover import waves as wave_rules
from fleet.cutover.snapshot import OnClose, OnThreshold
from fleet.cutover.window import ends_at
from fleet.models import Cutover, Device, Role, Site, role_of
from fleet.services import certificates
from fleet.services.errors import Forbidden, Invalid

MAX_WAVES = 100
MAX_BY_HAND_MINUTES = 240


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person asks for."""

    site_id: int
    to_scheme: str = "https"
    starts_at: dt.datetime | None = None  # None: when it is approved
    duration_minutes: int = 60
    waves: Sequence[wave_rules.Wave] = ()  # empty: a canary of one terminal, then all others
    on_window_close: OnClose = "hold"
    on_threshold: OnThreshold = "roll_back"
    exclude: Sequence[str] = ()  # names of terminals that take no part
    certificate_thumbprint: str = ""  # "": the newest certificate of the server's store that has a key
    note: str = ""
    by_hand_minutes: int = 15  # how long a person may take for one terminal by hand


def create(user, plan: Plan, now: dt.datetime) -> Cutover:  # type: ignore[no-untyped-def]
    """Keep a plan as a draft. Raises Invalid with every wrong field, and Forbidden if the role may not plan."""
    if role_of(user) is not Role.ADMIN:
        raise Forbidden("only an admin plans a cutover")
    site = Site.objects.filter(pk=plan.site_id).first()
    if site is None:
        raise Invalid(("site", "there is no such site"))
    _check(site, plan, now)
    starts = plan.starts_at or now
    with transaction.atomic():
        return Cutover.objects.create(
            site=site,
            from_scheme="http" if plan.to_scheme == "https" else "https",
            to_scheme=plan.to_scheme,
            starts_now=plan.starts_at is None,
            starts_at=starts,
            duration_minutes=plan.duration_minutes,
            ends_at=ends_at(starts, plan.duration_minutes),
            on_window_close=plan.on_window_close,
            on_threshold=plan.on_threshold,
            waves=[wave_as_json(w) for w in plan.waves],
            exclude=sorted(set(plan.exclude)),
            certificate_thumbprint=plan.certificate_thumbprint.upper(),
            note=plan.note,
            by_hand_minutes=plan.by_hand_minutes,
            requested_by=user,
        )


def wave_as_json(wave: wave_rules.Wave) -> dict[str, int]:
    """A wave as the API writes it, without empty fields."""
    pairs = {
        "size": wave.size,
        "percent": wave.percent,
        "max_failed": wave.max_failed,
        "max_failed_percent": wave.max_failed_percent,
    }
    return {k: v for k, v in pairs.items() if v is not None}


def _check(site: Site, plan: Plan, now: dt.datetime) -> None:
    """Raises Invalid with everything that is wrong, not only with the first error."""
    errors: list[tuple[str, str]] = []
    if plan.to_scheme not in ("http", "https"):
        errors.append(("to_scheme", "must be http or https"))
    if not 1 <= plan.duration_minutes <= 1440:
        errors.append(("duration_minutes", "must be a whole number of minutes from 1 to 1440"))
    if plan.starts_at is not None:
        errors += _check_start(plan, now)
    if plan.on_window_close not in ("finish", "hold", "roll_back"):
        errors.append(("on_window_close", "must be finish, hold or roll_back"))
    if plan.on_threshold not in ("roll_back", "pause"):
        errors.append(("on_threshold", "must be roll_back or pause"))
    if not 1 <= plan.by_hand_minutes <= MAX_BY_HAND_MINUTES:
        errors.append(("by_hand_minutes", f"must be a whole number of minutes from 1 to {MAX_BY_HAND_MINUTES}"))
    errors += check_waves(plan.waves)
    errors += _check_excluded(site, plan.exclude)
    window_is_known = not {field for field, _ in errors} & {"duration_minutes", "starts_at"}
    errors += _check_thumbprint(site, plan, now, window_is_known)
    if errors:
        raise Invalid(*errors)


def _check_start(plan: Plan, now: dt.datetime) -> list[tuple[str, str]]:
    assert plan.starts_at is not None
    if plan.starts_at.tzinfo is None:
        return [("starts_at", "needs an offset, such as +10:00 or Z")]
    try:
        # A request takes a moment, so a caller's "now" may lie a little in the past.
        if plan.starts_at < now - dt.timedelta(seconds=5):
            return [("starts_at", "is in the past")]
        starts = plan.starts_at.astimezone(dt.UTC)
        # One day less than the calendar allows, so that every time zone can show the end.
        ends_at(starts, 1440 + max(1, min(plan.duration_minutes, 1440)))
    except OverflowError:
        return [("starts_at", "the window would end after the year 9999")]
    return []


def check_waves(waves: Sequence[wave_rules.Wave]) -> list[tuple[str, str]]:
    """What is wrong with these waves, as pairs of field path and message."""
    errors = []
    if len(waves) > MAX_WAVES:
        errors.append(("waves", f"must be at most {MAX_WAVES}"))
    for i, wave in enumerate(waves[:MAX_WAVES]):
        if (wave.size is None) == (wave.percent is None):
            errors.append((f"waves[{i}].size", "give either size or percent"))
        if wave.size is not None and not 1 <= wave.size <= 100_000:
            errors.append((f"waves[{i}].size", "must be a whole number from 1 to 100000"))
        if wave.percent is not None and not 1 <= wave.percent <= 100:
            errors.append((f"waves[{i}].percent", "must be a whole number from 1 to 100"))
        if wave.max_failed is not None and wave.max_failed_percent is not None:
            errors.append((f"waves[{i}].max_failed", "give either max_failed or max_failed_percent"))
        if wave.max_failed is not None and not 0 <= wave.max_failed <= 100_000:
            errors.append((f"waves[{i}].max_failed", "must be a whole number from 0 to 100000"))
        if wave.max_failed_percent is not None and not 0 <= wave.max_failed_percent <= 100:
            errors.append((f"waves[{i}].max_failed_percent", "must be a whole number from 0 to 100"))
    return errors


def _check_excluded(site: Site, names: Sequence[str]) -> list[tuple[str, str]]:
    known = set(site.devices.filter(kind=Device.Kind.TERMINAL).values_list("name", flat=True))
    if not known:
        return [("exclude", "cannot be checked: the site has no terminals; import them first")]
    errors = [(f"exclude[{i}]", f"the site has no terminal named {n[:40]!r}") for i, n in enumerate(names) if n not in known]
    if not errors and known <= set(names):
        return [("exclude", "leaves no terminal to switch")]
    return errors


def _check_thumbprint(site: Site, plan: Plan, now: dt.datetime, window_is_known: bool) -> list[tuple[str, str]]:
    """Errors of the thumbprint's form, and of the certificate itself: for its window, or for now if the window is wrong."""
    thumbprint = plan.certificate_thumbprint.upper() if plan.certificate_thumbprint.isascii() else "?"
    digits = sum(c in "0123456789ABCDEF" for c in thumbprint)
    if thumbprint and (len(thumbprint) != 40 or digits != 40):
        hint = "; two digits were lost in copying" if len(thumbprint) == digits == 38 else ""
        return [("certificate_thumbprint", f"must be 40 hex digits{hint}")]
    if plan.to_scheme != "https":
        return []
    starts = (plan.starts_at if window_is_known else None) or now
    ends = ends_at(starts, plan.duration_minutes) if window_is_known else now
    why = certificates.why_unfit(site, thumbprint, (starts, ends), now)
    return [("certificate_thumbprint", why)] if why else []
