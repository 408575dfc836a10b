"""What an admin tells the Readiness page about the site. It is used for advice and estimates, and not stored."""

from django import forms

from fleet.preflight.site.advice import Answers

LOOKUPS, HOURS = 1000, 12


def _says(text: str) -> dict[str, str]:
    return dict.fromkeys(("invalid", "min_value", "max_value"), text)


class SiteForm(forms.Form):
    """An empty field counts as its default; a wrong value gets an error at its field."""

    lookups = forms.IntegerField(
        label="Lookups per hour",
        min_value=1,
        max_value=10_000_000,
        required=False,
        error_messages=_says("Lookups per hour: a whole number from 1 to 10,000,000."),
    )
    hours = forms.IntegerField(
        label="Hours a day",
        min_value=1,
        max_value=24,
        required=False,
        error_messages=_says("Hours a day: a whole number from 1 to 24."),
    )
    same_lan = forms.BooleanField(label="Terminals and server are on one network of the venue", required=False)
    wifi_apart = forms.BooleanField(label="Guest Wi-Fi is a separate network", required=False)
    vpn = forms.BooleanField(label="Terminals reach the server through a VPN", required=False)

    def load(self) -> tuple[int, int]:
        """(lookups per hour, hours a day)."""
        data = getattr(self, "cleaned_data", {})
        return data.get("lookups") or LOOKUPS, data.get("hours") or HOURS

    def answers(self) -> Answers | None:
        """The ticked boxes; None before the form was sent."""
        if not self.data.get("asked"):
            return None
        data = getattr(self, "cleaned_data", {})
        return Answers(*(bool(data.get(name)) for name in ("same_lan", "wifi_apart", "vpn")))
