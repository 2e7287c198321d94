"""The server: its port, its gateway, its thread; what the services do is in folders of their own."""
