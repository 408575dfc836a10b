"""A language that does not exist: the English text in Georgian letters, its vowels drawn out, so that every label is
foreign and longer than its column. Nobody can have prepared a reader for it."""

_VOWELS = 5
_LETTERS = {
    **{ord(letter): chr(0x10D0 + place) for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")},
    **{
        ord(letter): chr(0x10D0 + place) * _VOWELS
        for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")
        if letter in "aeiou"
    },
}


def word(english: str) -> str:
    """This text in the made-up language; digits, blanks and marks stay."""
    return english.lower().translate(_LETTERS)
