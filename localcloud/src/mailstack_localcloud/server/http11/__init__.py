"""The HTTP server in front: HTTP/1.1 for one ASGI application on the loopback interface, and no more than that."""
