"""Loaded by pytest before anything else (see addopts): the environment that the settings are read from."""

import os
import tempfile

os.environ.setdefault("TILLWAY_INSECURE_COOKIES", "true")
os.environ.setdefault("TILLWAY_DATA", tempfile.mkdtemp(prefix="tillway-tests-"))
