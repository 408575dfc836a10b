"""The second pass: reads what the strict library refuses and clients on Windows read all the same.

The library reads a certificate as a whole, and one extension that it cannot read condemns it. mend() in certificate.py
takes the certificate apart, puts right what tolerances.py names, and nothing else, and gives the library a twin that it
can read: what the checks ask for comes from the twin, while signatures and the comparison of names always use the bytes
as they were signed. What no tolerance names stays refused."""
