"""Entra ID's token endpoint and Graph's `sendMail` on loopback, as an application with a client secret sees them."""

import base64
import json
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Microsoft:
    """What was issued and sent, and what is answered.

    Attributes:
        tokens: The tokens that are valid; remove one, and it has expired.
        refusals: Answers of Graph, in turn: status and code.
        entra: The answer of the token endpoint instead of a token.
    """

    url: str = ""
    secret: str = "s"
    tokens: set[str] = field(default_factory=set[str])
    scopes: list[str] = field(default_factory=list[str])
    refusals: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    entra: dict[str, Any] | None = None
    sent: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])

    def issue(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if self.entra:
            return 400, self.entra
        if form.get("client_secret") != [self.secret]:
            words = "AADSTS7000215: Invalid client secret provided."
            return 401, {"error": "invalid_client", "error_description": words, "error_codes": [7000215]}
        self.scopes += form["scope"]
        token = f"token-{len(self.scopes)}"
        self.tokens.add(token)
        return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token}

    def send(self, path: str, token: str, body: bytes) -> tuple[int, dict[str, Any] | None]:
        if token not in self.tokens:
            return 401, {"error": {"code": "InvalidAuthenticationToken", "message": "Access token has expired."}}
        if self.refusals:
            status, code = self.refusals.pop(0)
            return status, {"error": {"code": code, "message": "Refused for ada@example.com."}}
        self.sent.append((path, base64.b64decode(body, validate=True)))
        return 202, None


@contextmanager
def microsoft(context: ssl.SSLContext) -> Generator[Microsoft]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found := Microsoft()))
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found.url = f"https://localhost:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def _handler(state: Microsoft) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            base = f"{state.url}/{self.path.split('/')[1]}"
            self._answer(
                200,
                {
                    "issuer": f"{base}/v2.0",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                },
            )

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.endswith("/token"):
                self._answer(*state.issue(parse_qs(body.decode())))
            else:
                token = self.headers["Authorization"].removeprefix("Bearer ")
                self._answer(*state.send(self.path, token, body))

        def _answer(self, status: int, value: dict[str, Any] | None) -> None:
            body = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.send_header("request-id", f"request-{len(state.sent)}")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    return Handler
