"""How much one check may take: at most two seconds, whatever the input is (docs/preflight.md)."""

# For one check, without starting Python. A usual one takes 2 ms. The rest of the two seconds starts the two processes.
SECONDS = 1.2
START_SECONDS = 15.0
# Address space of the child. Python and OpenSSL take 150 MB of it.
MEMORY_BYTES = 768 * 1024 * 1024
# A whole Windows root store is 0.6 MB as PEM; a server's PFX has a few thousand bytes.
FILE_BYTES = 4 * 1024 * 1024
PASSWORD_BYTES = 4096
LINE_BYTES = 16 * 1024 * 1024
