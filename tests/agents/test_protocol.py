"""The protocol on the wire: a sample of every message is on file, so that a change of format is seen."""

import dataclasses
import json
from pathlib import Path

import pytest

from agents import catalogue, protocol, steps
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


def test_a_nested_fault_is_named_by_its_path() -> None:
    sample = next(sample for sample in SAMPLES if sample["type"] == "Finished")
    with pytest.raises(ProtocolError) as caught:
        protocol.parse(json.dumps({**sample, "finding": {**sample["finding"], "remedy": 1}}))
    assert caught.value.field == "finding.remedy"


def test_an_instruction_survives_signing_text(make_instruction) -> None:
    instruction = make_instruction()
    assert protocol.parse_instruction(protocol.dump_signed(instruction)) == instruction


@pytest.mark.parametrize("role", ["server", "terminal"])
def test_every_step_of_the_catalogue_has_a_class_and_the_other_way_round(role) -> None:
    listed = {step.name for action in ("arm", "switch") for step in catalogue.steps_for(role, action)}
    assert set(steps.steps(role)) == listed, "each catalogue entry needs exactly one class in agents/steps/"


@pytest.mark.parametrize("role", ["server", "terminal"])
def test_what_applies_something_can_also_undo_it(role) -> None:
    for step in steps.steps(role).values():
        applies = type(step).apply is not Step.apply
        assert applies == (type(step).undo is not Step.undo), f"{step.name} changes something and has no undo"
        assert applies == (type(step).save is not Step.save), f"{step.name} must save what undo needs"
        assert not (applies and step.asks_only), f"{step.name} changes something, so it may not be cut short"
