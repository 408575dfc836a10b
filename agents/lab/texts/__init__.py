"""What netsh and sc say in other languages, each table by the English text. docs/lab.md tells which texts are real."""
