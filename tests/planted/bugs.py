"""Planted bugs: each a change of a line or two that breaks one promise, and the tests that must notice.

`python -m tests.faults planted` applies each to a scratch copy of the tree; nothing here is ever applied to the tree itself."""

from tests.planted.agents import AGENTS
from tests.planted.bug import Bug
from tests.planted.by_hand import BY_HAND
from tests.planted.claims import CLAIMED
from tests.planted.dashboard import DASHBOARD
from tests.planted.inquiries import INQUIRIES
from tests.planted.probes import PROBES
from tests.planted.readiness import READINESS
from tests.planted.touch import TOUCH

BUGS: tuple[Bug, ...] = (*AGENTS, *DASHBOARD, *CLAIMED, *READINESS, *PROBES, *INQUIRIES, *TOUCH, *BY_HAND)
