"""That what these tests stand on is what they believe."""

import json

from tests.windows.wine import Windows

_SAYS = """
import json, os, sys, winreg, cryptography, h11, websockets, agents.agent
print(json.dumps([sys.platform, os.name, sys.getwindowsversion().major, agents.agent.__file__]))
"""


def test_it_says_that_it_is_windows_and_has_the_agent(windows: Windows) -> None:
    platform, name, major, agent = json.loads(windows.run("-c", _SAYS))
    assert (platform, name, major) == ("win32", "nt", 10)
    assert agent.endswith("\\agents\\agent.py")
