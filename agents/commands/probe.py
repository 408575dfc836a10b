"""`python -m agents probe record …`: learn a probe profile from what a terminal asks.
`python -m agents probe check FILE [--config agent.toml --member N]`: is this profile right, and does the server answer it?"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from pathlib import Path

import h11

from agents import config
from agents.agent import make_host
from agents.commands.console import show
from agents.errors import StepError
from agents.files import Files
from agents.hosts import asking
from agents.hosts.host import Host
from agents.net import Network
from agents.probes import validator, writer
from agents.probes.filling import content_type
from agents.probes.profile import Probe, ProbeError, Values
from agents.probes.recording.exchanges import Exchange, Transcript
from agents.probes.recording.masking import masked
from agents.probes.recording.proposal import Proposal, propose
from agents.probes.recording.relay import Relay

MAX_SECONDS = 600
MOST_EXCHANGES = 500


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 fine; 1 nothing usable was learnt, the profile has an error, or the server did not answer as
    expected. Leaves with 2 when the command itself is wrong."""
    parser = argparse.ArgumentParser(prog="python -m agents probe", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="learn what a terminal asks, by standing between it and its server")
    record.add_argument("--listen", type=_port, required=True, metavar="PORT", help="a free port of this computer")
    record.add_argument("--to", type=_address, required=True, metavar="HOST:PORT", help="the NetPOS.Net server, plain HTTP")
    record.add_argument("--seconds", type=_seconds, default=60, metavar="N", help=f"1 to {MAX_SECONDS} (default 60)")
    record.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the profile is written")
    record.add_argument("--member", action="append", default=[], metavar="N", help="a number that is looked up meanwhile")
    record.add_argument("--terminal", default="", metavar="NAME", help="how the terminal calls itself in its requests")
    check = commands.add_parser("check", help="check a profile; with --config ask the server once")
    check.add_argument("file", type=Path, metavar="FILE", help="the probe profile")
    check.add_argument("--config", type=Path, metavar="FILE", help="an agent's configuration: ask as this device would")
    check.add_argument("--member", default="", metavar="N", help="number of a test member")
    options = parser.parse_args(arguments)
    if options.command == "record":
        return _record(options)
    if options.config and not options.member:
        check.error("--config asks the server, and needs --member: the number of a test member")
    return _check(options)


# --- record -------------------------------------------------------------------------------------------


def _record(options: argparse.Namespace) -> int:
    host, port = options.to
    exchanges: list[Exchange] = []
    try:
        with contextlib.suppress(KeyboardInterrupt):  # Windows: asyncio.run ends so, after what was under way
            asyncio.run(_listen(options.listen, host, port, options.seconds, exchanges))
    except OSError as error:
        return _failed(
            [f"port {options.listen} cannot be used: {error.strerror or error}", "Choose another one with --listen."]
        )
    proposal = propose(exchanges, options.member, options.terminal)
    lines = [
        "",
        "The time is over. Put host and port back in Touch now.",
        f"{len(exchanges)} exchanges were seen.",
        *_why(proposal),
    ]
    if proposal.profile is None:
        show(sys.stdout, lines)
        return _failed(["No profile was written.", *proposal.missing])
    try:
        _write(options.out, writer.write(proposal.profile, proposal.reasons))
    except OSError as error:
        show(sys.stdout, lines)
        return _failed([f"{options.out} cannot be written: {error.strerror or error}"])
    checked = validator.load(options.out)
    show(sys.stdout, [*lines, "", f"Written: {options.out}", *(f"Please look: {warning}" for warning in checked.warnings)])
    return 0


async def _listen(port: int, host: str, to: int, seconds: float, exchanges: list[Exchange]) -> None:
    """Put everything that is asked and answered meanwhile into `exchanges`. Ends by itself, or by Ctrl-C. Raises OSError."""

    def found(exchange: Exchange) -> None:
        if len(exchanges) < MOST_EXCHANGES:
            exchanges.append(exchange)
        show(sys.stdout, [_line(exchange)])

    relay = Relay(host, to, lambda number: Transcript(number, found))
    at = await relay.open(None, port)
    show(sys.stdout, _instructions(at, seconds))
    over = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, over.set)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), seconds)
    finally:
        await relay.close()
        if relay.refused:
            show(sys.stdout, [f"{host}:{to} could not be reached {relay.refused} times. Check --to."])


def _instructions(port: int, seconds: float) -> list[str]:
    return [
        f"Listening on port {port} of this computer for {seconds:.0f} s. In the meantime, at one terminal:",
        "  1. In Touch, Terminal Settings, Customers: write down host and port, then set the host to this computer and",
        f"     the port to {port}.",
        "  2. Press Refresh Interface List twice.",
        "  3. Look up two different members. Use test members: their numbers are shown here.",
        "  4. Put host and port back.",
        "",
    ]


def _line(exchange: Exchange) -> str:
    """One exchange, without its content."""
    media_type, _ = content_type(exchange.response_headers)
    size = "too large to keep" if exchange.response_body is None else f"{len(exchange.response_body)} bytes"
    target = masked(exchange.target)[0]
    return f"  {exchange.method} {target[:120]} -> {exchange.status} {media_type or 'without a type'}, {size}"


def _why(proposal: Proposal) -> list[str]:
    return [f"  [{section}] {reason}" for section in proposal.reasons for reason in proposal.reasons[section]]


def _write(path: Path, text: str) -> None:
    """The whole file or none of it."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            file.write(text)
            file.close()
            os.replace(file.name, path)
        except OSError:
            os.unlink(file.name)
            raise


# --- check --------------------------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    try:
        checked = validator.load(options.file)
    except ProbeError as error:
        return _failed([f"{options.file}: {line}" for line in error.errors])
    show(sys.stdout, [f"{options.file}: fine", *(f"Please look: {warning}" for warning in checked.warnings)])
    if options.config is None:
        return 0
    try:
        host = make_host(config.load(options.config), Network(), Files())
        values = asking.values(host, options.member, checked.profile.interfaces, checked.profile.member)
    except (config.ConfigError, StepError, OSError) as error:
        return _failed([f"{options.config}: {error}"])
    probes = {"interfaces": checked.profile.interfaces, "member": checked.profile.member}
    results = [asyncio.run(_ask(name, probe, host, values)) for name, probe in probes.items()]
    return 0 if all(results) else 1


async def _ask(name: str, probe: Probe, host: Host, values: Values) -> bool:
    """Ask once and show what came of it; whether it was as expected."""
    try:
        answered = await asking.once(host, host.target(None), asking.by_probe(probe, values))
    except (StepError, ProbeError, h11.ProtocolError) as error:
        show(sys.stderr, [f"[{name}] {error}"])
        return False
    told = answered.judgement
    outcome = "as expected" if told.missed is None else f"not as expected: {told.missed}"
    where = "over TLS" if answered.tls else "without TLS"
    show(
        sys.stdout,
        [f"[{name}] {told.status} {told.type or 'without a type'}, {told.size} bytes, {answered.ms:.0f} ms {where}: {outcome}"],
    )
    return told.missed is None


# --- arguments ----------------------------------------------------------------------------------------


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError("write a number from 1 to 65535, or 0 for any free port")
    return int(text)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536) or "/" in host:
        raise argparse.ArgumentTypeError("write HOST:PORT, such as 192.168.1.10:10101")
    return host, int(port)


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MAX_SECONDS):
        raise argparse.ArgumentTypeError(f"write a whole number from 1 to {MAX_SECONDS}")
    return int(text)


def _failed(lines: list[str]) -> int:
    show(sys.stderr, lines)
    return 1
