"""Every code of a certificate's findings: its severity, what to do about it, and where its rule comes from. Codes are never
renamed. docs/preflight.md shows the same table and explains the sources; a test compares the two."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How grave a finding is."""

    ERROR = "error"  # terminals would refuse the certificate
    WARNING = "warning"  # terminals accept it, but a person should know
    INFO = "info"  # nothing is wrong


class Code(StrEnum):
    """The codes, in the order of the table in docs/preflight.md."""

    MALFORMED_INPUT = "malformed_input"
    BAD_PASSWORD = "bad_password"  # noqa: S105
    NO_LEAF = "no_leaf"
    SELF_SIGNED_UNTRUSTED = "self_signed_untrusted"
    SELF_SIGNED_PINNED = "self_signed_pinned"
    UNTRUSTED_ROOT = "untrusted_root"
    MISSING_INTERMEDIATE = "missing_intermediate"
    WRONG_CHAIN_ORDER = "wrong_chain_order"
    BAD_SIGNATURE = "bad_signature"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    NOT_YET_VALID_IN_WINDOW = "not_yet_valid_in_window"
    EXPIRED_IN_WINDOW = "expired_in_window"
    CHAIN_EXPIRES_IN_WINDOW = "chain_expires_in_window"
    NAME_MISMATCH = "name_mismatch"
    NO_SAN = "no_san"
    IP_NOT_IN_SAN = "ip_not_in_san"
    IP_IN_DNS_SAN = "ip_in_dns_san"
    WILDCARD_SCOPE = "wildcard_scope"
    PUBLIC_SUFFIX_WILDCARD = "public_suffix_wildcard"
    HOST_NOT_CHECKABLE = "host_not_checkable"
    EKU_NO_SERVER_AUTH = "eku_no_server_auth"
    EKU_CHAIN = "eku_chain"
    EKU_ABSENT = "eku_absent"
    KEY_USAGE = "key_usage"
    WEAK_KEY = "weak_key"
    WEAK_SIGNATURE = "weak_signature"
    KEY_TYPE = "key_type"
    CA_AS_LEAF = "ca_as_leaf"
    NOT_A_CA = "not_a_ca"
    PATH_LENGTH = "path_length"
    NAME_CONSTRAINTS = "name_constraints"
    UNKNOWN_CRITICAL_EXTENSION = "unknown_critical_extension"
    KEY_MISSING = "key_missing"
    KEY_NOT_GIVEN = "key_not_given"
    KEY_MISMATCH = "key_mismatch"
    DUPLICATE_EXTENSION = "duplicate_extension"
    CN_NOT_IN_SAN = "cn_not_in_san"
    PROFILE_GAP = "profile_gap"
    ANCHOR_NOT_SELF_SIGNED = "anchor_not_self_signed"
    CHECK_TIMEOUT = "check_timeout"
    BAD_REQUEST = "bad_request"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is known about one code."""

    remedy: str  # what an admin should do
    source: str  # where the rule comes from; docs/preflight.md explains the short names
    severity: Severity = Severity.ERROR  # in profile terminals
    forbidden_by_cabf: bool = False  # the CA/Browser Forum forbids it: an error in profile strict


_WARNING = Severity.WARNING
_REISSUE = "Have the certificate reissued"

RULES: dict[Code, Rule] = {
    Code.MALFORMED_INPUT: Rule(
        "Export the certificate again, as PEM, DER or PFX, and copy the file as it is, not as text.", "RFC 5280 4.1, RFC 7468"
    ),
    Code.BAD_PASSWORD: Rule("Give the password that was set when the file was exported, or export it again.", "RFC 7292"),
    Code.NO_LEAF: Rule("Give the file with the server's own certificate, not only a key or a request.", "the command"),
    Code.SELF_SIGNED_UNTRUSTED: Rule(
        "Install this certificate in the computer's Trusted Root store of every terminal, or use one from your own CA.",
        "RFC 5280 6.1; docs/windows.md: trust",
    ),
    Code.SELF_SIGNED_PINNED: Rule(
        "Nothing to do now. At each renewal every terminal needs the new certificate first; a small CA of your own "
        "avoids that.",
        "ordinary private PKI",
        _WARNING,
        forbidden_by_cabf=True,
    ),
    Code.UNTRUSTED_ROOT: Rule(
        "Install the issuing CA's root in the computer's Trusted Root store of every terminal named.",
        "RFC 5280 6.1; field failure 13",
    ),
    Code.MISSING_INTERMEDIATE: Rule(
        "Add the issuing CA's own certificate to the chain, and install it in the server's Intermediate store.",
        "RFC 5280 6.1; docs/windows.md: trust",
    ),
    Code.WRONG_CHAIN_ORDER: Rule(
        "Sort the file: the server's certificate first, then each issuer. Windows sorts by itself, other clients do not.",
        "RFC 5246 7.4.2",
        _WARNING,
    ),
    Code.BAD_SIGNATURE: Rule(
        "The file is damaged or was tampered with, or another CA has the same name. Fetch it again from the CA.",
        "RFC 5280 6.1.3",
    ),
    Code.NOT_YET_VALID: Rule(
        "Check the clocks of CA and server; otherwise wait, or have it reissued from today on.", "RFC 5280 4.1.2.5"
    ),
    Code.EXPIRED: Rule("Renew the certificate before the window.", "RFC 5280 4.1.2.5"),
    Code.NOT_YET_VALID_IN_WINDOW: Rule(
        "Move the window after the certificate's first day, or have it issued to begin earlier.",
        "RFC 5280 4.1.2.5",
    ),
    Code.EXPIRED_IN_WINDOW: Rule(
        "Renew it first: it ends within the window or the 30 days after it.", "RFC 5280 4.1.2.5; field failure 16"
    ),
    Code.CHAIN_EXPIRES_IN_WINDOW: Rule(
        "Ask the CA for its renewed certificate and install it on server and terminals before the window.", "RFC 5280 6.1.3"
    ),
    Code.NAME_MISMATCH: Rule(
        f"{_REISSUE} with this host among its names, or enter one of its names at those terminals.",
        "RFC 9525 6.3; field failure 12",
    ),
    Code.NO_SAN: Rule(
        f"{_REISSUE} with every terminal's host string as subject alternative name. The common name does not count.",
        "RFC 9525 6.3; docs/windows.md: names",
    ),
    Code.IP_NOT_IN_SAN: Rule(
        f"{_REISSUE} with this address as an IP address entry, or use a host name in those terminals.",
        "RFC 9525 6.4; RFC 5280 4.2.1.6",
    ),
    Code.IP_IN_DNS_SAN: Rule(
        f"{_REISSUE} with the address as an entry of the kind IP address; as a DNS name it does not count.", "RFC 9525 6.4"
    ),
    Code.WILDCARD_SCOPE: Rule(
        f"{_REISSUE} with the full host name: a star stands for exactly one whole label, the first.", "RFC 9525 6.3"
    ),
    Code.PUBLIC_SUFFIX_WILDCARD: Rule(
        "Use the full host name instead: some programs refuse a star directly under a public suffix.",
        "CA/Browser Forum BR 3.2.2.6",
        _WARNING,
        forbidden_by_cabf=True,
    ),
    Code.HOST_NOT_CHECKABLE: Rule(
        "Correct the host at the terminals named: a plain host name of letters, digits and hyphens, or one IP address.",
        "RFC 1123 2.1; RFC 952",
    ),
    Code.EKU_NO_SERVER_AUTH: Rule(
        f"{_REISSUE} from a template for web servers (extended key usage: Server Authentication).", "RFC 5280 4.2.1.12"
    ),
    Code.EKU_CHAIN: Rule(
        "Use a CA that may issue server certificates: this one's extended key usage leaves Server Authentication out.",
        "RFC 5280 4.2.1.12; CA/Browser Forum BR 7.1.2.10",
    ),
    Code.EKU_ABSENT: Rule(
        "This works today. At the next renewal use a template with Server Authentication.",
        "CA/Browser Forum BR 7.1.2.7.10",
        _WARNING,
        forbidden_by_cabf=True,
    ),
    Code.KEY_USAGE: Rule(
        f"{_REISSUE} with key usage Digital Signature (and Key Encipherment for RSA); a CA needs Certificate Signing.",
        "RFC 5280 4.2.1.3",
    ),
    Code.WEAK_KEY: Rule(
        f"{_REISSUE} with a new key: RSA of 2048 bits or more, or the curve P-256.",
        "docs/windows.md: algorithms; CA/Browser Forum BR 6.1.5",
    ),
    Code.WEAK_SIGNATURE: Rule(
        f"{_REISSUE} with a SHA-256 signature; the CA may have to be switched to it.", "RFC 9155; docs/windows.md: algorithms"
    ),
    Code.KEY_TYPE: Rule(
        f"{_REISSUE} with a key that Windows can use for TLS: RSA, or ECDSA on P-256, P-384 or P-521.",
        "RFC 8422; docs/windows.md: algorithms",
    ),
    Code.CA_AS_LEAF: Rule(
        "Have a server certificate issued by this CA and use that; keep the CA's key off the server.", "RFC 5280 4.2.1.9"
    ),
    Code.NOT_A_CA: Rule("Use a certificate that a CA issued: this issuer is not a CA.", "RFC 5280 4.2.1.9"),
    Code.PATH_LENGTH: Rule(
        "Have the certificate issued by a CA higher up: there are more CAs in between than allowed.", "RFC 5280 4.2.1.9"
    ),
    Code.NAME_CONSTRAINTS: Rule(
        f"{_REISSUE} with names that its CA is allowed to issue for, or by a CA without this limit.", "RFC 5280 4.2.1.10"
    ),
    Code.UNKNOWN_CRITICAL_EXTENSION: Rule(
        f"{_REISSUE} without that extension, or with it not marked critical.", "RFC 5280 4.2"
    ),
    Code.KEY_MISSING: Rule(
        'Export again with "Yes, export the private key"; without it Windows answers error 1312.',
        "docs/windows.md: error 1312; field failure 4",
    ),
    Code.KEY_NOT_GIVEN: Rule(
        "Give the key or the PFX as well, to check that it belongs to the certificate.", "the command", Severity.INFO
    ),
    Code.KEY_MISMATCH: Rule(
        "Give the key with which this certificate was requested, or have it reissued for this key.", "RFC 5280 4.1.2.7"
    ),
    Code.DUPLICATE_EXTENSION: Rule(f"{_REISSUE}; the CA's software adds the same extension twice.", "RFC 5280 4.2"),
    Code.CN_NOT_IN_SAN: Rule(
        "This works today. At the next renewal repeat the common name among the alternative names.",
        "CA/Browser Forum BR 7.1.4.3",
        _WARNING,
        forbidden_by_cabf=True,
    ),
    Code.PROFILE_GAP: Rule(
        "Terminals accept it. At the next renewal follow the profile of public CAs, which other software requires.",
        "RFC 5280 4.2.1; ordinary private PKI",
        _WARNING,
        forbidden_by_cabf=True,
    ),
    Code.ANCHOR_NOT_SELF_SIGNED: Rule(
        "Install the root above it as well: some programs accept only self-signed certificates as roots.",
        "ordinary private PKI",
        _WARNING,
    ),
    Code.CHECK_TIMEOUT: Rule(
        "Nothing is known about the certificate yet. Try again. If it takes too long again, export the file with usual "
        "settings (rounds of the password, size of the key) and only the chain that is necessary.",
        "the command",
    ),
    Code.BAD_REQUEST: Rule("Correct the request; the message names the field.", "the command"),
}
