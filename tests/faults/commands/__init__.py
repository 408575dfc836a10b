"""One module for each word of `python -m tests.faults`: HELP, `arguments(parser)`, and `run(options)`, which returns the
exit code."""
