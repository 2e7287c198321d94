"""Errors of requests that got no usable answer. Internal: transports and stores translate them.

The classes say what is known about the request, because that decides whether it may be made again:

WireError
├── NotWritten              the service cannot have the whole request
│   ├── CredentialsFailed   the source of the credentials failed
│   └── CannotAsk           the configuration is wrong; a retry changes nothing
├── AnswerLost              the whole request was written, and no readable answer came
└── ServiceError            the service answered with an error
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


# botocore's exceptions that say that there are no credentials.
_CREDENTIALS = frozenset(
    (
        *("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "RefreshWithMFAUnsupportedError"),
        *("SSOTokenLoadError", "UnauthorizedSSOTokenError", "LoginRefreshRequired", "LoginTokenLoadError"),
        *("LoginInsufficientPermissions", "UnknownCredentialError", "InfiniteLoopConfigError"),
    )
)


class WireError(Exception):
    """Base of the tree."""


class NotWritten(WireError):  # noqa: N818
    """The request was not written to its end, so the service cannot have acted on it."""


class CredentialsFailed(NotWritten):
    """The source of the credentials (instance metadata, STS, SSO) failed, so nothing was signed."""


class CannotAsk(NotWritten):
    """Nothing was tried, because the set-up is wrong: no credentials, no region, an endpoint that is no URL.

    Attributes:
        code: The name of botocore's exception, for a hint; empty where it is none of botocore's.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_about_credentials(self) -> bool:
        """Whether there are none that could be used; otherwise the endpoint, the region or the like is wrong."""
        return self.code in _CREDENTIALS

    def __reduce__(self) -> tuple[type["CannotAsk"], tuple[str, str]]:
        return type(self), (str(self), self.code)


class AnswerLost(WireError):  # noqa: N818
    """The request was written, and its answer never came or cannot be read: the service may have acted on it."""


class ServiceError(WireError):
    """An error response of the service.

    Attributes:
        code: AWS's error code without its namespace, such as `MessageRejected`; empty where the answer names none.
        words: What the answer says.
        status: HTTP's status code.
        details: The whole answer, where it is a JSON object.
    """

    def __init__(self, code: str, words: str, status: int, details: "Mapping[str, object] | None" = None) -> None:
        super().__init__(f"{status} {code}: {words}")
        self.code, self.words, self.status, self.details = code, words, status, details or {}

    def __reduce__(self) -> tuple[type["ServiceError"], tuple[str, str, int, "Mapping[str, object]"]]:
        return type(self), (self.code, self.words, self.status, self.details)
