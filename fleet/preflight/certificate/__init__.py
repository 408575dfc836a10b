"""Is this certificate suitable for these terminals? A certificate goes through here from left to right:

    files/reading.py  bytes of a file (PEM, DER, P7B, PFX)  -> certificates, keys, what is wrong with the file
    assemble.py       files of one server, or one JSON line -> one Request
    check.py          a Request                             -> a Verdict: the findings of contract 6.5
    viewpoints.py     one certificate, every terminal       -> a Verdict for each terminal

check.py asks one file per question: names.py (is the terminal's host in it?), usage.py (may it serve?), strength.py
(keys and signatures), keys.py (the private key), validity.py (when?), path/ (is there a way up to a root, and may it
be gone?), order.py (how were the files sorted?) and, last, path/library.py: what `cryptography` says about the very
same path.

certs.py reads strictly first. What the library refuses and Windows reads all the same goes through tolerant/, and
path/library.py is then asked about path/shadow.py's twin of the path.

codes.py lists every code with its severity, its remedy and where its rule comes from.
"""
