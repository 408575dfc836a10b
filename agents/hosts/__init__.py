"""What a step touches: settings files, netsh, sc, the certificate store, and lookups at the server."""
