"""Small sites in which the loss of one guard shows; see Setting."""

from tests.cutover.model import Setting

Guards = list[tuple[str, Setting, list[tuple[str, str]]]]

CALM = Setting((0,), (0,), "roll_back", "pause", faults=0)
TROUBLE = Setting((0,), (0,), "hold", "pause", faults=1, presses_cost=True)
TROUBLE_ALLOWED = Setting((0,), (1,), "hold", "roll_back", faults=1, presses_cost=True)
CANARY = Setting((0, 1), (0, 0), "hold", "roll_back", faults=0, presses=("roll back",))
WAVE = Setting((0, 0), (0,), "roll_back", "roll_back", faults=1, presses=("roll back",), untrusted=0)
LIAR = Setting((0,), (0,), "hold", "pause", faults=1, untrusted=0, lies=True, presses=("roll back",))
BY_HAND = Setting((0,), (0,), "hold", "pause", faults=0, by_hand=(0,))
SERVER_BY_HAND = Setting((0,), (0,), "hold", "pause", faults=0, server_by_hand=True)
SERVER_BY_HAND_TROUBLE = Setting((0,), (1,), "hold", "pause", faults=1, server_by_hand=True, presses_cost=True, outbox=2)
BY_HAND_TROUBLE = Setting((0,), (1,), "hold", "pause", faults=1, by_hand=(0,), presses_cost=True, outbox=2)
