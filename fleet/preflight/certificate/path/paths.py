"""The paths from the server's certificate up to a root that terminals have. This search is lenient: names and signatures
make a path, and chain.py judges it afterwards. So a path that is not valid has a reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from fleet.preflight.certificate.certs import Cert
from fleet.preflight.certificate.path.signatures import Link, kinds_fit, signed_by

# The same limits as in cryptography: 8 CAs in between, 128 signatures. Hostile chains would need more.
MOST_INTERMEDIATES = 8
MOST_SIGNATURES = 128
# Above any real path; keeps the search finite whatever max_chain_depth says.
_LONGEST = 24


class End(Enum):
    """Why a path goes no further."""

    NO_ISSUER = "no issuer of that name"
    SELF_SIGNED = "self-signed, and not among the roots"
    BAD_SIGNATURE = "the issuer of that name did not sign it"
    OTHER_KEY = "the issuer of that name has another key than the one that signed"
    TOO_LONG = "more CAs in between than allowed"
    GAVE_UP = "too many signatures to look at"


@dataclass(frozen=True, slots=True)
class Route:
    """A path that ends at an anchor."""

    certs: tuple[Cert, ...]  # the server's own first, the anchor last; one only when the anchor is the server's own
    links: tuple[Link, ...] = ()  # of each certificate to the next; never BAD

    @property
    def anchor(self) -> Cert:
        return self.certs[-1]

    @property
    def pinned(self) -> bool:
        return len(self.certs) == 1


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """A path that ends before an anchor."""

    certs: tuple[Cert, ...]
    why: End
    issuer: Cert | None = None  # the one whose signature did not fit, where that is the reason


def has_another_key(cert: Cert, issuer: Cert) -> bool:
    """Whether the certificate says that another key of this CA signed it. RFC 5280 4.2.1.1: a CA that was renewed with a
    new key keeps its name; the key's identifier, or else its kind, distinguishes the two."""
    if cert.issuer_key_id is None or issuer.key_id is None:
        return not kinds_fit(cert, issuer)
    return cert.issuer_key_id != issuer.key_id


@dataclass(slots=True)
class Search:
    """One search. routes() walks it, the most promising paths first; meanwhile dead_ends is filled."""

    leaf: Cert
    pool: Sequence[Cert]
    anchors: Sequence[Cert]
    most_intermediates: int = MOST_INTERMEDIATES
    dead_ends: list[DeadEnd] = field(default_factory=list)
    signatures: int = 0

    def routes(self) -> Iterator[Route]:
        """Every path to an anchor, one at a time."""
        if self.leaf in self.anchors and self.leaf.self_issued:
            link = signed_by(self.leaf, self.leaf)
            if link is Link.GOOD:
                yield Route((self.leaf,))
            else:
                self.dead_ends.append(DeadEnd((self.leaf,), End.BAD_SIGNATURE, self.leaf))
        yield from self._above((self.leaf,), ())

    def _above(self, way: tuple[Cert, ...], links: tuple[Link, ...]) -> Iterator[Route]:
        last = way[-1]
        issuers = self._issuers(last)
        if not issuers:
            self.dead_ends.append(DeadEnd(way, self._end(last)))
        for issuer in issuers:
            if issuer in way:
                continue
            self.signatures += 1
            if self.signatures > MOST_SIGNATURES:
                self.dead_ends.append(DeadEnd(way, End.GAVE_UP))
                return
            link = signed_by(last, issuer)
            if link is Link.BAD:
                why = End.OTHER_KEY if has_another_key(last, issuer) else End.BAD_SIGNATURE
                self.dead_ends.append(DeadEnd(way, why, issuer))
            elif issuer in self.anchors:
                yield Route((*way, issuer), (*links, link))
            elif self._too_long((*way, issuer)):
                self.dead_ends.append(DeadEnd((*way, issuer), End.TOO_LONG))
            else:
                yield from self._above((*way, issuer), (*links, link))

    def _issuers(self, cert: Cert) -> list[Cert]:
        """Candidates by name: those whose key the certificate names first, anchors before others."""
        named = [(anchor, 0) for anchor in self.anchors if anchor.subject_der == cert.issuer_der]
        named += [(other, 1) for other in self.pool if other.subject_der == cert.issuer_der and other not in self.anchors]
        if len(named) > 1:
            wanted = cert.issuer_key_id
            named.sort(key=lambda pair: (wanted is not None and pair[0].key_id != wanted, pair[1]))
        return list(dict.fromkeys(issuer for issuer, _ in named if issuer != cert))

    def _end(self, cert: Cert) -> End:
        if not cert.self_issued:
            return End.NO_ISSUER
        return End.BAD_SIGNATURE if signed_by(cert, cert) is Link.BAD else End.SELF_SIGNED

    def _too_long(self, way: tuple[Cert, ...]) -> bool:
        # RFC 5280 6.1.4: self-issued CAs, as in a change of keys, are not counted.
        counted = sum(1 for cert in way[1:] if not cert.self_issued)
        return counted > self.most_intermediates or len(way) > _LONGEST
