"""What the checks look at: a stack's outputs, the account, the DNS, the environment. Each answer is read once."""

from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from mailer.doctor.inconclusive import Missing
from mailer.doctor.web import Web

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailer.dnscheck.lookup import Lookup
    from mailer.doctor.smtp_account import Account
    from mailer.doctor.web import Fetch
    from mailer.stack import StackOutputs

_Answer = TypeVar("_Answer")
# Seconds. A question is asked twice at most, so that the whole look ends within ten seconds.
CONNECT_TIMEOUT, READ_TIMEOUT, ATTEMPTS = 2, 3, 2
_CLIENT, _SESSION = "client", "session"
_ABSENT = ("NotFound", "NonExistentQueue", "NoSuchEntity", "QueueDoesNotExist")


@dataclass
class _Answers:
    """Answers by question, each with a lock of its own: two checks that ask the same wait for one answer."""

    lock: Lock = field(default_factory=Lock)
    locks: dict[object, Lock] = field(default_factory=dict[object, Lock])
    found: "dict[object, tuple[Any, Exception | None]]" = field(
        default_factory=dict[object, "tuple[Any, Exception | None]"]
    )

    def once(self, key: object, ask: "Callable[[], _Answer]") -> _Answer:
        """The answer, or the error, of the first time."""
        with self.lock:
            lock = self.locks.setdefault(key, Lock())
        with lock:
            if key not in self.found:
                try:
                    self.found[key] = (ask(), None)
                except Exception as error:  # noqa: BLE001 - raised again for everybody who asks
                    self.found[key] = (None, error)
            answer, error = self.found[key]
        if error is not None:
            raise error
        return cast("_Answer", answer)


@dataclass(frozen=True)
class Site:
    """Everything that a check may look at.

    Attributes:
        outputs: Of the stack.
        ask: Answers DNS questions; None without dnspython.
        environ: Environment variables.
        web: Fetches pages.
        smtp: The SMTP account to look at. Default: the stack's SMTP user, if it has one.
    """

    outputs: "StackOutputs"
    ask: "Lookup | None"
    environ: "Mapping[str, str]"
    web: "Fetch" = field(default=Web())
    smtp: "Account | None" = None
    _answers: _Answers = field(default_factory=_Answers, repr=False)

    def again(self) -> "Site":
        """The same site with nothing read, but with its clients: creating one takes longer than asking."""
        found = dict(self._answers.found)
        return replace(self, _answers=_Answers(found={key: found[key] for key in found if _is_client(key)}))

    def client(self, service: str) -> Any:
        """A boto3 client in the stack's region, for questions that end soon."""
        return self._answers.once((_CLIENT, service), lambda: self._client(service))

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        return self._session().client(cast("Any", service), region_name=self.outputs.region, config=config)

    def _session(self) -> Any:
        import boto3

        # Under one lock: boto3's sessions are not safe for threads, and loading its models takes most of the time.
        return self._answers.once(_SESSION, boto3.Session)

    def once(self, key: object, ask: "Callable[[], _Answer]") -> _Answer:
        """The answer, or the error, of the first time that somebody asked."""
        return self._answers.once(key, ask)

    def read(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """An operation's answer, asked for once.

        Args:
            service: As boto3 names it.
            operation: The client's method.
            **parameters: Those of the operation.
        """
        key = (service, operation, repr(sorted(parameters.items())))
        return self._answers.once(key, lambda: getattr(self.client(service), operation)(**parameters))

    def pages(self, service: str, operation: str, result: str, **parameters: object) -> list[Any]:
        """All items of an operation that answers in pages."""
        key = (service, operation, "pages", result, repr(sorted(parameters.items())))

        def ask() -> list[Any]:
            pages = self.client(service).get_paginator(operation).paginate(**parameters)
            return [item for page in pages for item in page.get(result, ())]

        return self._answers.once(key, ask)

    def owned(self, check: str, what: str, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """As `read`, of a resource of the stack.

        Args:
            check: The check that reports it if it does not exist.
            what: The resource, for people.
            service: As boto3 names it.
            operation: The client's method.
            **parameters: Those of the operation.

        Raises:
            Missing: The resource does not exist.
        """
        from botocore.exceptions import ClientError

        try:
            return self.read(service, operation, **parameters)
        except ClientError as error:
            if any(word in code_of(error) for word in _ABSENT):
                raise Missing(check, what) from error
            raise


def _is_client(key: object) -> bool:
    return key == _SESSION or (isinstance(key, tuple) and key[:1] == (_CLIENT,))


def code_of(error: Exception) -> str:
    """AWS's error code; empty where there is none."""
    response = cast("dict[str, dict[str, str]]", getattr(error, "response", {}))
    return response.get("Error", {}).get("Code", "")
