"""The lab folder is what the contract says, and depends on the seed."""

import ssl
import stat
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from cryptography import x509

from agents import config
from agents.lab import pki, settings
from agents.lab.build import LabLayout, build, load


def make(folder: Path, seed: int = 3, gateway: str = "wss://localhost:9/agent") -> LabLayout:
    return build(folder, terminals=12, seed=seed, port=10177, gateway=gateway, gateway_ca=folder / "ca.pem")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> LabLayout:
    return make(tmp_path_factory.mktemp("build") / "lab")


def texts(layout: LabLayout) -> dict[str, bytes]:
    found = {name: (layout.terminal_dir(name) / "TouchSettings.xml").read_bytes() for name in layout.names}
    return {**found, "server": (layout.server_dir / "NetPOSSettings.xml").read_bytes()}


def test_the_same_seed_makes_the_same_settings(layout: LabLayout, tmp_path: Path) -> None:
    assert texts(make(tmp_path / "same")) == texts(layout)
    assert texts(make(tmp_path / "other", seed=4)) != texts(layout)


def test_an_existing_lab_stays_as_it_is(layout: LabLayout) -> None:
    path = layout.terminal_dir(layout.names[0]) / "TouchSettings.xml"
    before = path.read_bytes()
    path.write_bytes(before + b"<!-- by hand -->")
    again = make(layout.root, seed=99)
    assert again == layout == load(layout.root)
    assert path.read_bytes() == before + b"<!-- by hand -->"
    path.write_bytes(before)


def test_a_new_gateway_address_reaches_the_agents(layout: LabLayout) -> None:
    make(layout.root, gateway="wss://localhost:10/agent")
    for path in (layout.server_agent_config, *map(layout.agent_config, layout.names)):
        assert config.load(path).gateway == "wss://localhost:10/agent"


def test_agent_configurations_point_at_what_is_there(layout: LabLayout) -> None:
    server = config.load(layout.server_agent_config)
    assert server.role == "server"
    assert server.settings.exists()
    assert server.store == layout.server_dir / "certificates"
    assert server.access_log == layout.server_dir / "access.jsonl"
    terminal = config.load(layout.agent_config(layout.names[0]))
    assert (terminal.role, terminal.name) == ("terminal", layout.names[0])
    assert terminal.settings.exists()
    assert terminal.roots is not None
    assert terminal.roots.exists()


def test_settings_say_what_the_contract_says(layout: LabLayout) -> None:
    for name in layout.names:
        root = ElementTree.fromstring((layout.terminal_dir(name) / "TouchSettings.xml").read_bytes())
        said = {child.tag: child.text for child in root.find("Customers") or ()}
        host = said.pop("NetPosHost")
        assert host in ("localhost", "127.0.0.1")
        assert said == {"NetPosPort": "10177", "Secured": "False", "TimeoutSeconds": "6"}
    server = ElementTree.fromstring(texts(layout)["server"])
    assert (server.findtext("General/Port"), server.findtext("General/UseSSL")) == ("10177", "False")


def test_files_differ_as_on_a_real_site(layout: LabLayout) -> None:
    files = [data for name, data in texts(layout).items() if name != "server"]
    for trait in (b"\xef\xbb\xbf", b"\r\n", b"127.0.0.1", b"localhost", b'<General Number="', b'<General Terminal="'):
        assert 0 < sum(trait in data for data in files) < len(files), trait


@pytest.mark.parametrize("count", [1, 24, 700])
def test_names_are_unique_and_sorted(count: int) -> None:
    import random

    names = settings.names(count, random.Random(5))
    assert len(names) == len(set(names)) == count
    assert names == sorted(names)


def test_the_certificate_holds_every_host(layout: LabLayout) -> None:
    chain = x509.load_pem_x509_certificates((layout.server_dir / "certificates" / f"{layout.thumbprint}.pem").read_bytes())
    assert len(chain) == 2
    assert pki.thumbprint(chain[0]) == layout.thumbprint
    names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert sorted(map(str, names.get_values_for_type(x509.IPAddress))) == ["127.0.0.1", "::1"]
    chain[0].verify_directly_issued_by(chain[1])
    chain[1].verify_directly_issued_by(x509.load_pem_x509_certificate(layout.ca_file.read_bytes()))


def test_the_store_has_one_certificate_without_key_and_keys_are_private(layout: LabLayout) -> None:
    store = layout.server_dir / "certificates"
    keys = {path.stem for path in store.glob("*.key")}
    assert layout.thumbprint in keys
    assert len({path.stem for path in store.glob("*.pem")} - keys) == 1
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in store.glob("*.key"))


def test_every_terminal_trusts_the_lab_and_strangers(layout: LabLayout) -> None:
    root = x509.load_pem_x509_certificate(layout.ca_file.read_bytes())
    for name in layout.names:
        context = ssl.create_default_context(cafile=str(layout.terminal_dir(name) / "roots.pem"))
        trusted = x509.load_pem_x509_certificates((layout.terminal_dir(name) / "roots.pem").read_bytes())
        assert root in trusted
        assert 2 <= len(context.get_ca_certs()) <= 3
