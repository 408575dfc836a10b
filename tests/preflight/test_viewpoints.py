"""One certificate as each terminal sees it: with its own host string and its own roots."""

from fleet.preflight.certificate.assemble import assemble
from fleet.preflight.certificate.certs import parse
from fleet.preflight.certificate.viewpoints import Viewpoint, check_viewpoints
from tests.preflight.pki import NOW, ca, codes, files, server

ROOT, OTHER = ca("Terminal Root"), ca("Another Root")


def test_each_terminal_has_its_own_verdict() -> None:
    request = assemble(files(server(ROOT, "pos-srv", "10.0.0.5"), roots=[ROOT]), (), (NOW,))
    mine, wrong = (parse(ROOT.der),), (parse(OTHER.der),)
    verdicts = check_viewpoints(
        request,
        [
            Viewpoint("till-1", "pos-srv", mine),
            Viewpoint("till-2", "10.0.0.5", mine),
            Viewpoint("till-3", "pos-srv", wrong),
            Viewpoint("till-4", "pos_srv", mine),
            Viewpoint("till-5", "pos-srv", mine),
        ],
    )
    assert [verdict.suitable for verdict in verdicts.values()] == [True, True, False, False, True]
    assert "missing_intermediate" in codes(verdicts["till-3"])
    assert codes(verdicts["till-4"]) == {"host_not_checkable"}
    assert verdicts["till-5"] is verdicts["till-1"]
