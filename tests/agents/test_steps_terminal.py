"""A till's steps against a real listener, with each TLS fault named."""

import ssl
from collections.abc import Callable
from pathlib import Path

import certificates
import pytest
from fake_windows import FakeWindows

from agents.files import Files
from agents.hosts.host import TerminalHost
from agents.protocol import StepDone


@pytest.fixture
async def https(windows: FakeWindows, port: int) -> FakeWindows:
    """The server has been switched."""
    windows.urlacl = [[f"https://+:{port}/", "D:(A;;GX;;;WD)"]]
    windows.sslcert = [[f"0.0.0.0:{port}", windows.certificate.thumbprint, "{x}", "MY"]]
    windows.listener.close()
    await windows.listen(tls=True)
    return windows


async def test_a_switch_ends_with_a_lookup_over_tls(
    https: FakeWindows, terminal: TerminalHost, make_driver: Callable, make_instruction: Callable
) -> None:
    driver = make_driver(terminal)
    before = terminal.config.settings.read_bytes()
    finished = await driver.do(make_instruction("terminal"))
    assert (finished.outcome, finished.scheme) == ("done", "https")
    assert terminal.config.settings.read_bytes() == before.replace(b"<Secured>False", b"<Secured>True")
    lookup = next(report for report in driver.reports if isinstance(report, StepDone) and report.step == "member_lookup")
    assert lookup.evidence["tls"] == "TLSv1.3"
    assert lookup.evidence["thumbprint"] == https.certificate.thumbprint
    assert (lookup.evidence["status"], lookup.evidence["at_ms"] <= lookup.at_ms) == (200, True)


async def test_undo_is_byte_for_byte_even_from_odd_files(
    https: FakeWindows, terminal: TerminalHost, make_driver: Callable, make_instruction: Callable
) -> None:
    text = terminal.config.settings.read_text()
    odd = ("<?xml version='1.0' encoding='utf-16'?>\r\n<!-- Secured -->" + text.replace("False", " fALSE\r\n")).encode("utf-16")
    terminal.config.settings.write_bytes(odd)
    driver = make_driver(terminal)
    assert (await driver.do(make_instruction("terminal"))).outcome == "done"
    assert terminal.config.settings.read_bytes() != odd
    https.listener.close()
    https.urlacl = []
    await https.listen(tls=False)
    assert (await driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))).outcome == "done"
    assert terminal.config.settings.read_bytes() == odd


async def test_undo_keeps_what_somebody_else_has_changed_since(
    https: FakeWindows,
    terminal: TerminalHost,
    make_driver: Callable,
    make_instruction: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.runner.VERIFY_AFTER_UNDO_S", 0.4)
    driver = make_driver(terminal)
    await driver.do(make_instruction("terminal"))
    path = terminal.config.settings
    path.write_bytes(path.read_bytes().replace(b"<Other/>", b"<Other>new</Other>"))
    await driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))
    assert b"<Other>new</Other>" in path.read_bytes()
    assert b"<Secured>False</Secured>" in path.read_bytes()


async def test_an_undone_till_that_gets_no_answer_says_so(
    https: FakeWindows,
    terminal: TerminalHost,
    make_driver: Callable,
    make_instruction: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.runner.VERIFY_AFTER_UNDO_S", 0.4)
    driver = make_driver(terminal)
    await driver.do(make_instruction("terminal"))
    finished = await driver.do(make_instruction("terminal", seq=2, epoch=2, action="undo"))
    assert (finished.outcome, finished.scheme) == ("undo_failed", "http")


async def test_an_untrusted_root_is_named_and_the_till_restored(
    https: FakeWindows, terminal: TerminalHost, make_driver: Callable, make_instruction: Callable, tmp_path: Path
) -> None:
    object.__setattr__(terminal.config, "roots", certificates.make(tmp_path / "other").root)
    before = terminal.config.settings.read_bytes()
    finished = await make_driver(terminal).do(make_instruction("terminal"))
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "untrusted_root", True)
    assert terminal.config.settings.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"begin_days": -9, "end_days": -1}, "cert_expired"), ({"begin_days": 1}, "cert_not_yet_valid"), ({}, "name_mismatch")],
)
async def test_a_bad_certificate_is_named(
    https: FakeWindows, terminal: TerminalHost, make_driver: Callable, make_instruction: Callable,
    tmp_path: Path, changes: dict, code: str,
) -> None:  # fmt: skip
    names = ("elsewhere.example",) if code == "name_mismatch" else ("localhost",)
    https.certificate = certificates.make(tmp_path / "bad", names=names, **changes)
    object.__setattr__(terminal.config, "roots", https.certificate.root)
    https.listener.close()
    await https.listen(tls=True)
    finished = await make_driver(terminal).do(make_instruction("terminal", thumbprint=None))
    assert (finished.outcome, finished.finding.code) == ("failed", code)


async def test_another_certificate_than_the_planned_one_is_refused(
    https: FakeWindows, terminal: TerminalHost, make_driver: Callable, make_instruction: Callable
) -> None:
    finished = await make_driver(terminal).do(make_instruction("terminal", thumbprint="0" * 40))
    assert finished.finding.code == "wrong_certificate"


async def test_a_server_that_still_speaks_http_is_named(
    windows: FakeWindows, terminal: TerminalHost, make_driver: Callable, make_instruction: Callable
) -> None:
    finished = await make_driver(terminal).do(make_instruction("terminal"))
    assert (finished.outcome, finished.finding.code, finished.restored) == ("failed", "tls_refused", True)


async def test_an_unknown_member_is_not_tried_again(
    https: FakeWindows, terminal: TerminalHost, make_driver: Callable, make_instruction: Callable
) -> None:
    finished = await make_driver(terminal).do(make_instruction("terminal", member="9"))
    assert (finished.finding.code, finished.retryable) == ("lookup_failed", False)


async def test_a_clock_that_is_wrong_on_this_till_is_found(
    https: FakeWindows,
    terminal: TerminalHost,
    make_driver: Callable,
    make_instruction: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_early(*_: object) -> None:
        raise ssl.SSLCertVerificationError("certificate is not yet valid")

    monkeypatch.setattr(terminal.network, "check_validity", too_early)
    finished = await make_driver(terminal).do(make_instruction("terminal"))
    assert finished.finding.code == "cert_not_yet_valid"


async def test_settings_that_cannot_be_written_leave_the_till_as_it_was(
    https: FakeWindows, terminal: TerminalHost, make_driver: Callable, make_instruction: Callable
) -> None:
    class ReadOnly(Files):
        def write(self, path: Path, data: bytes) -> None:
            raise PermissionError(13, "Permission denied", str(path))

    terminal.files = ReadOnly()
    before = terminal.config.settings.read_bytes()
    finished = await make_driver(terminal).do(make_instruction("terminal"))
    assert (finished.finding.code, finished.restored) == ("settings_not_writable", True)
    assert terminal.config.settings.read_bytes() == before
