"""The patterns of `matches`: a small part of regular expressions that cannot be made slow. A profile comes from outside, and
a pattern such as (a+)+$ would keep an agent busy for years: Python's `re` has no time limit.

Allowed: characters, `.`, classes such as [0-9A-F] and [^<], the escapes \\d \\w \\s \\t \\r \\n and of any other sign,
`^`, `$`, and after each of these ? or {n} or {m,n}. `*` and `+` count to 200 at most. No groups, no |, no references. The
work is bounded: the number of ways to match at one place is the product of the counts, and may be 1,000 at most."""

import re

MAX_LENGTH, MAX_COUNT, MAX_WAYS = 300, 200, 1_000

_ATOM = re.compile(
    r"""\\[dwstrn]                 # a class or a character by its escape
      | \\[^\sA-Za-z0-9]           # any sign, escaped
      | \[\^?\]?(?:\\.|[^\]\\\[])+\]  # a class
      | [^\\\[\]()|*+?{}]          # . ^ $ and characters that stand for themselves""",
    re.VERBOSE,
)
_COUNT = re.compile(r"\*|\+|\?|\{(\d{1,3})(?:(,)(\d{0,3}))?\}")


class PatternError(ValueError):
    """The pattern is not one of these; the text says why."""


def compile_pattern(text: str) -> re.Pattern[str]:
    """The pattern, ready to be searched for. Raises PatternError."""
    if not 0 < len(text) <= MAX_LENGTH:
        raise PatternError(f"a pattern has 1 to {MAX_LENGTH} characters")
    place, ways, parts = 0, 1, []
    while place < len(text):
        atom = _ATOM.match(text, place)
        if atom is None:
            raise PatternError(f"{text[place]!r} at character {place + 1} is not allowed here; write \\ before it")
        place = atom.end()
        count = _COUNT.match(text, place)
        if count is None:
            parts.append(atom[0])
            continue
        least, most = _counts(count)
        ways *= most - least + 1
        place = count.end()
        parts.append(f"{atom[0]}{{{least},{most}}}")
    if ways > MAX_WAYS:
        raise PatternError(
            f"it can match in {ways} ways at one place, at most {MAX_WAYS} are allowed: count fewer with {{m,n}}"
        )
    try:
        return re.compile("".join(parts))
    except re.error as error:
        raise PatternError(str(error)) from error


def _counts(count: re.Match[str]) -> tuple[int, int]:
    """At least and at most how often."""
    if count[0] in "*+?":
        return (1 if count[0] == "+" else 0), (1 if count[0] == "?" else MAX_COUNT)
    least = int(count[1])
    most = least if count[2] is None else int(count[3]) if count[3] else MAX_COUNT
    if not least <= most <= MAX_COUNT:
        raise PatternError(f"{count[0]} counts to {MAX_COUNT} at most, the smaller number first")
    return least, most
