"""The second pass: it reads certificates that the strict library refuses and clients on Windows read.

The library reads a certificate as a whole: one extension that it cannot read makes it refuse all of it. mend() in
certificate.py takes the certificate apart, corrects what tolerances.py names and nothing else, and gives the library a twin
that it can read. The checks read the twin. Signatures and the comparison of names always use the bytes as they were signed.
What no tolerance names stays refused."""
