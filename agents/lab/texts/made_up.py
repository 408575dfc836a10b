"""A language that does not exist: the English text in Georgian letters with longer vowels, so that every label is foreign and
longer than its column. So no parser can be prepared for it."""

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
