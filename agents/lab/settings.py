"""The settings files of a lab site. As on a real site, every terminal's file looks a little different."""

import random

_BOM = b"\xef\xbb\xbf"
_COMMENTS = (
    "Written by Touch; change it in Tools, Basic Tools, Terminal Settings",
    "Café till, moved from the pool bar 2019 – Jürgen",
    "NetPOS: ask Kim before changing Secured",
    "label printer: ask the office",
)
AREAS = ("Bar", "Bistro", "Bottleshop", "Cafe", "Function", "Gaming", "Gate", "Kiosk")


def names(count: int, rng: random.Random) -> list[str]:
    """Unique terminal names, sorted."""
    used: dict[str, int] = {}
    out = []
    for _ in range(count):
        area = rng.choice(AREAS)
        used[area] = used.get(area, 0) + 1
        out.append(f"{area}-{used[area]}" if area == "Gate" else f"{area}-{used[area]:02}")
    return sorted(out)


def touch(number: int, name: str, port: int, rng: random.Random, code: str = "") -> bytes:
    """One terminal's TouchSettings.xml, on HTTP. Every third uses the address instead of the name. code: the access code, ""
    for none."""
    host = "127.0.0.1" if number % 3 == 2 else "localhost"
    true, false = rng.choice((("True", "False"), ("true", "false"), ("TRUE", "FALSE")))
    customers = [
        "  <Customers>",
        f"    <NetPosHost>{host}</NetPosHost>",
        f"    <NetPosPort>{port}</NetPosPort>",
        "    <Secured>False</Secured>",
        "    <TimeoutSeconds>6</TimeoutSeconds>",
        *([f"    <AccessCode>{code}</AccessCode>"] if code else []),
        "  </Customers>",
    ]
    general = _shuffled(rng, {"Terminal": name, "Number": str(number + 1)})
    printing = _shuffled(rng, {"enabled": true, "copies": str(rng.randint(1, 3))})
    others = [
        f"  <General {general}>",
        f"    <TrainingMode>{false}</TrainingMode>",
        "  </General>",
        f"  <Printing {printing}/>",
        "  <Security>",
        f"    <DrawerSecured>{true}</DrawerSecured><!-- the drawer, not the network -->",
        "  </Security>",
    ]
    cut = 4 if rng.random() < 0.5 else 0  # Customers comes before or after other sections
    body = [*others[:cut], f"  <!-- {rng.choice(_COMMENTS)} -->", *customers, *others[cut:]]
    return _file("TouchSettings", body, bom=number % 4 == 1, crlf=number % 2 == 1)


def netpos(port: int, code: str = "") -> bytes:
    """The server's NetPOSSettings.xml, on HTTP. code: the access code, "" for none."""
    body = [
        "  <General>",
        f"    <Port>{port}</Port>",
        "    <UseSSL>False</UseSSL>",
        *([f"    <AccessCode>{code}</AccessCode>"] if code else []),
        "    <LogLevel>2</LogLevel>",
        "  </General>",
        "  <!-- Access Code must match the terminals' -->",
        '  <Interfaces default="Members"/>',
    ]
    return _file("NetPOSSettings", body, bom=True, crlf=True)


def _shuffled(rng: random.Random, attributes: dict[str, str]) -> str:
    pairs = [f'{name}="{value}"' for name, value in attributes.items()]
    rng.shuffle(pairs)
    return " ".join(pairs)


def _file(root: str, body: list[str], *, bom: bool, crlf: bool) -> bytes:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f"<{root}>", *body, f"</{root}>", ""]
    return (_BOM if bom else b"") + ("\r\n" if crlf else "\n").join(lines).encode()
