"""The protocol on the wire: a sample of every message is on file, so that a change of format is seen."""

import dataclasses
import json
import typing
from pathlib import Path

import pytest

from agents import catalogue, protocol, steps
from agents.probes import inquiry
from agents.protocol import ProtocolError
from agents.steps.base import Step

SAMPLES = json.loads((Path(__file__).parent / "protocol_samples.json").read_text())


def test_every_message_has_a_sample_on_file() -> None:
    missing = set(protocol.TYPES) - {sample["type"] for sample in SAMPLES}
    assert not missing, f"add a sample of {missing} to tests/agents/protocol_samples.json"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["type"])
def test_a_sample_is_read_and_written_unchanged(sample: dict) -> None:
    message = protocol.parse(json.dumps(sample))
    assert type(message).__name__ == sample["type"]
    assert json.loads(protocol.dump(message)) == sample


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["type"])
def test_a_missing_or_mistyped_part_is_named(sample: dict) -> None:
    cls = protocol.TYPES[sample["type"]]
    for field in dataclasses.fields(cls):
        wrong = {**sample, field.name: [object.__name__] if not isinstance(sample[field.name], list) else "text"}
        with pytest.raises(ProtocolError) as caught:
            protocol.parse(json.dumps(wrong))
        assert caught.value.field.startswith(field.name)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            with pytest.raises(ProtocolError) as caught:
                protocol.parse(json.dumps({key: value for key, value in sample.items() if key != field.name}))
            assert caught.value.field == field.name


BAD = {
    "not json": "message", "[]": "message", "{}": "type", '{"type":"Nothing","v":1}': "type", '{"type":"Ack","v":2,"n":1}': "v",
    '{"type":"Ack","v":1,"n":1,"more":1}': "more", '{"type":"Ack","v":1,"n":true}': "n", '{"type":"Ack","v":1,"n":1.5}': "n",
    '{"type":"Ack","v":1,"n":null}': "n", "[" * 100_000: "message", '"' + "x" * protocol.MAX_MESSAGE_BYTES + '"': "message",
}  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:30])
def test_bad_input_names_the_field(text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        protocol.parse(text)
    assert caught.value.field == BAD[text]


def _numbers(cls: type) -> list[str]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return [name for name, hint in hints.items() if hint is int or getattr(hint, "__origin__", None) is int]


@pytest.mark.parametrize("number", [2**40 + 1, 2**62, 2**63 - 1, 10**400, -1])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["type"])
def test_no_number_is_out_of_bounds_in_either_direction(sample: dict, number: int) -> None:
    for name in _numbers(protocol.TYPES[sample["type"]]):
        wrong = {**sample, name: number if not name.endswith("_ms") else number * 10}
        with pytest.raises(ProtocolError, match=f"^{name}: must be from ") as caught:
            protocol.parse(json.dumps(wrong))
        assert len(str(caught.value)) < 100


PARTS = (
    protocol.Instruction, protocol.Rehearsal, inquiry.Inquiry, inquiry.Adopted, protocol.Finding, protocol.Proof,
)  # fmt: skip


def test_no_number_of_the_protocol_is_without_bounds() -> None:
    for cls in (*protocol.TYPES.values(), *PARTS):
        hints = typing.get_type_hints(cls, include_extras=True)
        bare = [name for name, hint in hints.items() if hint in (int, str)]
        assert bare == [], f"{cls.__name__} believes {bare}"


@pytest.mark.parametrize("name", ["seq", "epoch", "cutover", "port", "expires_ms", "lease_ms"])
def test_an_instruction_with_an_absurd_number_is_none(make_instruction, name: str) -> None:
    body = protocol.dump_signed(make_instruction(**{name: 2**62}))
    with pytest.raises(ProtocolError) as caught:
        protocol.parse_instruction(body)
    assert caught.value.field == name


INQUIRY = {"agent": "a1", "inquiry": 5, "action": "record", "expires_ms": 1_900_000_000_000}
TOO_MUCH = {
    "seconds": 601, "probes": ["", "", ""], "adopt": [{"field": "service", "value": "x"}] * 9, "action": "run",
    "transport_path": "x" * 201, "terminal": "a\0",
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_MUCH)
def test_an_inquiry_is_bounded(name: str) -> None:
    assert inquiry.parse(json.dumps(INQUIRY)).seconds == 0
    with pytest.raises(ProtocolError) as caught:
        inquiry.parse(json.dumps({**INQUIRY, name: TOO_MUCH[name]}))
    assert caught.value.field == name


def test_a_profile_in_an_inquiry_has_at_most_16_kib() -> None:
    with pytest.raises(ProtocolError) as caught:
        inquiry.parse(json.dumps({**INQUIRY, "probes": ["x" * (16 * 1024 + 1)]}))
    assert caught.value.field == "probes[0]"


def test_what_an_older_agent_says_of_itself_is_not_listened_to() -> None:
    old = {"type": "Hello", "v": 1, "agent": "a1", "signature": "AAAA", "version": 1, "epoch": 2**63 - 1, "seq": 2**62}
    hello = protocol.parse(json.dumps(old))
    assert hello == protocol.Hello("a1", "AAAA", 1)
    assert not hasattr(hello, "epoch")


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", "x" * 10_000])
def test_a_name_is_short_and_text(text: str) -> None:
    sample = next(sample for sample in SAMPLES if sample["type"] == "Hello")
    with pytest.raises(ProtocolError) as caught:
        protocol.parse(json.dumps({**sample, "agent": text}))
    assert caught.value.field == "agent"


def test_words_of_a_finding_are_cut_and_not_refused() -> None:
    sample = next(sample for sample in SAMPLES if sample["type"] == "Finished")
    finished = protocol.parse(json.dumps({**sample, "finding": {**sample["finding"], "message": "x" * 50_000}}))
    assert finished.finding.message == "x" * 16 * 1024


def test_an_unknown_field_is_named_shortly_and_harmlessly() -> None:
    with pytest.raises(ProtocolError) as caught:
        protocol.parse(json.dumps({"type": "Ack", "v": 1, "n": 1, "\n\u202e" + "x" * 9000: 1}))
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 100


def test_a_nested_fault_is_named_by_its_path() -> None:
    sample = next(sample for sample in SAMPLES if sample["type"] == "Finished")
    with pytest.raises(ProtocolError) as caught:
        protocol.parse(json.dumps({**sample, "finding": {**sample["finding"], "remedy": 1}}))
    assert caught.value.field == "finding.remedy"


def test_an_instruction_survives_signing_text(make_instruction) -> None:
    instruction = make_instruction()
    assert protocol.parse_instruction(protocol.dump_signed(instruction)) == instruction


RESTART = catalogue.Restart("program", 60)


@pytest.mark.parametrize("role", ["server", "terminal"])
def test_every_step_of_the_catalogue_has_a_class_and_the_other_way_round(role) -> None:
    listed = {step.name for action in ("arm", "switch") for step in catalogue.steps_for(role, action, RESTART)}
    assert set(steps.steps(role)) == listed, "each catalogue entry needs exactly one class in agents/steps/"


@pytest.mark.parametrize("role", ["server", "terminal"])
def test_what_applies_something_can_also_undo_it(role) -> None:
    for step in steps.steps(role).values():
        applies = type(step).apply is not Step.apply
        assert applies == (type(step).undo is not Step.undo), f"{step.name} changes something and has no undo"
        assert applies == (type(step).save is not Step.save), f"{step.name} must save what undo needs"
        assert not (applies and step.asks_only), f"{step.name} changes something, so it may not be cut short"


@pytest.mark.parametrize("role", ["server", "terminal"])
def test_each_step_has_its_undo_right_below_its_apply_in_its_role_s_file(role) -> None:
    for step in steps.steps(role).values():
        assert type(step).__module__ == f"agents.steps.{role}", f"{step.name} belongs into agents/steps/{role}.py"
        methods = [name for name in vars(type(step)) if not name.startswith("_")]
        if type(step).apply is not Step.apply:
            assert methods[methods.index("apply") + 1] == "undo", f"{step.name}: write undo right below apply"
