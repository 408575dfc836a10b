"""`manage.py parse_netsh sslcert|urlacl [--encoding E] < bytes`: what netsh printed, as JSON. See docs/preflight.md."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.hosts import netsh_text

MOST_BYTES = 16 * 1024 * 1024


class Command(BaseCommand):
    """Reads stdin, prints one JSON object. Touches nothing else."""

    help = "Reads the output of `netsh http show sslcert` or `show urlacl` by the shape of its values, in any language."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["sslcert", "urlacl"])
        parser.add_argument("--encoding", default="utf-8", help="of the bytes; the OEM code page on Windows, such as cp850")

    def handle(self, *args: Any, **options: Any) -> None:
        data = sys.stdin.buffer.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise CommandError(f"more than {MOST_BYTES} bytes", returncode=2)
        text = _decode(data, options["encoding"])
        self.stdout.write(json.dumps(_bindings(text) if options["what"] == "sslcert" else _reservations(text)))


def _decode(data: bytes, encoding: str) -> str:
    """All that is needed is ASCII, so a byte that does not fit is replaced and does no harm."""
    try:
        return data.decode(encoding, errors="replace")
    except LookupError as error:
        raise CommandError(f"--encoding: {encoding!r} is no encoding of text", returncode=2) from error


def _bindings(text: str) -> dict[str, Any]:
    parsed = netsh_text.parse_sslcert(text)
    rows = [{"endpoint": row.endpoint, "certhash": row.certhash, "appid": row.appid, "store": row.store} for row in parsed.rows]
    return {"rows": rows, "certain": parsed.certain}


def _reservations(text: str) -> dict[str, Any]:
    parsed = netsh_text.parse_urlacl(text)
    return {"rows": [{"url": row.url, "sddl": row.sddl} for row in parsed.rows], "certain": parsed.certain}
