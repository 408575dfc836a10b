"""The dashboard's own keys: made once, whoever asks first."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from django.core.management import CommandError, call_command
from django.db import connection

from fleet.models import Agent, Event
from fleet.services import keys
from fleet.startup import refuse_without_keys
from tests.factories import make_club


@pytest.mark.django_db(transaction=True)
def test_all_who_ask_first_in_one_moment_get_the_key_that_stays(tmp_path: Path, settings: pytest.FixtureRequest) -> None:
    """The first agents of a fleet enrol at once, each in a thread of the gateway. One that got another key than the one
    that signs would refuse every instruction for ever."""
    for attempt in range(20):
        settings.KEYS_DIR = tmp_path / str(attempt)
        keys.signing_key.cache_clear()
        barrier = threading.Barrier(8)
        got: list[str] = []

        def ask(barrier: threading.Barrier = barrier, got: list[str] = got) -> None:
            barrier.wait()
            try:
                got.append(keys.signing_public())
            finally:
                connection.close()  # this thread has looked whether anybody is enrolled

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        keys.signing_key.cache_clear()
        assert got == [keys.signing_public()] * 8
        assert [path.name for path in settings.KEYS_DIR.iterdir()] == ["instructions.key"]
        assert load_pem_private_key((settings.KEYS_DIR / "instructions.key").read_bytes(), None)
    keys.signing_key.cache_clear()


@pytest.fixture
def lost(tmp_path: Path, settings: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder in which no key is any more."""
    settings.KEYS_DIR = tmp_path / "keys"
    keys.signing_key.cache_clear()
    yield settings.KEYS_DIR
    keys.signing_key.cache_clear()


@pytest.mark.django_db
def test_where_agents_are_enrolled_no_key_is_made_in_silence(lost: Path) -> None:
    make_club(1)
    for use in (lambda: keys.sign("x"), keys.signing_public, lambda: keys.verify("x", "eA=="), keys.gateway_ca):
        with pytest.raises(keys.Missing, match=r"or run manage\.py make_keys"):
            use()
    assert not lost.exists() or list(lost.iterdir()) == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", [keys.SIGNING, *keys.GATEWAY])
def test_any_of_them_that_is_missing_stops_what_begins(lost: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    keys.make_missing()
    (lost / name).unlink()
    refuse_without_keys()  # nobody is enrolled: it can still be made
    make_club(1)
    with pytest.raises(SystemExit) as ended:
        refuse_without_keys()
    assert ended.value.code == 1
    assert [name in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.django_db
def test_a_process_that_must_not_have_them_does_not_ask(lost: Path, settings: pytest.FixtureRequest) -> None:
    settings.SIGNS = False
    make_club(1)
    refuse_without_keys()


@pytest.mark.django_db
def test_a_new_key_is_made_only_on_request_and_shuts_everybody_out(lost: Path, capsys: pytest.CaptureFixture) -> None:
    make_club(2)
    with pytest.raises(CommandError, match="backup"):
        call_command("make_keys")
    assert keys.missing()
    call_command("make_keys", "--yes-new-key")
    assert "3 agents are shut out" in capsys.readouterr().out
    assert not keys.missing()
    assert not Agent.objects.admitted().exists()
    assert Event.objects.filter(code="new_keys").count() == 1
    call_command("make_keys", "--yes-new-key")
    assert Event.objects.filter(code="new_keys").count() == 1


@pytest.mark.django_db
def test_the_gateways_certificate_is_never_left_with_anothers_key(lost: Path) -> None:
    keys.make_missing()
    (lost / "gateway.pem").unlink()
    keys.make_missing()
    certificate = load_pem_x509_certificate((lost / "gateway.pem").read_bytes())
    key = load_pem_private_key((lost / "gateway.key").read_bytes(), None)
    assert certificate.public_key() == key.public_key()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", ["fleet.gateway.asgi", "fleet.asgi"])
def test_gateway_and_web_say_one_sentence_and_end(tmp_path: Path, part: str) -> None:
    environment = os.environ | {"TILLWAY_DATA": str(tmp_path), "TILLWAY_KEYS": str(tmp_path / "keys")}
    environment.pop("DATABASE_URL", None)
    setup = (
        "import django; django.setup()\n"
        "from django.core.management import call_command; call_command('migrate', verbosity=0)\n"
        "from fleet.models import *\n"
        "site = Site.objects.create(name='s'); device = Device.objects.create(site=site, kind='terminal', name='t')\n"
        "Agent.objects.create(device=device, public_key='k')\n"
    )
    root = Path(__file__).resolve().parents[2]
    code = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'fleet.settings'\n" + setup + f"import {part}\n"
    ended = subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.count("make_keys --yes-new-key") == 1
    assert "Traceback" not in ended.stderr
    worker = [sys.executable, "-m", "celery", "-A", "fleet.celery_app", "worker", "--pool", "threads"]
    ended = subprocess.run(worker, env=environment, cwd=root, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "make_keys --yes-new-key" in ended.stderr
