"""Files of certificates and keys. reading.py tells them apart by their content and calls the reader of each kind."""
