"""Types of input values. They are strict: a value that only resembles the type is refused, with the reason."""

import datetime as dt
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from fleet.cutover import states
from fleet.services.text import why_not

LARGEST_ID = 2**63 - 1
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
# One day before the calendar ends, so that every zone can express it.
LAST_MOMENT = dt.datetime(9999, 12, 30, tzinfo=dt.UTC)


class Input(BaseModel):
    """A JSON object that scripts send. true, "5" and 60.0 are not whole numbers, and an unknown key is an error."""

    model_config = ConfigDict(strict=True, extra="forbid")


def _moment(text: str) -> dt.datetime:
    if not MOMENT.fullmatch(text):
        raise ValueError("must be ISO 8601 with an offset, such as 2030-05-01T02:00:00+10:00 or ...Z")
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"is not a valid time: {error}") from error
    try:
        in_utc = at.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError("must be in the years 1 to 9999") from error
    if in_utc > LAST_MOMENT:
        raise ValueError("is after the year 9999 in some time zone")
    return in_utc


def _thumbprint(text: str) -> str:
    if re.fullmatch(r"[0-9A-Fa-f]{40}", text):
        return text.upper()
    hint = "; two digits were lost in copying" if re.fullmatch(r"[0-9A-Fa-f]{38}", text) else ""
    raise ValueError(f"must be 40 hex digits, without spaces{hint}")


def _note(text: str) -> str:
    if why := why_not(text, longest=500, lines=True):
        raise ValueError(why)
    return text


def _query_number(text: Any) -> Any:
    """Query values are text; int() would also read 1_000 and the digits of other scripts."""
    if isinstance(text, int):
        return text
    if not re.fullmatch(r"-?[0-9]{1,19}", str(text)):
        raise ValueError("must be a whole number")
    return int(text)


def _query_text(text: str) -> str:
    if why := why_not(text, longest=200):
        raise ValueError(why)
    return text


def _among(words: Iterable[str]) -> AfterValidator:
    known = list(words)

    def check(text: str) -> str:
        if text not in known:
            raise ValueError(f"must be one of: {', '.join(known)}")
        return text

    return AfterValidator(check)


def blank_is_none(text: Any) -> Any:
    return None if text == "" else text


Moment = Annotated[str, AfterValidator(_moment), Field(json_schema_extra={"format": "date-time"})]
Thumbprint = Annotated[str, AfterValidator(_thumbprint), Field(json_schema_extra={"pattern": "^[0-9A-Fa-f]{40}$"})]
Note = Annotated[str, AfterValidator(_note), Field(json_schema_extra={"maxLength": 500})]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]

CutoverState = Annotated[str, _among(states.Cutover), Field(json_schema_extra={"enum": [*states.Cutover]})]
RunState = Annotated[str, _among(states.Run), Field(json_schema_extra={"enum": [*states.Run]})]
# A terminal that takes part in no started cutover is idle.
TerminalState = Annotated[str, _among(["idle", *states.Run]), Field(json_schema_extra={"enum": ["idle", *states.Run]})]

QueryId = Annotated[Annotated[Id, BeforeValidator(_query_number)] | None, BeforeValidator(blank_is_none)]
QueryText = Annotated[str, AfterValidator(_query_text)]
Limit = Annotated[int, Field(ge=1, le=100_000), BeforeValidator(_query_number)]
Offset = Annotated[int, Field(ge=0, le=LARGEST_ID), BeforeValidator(_query_number)]
