"""Send mail from Python on Amazon SES.

The public face. Importing it imports nothing else: each name is loaded when it is first used.
"""

# Type checkers take a variable of this name as true. Importing `typing` for it would be most of `import mailer`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailer.address import Address
    from mailer.attachment import Attachment
    from mailer.errors import InvalidAddress, InvalidMessage, MailerError, TransportError
    from mailer.mailer import Mailer
    from mailer.message import Message
    from mailer.results import NotSent, RecipientResult, SendResult, Status
    from mailer.stack import StackOutputs
    from mailer.templates.base import EmailTemplate
    from mailer.templates.brand import Brand
    from mailer.templates.secret import SecretText, SecretUrl
    from mailer.templates.url import Url

__all__ = [
    "Address",
    "Attachment",
    "Brand",
    "EmailTemplate",
    "InvalidAddress",
    "InvalidMessage",
    "Mailer",
    "MailerError",
    "Message",
    "NotSent",
    "RecipientResult",
    "SecretText",
    "SecretUrl",
    "SendResult",
    "StackOutputs",
    "Status",
    "TransportError",
    "Url",
]

_HOME = {
    "Address": "address",
    "Attachment": "attachment",
    "Brand": "templates.brand",
    "EmailTemplate": "templates.base",
    "InvalidAddress": "errors",
    "InvalidMessage": "errors",
    "Mailer": "mailer",
    "MailerError": "errors",
    "Message": "message",
    "NotSent": "results",
    "RecipientResult": "results",
    "SecretText": "templates.secret",
    "SecretUrl": "templates.secret",
    "SendResult": "results",
    "StackOutputs": "stack",
    "Status": "results",
    "TransportError": "errors",
    "Url": "templates.url",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'mailer' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"mailer.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
