"""`python -m agents` on Windows, with the %SystemRoot% that TILLWAY_TEST_SYSTEMROOT names: Wine sets its own at every
start of a process, whatever the starter's environment says. Its shadow listener is the one of other systems, because
Wine's http.sys knows no TLS."""

import os
import runpy

from agents.rehearsal import rehearsals
from agents.rehearsal.shadow_openssl import OpenSslShadow

root = os.environ["TILLWAY_TEST_SYSTEMROOT"]
os.environ["SYSTEMROOT"] = root
# For the copies of python.exe in there: its DLLs, its library, and what makes a netsh or sc of it.
python = os.path.dirname(os.sys.executable)
os.environ["PATH"] = f"{os.environ['PATH']};{python}"
os.environ["PYTHONHOME"] = python
here = os.path.dirname(os.path.abspath(__file__))
os.environ["PYTHONPATH"] = f"{os.path.join(here, 'programs')};{os.environ['PYTHONPATH']}"
rehearsals.KIND = OpenSslShadow
runpy.run_module("agents", run_name="__main__", alter_sys=True)
