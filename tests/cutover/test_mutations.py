"""Every guard of the domain is there for something: without it, the walk finds a broken rule."""

import pytest

from tests.cutover.mutations import MUTATIONS, Mutation
from tests.cutover.walk import walk


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name.replace(" ", "-"))
def test_without_this_guard_a_rule_breaks(mutation: Mutation):
    seen = walk(mutation.site, mutation.rules())
    assert seen.broken, f"nobody notices that this is gone: {mutation.name}; {seen}"


@pytest.mark.parametrize("site", sorted({m.site for m in MUTATIONS}, key=str), ids=str)
def test_with_every_guard_the_same_sites_keep_the_rules(site):
    seen = walk(site)
    assert seen.broken is None, str(seen)
