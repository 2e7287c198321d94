"""The server: its port, its gateway, its thread. The services are in other folders."""
