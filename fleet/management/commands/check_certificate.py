"""`manage.py check_certificate`: is this certificate suitable for these terminals? See docs/preflight.md."""

import base64
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fleet.management.preflight.guard import CannotStart, Guard, Internal, Reply
from fleet.management.preflight.limits import FILE_BYTES, LINE_BYTES, PASSWORD_BYTES
from fleet.management.preflight.lines import Source, chunks
from fleet.preflight.certificate.batch import BadRequest, moment_of, parse_line, refusal
from fleet.preflight.certificate.codes import Code
from fleet.preflight.certificate.findings import Profile

NOT_SUITABLE, UNUSABLE, INTERNAL, TIME_LIMIT = 1, 2, 3, 4


class Command(BaseCommand):
    """Reads files, gives them to the checking process, prints its answer. Uses no database, broker or network."""

    help = (
        "Checks a server certificate as terminals will. Exit: 0 suitable, 1 not, 2 unusable arguments, "
        "3 internal error, 4 time limit. With --batch: JSON lines in, JSON lines out."
    )
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--leaf", help="the server's certificate: PEM, DER, P7B or PFX")
        parser.add_argument("--chain", action="append", default=[], help="more certificates that the server sends; repeatable")
        parser.add_argument("--key", help="the private key, if it is in a file of its own")
        parser.add_argument("--password-file", help="a file whose first line opens the PFX or the key")
        parser.add_argument("--roots", action="append", default=[], help="the terminals' roots; repeatable")
        parser.add_argument("--host", action="append", default=[], help="a terminal's host, exactly as typed there; repeatable")
        parser.add_argument("--at", action="append", default=[], help="a moment, ISO 8601, UTC without offset; repeatable")
        parser.add_argument("--profile", choices=[profile.value for profile in Profile], default=Profile.TERMINALS.value)
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")
        parser.add_argument("--batch", action="store_true", help="JSON lines on stdin, an answer each on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        task = None if options["batch"] else _task(options)  # Before the process starts: unusable arguments need none.
        try:
            with Guard() as guard:
                if task is None:
                    self._batch(guard, cast("Source", sys.stdin.buffer))
                else:
                    self._one(guard, task, as_json=options["json"])
        except (CannotStart, Internal) as error:
            raise CommandError(f"internal error: {error}", returncode=INTERNAL) from error

    def _one(self, guard: Guard, task: dict[str, Any], *, as_json: bool) -> None:
        if refused := task.get("refused"):
            reply = Reply(json.dumps(refused), cut_off=False)
        else:
            reply = guard.ask_files(json.dumps(task).encode())
        answer = json.loads(reply.json)
        self.stdout.write(reply.json if as_json else _as_text(answer))
        if reply.cut_off:
            sys.exit(TIME_LIMIT)
        if not answer["suitable"]:
            sys.exit(NOT_SUITABLE)

    def _batch(self, guard: Guard, source: Source) -> None:
        faults = 0
        for lines in chunks(source):
            replies = guard.ask_lines([line for line in lines if line is not None])
            for line in lines:
                reply = _too_long() if line is None else next(replies)
                faults += isinstance(reply, Internal)
                self.stdout.write(_answer(line, reply))
                self.stdout.flush()
        if faults:
            raise CommandError(f"internal error: {faults} lines could not be judged", returncode=INTERNAL)


def _too_long() -> Reply:
    return Reply(json.dumps(refusal(Code.BAD_REQUEST, f"the line is longer than {LINE_BYTES} bytes")), cut_off=False)


def _answer(line: bytes | None, reply: Reply | Internal) -> str:
    """The JSON for one line, with the `id` of the line: a process that was killed could not add it."""
    if isinstance(reply, Reply) and not reply.cut_off:
        return reply.json
    if isinstance(reply, Reply):
        answer = json.loads(reply.json)
    else:
        answer = refusal(Code.MALFORMED_INPUT, f"it could not be judged: {reply}")
    try:
        answer["id"] = parse_line(line or b"").identifier
    except BadRequest:
        return json.dumps(answer)
    return json.dumps(answer)


def _task(options: dict[str, Any]) -> dict[str, Any]:
    """The task for the checking process, or `refused` with an answer that needs none. Raises CommandError with exit code 2."""
    if not options["leaf"]:
        raise CommandError("--leaf: the server's certificate is needed", returncode=UNUSABLE)
    if not options["roots"]:
        raise CommandError("--roots: the terminals' roots are needed", returncode=UNUSABLE)
    if refused := _too_large(options):
        return {"refused": refused}
    return {
        "leaf": _file("--leaf", options["leaf"]),
        "chain": [_file("--chain", path) for path in options["chain"]],
        "key": _file("--key", options["key"]) if options["key"] else None,
        "roots": [_file("--roots", path) for path in options["roots"]],
        "password": _password(options["password_file"]),
        "hosts": [_text("--host", host) for host in options["host"]],
        "times": [_moment(text) for text in options["at"]] or [dt.datetime.now(dt.UTC).isoformat()],
        "profile": options["profile"],
    }


def _too_large(options: dict[str, Any]) -> dict[str, Any] | None:
    """A file that is too large for a certificate is not read. That is a verdict about the input, as for any other
    unreadable file."""
    named = [("--leaf", options["leaf"]), ("--key", options["key"])]
    named += [("--chain", path) for path in options["chain"]] + [("--roots", path) for path in options["roots"]]
    for field, path in named:
        if path and Path(path).is_file() and (size := Path(path).stat().st_size) > FILE_BYTES:
            message = (
                f"{field} {path}: {size / 2**20:.1f} MB is too large for certificates; the limit is {FILE_BYTES // 2**20} MB"
            )
            return refusal(Code.MALFORMED_INPUT, message)
    return None


def _file(field: str, path: str) -> dict[str, str]:
    return {"what": _text(field, f"{field} {path}"), "data": base64.b64encode(_read(field, path, FILE_BYTES)).decode()}


def _read(field: str, path: str, most: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"{field}: {path} cannot be read: {why}", returncode=UNUSABLE) from error
    if len(data) > most:
        raise CommandError(f"{field}: {path} has more than {most} bytes", returncode=UNUSABLE)
    return data


def _password(path: str | None) -> str | None:
    if not path:
        return None
    lines = _read("--password-file", path, PASSWORD_BYTES).removeprefix(b"\xef\xbb\xbf").splitlines()
    return base64.b64encode(lines[0] if lines else b"").decode()


def _moment(text: str) -> str:
    try:
        return moment_of(text).isoformat()
    except ValueError as error:
        raise CommandError(f"--at: {text!r} is not an ISO 8601 time: {error}", returncode=UNUSABLE) from error


def _text(field: str, text: str) -> str:
    """Text from the command line. Bytes that are not UTF-8 arrive as lone surrogates."""
    return text.encode("utf-8", errors="replace").decode()


def _as_text(answer: dict[str, Any]) -> str:
    lines = ["SUITABLE" if answer["suitable"] else "NOT SUITABLE"]
    for finding in answer["findings"]:
        about = f" [{finding['cert']}]" if finding["cert"] else ""
        lines.append(f"{finding['severity']:7} {finding['code']}: {finding['message']}{about}\n        {finding['remedy']}")
    return "\n".join(lines)
