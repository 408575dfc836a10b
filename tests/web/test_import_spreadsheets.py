"""CSV as Excel writes it in different parts of the world; what mixes them is told by line and column, and nothing that was
typed or uploaded is lost."""

import codecs

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from fleet.models import Device
from tests.factories import make_site

IMPORT = reverse("import")
ROWS = [
    ["Bar 1", "terminal", "Küche, links", "a;b"],
    ["Theke „2“", "terminal", 'say "hi"; ok', ""],
    ["netpos", "Server", "", "x"],
]
HEADER = ["Name ", " KIND", "note", "Tags"]
ENCODINGS = {
    "UTF-8": (b"", "utf-8"),
    "CSV UTF-8": (codecs.BOM_UTF8, "utf-8"),
    "Unicode text": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "UTF-16 big": (codecs.BOM_UTF16_BE, "utf-16-be"),
    "UTF-16, no mark": (b"", "utf-16-le"),
    "ANSI": (b"", "cp1252"),
}


def written(separator: str, end: str, said: str = "") -> str:
    """As Excel quotes."""

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if any(c in text for c in f'{separator}"\r\n') else text

    lines = [said] if said else []
    return end.join([*lines, *(separator.join(map(cell, row)) for row in [HEADER, *ROWS]), ""])


def upload(client, data, site, do="look", **more):
    file = SimpleUploadedFile("tills.csv", data)
    return client.post(IMPORT, {"site": site.pk, "file": file, "do": do, **more})


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"], ids=["CRLF", "LF", "CR"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("name", ENCODINGS)
def test_every_regions_csv_is_read(admin, name, separator, end):
    site = make_site()
    mark, codec = ENCODINGS[name]
    for said in ("", f"sep={separator}", f'"sep={separator}"', f"SEP={separator}{separator * 3}"):
        response = upload(admin, mark + written(separator, end, said).encode(codec), site)
        assert response.context["problems"] == [] if "problems" in response.context else True
        found = [(row.name, row.kind, row.note, row.tags) for row in response.context["rows"]]
        assert found == [
            ("Bar 1", "terminal", "Küche, links", ("a", "b")),
            ("Theke „2“", "terminal", 'say "hi"; ok', ()),
            ("netpos", "server", "", ("x",)),
        ]
        assert [row.line for row in response.context["rows"]] == [number + bool(said) for number in (2, 3, 4)]
        assert ("Windows-1252" in response.content.decode()) is (name == "ANSI")
    upload(admin, mark + written(separator, end).encode(codec), site, "import")
    assert set(Device.objects.values_list("name", flat=True)) == {row[0] for row in ROWS}


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"], ids=["CRLF", "LF", "CR"])
def test_a_cell_may_have_several_lines(admin, end):
    text = f'name;note;tags{end}Bar 1;"left{end}of the  door";"a{end}b"{end}{end};;{end}Bar 2;x;{end}'
    rows = upload(admin, text.encode(), make_site()).context["rows"]
    assert [(row.name, row.note, row.tags) for row in rows] == [("Bar 1", "left of the door", ("a", "b")), ("Bar 2", "x", ())]
    assert rows[1].line == 7


def test_columns_that_a_spreadsheet_once_used_are_passed_over(admin):
    rows = upload(admin, b"name;kind;;\r\nBar 1;terminal;;\r\n;;;\r\n", make_site()).context["rows"]
    assert [row.name for row in rows] == ["Bar 1"]


def test_one_column_alone_needs_no_separator(admin):
    rows = upload(admin, b"Name\rBar left\rBar; right\r", make_site()).context["rows"]
    assert [row.name for row in rows] == ["Bar left", "Bar; right"]


MIXED = {
    "commas below semicolons": (b"name;kind\r\nBar 1;terminal\r\nBar 2,terminal\r\n", "line 3, column 6", "commas"),
    "semicolons below commas": (b"name,kind\nBar 1;terminal\n", "line 2, column 6", "semicolons"),
    "tabs below semicolons": (b"name;kind\nBar 1\tterminal\n", "line 2, column 6", "tabs"),
    "another separator than said": (b"sep=;\r\nname,kind\r\nBar 1,terminal\r\n", "line 2", "name is missing"),
    "a separator that is none": (b"sep=x\nname\nBar\n", "line 1, column 5", "'x'"),
    "ANSI in UTF-8": ("name\nKüche\n".encode() + b"T\xfcr\n", "line 3, column 2", "UTF-8"),
    "ANSI behind a mark": (codecs.BOM_UTF8 + b"name\r\nBar\r\nT\xfcr\r\n", "line 3, column 2", "UTF-8"),
    "half a letter": (codecs.BOM_UTF16_LE + "name\rBar".encode("utf-16-le") + b"\0", "line 2, column 4", "UTF-16"),
    "an open quote": (b'name;note\nBar;"x\nBar 2;y\n', "line 2, column 5", "not valid CSV"),
    "text behind a quote": (b'name;note\nA;b\n"Bar"x;y\n', "line 3, column 1", "not valid CSV"),
    "an unknown column": (b"name; Colour \nBar;red\n", "line 1, column 7", "unknown column 'colour'"),
}


@pytest.mark.parametrize("name", MIXED)
def test_what_is_mixed_is_told_by_line_and_column_and_nothing_is_lost(admin, name):
    data, place, word = MIXED[name]
    site = make_site()
    response = upload(admin, data, site, site_name="Harbour", zone="Australia/Sydney")
    problems = response.context["problems"]
    assert [field for field, message in problems if word in message][:1] == [place], problems
    typed = response.context["typed"]
    assert (typed["site"], typed["site_name"], typed["zone"]) == (str(site.pk), "Harbour", "Australia/Sydney")
    # The file's text stands in the form, where it can be put right.
    letters = [word for word in ("name", "Bar", "terminal") if word.encode() in data]
    assert all(word in typed["text"] for word in letters)
    assert typed["text"] in response.content.decode().replace("&quot;", '"').replace("&#x27;", "'")
    assert not Device.objects.exists()


def test_a_file_that_is_too_large_leaves_what_was_typed(admin, monkeypatch):
    monkeypatch.setattr("fleet.services.devices.importing.MAX_BYTES", 10)
    response = upload(admin, b"name\n" + b"x" * 20, make_site(), text="name\nBar\n", site_name="Harbour")
    assert response.context["problems"][0][0] == "file"
    assert (response.context["typed"]["text"], response.context["typed"]["site_name"]) == ("name\nBar\n", "Harbour")
