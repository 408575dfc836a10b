"""RC2 in CBC mode, decryption only, RFC 2268. Until 2017 Windows locked the certificates of every PFX with it, with keys of
40 bits; the library decrypts 128 bits only."""

_TABLE = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0b"
    "f09521225c6b4e8254d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb6266fbf0eda4669075727f21d9bbc944303"
    "f811c7f690ef3ee706c3d52fc8661ed708e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ecc2e0416e0f51cbcc"
    "2491af50a1f47039997c3a8523b8b47afc02365b255597312d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)
_BLOCK = 8
# After which rounds of mixing the words are mashed, RFC 2268 section 3.
_MASHED_AFTER = (4, 10)
_SHIFTS = (1, 2, 3, 5)
_WORD = 0xFFFF


def decrypt(data: bytes, key: bytes, start: bytes) -> bytes:
    """The plain text with its padding. key: its whole length counts; start: the initialization vector."""
    words, last, plain = _expanded(key), start, []
    for place in range(0, len(data), _BLOCK):
        block = data[place : place + _BLOCK]
        plain.append(bytes(one ^ before for one, before in zip(_block(block, words), last, strict=True)))
        last = block
    return b"".join(plain)


def _expanded(key: bytes) -> list[int]:
    """The 64 words of a key. RFC 2268 section 2."""
    size, held = len(key), bytearray(key)
    for place in range(size, 128):
        held.append(_TABLE[(held[place - 1] + held[place - size]) & 0xFF])
    held[128 - size] = _TABLE[held[128 - size]]
    for place in range(127 - size, -1, -1):
        held[place] = _TABLE[held[place + 1] ^ held[place + size]]
    return [held[place] | held[place + 1] << 8 for place in range(0, 128, 2)]


def _block(block: bytes, words: list[int]) -> bytes:
    held = [int.from_bytes(block[place : place + 2], "little") for place in range(0, _BLOCK, 2)]
    for number in range(15, -1, -1):
        _unmix(held, words[4 * number : 4 * number + 4])
        if number - 1 in _MASHED_AFTER:
            for place in range(3, -1, -1):
                held[place] = held[place] - words[held[place - 1] & 63] & _WORD
    return b"".join(word.to_bytes(2, "little") for word in held)


def _unmix(held: list[int], words: list[int]) -> None:
    for place in range(3, -1, -1):
        shift, word = _SHIFTS[place], held[place]
        turned = word >> shift | word << 16 - shift & _WORD
        one, two, three = held[place - 1], held[place - 2], held[place - 3]
        held[place] = turned - words[place] - (one & two) - (~one & three) & _WORD
