"""Windows only: its own libraries, called through ctypes. Each module can be imported everywhere, but works only on Windows.

dll.py           loads a library when it is first asked for
access.py        access lists of files, as chmod elsewhere (advapi32)
retry_locked.py  retries for files that another program has open
crypt32.py       the certificate stores of the computer; ncrypt.py and advapi32.py sign with the two kinds of keys
processes.py     running programs by name; top_windows.py asks them to close
sessions.py      starting a program on the screen of the user, from a service
restarting.py    restarting the machine, and telling whether that has happened
httpapi.py       serving HTTP through http.sys, with httpapi_types.py, httpapi_request.py and httpapi_response.py
"""
