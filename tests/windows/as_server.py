"""`python -m agents` on Windows, with the %SystemRoot% that TILLWAY_TEST_SYSTEMROOT names: Wine sets its own at every
start of a process, whatever the starter's environment says."""

import os
import runpy

root = os.environ["TILLWAY_TEST_SYSTEMROOT"]
os.environ["SYSTEMROOT"] = root
# For the copies of python.exe in there: its DLLs, its library, and what makes a netsh or sc of it.
python = os.path.dirname(os.sys.executable)
os.environ["PATH"] = f"{os.environ['PATH']};{python}"
os.environ["PYTHONHOME"] = python
here = os.path.dirname(os.path.abspath(__file__))
os.environ["PYTHONPATH"] = f"{os.path.join(here, 'programs')};{os.environ['PYTHONPATH']}"
runpy.run_module("agents", run_name="__main__", alter_sys=True)
