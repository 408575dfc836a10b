"""What agents talk to: a plain ASGI application beside Django."""
