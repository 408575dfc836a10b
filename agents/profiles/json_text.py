"""One value of a JSON file, with or without comments. Python's parser checks whether the file is JSON; a second pass over its
tokens finds the value's place. Every other byte stays as it is."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import NoReturn

from agents.errors import StepError
from agents.profiles import text
from agents.profiles.text import REMEDY, Found, Word

# A string or comment without an end is a token, too. It is refused then; without this, the search would begin again at each of
# its characters.
_TOKEN = re.compile(r'"(?:[^"\\\r\n]|\\.)*"?|//[^\r\n]*|/\*(?:.*?\*/|.*)|[{}\[\]:,]|[^\s{}\[\]:,"/]+', re.DOTALL)
# .NET's usual parser accepts any white space between tokens, also kinds that JSON does not allow.
_BLANKS = {code: " " for code in range(0x3001) if chr(code).isspace() and chr(code) not in " \t\r\n"}
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,8})")


def read(data: bytes, path: str, file: str) -> Found:
    """The one value at "A/B/C"; a number is an element of a list, ~1 and ~0 stand for / and ~ as in a JSON
    Pointer. Raises StepError settings_not_json, setting_missing or setting_invalid."""
    content = decode(data, file)
    wanted = tuple(part.replace("~1", "/").replace("~0", "~") for part in path.split("/"))
    tokens = list(_tokens(content.text, file))
    seen = Counter(place for place, _ in _places(tokens))
    for end in range(1, len(wanted)):
        # If two objects have the same name, a program reads the last one, so a value in the first has no effect.
        text.once(seen[wanted[:end]], "/".join(path.split("/")[:end]), file)
    text.once(seen[wanted], path, file)
    token = next(token for place, token in _places(tokens) if place == wanted)
    value = _value(token[0], path, file)
    return Found(token[0], content.offset(token.start()), content.offset(token.end()), value)


def replace(data: bytes, path: str, value: str, file: str) -> bytes:
    """The file's bytes with this value replaced by another token. Raises StepError as read() does."""
    changed = text.splice(data, read(data, path, file), value, decode(data, file).codec)
    if read(changed, path, file).text != value:
        raise text.invalid(path, file, f"could not be changed to {value}")
    return changed


def decode(data: bytes, file: str) -> text.Text:
    """The file's text. Raises StepError settings_not_json."""
    try:
        return text.decode(data)
    except ValueError as error:
        raise _not_json(file, error) from error


def _tokens(content: str, file: str) -> Iterator[re.Match[str]]:
    """The tokens of a file that is JSON, except for its comments. Raises StepError settings_not_json."""
    matches = list(_TOKEN.finditer(content))
    plain, end = [], 0
    for match in matches:
        if match[0].startswith("/*") and not (match[0].endswith("*/") and len(match[0]) > 3):
            raise _not_json(file, ValueError("a comment does not end"))
        # Keep the length, so that the error below names the right place.
        token = re.sub(r"[^\r\n]", " ", match[0]) if match[0].startswith("/") else match[0]
        plain += [content[end : match.start()].translate(_BLANKS), token]
        end = match.end()
    plain.append(content[end:].translate(_BLANKS))
    try:
        json.loads("".join(plain), parse_constant=_no_constant, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise _not_json(file, error) from error
    return (match for match in matches if not match[0].startswith("/"))


def _places(tokens: list[re.Match[str]]) -> Iterator[tuple[tuple[str, ...], re.Match[str]]]:
    """The path and the first token of every value. Only for tokens that are JSON."""
    names: list[str | int] = []  # the names around the current token; an int is an index in a list
    value_next = True
    for number, token in enumerate(tokens):
        mark = token[0]
        if mark in ("}", "]"):
            names.pop()
        elif mark == ",":
            last = names[-1]
            value_next = isinstance(last, int)
            if isinstance(last, int):
                names[-1] = last + 1
        elif mark == ":":
            value_next = True
        elif value_next:
            yield tuple(str(name) for name in names), token
            if mark in ("{", "["):
                names.append("" if mark == "{" else 0)
            value_next = mark == "[" and tokens[number + 1][0] != "]"
        else:
            names[-1] = str(json.loads(mark))


def _value(token: str, path: str, file: str) -> Word:
    if token in ("true", "false") or _WHOLE.fullmatch(token) or token.startswith('"'):
        value: Word = json.loads(token)
        return value
    raise text.invalid(path, file, "is neither text nor a whole number nor true or false")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _not_json(file: str, why: Exception) -> StepError:
    return StepError("settings_not_json", f"{file}: is not JSON that can be read ({why})", REMEDY)
