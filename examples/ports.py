"""The port of an example: whether it is free is known before anything is started and printed."""

import argparse
import socket

HOST = "127.0.0.1"


def free_port(given: str) -> int:
    """A port of this machine that no other program uses, as a type of argparse.

    Raises:
        ArgumentTypeError: It is in use, or no port.
    """
    try:
        port = int(given)
        with socket.create_server((HOST, port)):
            return port
    except (OSError, OverflowError, ValueError) as error:
        words = f"port {given} cannot be used, perhaps because another program does. Name another one: --port 8001"
        raise argparse.ArgumentTypeError(words) from error
