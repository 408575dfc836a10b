"""SOAP 1.1: every request is a POST to one path, told apart by SOAPAction, with an access code that both sides must have."""

import xml.etree.ElementTree as ElementTree

from agents.lab.dialects.dialect import Answer, Asked, Dialect
from agents.lab.layout import MEMBERS

_PATH = "/netpos/service.asmx"
_XML = "text/xml; charset=utf-8"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_OURS = "urn:example:netpos"
_LIST, _LOOK_UP = "GetInterfaceList", "GetMember"


class Soap(Dialect):
    """See the module."""

    name = "soap"
    needs_code = True

    def interfaces(self, terminal: str, code: str) -> Asked:
        return _asked(_LIST, terminal, code, "")

    def lookup(self, member: int, terminal: str, code: str) -> Asked:
        return _asked(_LOOK_UP, terminal, code, f"<Number>{member}</Number>")

    def is_good(self, status: int, body: bytes, member: int) -> bool:
        return status == 200 and f"<Number>{member}</Number>".encode() in body

    def answer(self, asked: Asked, code: str) -> Answer:
        if asked.method != "POST":
            return Answer(405, "text/plain", b"Method Not Allowed")
        if asked.path.partition("?")[0].lower() != _PATH:
            return Answer(404, "text/plain", b"Not Found")
        try:
            root = ElementTree.fromstring(asked.body)  # noqa: S314 - requests in the lab
        except ElementTree.ParseError as error:
            return _fault(f"the request is not XML: {error}")
        terminal = root.findtext(f".//{{{_OURS}}}Terminal")
        if root.findtext(f".//{{{_OURS}}}AccessCode") != code:
            return _fault("the access code is wrong", terminal)
        action = (asked.header("soapaction") or "").strip('"').rpartition("/")[2]
        if action == _LIST:
            listed = '<Interface id="1" type="Members" default="true"/><Interface id="2" type="Accounts" default="false"/>'
            return _good(_LIST, listed, terminal)
        number = root.findtext(f".//{{{_OURS}}}Number") or ""
        if action != _LOOK_UP:
            return _fault("there is no such action", terminal)
        if not (number.isascii() and number.isdigit() and int(number) in MEMBERS):
            return _fault("there is no such member", terminal)
        told = f"<Number>{number}</Number><Name>Member {number}</Name><Points>{int(number) % 97}</Points>"
        return _good(_LOOK_UP, told, terminal)


def _asked(action: str, terminal: str, code: str, more: str) -> Asked:
    body = _envelope(
        f'<{action} xmlns="{_OURS}"><AccessCode>{code}</AccessCode><Terminal>{terminal}</Terminal>{more}</{action}>'
    )
    return Asked("POST", _PATH, (("Content-Type", _XML), ("SOAPAction", f'"{_OURS}/{action}"')), body)


def _good(action: str, told: str, terminal: str | None) -> Answer:
    body = _envelope(f'<{action}Response xmlns="{_OURS}">{told}</{action}Response>')
    return Answer(200, _XML, body, terminal)


def _fault(why: str, terminal: str | None = None) -> Answer:
    # SOAP 1.1, section 6.2: a fault comes with status 500.
    text = f"<soap:Fault><faultcode>soap:Client</faultcode><faultstring>{why}</faultstring></soap:Fault>"
    return Answer(500, _XML, _envelope(text), terminal)


def _envelope(inner: str) -> bytes:
    head = '<?xml version="1.0" encoding="utf-8"?>'
    return f'{head}<soap:Envelope xmlns:soap="{_SOAP}"><soap:Body>{inner}</soap:Body></soap:Envelope>'.encode()
