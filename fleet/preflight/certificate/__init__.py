"""Is this certificate suitable for these terminals? A certificate goes through here from left to right:

    files/reading.py  bytes of a file (PEM, DER, P7B, PFX)  -> certificates, keys, what is wrong with the file
    assemble.py       files of one server, or one JSON line -> one Request
    check.py          a Request                             -> a Verdict: the findings (docs/preflight.md)
    viewpoints.py     one certificate, every terminal       -> a Verdict for each terminal

check.py asks one file per question: names.py (is the terminal's host in it?), usage.py (may it serve?), strength.py
(keys and signatures), keys.py (the private key), validity.py (when?), path/ (is there a valid path up to a root?), order.py
(in which order are the certificates?) and, last, path/library.py: what `cryptography` says about the same path.

certs.py reads with the strict library first. A certificate that the library refuses and Windows reads goes through tolerant/;
path/library.py then checks the twin of the path that path/shadow.py makes.

codes.py lists every code with its severity, its remedy and where its rule comes from.
"""
