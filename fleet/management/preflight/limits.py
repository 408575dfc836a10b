"""How much one check may take. Contract 6.5: two seconds at most, whatever the input."""

# For one check, apart from starting Python. An honest one takes 2 ms; what is left of the two seconds starts two processes.
SECONDS = 1.2
START_SECONDS = 15.0
# Address space of the child. Python and OpenSSL take 150 MB of it.
MEMORY_BYTES = 768 * 1024 * 1024
# A whole Windows root store is 0.6 MB as PEM; a server's PFX has some thousand bytes.
FILE_BYTES = 4 * 1024 * 1024
PASSWORD_BYTES = 4096
LINE_BYTES = 16 * 1024 * 1024
