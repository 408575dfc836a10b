"""The folders of fleet/services depend on each other in one direction only, as fleet/services/__init__.py says."""

import grimp


def test_no_folder_of_services_depends_on_one_that_depends_on_it():
    graph = grimp.build_graph("fleet")
    assert graph.nominate_cycle_breakers("fleet.services") == set(), "move what both need to fleet/services itself"
