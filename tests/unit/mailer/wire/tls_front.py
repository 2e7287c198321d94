"""Ends TLS in a process of its own, and passes what is inside on to a plain server of the test.

For tests that fork: a TLS server in the same process would use the locks of OpenSSL at the time of the fork, too, and a
child would inherit them locked. No client can prevent that.
"""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.processes import child

_ROOT = Path(__file__).parents[4]


@contextmanager
def tls_front(port: int, certificate: Path, key: Path) -> Generator[str]:
    """The URL of a TLS server in front of a port of this machine."""
    command = [sys.executable, "-m", "tests.unit.mailer.wire.tls_front", str(port), str(certificate), str(key)]
    front = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child(front) as process:
        assert process.stdout
        yield f"https://localhost:{int(process.stdout.readline())}"


async def _serve(port: int, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.TaskGroup() as both:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
            both.create_task(_pump(reader, inner_writer))
            both.create_task(_pump(inner_reader, writer))

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
