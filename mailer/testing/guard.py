"""Blocks requests to the real AWS while a test uses the fixture `ses`, and fails that test.

A client with an endpoint of its own, such as django-ses's, does not read AWS_ENDPOINT_URL; one that was made before the
test has not read it. Not for other hosts: those are the application's own business.
"""

import re
import socket
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# SES's endpoints: https://docs.aws.amazon.com/general/latest/gr/ses.html
_SES = re.compile(r"email(-smtp)?(-fips)?\.")
_SAYS = (
    "{wanted} is AWS itself. The client has an endpoint of its own, or was made before the test: give it the local "
    "cloud's, ses.cloud.endpoint or ses.cloud.smtp (docs/guides/testing.md, Clients with their own endpoint)."
)


class Guard:
    """Blocks every call of botocore to AWS, and every connection to SES.

    Attributes:
        refused: Blocked requests of other threads than pytest's own, which do not stop the test.
    """

    def __init__(self) -> None:
        self.refused: list[str] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Until the patch is undone."""
        from botocore.httpsession import URLLib3Session

        patch.setattr(URLLib3Session, "send", self._sending(URLLib3Session.send))
        patch.setattr(socket, "getaddrinfo", self._resolving(socket.getaddrinfo))

    def _sending(self, send: "Callable[..., Any]") -> "Callable[..., Any]":
        """Botocore's one way out. It comes first, since a proxy would resolve the name."""

        def guarded(session: Any, request: Any) -> Any:
            if _is_aws(urlsplit(str(request.url)).hostname or ""):
                self._refuse(request.url)
            return send(session, request)

        return guarded

    def _resolving(self, resolve: "Callable[..., Any]") -> "Callable[..., Any]":
        """The way of SMTP and of every other HTTP client, asyncio's included."""

        def guarded(host: Any, *rest: Any, **options: Any) -> Any:
            name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
            if _SES.match(name) and _is_aws(name):
                self._refuse(name)
            return resolve(host, *rest, **options)

        return guarded

    def _refuse(self, wanted: str) -> None:
        __tracebackhide__ = True  # a failing test shows the line that sent
        import threading

        if threading.current_thread() is threading.main_thread():
            pytest.fail(_SAYS.format(wanted=wanted))  # not an Exception: no client takes it for a failed delivery
        self.refused.append(wanted)
        raise ConnectionRefusedError(_SAYS.format(wanted=wanted))

    def check(self) -> None:
        """Fail the test for blocked requests of other threads."""
        if self.refused:
            pytest.fail(_SAYS.format(wanted=", ".join(self.refused)), pytrace=False)


def _is_aws(host: str) -> bool:
    return host.lower().rstrip(".").endswith(_suffixes())


@cache
def _suffixes() -> tuple[str, ...]:
    """The domains of AWS's endpoints in every partition, as botocore knows them."""
    from botocore.loaders import Loader

    partitions = Loader().load_data("partitions")["partitions"]
    kinds = ("dnsSuffix", "dualStackDnsSuffix")
    return tuple({f".{partition['outputs'][kind]}" for partition in partitions for kind in kinds})
