"""One value changes in a file of any format, every other byte stays; what is not understood is refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_samples import profile

from agents.errors import StepError
from agents.profiles import ini_text, json_text, registry_text
from agents.profiles.reading import Reading

CODECS = {
    "utf-8": (b"", "utf-8"),
    "utf-8 with mark": (b"\xef\xbb\xbf", "utf-8"),
    "utf-16 little": (b"\xff\xfe", "utf-16-le"),
    "utf-16 big": (b"\xfe\xff", "utf-16-be"),
    "utf-16 little, no mark": (b"", "utf-16-le"),
    "utf-16 big, no mark": (b"", "utf-16-be"),
}
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
# Any character but those that end a line or cannot be encoded; line separators of Unicode are ordinary here.
LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=12)
WHOLE = settings(max_examples=100, deadline=None)


def _proves(form: str, head: bytes, old: str, tail: bytes, codec: str, words: dict[str, Any], new: str) -> None:
    """The switch between head and tail is read, turned and turned back, and nothing else changes."""
    before = head + old.encode(codec) + tail
    view = Reading(profile(form, **words), before, "f")
    assert view.secure() is False
    found = view.find(view.profile.switch.at)
    assert before[found.begin : found.end] == found.text.encode(codec)
    changed = view.switched(True)
    assert changed == head + new.encode(codec) + tail
    after = Reading(view.profile, changed, "f")
    assert after.secure() is True
    assert after.replaced(view.profile.switch.at, found.text) == before


# Lines around the switch which are none of its business.
_PLAIN = LINE.filter(lambda line: not line.strip(" \t").startswith("["))
_NOISE = st.one_of(
    _PLAIN.map(lambda line: line.replace("=", "-")),
    _PLAIN.map(lambda line: ";" + line),
    _PLAIN.map(lambda line: "# Secured=" + line),
    st.tuples(st.sampled_from(["Secure", "SecuredX", "a b", "x.Secured"]), _PLAIN).map("=".join),
)
_LINES = st.lists(st.tuples(_NOISE, LINE_ENDS).map("".join), max_size=6).map("".join)


@given(
    codec=st.sampled_from(sorted(CODECS)), above=_LINES, between=_LINES, below=_LINES,
    name=st.sampled_from(["Secured", "SECURED", "\t secured  "]), gap=st.sampled_from(["", " ", "\t "]),
    quote=st.sampled_from(["", '"', "'"]), old=st.sampled_from(["False", "FALSE", "false"]), end=LINE_ENDS,
)  # fmt: skip
@WHOLE
def test_an_ini_file_changes_in_its_switch_and_back(
    codec: str, above: str, between: str, below: str, name: str, gap: str, quote: str, old: str, end: str
) -> None:
    mark, encoding = CODECS[codec]
    # Without a mark a file's first character tells the encoding, so it is an ASCII one as in real files.
    head = f";{above}{end}[A]{end}Secured=False{end}[ Customers ]{end}{between}{name}={gap}{quote}"
    tail = f"{quote}{gap}{end}{below}[B]{end}Secured=True"
    _proves("ini", mark + head.encode(encoding), old, tail.encode(encoding), encoding, {}, "True")


@given(above=st.binary(max_size=30), below=st.binary(max_size=30))
@WHOLE
def test_unknown_bytes_of_an_ini_file_stay(above: bytes, below: bytes) -> None:
    clean = bytes.maketrans(b"\0", b"\xff")
    # Comments, as any code page writes them.
    head, tail = (b";" + b"\n;".join(part.translate(clean).splitlines()) + b"\n" for part in (above, below))
    _proves("ini", head + b"[Customers]\nSecured=", "False", b"\n" + tail, "ascii", {}, "True")


_GAPS = st.sampled_from(
    [
        "",
        " ",
        "\r\n",
        "\n\t",
        "\r",
        "\u2028",
        "\u0085",
        "\u00a0\f",
        "\v\u3000",
        "// x\u2028y\r",
        '/* "Secured": true, */',
        "/**/",
        '// } "\n',
        "/* é\n// */",
    ]
)
_SCALARS = st.one_of(
    st.sampled_from(["1.50e+3", "-0", "0.0", "12345678901234567890", "null", "true", "false", '"\\u0053ecured"', '"\\\\"']),
    st.text(max_size=8).map(json.dumps),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda text: json.dumps(text, ensure_ascii=False)),
)
_NAMES = st.text(max_size=6).filter(lambda name: name not in ("Customers", "Secured"))


def _object(values: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    pairs = st.dictionaries(_NAMES, values, max_size=3).map(lambda items: [[json.dumps(k), ":", *v] for k, v in items.items()])
    return pairs.map(lambda items: ["{", *_joined(items), "}"])


def _joined(items: list[list[str]]) -> list[str]:
    return [token for number, item in enumerate(items) for token in ([",", *item] if number else item)]


_VALUES: st.SearchStrategy[list[str]] = st.recursive(
    _SCALARS.map(lambda token: [token]),
    lambda inner: st.one_of(
        _object(inner), st.lists(inner, max_size=3).map(lambda items: ["[", *_joined(items), "]"]), _object(inner)
    ),
    max_leaves=8,
)
_XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="<>&-\ufffe\uffff"), max_size=10)
JSON_WORDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "literal": ({"switch_true": True, "switch_false": False}, "false", "true"),
    "number": ({"switch_true": 1, "switch_false": 0}, "0", "1"),
    "text": ({}, '"fALSE"', '"True"'),
    "escaped text": ({}, '"F\\u0061lse"', '"True"'),
}


@given(
    data=st.data(), codec=st.sampled_from(sorted(CODECS)), words=st.sampled_from(sorted(JSON_WORDS)),
    around=_object(_VALUES), inside=_object(_VALUES), first=st.booleans(),
)  # fmt: skip
@WHOLE
def test_a_json_file_changes_in_its_switch_and_back(
    data: st.DataObject, codec: str, words: str, around: list[str], inside: list[str], first: bool
) -> None:
    changes, old, new = JSON_WORDS[words]
    mark, encoding = CODECS[codec]
    target = ['"Secured"', ":", "@"]
    customers = ["{", *_beside(target, inside, first), "}"]
    tokens = ["{", *_beside(['"Customers"', ":", *customers], around, not first), "}"]
    place = tokens.index("@")

    def render(part: list[str]) -> bytes:
        return "".join(token + data.draw(_GAPS) for token in part).encode(encoding)

    head, tail = mark + render(tokens[:place]), data.draw(_GAPS).encode(encoding) + render(tokens[place + 1 :])
    _proves("json", head, old, tail, encoding, changes, new)


def _beside(pair: list[str], other: list[str], first: bool) -> list[str]:
    rest = other[1:-1]
    if not rest:
        return pair
    return [*pair, ",", *rest] if first else [*rest, ",", *pair]


@given(
    codec=st.sampled_from(sorted(set(CODECS) - {"utf-16 big, no mark", "utf-16 little, no mark"})),
    noise=st.lists(_XML_TEXT, min_size=6, max_size=6),
    end=LINE_ENDS, blank=st.sampled_from(["", " ", "\r\n\t"]), old=st.sampled_from(["False", "FALSE", "false"]),
)  # fmt: skip
@WHOLE
def test_an_xml_file_changes_in_its_switch_and_back(codec: str, noise: list[str], end: str, blank: str, old: str) -> None:
    mark, encoding = CODECS[codec]
    a, b, c, d, e, f = (text.replace('"', "'") for text in noise)
    head = f'<Touch b="{a}" a="{b}">{end}<!-- {c} <Secured>True</Secured> --><Secured>True</Secured>'
    head += f"<Customers>{d}<Secured >{blank}"
    tail = f"{blank}</Secured>{e}</Customers>{end}<Customers2><Secured>True</Secured>{f}</Customers2></Touch>{end}"
    _proves("xml", mark + head.encode(encoding), old, tail.encode(encoding), encoding, {}, "True")


@given(
    codec=st.sampled_from(sorted(set(CODECS) - {"utf-16 big, no mark", "utf-16 little, no mark"})),
    noise=st.lists(_XML_TEXT, min_size=5, max_size=5),
    gaps=st.lists(st.sampled_from([" ", "\n", "\r\n\t"]), min_size=3, max_size=3),
    quote=st.sampled_from(["'", '"']), old=st.sampled_from(["False", "FALSE", "false"]),
)  # fmt: skip
@WHOLE
def test_an_xml_attribute_changes_in_its_switch_and_back(
    codec: str, noise: list[str], gaps: list[str], quote: str, old: str
) -> None:
    mark, encoding = CODECS[codec]
    a, b, c, d, e = (text.replace('"', "'") for text in noise)
    head = f'<c><!-- {a} --><add key="x{b}" value="False"/>{c}<add{gaps[0]}é="{d}"{gaps[1]}key="Use/@SSL"{gaps[2]}value={quote}'
    tail = f'{quote}{gaps[0]}z="{e}"/></c>'
    at = {"switch_at": "c/add[@key='Use/@SSL']/@value"}
    _proves("xml", mark + head.encode(encoding), old, tail.encode(encoding), encoding, at, "True")


@given(others=st.dictionaries(st.text(max_size=5), st.one_of(st.text(max_size=5), st.integers(0, 2**32 - 1)), max_size=4))
@WHOLE
def test_a_registry_snapshot_changes_in_its_switch_and_back(others: dict[str, str | int]) -> None:
    before = registry_text.dump({**others, "Customers\\Secured": "False"})
    view = Reading(profile("registry"), before, "f")
    changed = view.switched(True)
    assert registry_text.load(changed) == {**others, "Customers\\Secured": "True"}
    assert Reading(view.profile, changed, "f").replaced(view.profile.switch.at, '"False"') == before


BAD_INI = {
    "missing": (b"[Customers]\nSecure=True\n", "setting_missing", "Customers/Secured is missing"),
    "no section": (b"Secured=True\n", "setting_missing", "[Customers] is missing"),
    "commented out": (b"[Customers]\n;Secured=True\n#Secured=True\n", "setting_missing", "is missing"),
    "twice": (b"[Customers]\nSecured=True\nsecured=True\n", "setting_missing", "stands there 2 times"),
    "section twice": (b"[Customers]\nSecured=True\n[CUSTOMERS]\n", "setting_missing", "[Customers] stands there 2 times"),
    "no value": (b"[Customers]\nSecured=\n", "setting_invalid", "has no value"),
    "quoted nothing": (b'[Customers]\nSecured=""\n', "setting_invalid", "has no value"),
    "another word": (b"[Customers]\nSecured=1\n", "setting_invalid", "is neither True nor False"),
    "note behind it": (b"[Customers]\nSecured=True ; note\n", "setting_invalid", "is neither True nor False"),
    "section does not end": (b"[Customers\nSecured=True\n", "settings_not_ini", "a section's line does not end"),
    "binary": (b"MZ\x90\0\3\0\0\0", "settings_not_ini", "zero bytes"),
    "utf-32": ("[Customers]\nSecured=True\n".encode("utf-32"), "settings_not_ini", "zero bytes"),
    "half a character": (b"\xff\xfe[\0C", "settings_not_ini", "truncated"),
}  # fmt: skip
BAD_JSON = {
    "missing": (b'{"Customers": {"secured": "True"}}', "setting_missing", "Customers/Secured is missing"),
    "no parent": (b'{"Secured": "True"}', "setting_missing", "Customers is missing"),
    "twice": (b'{"Customers": {"Secured": "True", "Secur\\u0065d": "True"}}', "setting_missing", "stands there 2 times"),
    "parent twice": (b'{"Customers": {"Secured": "True"}, "Customers": {}}', "setting_missing", "Customers stands there 2"),
    "null": (b'{"Customers": {"Secured": null}}', "setting_invalid", "is neither text"),
    "object": (b'{"Customers": {"Secured": {}}}', "setting_invalid", "is neither text"),
    "fraction": (b'{"Customers": {"Secured": 1.0}}', "setting_invalid", "is neither text"),
    "literal for text": (b'{"Customers": {"Secured": true}}', "setting_invalid", 'is neither "True" nor "False"'),
    "empty": (b"", "settings_not_json", "Expecting value"),
    "cut": (b'{"Customers": {"Secured": "True"', "settings_not_json", "delimiter"),
    "comma at the end": (b'{"Customers": {"Secured": "True",}}', "settings_not_json", "double quotes"),
    "two values": (b'{"Customers": {"Secured": "True"}} {}', "settings_not_json", "Extra data"),
    "not a number": (b'{"Customers": {"Secured": "True"}, "x": NaN}', "settings_not_json", "NaN is not JSON"),
    "open comment": (b'{"Customers": {"Secured": "True"}} /*/', "settings_not_json", "a comment does not end"),
    "open text": (b'{"Customers": {"Secured": "True}}', "settings_not_json", "Unterminated string"),
    "ANSI": ('{"Customers": {"Secured": "True"}, "é": 1}'.encode("cp1252"), "settings_not_json", "invalid continuation"),
    "deep": (b"[" * 100_000, "settings_not_json", "recursion"),
}  # fmt: skip


@pytest.mark.parametrize(("form", "name"), [*(("ini", name) for name in BAD_INI), *(("json", name) for name in BAD_JSON)])
def test_what_is_not_understood_is_refused_and_named(form: str, name: str) -> None:
    data, code, message = (BAD_INI if form == "ini" else BAD_JSON)[name]
    view = Reading(profile(form), data, "Touch.cfg")
    for action in (view.secure, lambda: view.switched(True)):
        with pytest.raises(StepError) as caught:
            action()
        assert caught.value.finding.code == code
        assert caught.value.finding.message.startswith("Touch.cfg: ")
        assert message in caught.value.finding.message


def test_a_number_is_not_a_truth_value_nor_the_other_way_round() -> None:
    for old, words in (("1", {"switch_true": True, "switch_false": False}), ("true", {"switch_true": 1, "switch_false": 0})):
        with pytest.raises(StepError, match="is neither"):
            Reading(profile("json", **words), f'{{"Customers": {{"Secured": {old}}}}}'.encode(), "f").secure()


def test_json_paths_reach_into_lists_and_past_slashes() -> None:
    data = b'{"a/b": [{"Secured": 1}, [0, {"~": {"Secured": 2}}]]}'
    assert json_text.read(data, "a~1b/0/Secured", "f").value == 1
    assert json_text.read(data, "a~1b/1/1/~0/Secured", "f").value == 2
    assert json_text.replace(data, "a~1b/1/0", "7", "f") == data.replace(b"[0,", b"[7,")


def test_an_ini_key_may_stand_before_every_section() -> None:
    assert ini_text.read(b"Secured=1\n[A]\nSecured=0\n", "Secured", "f").value == "1"


@pytest.mark.parametrize("section", ["ゾーン", "表示]", "構成"])
@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_a_section_in_a_code_page_may_have_bytes_that_look_like_brackets(section: str, end: str) -> None:
    head = f"[{section}]{end}Secured=True{end}; ソ{end}[Customers]{end}Secured=".encode("cp932")
    _proves("ini", head, "False", f"{end}[{section}2]{end}x=1".encode("cp932"), "ascii", {}, "True")


@pytest.mark.parametrize(
    ("value", "right"), [("10101", 10101), ('"10101"', 10101), ("true", None), ("10101.0", None), ("0", None)]
)
def test_a_port_in_json_is_a_number_or_a_text_of_digits(value: str, right: int | None) -> None:
    view = Reading(profile("json"), f'{{"Customers": {{"NetPosPort": {value}}}}}'.encode(), "f")
    if right is None:
        with pytest.raises(StepError):
            view.port()
    else:
        assert view.port() == right


@pytest.mark.parametrize("text", ["/*" * 200_000, '"\\' * 200_000, " " * 400_000, '"' * 400_001])
def test_a_hostile_file_is_refused_in_time_that_grows_with_its_size(text: str) -> None:
    # Each took minutes with a pattern that begins anew at every character.
    for form in ("ini", "json"):
        with pytest.raises(StepError):
            Reading(profile(form), text.encode(), "f").secure()
