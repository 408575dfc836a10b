"""Only fleet.device_facts takes apart the JSON that agents tell. Everything else reads its typed values; services may
write the JSON to a row, and pass it on."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARSER = "fleet/device_facts/"
# The demo and the bench keep a file demo.json, which they call facts, too.
OTHERS = ("fleet/management/demo/", "fleet/management/bench/", "fleet/migrations/")
TAKE_APART = {"get", "items", "keys", "values", "pop", "setdefault"}
READERS = {"mapping", "rows", "text", "texts", "isinstance", "dict", "list"}


def test_no_other_module_takes_facts_apart() -> None:
    found = [
        f"{name}:{line}"
        for path in sorted((ROOT / "fleet").rglob("*.py"))
        if not (name := str(path.relative_to(ROOT))).startswith((PARSER, *OTHERS))
        for line in taken_apart(path.read_text())
    ]
    assert not found, f"read facts by fleet.device_facts.parse, not from the JSON: {found}"


def test_taking_apart_is_noticed() -> None:
    for text in (
        'd.facts["a"]',
        'd.facts.get("a")',
        "mapping(d.facts)",
        "facts.items()",
        'mapping(facts).get("a")',
        "rows(told.facts)",
    ):
        assert list(taken_apart(text)) == [1], text
    for text in (
        "d.facts = x",
        "parse_server(d.facts)",
        "save(facts=d.facts)",
        "len(json.dumps(facts))",
        "d.server_facts.port",
    ):
        assert not list(taken_apart(text)), text


def taken_apart(text: str) -> Iterator[int]:
    """The lines where a name or attribute `facts` is indexed, asked for a key, tested for its type, or read leniently."""
    for node in ast.walk(ast.parse(text)):
        if (
            (isinstance(node, ast.Subscript) and _is_facts(node.value))
            or (isinstance(node, ast.Attribute) and node.attr in TAKE_APART and _is_facts(node.value))
            or (isinstance(node, ast.Call) and _name(node.func) in READERS and any(_is_facts(arg) for arg in node.args))
        ):
            yield node.lineno


def _is_facts(node: ast.expr) -> bool:
    return _name(node) == "facts"


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
