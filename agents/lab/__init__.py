"""The lab: reference NetPOS.Net server, terminals, `netsh` and `sc`. See docs/lab.md."""
