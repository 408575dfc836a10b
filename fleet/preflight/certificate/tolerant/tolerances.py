"""What is read although a standard forbids it: each tolerance by name, with the text that people see."""

from enum import Enum


class Tolerance(Enum):
    """Each text follows "it is read although ". tests/preflight/test_tolerances.py has cases for each."""

    # X.680 41.4 and the like. OpenSSL and Windows do not check the repertoire; names are compared as bytes.
    TEXT = "a text in it holds characters that its kind of text does not have"
    # X.690 11.5: critical FALSE, cA FALSE, version 1, minimum 0, trailer 1.
    EXPLICIT_DEFAULT = "a value is written out that the standard wants left out"
    # X.690 11.1 wants FF; BER, which OpenSSL and Windows read, takes every byte but 00 for TRUE.
    BOOLEAN = "TRUE in it is not written as the standard wants it"
    # RFC 5280 4.2.1.9 binds CAs; 6.1.4 reads it of CA certificates only.
    PATH_LENGTH_OF_NO_CA = "it limits CAs below itself without being a CA"
    # RFC 5280 4.1.2.2: users SHOULD be prepared to handle negative and zero gracefully.
    SERIAL = "its serial number is not positive"
    # RFC 5280 4.1.2.5: users MUST be able to process dates in either form.
    TIME_FORM = "a date before 2050 is written in the form of later ones"
    # RFC 4055 2.1 and 5: MUST accept the parameters being absent as well as NULL. RFC 5758: absent for ECDSA.
    ALGORITHM_PARAMETERS = "the parameters of its signature's algorithm are not written as usual"
    # RFC 5280 4.2.1.6 knows these kinds; a TLS client compares DNS names and addresses only.
    KIND_OF_NAME = "a name of a kind that no terminal compares was passed over"
    # RFC 5280 4.2.1.4: qualifiers are for people.
    POLICY_QUALIFIER = "the text of a policy cannot be decoded"
    # X.690 11.2.2 wants unused bits to be 0; their value means nothing.
    UNUSED_BITS = "bits are set in it that mean nothing"
    # X.690 11.6: the parts of a SET are sorted.
    SET_ORDER = "the parts of a name are not sorted"
    # RFC 5280 4.2: what an extension holds that is not critical MAY be ignored.
    PASSED_OVER = "an extension that is not critical cannot be decoded and was passed over"
