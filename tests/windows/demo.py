"""`manage.py demo` with agents on Windows: the server's and those of its first two tills run by Python for Windows under
Wine, as `python -m agents --config FILE`; whoever is left is one of the lab's own. The second till trusts what Windows
trusts; its configuration names no file of roots. The supervisor starts agents again when they die, as every part."""

import os
import shutil
import sys
import tomllib
from collections.abc import Collection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fleet.settings")

from django.core.management import execute_from_command_line  # noqa: E402

from agents import failpoints  # noqa: E402
from agents.lab.layout import LabLayout  # noqa: E402
from fleet.management.demo import parts  # noqa: E402
from fleet.management.demo.supervisor import Part  # noqa: E402
from tests.windows import wine  # noqa: E402
from tests.windows.wine import Windows  # noqa: E402

HERE = Path(__file__).parent
OURS, WINES = ("netsh", "sc"), ("netstat", "tasklist")


class WindowsParts(parts.Parts):
    """The demo's parts, with other agents."""

    def agents(self, layout: LabLayout, by_hand: Collection[str] = ()) -> list[Part]:
        port = parts.free_port()
        relay = [sys.executable, "-m", "tests.windows.relay", str(layout.server_dir / "bin"), str(port)]
        one, two, *others = layout.names
        return [
            self._part("netpos", relay, "relay"),
            self._server(layout, port),
            self._till(layout.agent_config(one)),
            self._till(layout.agent_config(two), "roots"),
            *(self._lab("terminal_agents", "agents", layout, f"terminal-{name}", "--names", name) for name in others),
        ]

    def _till(self, config: Path, *without: str) -> Part:
        words = ["-m", "agents", "--config", _for_windows(config, *without)]
        return self._windows("terminal_agents", words, f"windows-{config.parent.name}", {})

    def _server(self, layout: LabLayout, port: int) -> Part:
        """With a %SystemRoot% of its own, in which netsh and sc are programs that ask the lab's."""
        root = self.folder / "windows"
        (root / "System32").mkdir(parents=True)
        sources = dict.fromkeys(OURS, wine.FOLDER / "python" / "python.exe")
        sources |= {name: wine.SYSTEM32 / f"{name}.exe" for name in WINES}
        for name, source in sources.items():
            shutil.copyfile(source, root / "System32" / f"{name}.exe")
        more = {"TILLWAY_TEST_SYSTEMROOT": Windows.path(root), "TILLWAY_TEST_RELAY": str(port)}
        words = [Windows.path(HERE / "as_server.py"), "--config", _for_windows(layout.server_agent_config)]
        return self._windows("server_agent", words, "windows-server", more)

    def _windows(self, group: str, words: list[str], log: str, more: dict[str, str]) -> Part:
        windows = Windows(wine.environment())
        env = {**windows.environment, failpoints.PART_VARIABLE: f"windows_{group}", **more}
        if failpoints.VARIABLE in os.environ:
            env[failpoints.VARIABLE] = Windows.path(Path(os.environ[failpoints.VARIABLE]))
        # Wine cannot give Python a file of Linux as its stderr, and one that is /dev/null is as good as what a program
        # has that Windows starts by itself.
        file = self.folder / "logs" / f"{log}.log"
        command = windows.command(*words, "--log", Windows.path(file))
        return Part(group, ["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", *command], env, file)


def _for_windows(config: Path, *without: str) -> str:
    """The lab's configuration as an installer for Windows would write it, but for these keys."""
    said = {key: value for key, value in tomllib.loads(config.read_text(encoding="utf-8")).items() if key not in without}
    said["gateway_ca"] = Windows.path(Path(said["gateway_ca"]))
    other = config.with_name("agent-windows.toml")
    # A literal string of TOML: backslashes stand for themselves. Notepad puts a byte-order mark in front.
    other.write_text("".join(f"{key} = '{value}'\n" for key, value in said.items()), encoding="utf-8-sig", newline="\r\n")
    return Windows.path(other)


if __name__ == "__main__":
    parts.Parts = WindowsParts  # type: ignore[misc]
    execute_from_command_line(sys.argv)
