"""The emulated netsh, run as the program that it is."""

import pytest

from tests.lab.conftest import OURS, Lab

pytestmark = pytest.mark.lab

ALL = "D:(A;;GX;;;WD)"


def test_a_reservation_can_be_added_shown_and_deleted(lab: Lab) -> None:
    url = "url=http://+:7001/"
    assert lab.netsh("add", "urlacl", url, f"sddl={ALL}") == (0, "\nURL reservation successfully added\n\n")
    assert lab.json("httpsys.json")["urlacl"][-1] == {"url": "http://+:7001/", "sddl": ALL}
    code, text = lab.netsh("show", "urlacl", url)
    assert code == 0
    assert "    Reserved URL            : http://+:7001/\n        User: \\Everyone\n            Listen: Yes\n" in text
    assert f"            SDDL: {ALL}\n" in text
    assert lab.netsh("delete", "urlacl", url) == (0, "\nURL reservation successfully deleted\n\n")
    assert lab.netsh("delete", "urlacl", url)[1].startswith("\nURL reservation delete failed, Error: 2\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["url=http://+:7001", f"sddl={ALL}"], "Url reservation add failed, Error: 87\nThe parameter is incorrect."),
        (["url=http://+/", f"sddl={ALL}"], "Url reservation add failed, Error: 87\nThe parameter is incorrect."),
        (["url=http://+:7001/", "user=Jeder"], "Create SDDL failed, Error: 1332\n"),
        (["url=http://+:{port}/", f"sddl={ALL}"], "Error: 183\nCannot create a file when that file already exists."),
        (["url=https://+:{port}/", f"sddl={ALL}"], "Error: 183\nCannot create a file when that file already exists."),
        (["url=http://+:7001/"], "One or more essential parameters were not entered."),
        (["url=http://+:7001/", "colour=red"], "Usage: add urlacl"),
        (["url=http://+:7001/", "sddl=everyone"], "\nThe parameter is incorrect.\n"),
    ],
)
def test_a_refused_reservation_changes_nothing(lab: Lab, arguments: list[str], expected: str) -> None:
    before = lab.json("httpsys.json")
    code, text = lab.netsh("add", "urlacl", *[word.format(port=lab.port) for word in arguments])
    assert code == 1
    assert expected in text
    assert lab.json("httpsys.json") == before


def test_an_english_account_name_becomes_its_sid(lab: Lab) -> None:
    assert lab.netsh("add", "urlacl", "url=http://+:7001/", "user=EVERYONE")[0] == 0
    assert lab.netsh("add", "urlacl", "url=http://+:7002/", "user=NT AUTHORITY\\LOCAL SERVICE", "delegate=yes")[0] == 0
    assert [row["sddl"] for row in lab.json("httpsys.json")["urlacl"][-2:]] == [ALL, "D:(A;;GA;;;LS)"]


def test_the_conflict_of_schemes_can_be_left_to_the_service(lab: Lab) -> None:
    (lab.server / "lab.json").write_text('{"urlacl_conflict": false}')
    assert lab.netsh("add", "urlacl", f"url=https://+:{lab.port}/", f"sddl={ALL}")[0] == 0


def test_a_binding_can_be_added_shown_and_deleted(lab: Lab) -> None:
    assert lab.bind() == (0, "\nSSL Certificate successfully added\n\n")
    endpoint, certhash = f"0.0.0.0:{lab.port}", lab.layout.thumbprint.lower()
    added = {"endpoint": endpoint, "certhash": certhash, "appid": OURS, "store": "MY"}
    assert lab.json("httpsys.json")["sslcert"][-1] == added
    text = lab.netsh("show", "sslcert", f"ipport={endpoint}")[1]
    assert f"    IP:port                      : {endpoint}\n    Certificate Hash             : {certhash}\n" in text
    assert lab.netsh("show", "sslcert")[1].count("IP:port") == 2
    assert lab.bind()[1].startswith("\nSSL Certificate add failed, Error: 183\n")
    assert lab.netsh("delete", "sslcert", f"ipport={endpoint}") == (0, "\nSSL Certificate successfully deleted\n\n")
    assert lab.netsh("delete", "sslcert", f"ipport={endpoint}")[1].startswith("\nSSL Certificate deletion failed, Error: 2\n")
    assert lab.netsh("show", "sslcert", f"ipport={endpoint}") == (1, "\nThe system cannot find the file specified.\n\n")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"certhash": "00000000000012d9cd34315bb56d78c08da590"}, "\nThe parameter is incorrect.\n"),
        ({"certhash": "\u200e{good}"}, "\nThe parameter is incorrect.\n"),
        ({"appid": "77ba29fd-9f7a-45b0-8d7e-1ee5d879951b"}, "\nThe parameter is incorrect.\n"),
        ({"ipport": "0.0.0.0"}, "\nThe parameter is incorrect.\n"),
        ({"certhash": "{keyless}"}, "Error: 1312\nA specified logon session does not exist."),
        ({"certhash": "ab" * 20}, "Error: 1312\nA specified logon session does not exist."),
        ({"certstorename": "Root"}, "Error: 1312\nA specified logon session does not exist."),
        ({"certhash": ""}, "Usage: add sslcert hostnameport=<name:port> | ipport=<ipaddr:port>"),
    ],
)
def test_a_refused_binding_changes_nothing(lab: Lab, changed: dict[str, str], expected: str) -> None:
    store = lab.server / "certificates"
    keyless = next(path.stem for path in store.glob("*.pem") if not path.with_suffix(".key").exists())
    values = {"ipport": f"0.0.0.0:{lab.port}", "certhash": "{good}", "appid": OURS, "certstorename": "MY", **changed}
    fill = {"{good}": lab.layout.thumbprint, "{keyless}": keyless}
    words = []
    for name, value in values.items():
        for mark, real in fill.items():
            value = value.replace(mark, real)
        words.append(f"{name}={value}")
    before = lab.json("httpsys.json")
    code, text = lab.netsh("add", "sslcert", *words)
    assert code == 1
    assert expected in text
    assert lab.json("httpsys.json") == before


def test_a_port_of_the_central_certificate_store(lab: Lab) -> None:
    appid = "appid={4dc3e181-e14b-4a21-b022-59fc669b0914}"
    assert lab.netsh("add", "sslcert", "ccs=443", appid)[0] == 0
    assert lab.json("httpsys.json")["sslcert"][-1] == {
        "endpoint": "CCS:443",
        "certhash": None,
        "appid": appid[6:],
        "store": None,
    }
    assert "Error: 183" in lab.netsh("add", "sslcert", "ccs=443", appid)[1]
    code, text = lab.netsh("show", "sslcert", "ccs=443")
    assert code == 0
    assert "    Central Certificate Store    : 443\n    Certificate Hash             : (null)\n" in text
    for wrong in ("ccs=0", "ccs=65536", "ccs=*:443", "ccs=443x"):
        assert lab.netsh("add", "sslcert", wrong, appid)[0] == 1
    assert lab.netsh("delete", "sslcert", "ccs=443")[0] == 0
    assert "CCS" not in lab.netsh("show", "sslcert")[1]


def test_the_listen_list(lab: Lab) -> None:
    assert lab.netsh("add", "iplisten", "ipaddress=10.0.0.5")[0] == 0
    assert "    10.0.0.5\n" in lab.netsh("show", "iplisten")[1]
    assert lab.netsh("delete", "iplisten", "ipaddress=10.0.0.5")[0] == 0
    assert lab.netsh("delete", "iplisten", "ipaddress=10.0.0.5")[0] == 1


def test_every_call_is_noted(lab: Lab) -> None:
    lab.netsh("show", "urlacl")
    lab.run("netsh", "wlan", "show", "profiles")
    lab.run("sc", "query", "Nothing")
    from tests.lab.conftest import rows

    calls = [(row["program"], row["argv"], row["exit"]) for row in rows(lab.server / "calls.jsonl")]
    assert calls == [
        ("netsh", ["http", "show", "urlacl"], 0),
        ("netsh", ["wlan", "show", "profiles"], 1),
        ("sc", ["query", "Nothing"], 1060),
    ]


def test_the_agents_own_reader_understands_it(lab: Lab) -> None:
    from agents.hosts import netsh_text

    lab.bind()
    bindings = netsh_text.parse_sslcert(lab.netsh("show", "sslcert")[1])
    assert bindings.certain
    assert [row.endpoint for row in bindings.rows] == [row["endpoint"] for row in lab.json("httpsys.json")["sslcert"]]
    reservations = netsh_text.parse_urlacl(lab.netsh("show", "urlacl")[1])
    assert [(row.url, row.sddl) for row in reservations.rows] == [
        (row["url"], row["sddl"]) for row in lab.json("httpsys.json")["urlacl"]
    ]
