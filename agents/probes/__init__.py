"""How a proof asks, whatever Touch and NetPOS.Net say to each other: docs/probes.md.

profile.py      a probe profile as a value: begin here
validator.py    its TOML, with every mistake told at once; writer.py writes it
grammar.py      what a method, a path, a header and a body may be
pattern.py      the patterns of `matches`: small, and never slow
filling.py      a probe and its values -> the request
judging.py      a response and what is expected -> what matched
httpsys.py      responses that http.sys gives by itself, without asking the service
recording/      learning a profile from what a terminal really asks
"""
