"""One-click unsubscribe (RFC 8058): signed links for one recipient and stream, and the headers of marketing mail.

Not for what a link does: `mailer.webhooks.unsubscription`.
"""

import base64
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from mailer.address import Address, address_key, mask
from mailer.errors import ConfigurationError, InvalidMessage, InvalidUnsubscribeToken
from mailer.secret_keys import parse_key

if TYPE_CHECKING:
    from mailer.message import Message

URL_VARIABLE, KEYS_VARIABLE = "MAILSTACK_UNSUBSCRIBE_URL", "MAILSTACK_UNSUBSCRIBE_KEYS"
STREAMS_VARIABLE = "MAILSTACK_UNSUBSCRIBE_STREAMS"
STREAMS = ("marketing",)
# Mail that a person needs, such as a password reset, must not offer to end itself.
TRANSACTIONAL = "transactional"
HEADER, POST_HEADER, ONE_CLICK = "List-Unsubscribe", "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
_HINT = "Create one with `mailer store new-key`, and keep it in your secret manager."
# Characters. An address has 254 (RFC 5321 §4.5.3.1.3), a stream's name 64.
_MAX_TOKEN = 1000
_VERSION, _ID_LENGTH = "1", 8


@dataclass(frozen=True, slots=True, repr=False)
class Unsubscription:
    """What a link unsubscribes.

    Attributes:
        address: The recipient, in lower case.
        stream: The stream.
    """

    address: str
    stream: str

    def __repr__(self) -> str:
        return f"<Unsubscription {mask(self.address)} from {self.stream}>"


class Unsubscribe:
    """The unsubscribe links of marketing mail. The same object, or one with the same keys, reads them in the webhook.

    Args:
        url: The https URL before the token: `https://shop.example.com/unsubscribe`.
        keys: Keys of 32 bytes in base64, one text with commas between them or several. The first signs; all are
            accepted. Keep old ones for as long as people may use the links of old mails: at least 60 days.
        streams: The streams whose mail carries the link. `transactional` is refused.

    Raises:
        ConfigurationError: The URL, a key or a stream is not valid.

    Example:
        >>> from mailer.secret_keys import new_key
        >>> unsubscribe = Unsubscribe("https://shop.example.com/unsubscribe", keys=new_key())
        >>> link = unsubscribe.link("Ada@Example.com", "marketing")
        >>> unsubscribe.read(link.rpartition("/")[2])
        <Unsubscription a***@example.com from marketing>
    """

    def __init__(self, url: str, *, keys: str | Iterable[str], streams: Iterable[str] = STREAMS) -> None:
        self.url = _checked_url(url)
        texts = keys.split(",") if isinstance(keys, str) else keys
        self._keys = dict(_key(text) for text in texts if text.strip())
        if not self._keys:
            raise ConfigurationError("Unsubscribe has no key.", hint=_HINT)
        self.streams = frozenset([streams] if isinstance(streams, str) else streams)
        if TRANSACTIONAL in self.streams:
            words = f"The stream {TRANSACTIONAL!r} must not carry an unsubscribe link."
            raise ConfigurationError(words, hint="Send marketing mail through a stream of its own.")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self | None:
        """What the variables `MAILSTACK_UNSUBSCRIBE_URL`, `…_KEYS` and `…_STREAMS` say; None without the first.

        Args:
            environ: The variables. Default: those of the process.

        Raises:
            ConfigurationError: A value is not valid.
        """
        environ = os.environ if environ is None else environ
        url = environ.get(URL_VARIABLE, "").strip()
        if not url:
            return None
        names = (name.strip() for name in environ.get(STREAMS_VARIABLE, "").split(","))
        return cls(url, keys=environ.get(KEYS_VARIABLE, ""), streams=[name for name in names if name] or STREAMS)

    def link(self, address: str | Address, stream: str) -> str:
        """The link of one recipient, for the body of a mail.

        Raises:
            InvalidAddress: The address is not valid.
            ConfigurationError: The stream is not one of `streams`.
        """
        if stream not in self.streams:
            words = f"The stream {stream!r} carries no unsubscribe link."
            raise ConfigurationError(words, hint=f"Streams that do: {', '.join(sorted(self.streams))}.")
        return f"{self.url}/{self._token(Address.parse(address).key, stream)}"

    def headers(self, address: str | Address, stream: str) -> dict[str, str]:
        """The headers of a mail to one recipient: RFC 2369 §3.2 and RFC 8058 §3.1."""
        return {HEADER: f"<{self.link(address, stream)}>", POST_HEADER: ONE_CLICK}

    def apply(self, message: "Message") -> "Message":
        """The message with its headers, if its stream is one of `streams` and it has none of its own.

        Raises:
            InvalidMessage: The message has several recipients, or is raw MIME without the header.
        """
        recipients = message.recipients
        if message.stream not in self.streams or message.options.contact_list or not recipients:
            return message
        if message.raw:
            return _checked_raw(message)
        if any(name.lower() == HEADER.lower() for name, _ in message.headers):
            return message
        if len(recipients) > 1:
            raise InvalidMessage(
                f"A mail of the stream {message.stream!r} has {len(recipients)} recipients, and an unsubscribe "
                "link belongs to one.",
                hint="Send one mail to each: Mailer.send_many.",
            )
        ours = self.headers(next(iter(recipients)), message.stream)
        return message.with_headers(ours)

    def read(self, token: str) -> Unsubscription:
        """What a token says.

        Raises:
            InvalidUnsubscribeToken: No key signed it.
        """
        version, key_id, payload, signature = (token[: _MAX_TOKEN + 1].split(".") + [""] * 4)[:4]
        key = self._keys.get(key_id)
        is_form = version == _VERSION and token.count(".") == 3 and len(token) <= _MAX_TOKEN  # noqa: PLR2004 - parts
        if key is None or not is_form or not _is_same(_signature(key, key_id, payload), signature):
            raise InvalidUnsubscribeToken("The unsubscribe link is not valid.", hint="Use the link of a newer mail.")
        stream, _, address = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode().partition("\n")
        return Unsubscription(address, stream)

    def _token(self, address: str, stream: str) -> str:
        key_id, key = next(iter(self._keys.items()))
        payload = _text(f"{stream}\n{address_key(address)}".encode())
        return f"{_VERSION}.{key_id}.{payload}.{_signature(key, key_id, payload)}"


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_https = parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        is_https = False
        parts = urlsplit("")
    is_plain = url.isascii() and url.isprintable() and not set(url) & set("<> ,") and not parts.query + parts.fragment
    if not is_https or not is_plain:
        hint = "Pass https://shop.example.com/unsubscribe; RFC 8058 requires https."
        raise ConfigurationError(f"The unsubscribe URL {url!r} is not an https URL without a query.", hint=hint)
    return url.rstrip("/")


def _key(text: str) -> tuple[str, bytes]:
    import hashlib

    key = parse_key(text, what="An unsubscribe key", hint=_HINT)
    return hashlib.sha256(b"mailstack unsubscribe id\n" + key).hexdigest()[:_ID_LENGTH], key


def _signature(key: bytes, key_id: str, payload: str) -> str:
    import hashlib
    import hmac

    signed = f"mailstack unsubscribe {_VERSION}\n{key_id}\n{payload}".encode(errors="replace")
    return _text(hmac.digest(key, signed, hashlib.sha256))


def _is_same(expected: str, given: str) -> bool:
    import hmac

    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _checked_raw(message: "Message") -> "Message":
    """Raw MIME stays as it is, so it must have the header already."""
    assert message.raw  # noqa: S101 - the caller looked
    head = message.raw.data.partition(b"\r\n\r\n")[0].lower()
    if b"\r\nlist-unsubscribe:" not in b"\r\n" + head:
        hint = "Write it into the MIME: Unsubscribe.headers has it."
        raise InvalidMessage(f"Raw MIME of the stream {message.stream!r} has no List-Unsubscribe header.", hint=hint)
    return message
