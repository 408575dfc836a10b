"""The plan form: what a person types -> a Plan, with every error at its field."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from django import forms

from fleet.cutover.waves import DEFAULT, Wave
from fleet.models import Site
from fleet.services.cutovers.planning import MAX_BY_HAND_MINUTES, Plan
from fleet.services.errors import Invalid
from fleet.web.labels import zone_of
from fleet.web.local_time import LocalTimeError, to_utc

NEWEST = "newest"
WAVE_ROWS = 4
ON_CLOSE = (
    ("hold", "Hold", "Stop and wait for an operator. Terminals that have switched stay on the new scheme."),
    ("roll_back", "Roll back", "Restore everything while that still fits into the window. Ends before the window closes."),
    ("finish", "Finish", "Continue to the end, even after the window closes. No terminal is left half-way."),
)
ON_THRESHOLD = (
    ("roll_back", "Roll back", "Restore the server and the terminals automatically."),
    ("pause", "Pause", "Stop and wait for an operator: fix the cause, then Resume or Roll back."),
)


class WaveForm(forms.Form):
    """One row of the waves: how many terminals, and how many of them may fail. An empty row is not used."""

    amount = forms.IntegerField(required=False, min_value=1, max_value=100_000)
    unit = forms.ChoiceField(required=False, choices=[("size", "terminals"), ("percent", "% of all")])
    allowed = forms.IntegerField(required=False, min_value=0, max_value=100_000)
    allowed_unit = forms.ChoiceField(required=False, choices=[("max_failed", "may fail"), ("max_failed_percent", "% may fail")])

    def wave(self) -> Wave | None:
        """This row as a Wave; None where it is empty."""
        data = self.cleaned_data
        if data.get("amount") is None:
            return None
        limit = {data.get("allowed_unit") or "max_failed": data.get("allowed") or 0}
        return Wave(**{data.get("unit") or "size": data["amount"]}, **limit)


class PlanForm(forms.Form):
    """The plan form without the waves, each of which is a WaveForm. sites: those that can be chosen."""

    site = forms.ChoiceField(error_messages={"required": "Choose a site.", "invalid_choice": "There is no such site."})
    to_scheme = forms.ChoiceField(label="To", choices=[("https", "HTTPS (secured)"), ("http", "HTTP")])
    starts = forms.ChoiceField(choices=[("now", "Now"), ("at", "At")], initial="now")
    starts_at = forms.DateTimeField(label="Local time", required=False, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
    which = forms.ChoiceField(
        label="Which one", required=False, choices=[("", "Choose"), ("first", "The first"), ("second", "The second")]
    )
    duration_minutes = forms.IntegerField(label="Duration (minutes)", initial=60, min_value=1, max_value=1440)
    on_threshold = forms.ChoiceField(label="If too many fail", initial="roll_back", choices=[c[:2] for c in ON_THRESHOLD])
    on_window_close = forms.ChoiceField(label="When the window closes", initial="hold", choices=[c[:2] for c in ON_CLOSE])
    certificate = forms.CharField(required=False, max_length=40)
    exclude = forms.CharField(label="Exclude terminals", required=False, max_length=200_000, strip=False)
    note = forms.CharField(required=False, max_length=500)
    by_hand_minutes = forms.IntegerField(
        label="Minutes for each device by hand", required=False, initial=15, min_value=1, max_value=MAX_BY_HAND_MINUTES
    )

    def __init__(self, data: Any = None, *, sites: Sequence[Site], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.sites = {str(site.pk): site for site in sites}
        self.fields["site"].choices = [(key, site.name) for key, site in self.sites.items()]  # type: ignore[attr-defined]
        self.ambiguous = False
        self.zone: dt.tzinfo = dt.UTC
        self.waves = [WaveForm(data, prefix=f"wave{i}", initial=_initial_wave(i)) for i in range(WAVE_ROWS)]

    def clean_site(self) -> Site:
        """The site itself instead of its number."""
        return self.sites[self.cleaned_data["site"]]

    @property
    def chosen_site(self) -> Site | None:
        """The site that is chosen so far, also in a form that is not valid; without a choice the first one."""
        first = next(iter(self.sites.values()), None)
        return self.sites.get(str(self["site"].value() or ""), first)

    def full_clean(self) -> None:
        """Django calls this once. The start time can be checked only here: it needs the zone, and so the site."""
        super().full_clean()
        if not self.is_bound:
            return
        data = self.cleaned_data
        if site := data.get("site"):
            self.zone = zone_of(site.zone)
        if data.get("starts") == "at":
            self._moment(data)
        if not all(w.is_valid() for w in self.waves):
            self.add_error(None, "Check the highlighted wave.")

    def _moment(self, data: dict[str, Any]) -> None:
        local = data.get("starts_at")
        if local is None:
            if "starts_at" not in self.errors:
                self.add_error("starts_at", "Choose a date and a time, or Now.")
            return
        try:
            data["moment"] = to_utc(local.replace(tzinfo=None), self.zone, data.get("which") or "")
        except LocalTimeError as error:
            self.ambiguous = error.ambiguous
            self.add_error("starts_at", str(error))
        except OverflowError:
            self.add_error("starts_at", "This date is out of range.")

    def plan(self) -> Plan:
        """The Plan of a valid form."""
        data = self.cleaned_data
        chosen = data["certificate"].strip()
        return Plan(
            site_id=data["site"].pk,
            to_scheme=data["to_scheme"],
            starts_at=data.get("moment") if data["starts"] == "at" else None,
            duration_minutes=data["duration_minutes"],
            waves=self.chosen_waves(),
            on_window_close=data["on_window_close"],
            on_threshold=data["on_threshold"],
            exclude=names_in(data["exclude"]),
            certificate_thumbprint="" if chosen in ("", NEWEST) else chosen,
            note=data["note"],
            by_hand_minutes=data.get("by_hand_minutes") or 15,
        )

    def chosen_waves(self) -> tuple[Wave, ...]:
        """The waves of all filled rows; none means the default waves."""
        rows = [w.wave() for w in self.waves if w.is_valid()]
        return tuple(w for w in rows if w)

    def service_errors(self, refusal: Invalid) -> None:
        """Show each error of the service at its field."""
        names = {"certificate_thumbprint": "certificate"}
        used = [w for w in self.waves if w.is_valid() and w.wave()]
        for path, message in refusal.errors:
            field = names.get(path, path)
            text = f"{message[:1].upper()}{message[1:]}."
            if wave := re.match(r"waves\[(\d+)\]", path):
                row = used[int(wave[1])]
                row.add_error("allowed" if "max_failed" in path else "amount", text)
                self.add_error(None, f"Wave {self.waves.index(row) + 1}: {message}.")
            else:
                field = field.split("[")[0]
                self.add_error(field if field in self.fields else None, text)


def names_in(text: str) -> tuple[str, ...]:
    """Terminal names, one a line or separated by commas."""
    return tuple(dict.fromkeys(n.strip() for n in re.split(r"[\n\r,]", text) if n.strip()))


def _initial_wave(i: int) -> dict[str, Any]:
    if i >= len(DEFAULT):
        return {"unit": "percent", "allowed_unit": "max_failed_percent"}
    wave = DEFAULT[i]
    by_size = wave.size is not None
    return {
        "amount": wave.size if by_size else wave.percent,
        "unit": "size" if by_size else "percent",
        "allowed": wave.max_failed if wave.max_failed is not None else wave.max_failed_percent,
        "allowed_unit": "max_failed" if wave.max_failed is not None else "max_failed_percent",
    }
