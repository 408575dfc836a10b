"""What every template gets."""

from django.http import HttpRequest


def csp_nonce(request: HttpRequest) -> dict[str, str]:
    """The nonce of this response's Content-Security-Policy, under the name that django-htmx looks for."""
    return {"csp_nonce": str(getattr(request, "csp_nonce", ""))}
