"""One element changes, every other byte stays."""

import pytest

from agents.errors import StepError
from agents.profiles import xml_text
from agents.profiles.profile import Profile, Switch
from agents.profiles.reading import Reading

PATH = "TouchSettings/Customers/Secured"


def read_bool(data: bytes, path: str, file: str) -> bool:
    return Reading(Profile("terminal", "xml", Switch(path, ("True",), ("False",)), "unused"), data, file).secure()


def read_port(data: bytes, path: str, file: str) -> int:
    return Reading(Profile("terminal", "xml", Switch("unused", ("True",), ("False",)), path), data, file).port()


TEXT = (
    "<TouchSettings>\r\n  <!-- <Secured>False</Secured> -->\r\n  <Secured>False</Secured>\n"
    "  <Customers z='1' a='2'>\r\n\t<NetPosHost>kasse.café</NetPosHost><Secured >{}</Secured>\r\n"
    "    <NetPosPort>10101</NetPosPort></Customers><Other><Secured>False</Secured></Other></TouchSettings>\n\n"
)
ENCODINGS = {
    "utf-8": ("", "utf-8"),
    "utf-8 with BOM": ("\ufeff", "utf-8"),
    "declared utf-8": ("<?xml version='1.0' encoding='UTF-8'?>", "utf-8"),
    "utf-16 little": ("\ufeff<?xml version='1.0' encoding='utf-16'?>\r\n", "utf-16-le"),
    "utf-16 big": ("\ufeff", "utf-16-be"),
    "latin-1": ('<?xml version="1.0" encoding="ISO-8859-1"?>', "latin-1"),
    "cp1252": ("<?xml version='1.0' encoding='windows-1252'?>", "cp1252"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("old", "new"), [("False", "True"), ("\r\n false ", "\r\n True "), ("tRUE", "False")])
def test_only_the_value_changes_in_every_encoding(encoding: str, old: str, new: str) -> None:
    start, codec = ENCODINGS[encoding]
    before = (start + TEXT.format(old)).encode(codec)
    changed = xml_text.replace(before, PATH, new.strip(), "f")
    assert changed == (start + TEXT.format(new)).encode(codec)
    assert xml_text.replace(changed, PATH, old.strip(), "f") == before
    assert read_bool(changed, PATH, "f") == (new.strip() == "True")


def _file(customers: str) -> bytes:
    return f"<TouchSettings><Customers>{customers}</Customers></TouchSettings>".encode()


BAD = {
    "no xml": (b"\x00\x01garbage", "settings_not_xml"),
    "empty": (b"", "settings_not_xml"),
    "cut": (_file("<Secured>True</Secured>")[:-5], "settings_not_xml"),
    "wrong encoding": (b"<?xml version='1.0' encoding='nothing-such'?><a/>", "settings_not_xml"),
    "document type": (b"<!DOCTYPE a [<!ENTITY b 'True'>]>" + _file("<Secured>&b;</Secured>"), "settings_not_xml"),
    "missing": (_file("<secured>True</secured>"), "setting_missing"),
    "doubled": (_file("<Secured>True</Secured><Secured>True</Secured>"), "setting_missing"),
    "elsewhere": (b"<TouchSettings><Secured>True</Secured></TouchSettings>", "setting_missing"),
    "no value": (_file("<Secured></Secured>"), "setting_invalid"),
    "closed": (_file("<Secured/>"), "setting_invalid"),
    "blank": (_file("<Secured>  </Secured>"), "setting_invalid"),
    "number": (_file("<Secured>1</Secured>"), "setting_invalid"),
    "yes": (_file("<Secured>yes</Secured>"), "setting_invalid"),
    "comment inside": (_file("<Secured>Tr<!-- -->ue</Secured>"), "setting_invalid"),
    "child inside": (_file("<Secured>True<b/></Secured>"), "setting_invalid"),
    "cdata": (_file("<Secured><![CDATA[True]]></Secured>"), "setting_invalid"),
    "reference": (_file("<Secured>&#84;rue</Secured>"), "setting_invalid"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_understood_is_refused_and_named(name: str) -> None:
    data, code = BAD[name]
    with pytest.raises(StepError) as caught:
        read_bool(data, PATH, "Touch.xml")
    assert caught.value.finding.code == code
    assert "Touch.xml" in caught.value.finding.message
    if code != "settings_not_xml":
        assert PATH in caught.value.finding.message


@pytest.mark.parametrize("port", ["0", "65536", "-1", "1e3", "٣", "10101.0", "0x10", "9" * 5000])
def test_ports_that_are_none_are_refused(port: str) -> None:
    with pytest.raises(StepError) as caught:
        read_port(_file(f"<NetPosPort>{port}</NetPosPort>"), "TouchSettings/Customers/NetPosPort", "f")
    assert caught.value.finding.code in ("port_out_of_range", "setting_invalid")


@pytest.mark.parametrize("port", [1, 10101, 65535])
def test_ports_are_read(port: int) -> None:
    assert read_port(_file(f"<P> {port}\n</P>"), "TouchSettings/Customers/P", "f") == port


KEYED = "configuration/appSettings/add[@key='Use/SSL']/@value"
CONFIG = (
    "<configuration>\r\n  <!-- <add key='Use/SSL' value='False'/> -->\n<add key='Use/SSL' value='False'/>"
    "<appSettings über='ja' é='nö…' >\n    <add value='x' key='Other'/>"
    "<add key='Use/SSL' größe=' > '\r\n\tvalue = \"{}\" z='1' />"
    "<ADD key='Use/SSL' value='False'/></appSettings></configuration>\n\n"
)


@pytest.mark.parametrize("encoding", sorted(set(ENCODINGS) - {"latin-1"}))
@pytest.mark.parametrize(("old", "new"), [("False", "True"), ("  false ", "  True "), ("tRUE", "False")])
def test_an_attribute_changes_and_nothing_else(encoding: str, old: str, new: str) -> None:
    start, codec = ENCODINGS[encoding]
    before = (start + CONFIG.format(old)).encode(codec)
    changed = xml_text.replace(before, KEYED, new.strip(), "f")
    assert changed == (start + CONFIG.format(new)).encode(codec)
    assert xml_text.replace(changed, KEYED, old.strip(), "f") == before
    assert read_bool(changed, KEYED, "f") == (new.strip() == "True")


def test_an_element_is_told_from_its_namesakes_by_an_attribute() -> None:
    data = b"<s><setting name='Port'><value>1</value></setting><setting name='UseSSL'><value>True</value></setting></s>"
    assert read_bool(data, 's/setting[@name="UseSSL"]/value', "f") is True
    assert read_port(data, "s/setting[@name='Port']/value", "f") == 1


ATTRIBUTES = {
    "missing": (b"<a><b c='True'/></a>", "setting_missing"),
    "other value": (b"<a><b k='no' v='True'/></a>", "setting_missing"),
    "no value": (b"<a><b k='x' v=''/></a>", "setting_invalid"),
    "not the attribute": (b"<a><b k='x'>True</b></a>", "setting_missing"),
    "doubled": (b"<a><b k='x' v='True'/><b k='x' v='True'/></a>", "setting_missing"),
    "reference": (b"<a><b k='x' v='&#84;rue'/></a>", "setting_invalid"),
    "line in it": (b"<a><b k='x' v='Tr\nue'/></a>", "setting_invalid"),
    "not ASCII": ("<a><b k='x' v='Trüe'/></a>".encode(), "setting_invalid"),
    "another word": (b"<a><b k='x' v='yes'/></a>", "setting_invalid"),
    "twice in a tag": (b"<a><b k='x' v='True' v='True'/></a>", "settings_not_xml"),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_that_is_not_understood_is_refused_and_named(name: str) -> None:
    data, code = ATTRIBUTES[name]
    with pytest.raises(StepError) as caught:
        read_bool(data, "a/b[@k='x']/@v", "Touch.xml")
    assert caught.value.finding.code == code
    assert "Touch.xml" in caught.value.finding.message


@pytest.mark.parametrize("text", ["<a>" * 300_000, "<a>" + "<b v='True'/>" * 100_000 + "</a>", "<a><b " + " " * 900_000])
def test_hostile_xml_is_refused_in_time_that_grows_with_its_size(text: str) -> None:
    for path in ("a/b", "a/b/@v", "a/a/a"):
        with pytest.raises(StepError):
            read_bool(text.encode(), path, "f")
