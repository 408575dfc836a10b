"""Fixtures used everywhere, and the environment of the tests: plain HTTP cookies, a data folder of their own."""

import os
import tempfile

os.environ.setdefault("TILLWAY_INSECURE_COOKIES", "true")
os.environ.setdefault("TILLWAY_DATA", tempfile.mkdtemp(prefix="tillway-tests-"))
