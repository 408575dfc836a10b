"""A DLL for 64-bit Windows that holds nothing but one export, which another DLL answers. Wine 8 lacks
bcryptprimitives.dll, whose ProcessPrng every program built with a newer Rust asks for random bytes; advapi32 has the
same function under its older name. Layout: Microsoft's PE format, sections "Optional Header" and "Export Directory"."""

import struct

_PAGE, _ALIGNED = 0x1000, 0x200
_X64, _DLL_OF_64_BIT, _READABLE_DATA = 0x8664, 0x2022, 0x40000040


def forwarder(dll: str, name: str, target: str) -> bytes:
    """The bytes of `dll`, whose export `name` is `target`, written as "other.function"."""
    exports = _exports(dll, name, target)
    section = struct.pack("<8sIIIIIIHHI", b".edata", _PAGE, _PAGE, _ALIGNED, _ALIGNED, 0, 0, 0, 0, _READABLE_DATA)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", _X64, 1, 0, 0, 0, 240, _DLL_OF_64_BIT)
    head = b"MZ" + bytes(58) + struct.pack("<I", 64) + coff + _optional(len(exports)) + section
    return head.ljust(_ALIGNED, b"\0") + exports.ljust(_ALIGNED, b"\0")


def _optional(exports: int) -> bytes:
    """The header whose first directory is the export table; nothing is run at loading."""
    sizes = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, _ALIGNED, 0, 0, _PAGE)
    memory = struct.pack(
        "<QIIHHHHHHIIIIHH", 0x180000000, _PAGE, _ALIGNED, 6, 0, 0, 0, 6, 0, 0, 2 * _PAGE, _ALIGNED, 0, 2, 0x140
    )
    stacks = struct.pack("<QQQQII", 0x100000, _PAGE, 0x100000, _PAGE, 0, 16)
    return (sizes + memory + stacks + struct.pack("<II", _PAGE, exports)).ljust(240, b"\0")


def _exports(dll: str, name: str, target: str) -> bytes:
    """A directory of one name; an address that lies inside the directory is the text of a forwarder."""
    address, names, ordinals, text = 40, 44, 48, 50
    texts = [part.encode() + b"\0" for part in (dll, name, target)]
    at = [_PAGE + text + sum(map(len, texts[:i])) for i in range(3)]
    directory = struct.pack("<IIHHIIIIIII", 0, 0, 0, 0, at[0], 1, 1, 1, _PAGE + address, _PAGE + names, _PAGE + ordinals)
    return directory + struct.pack("<IIH", at[2], at[1], 0) + b"".join(texts)
