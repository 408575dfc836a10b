"""The same question to OpenSSL's command line, for comparison."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.preflight.pki import NOW


def openssl_takes(leaf: bytes, chain: Sequence[bytes], roots: Sequence[bytes], host: str) -> str:
    """What OpenSSL has against this certificate; empty for nothing. Skips, aloud, where there is no OpenSSL."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl is here: its answers are NOT compared")
    with tempfile.TemporaryDirectory() as folder:
        named = {"leaf": leaf, "chain": b"".join(chain), "roots": b"".join(roots)}
        for name, data in named.items():
            (Path(folder) / name).write_bytes(data)
        untrusted = ["-untrusted", "chain"] if chain else []
        purpose = ["-purpose", "sslserver", "-verify_hostname", host, "-attime", str(int(NOW.timestamp()))]
        trusted = ["-no-CApath", "-no-CAstore", "-CAfile", "roots"]
        done = subprocess.run(
            [program, "verify", *purpose, *trusted, *untrusted, "leaf"], cwd=folder, capture_output=True, text=True, timeout=30
        )
    return "" if done.returncode == 0 else done.stderr or done.stdout
