"""An address as a picture that a phone's camera reads."""

import segno
from django.utils.safestring import SafeString, mark_safe


def svg(address: str) -> SafeString:
    """The QR code of this address as SVG for a page: black on white, whatever the page's colours are."""
    code = segno.make(address, error="m", micro=False)
    # Nothing of the address is in the markup, only its modules as a path.
    return mark_safe(code.svg_inline(scale=4, dark="#000", light="#fff", svgclass="qr"))  # noqa: S308
