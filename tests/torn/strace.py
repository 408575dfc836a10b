"""Records a program's file operations from outside, as the kernel sees them: nothing can be done past it."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.torn.calls import Call

# A question mark: not a call of every processor.
_TRACED = (
    "?open,openat,?creat,close,lseek,write,pwrite64,writev,pwritev,pwritev2,fallocate,copy_file_range,sendfile,"
    "fsync,fdatasync,ftruncate,?rename,renameat,?renameat2,?unlink,unlinkat,?mkdir,mkdirat"
)
_LINE = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@cache
def missing() -> str | None:
    """Why strace cannot be used here, None when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed here"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"strace may not trace here: {tried.stderr.strip()}" if tried.returncode else None


def command(log: Path) -> list[str]:
    """What to put in front of the program."""
    return ["strace", "-f", "-xx", "-s", "1000000", "-o", str(log), "-e", "signal=none", "-e", f"trace={_TRACED}"]


def read(log: Path) -> list[list[Call]]:
    """The calls in strace's log that have succeeded, one list per process."""
    lives: dict[int, list[Call]] = {}
    begun: dict[str, str] = {}
    for line in log.read_text(encoding="ascii").splitlines():
        pid = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):  # another process or thread came between
            begun[pid] = line.removesuffix("<unfinished ...>")
            continue
        if "resumed>" in line:
            line = begun.pop(pid) + line.split("resumed>", 1)[1]
        if found := _LINE.match(line):
            call = _call(found["name"], found["arguments"], int(found["result"]))
            lives.setdefault(int(pid), []).append(call)
    return list(lives.values())


def _call(name: str, arguments: str, result: int) -> Call:
    texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
    first = arguments.split(",")[0]
    if name in ("open", "openat"):
        return "open", result, texts[0].decode(), "O_CREAT" in arguments, "O_TRUNC" in arguments
    if name.startswith(("rename", "unlink", "mkdir")):
        return (re.sub(r"at2?$", "", name), *(text.decode() for text in texts))
    if name == "write":
        return "write", int(first), texts[0][:result] if texts else b""
    if name == "lseek":
        return "seek", int(first), result
    if name == "ftruncate":
        return "cut", int(first), int(arguments.split(",")[1])
    if name in ("fsync", "fdatasync"):
        return "sync", int(first)
    return ("close", int(first)) if name == "close" else ("other", name, int(first) if first.isdigit() else -1)
