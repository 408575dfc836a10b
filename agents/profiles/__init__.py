"""Where a device keeps its settings. Begin with profile.py (what a profile is) and reading.py (settings seen through one).

validator.py reads a profile's TOML, restart.py its section about restarting Touch. For each format there is a module that
reads one value and replaces it, and leaves every other byte as it is: xml_text.py (with xml_path.py and xml_encoding.py),
ini_text.py, json_text.py, registry_text.py. text.py is what they share.
"""
