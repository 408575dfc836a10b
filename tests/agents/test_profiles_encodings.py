"""XML settings in every encoding that .NET Framework reads: one value changes, every other byte stays; what cannot be
changed safely is refused in words."""

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_samples import profile

from agents.errors import StepError
from agents.profiles import xml_encoding
from agents.profiles.reading import Reading

# Name in the declaration -> a codec that writes it, and letters of its script. The last ones of Japanese and Chinese end
# with bytes that are ASCII letters, brackets or backslashes.
ENCODINGS = {
    "utf-8": ("utf-8", "Küche 菜单 🍺"),
    "UTF-8": ("utf-8", "ß"),
    "us-ascii": ("ascii", "plain"),
    "iso-8859-1": ("latin-1", "Küche ÿ"),
    "ISO-8859-2": ("iso8859-2", "żółw"),
    "iso-8859-5": ("iso8859-5", "кухня"),
    "iso-8859-7": ("iso8859-7", "κουζίνα"),
    "iso-8859-8-i": ("iso8859-8", "מטבח"),
    "iso-8859-9": ("iso8859-9", "mutfağı"),
    "iso-8859-15": ("iso8859-15", "Küche €"),
    "latin1": ("latin-1", "é"),
    "windows-1250": ("cp1250", "kuchyň"),
    "windows-1251": ("cp1251", "кухня"),
    "Windows-1252": ("cp1252", "Küche – €"),
    "windows-1253": ("cp1253", "κουζίνα"),
    "windows-1254": ("cp1254", "mutfağı"),
    "windows-1255": ("cp1255", "מטבח"),
    "windows-1256": ("cp1256", "مطبخ"),
    "windows-1257": ("cp1257", "virtuvė"),
    "windows-1258": ("cp1258", "bếp".encode("cp1258", "replace").decode("cp1258")),
    "windows-874": ("cp874", "ครัว"),
    "tis-620": ("cp874", "ครัว"),
    "x-cp1251": ("cp1251", "кухня"),
    "ibm850": ("cp850", "Küche"),
    "ibm437": ("cp437", "Küche ░"),
    "cp866": ("cp866", "кухня"),
    "DOS-862": ("cp862", "מטבח"),
    "koi8-r": ("koi8-r", "кухня"),
    "koi8-u": ("koi8-u", "їжа"),
    "macintosh": ("mac-roman", "Küche"),
    "x-mac-cyrillic": ("mac-cyrillic", "кухня"),
    "shift_jis": ("cp932", "設定 ソ表能ポ①㈱~"),
    "Shift-JIS": ("cp932", "ｾｯﾃｲ"),
    "x-sjis": ("cp932", "設定"),
    "windows-31j": ("cp932", "髙﨑"),
    "euc-jp": ("euc_jp", "設定ソ"),
    "gb2312": ("gbk", "菜单 鎔丂"),
    "GBK": ("gbk", "菜单"),
    "gb18030": ("gb18030", "菜单 🍺"),
    "big5": ("cp950", "菜單 功許蓋"),
    "euc-kr": ("cp949", "메뉴 똠방각하"),
    "ks_c_5601-1987": ("cp949", "메뉴"),
}
MARKED = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
          "utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE}  # fmt: skip
ENDS = ["\n", "\r\n", "\r"]
AT = {"switch_at": "c/add[@key='UseSSL']/@value"}
FEW = settings(max_examples=25, deadline=None)


def _proves(before: bytes, head: bytes, tail: bytes, codec: str, *, attribute: bool) -> None:
    """The switch between head and tail is read, turned and turned back, and nothing else changes."""
    old = before[len(head) : len(before) - len(tail)].decode(codec)
    view = Reading(profile("xml", **(AT if attribute else {})), before, "f")
    assert view.secure() is False
    changed = view.switched(True)
    assert changed == head + "True".encode(codec) + tail
    after = Reading(view.profile, changed, "f")
    assert after.secure() is True
    assert after.replaced(view.profile.switch.at, old) == before
    found = view.find(view.profile.switch.at)
    line, column = view.line_and_column(found.begin)
    assert line >= 1 <= column
    assert view.line_parts(found.begin, found.end)[1] == old


def _pieces(declaration: str, words: str, ends: list[str], *, attribute: bool) -> tuple[str, str]:
    a, b, c = ends
    plain = words.replace("'", " ")
    declaration = declaration and declaration + a
    name = next((letter for letter in words if letter in "Küéкμż菜設"), "n")
    if attribute:
        head = f"{declaration}<c>{b}<!-- {words} -->{c}<add key='x' n='{plain}' value='True'/>{words}{a}<add{b}n='{plain}' "
        return f"{head}key='UseSSL'{c}value='{a}", f"{b}' z='{plain}'/>{words}{c}</c>{a}"
    head = f"{declaration}<Touch>{b}<!-- {words} -->{c}<{name}n v='{plain}'/>{words}"
    return f"{head}<Customers>{words}{a}<Secured>{b} ", f"{c}</Secured>{words}{a}</Customers>{b}</Touch>{c}{words and a}"


@pytest.mark.parametrize("attribute", [False, True], ids=["element", "attribute"])
@pytest.mark.parametrize("name", ENCODINGS)
def test_every_declared_encoding_is_read_and_changed(name: str, attribute: bool) -> None:
    codec, words = ENCODINGS[name]
    for ends in (["\r\n"] * 3, ["\r"] * 3, ["\n", "\r", "\r\n"]):
        for quote in "'\"":
            declaration = f"<?xml version={quote}1.0{quote} encoding={quote}{name}{quote}?>"
            head, tail = (part.encode(codec) for part in _pieces(declaration, words, ends, attribute=attribute))
            _proves(head + b"FALSE" + tail, head, tail, codec, attribute=attribute)


@pytest.mark.parametrize("attribute", [False, True], ids=["element", "attribute"])
@pytest.mark.parametrize("declared", ["", "utf-8", "utf-16", "utf-32", "iso-8859-1", "shift_jis", "unheard-of"])
@pytest.mark.parametrize("codec", MARKED)
def test_a_byte_order_mark_goes_before_what_is_declared(codec: str, declared: str, attribute: bool) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    head, tail = _pieces(declaration, "Küche 菜单 🍺", ["\r\n", "\r", "\n"], attribute=attribute)
    begin, end = MARKED[codec] + head.encode(codec), tail.encode(codec)
    _proves(begin + "False".encode(codec) + end, begin, end, codec, attribute=attribute)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("declared", ["", "utf-16", "UTF-32", "unicode"])
def test_without_a_mark_the_first_character_tells_the_width(codec: str, declared: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    head, tail = (part.encode(codec) for part in _pieces(declaration, "菜单", ["\r"] * 3, attribute=False))
    _proves(head + "False".encode(codec) + tail, head, tail, codec, attribute=False)


# Bytes that mean nothing in Python's tables and something, or a question mark, in Windows'.
STRAY = {
    "windows-1252": b"\x81\x8d\x8f\x90\x9d",
    "windows-1255": b"\xd9\xff",
    "iso-8859-8": b"\xa1\xbf",
    "us-ascii": b"K\xfcche",
    "shift_jis": b"\xf0\x40\xf9\xfc\xa0\x80",
    "gb2312": b"\xaa\xa1\xf8\xa1\x80",
    "big5": b"\xfa\x40\xc6\xa1\x81\x40",
    "euc-kr": b"\xc9\xa1\xfe\xa1",
}


@pytest.mark.parametrize("attribute", [False, True], ids=["element", "attribute"])
@pytest.mark.parametrize("name", STRAY)
def test_bytes_without_a_meaning_stay_too(name: str, attribute: bool) -> None:
    head, tail = _pieces(f'<?xml version="1.0" encoding="{name}"?>', "@@", ["\r", "\n", "\r\n"], attribute=attribute)
    begin, end = (part.encode().replace(b"@@", STRAY[name]).replace(b"@n", b"nn") for part in (head, tail))
    _proves(begin + b"False" + end, begin, end, "latin-1", attribute=attribute)


UNSAFE = {
    "iso-2022-jp": ("iso2022_jp", "設定", "keeps a state"),
    "csISO2022JP": ("iso2022_jp", "設定", "keeps a state"),
    "iso-2022-kr": ("iso2022_kr", "메뉴", "keeps a state"),
    "hz-gb-2312": ("hz", "菜单", "keeps a state"),
    "utf-7": ("utf-7", "Küche", "keeps a state"),
    "ibm037": ("ascii", "", "not built on ASCII"),
    "utf-16": ("utf-8", "Küche", "without a byte-order mark"),
    "utf-32": ("utf-8", "Küche", "without a byte-order mark"),
    "unheard-of": ("utf-8", "", "'unheard-of', which this agent does not know"),
    "rot13": ("ascii", "", "which this agent does not know"),
    "unicode_escape": ("ascii", "", "which this agent does not know"),
    "utf-8": ("cp1252", "Küche", "declares utf-8, and is not written in utf-8"),
    "shift_jis": ("utf-8", "é<", "is not written in cp932"),
    "": ("cp1252", "Küche", "has no declaration, and is not written in utf-8"),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_what_cannot_be_changed_safely_is_refused_in_words(name: str) -> None:
    codec, words, why = UNSAFE[name]
    declaration = f'<?xml version="1.0" encoding="{name}"?>' if name else ""
    text = f"{declaration}<!-- {words.replace('<', '')} --><Touch><Customers><Secured>False</Secured></Customers></Touch>"
    data = text.encode(codec)
    if name == "shift_jis":
        data = data.replace(b"\xa9 ", b"\x85 ")  # a first byte that nothing can follow
    view = Reading(profile("xml"), data, "Touch.xml")
    for action in (view.secure, lambda: view.switched(True)):
        with pytest.raises(StepError) as caught:
            action()
        assert caught.value.finding.code == "settings_not_xml"
        assert caught.value.finding.message.startswith("Touch.xml: is not XML that can be read (")
        assert why in caught.value.finding.message


def test_two_bytes_without_a_mark_and_another_encoding_declared_are_refused() -> None:
    data = '<?xml version="1.0" encoding="iso-8859-1"?><Touch/>'.encode("utf-16-le")
    with pytest.raises(StepError, match="written in utf-16-le without a byte-order mark, and declares iso-8859-1"):
        Reading(profile("xml"), data, "f").secure()


_LETTERS = st.text(
    st.characters(codec="cp932", exclude_categories=["Cc", "Cn", "Co"], exclude_characters="<>&-'\"\\¢£¬‖−〜"), max_size=20
)


@given(
    words=_LETTERS, ends=st.lists(st.sampled_from([*ENDS, "\u0085", "\u2028"]), min_size=3, max_size=3), attribute=st.booleans()
)
@FEW
def test_any_line_ends_stay_in_utf_8(words: str, ends: list[str], attribute: bool) -> None:
    # Within a tag only XML's own ends are blanks.
    mixed = ends if not attribute else [end if end in ENDS else "\r" for end in ends]
    head, tail = (part.encode() for part in _pieces("<?xml version='1.0'?>", words, mixed, attribute=attribute))
    if any(end not in ENDS for end in mixed):
        head, tail = head.replace(b"?>\xc2\x85", b"?>\r").replace(b"?>\xe2\x80\xa8", b"?>\r"), tail[: tail.rindex(b">") + 1]
    _proves(head + b"False" + tail, head, tail, "utf-8", attribute=attribute)


@given(words=_LETTERS, ends=st.lists(st.sampled_from(ENDS), min_size=3, max_size=3), attribute=st.booleans())
@FEW
def test_any_japanese_text_stays(words: str, ends: list[str], attribute: bool) -> None:
    head, tail = _pieces("<?xml version='1.0' encoding='shift_jis'?>", words, ends, attribute=attribute)
    begin, end = head.encode("cp932"), tail.encode("cp932")
    _proves(begin + b"False" + end, begin, end, "cp932", attribute=attribute)


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_character_is_found_at_its_byte(name: str) -> None:
    codec, words = ENCODINGS[name]
    data = f'<?xml version="1.0" encoding="{name}"?>'.encode() + f"<a>{words}</a>".encode(codec)
    text = xml_encoding.decode(data)
    assert [text.offset(place) for place in range(len(text.text) + 1)] == [
        len(text.text[:place].encode(codec)) for place in range(len(text.text) + 1)
    ]
