"""Texts of SES, IAM and boto3, by the table of replies that the transport reads, too."""

import re
from typing import TYPE_CHECKING

from mailer.doctor.explain.explanation import Explanation, of_error
from mailer.transports.ses_replies import ENDINGS, REPLIES, Context, Reply, row_of
from mailer.wire.errors import AnswerLost, CannotAsk, CredentialsFailed, NotWritten

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = "Amazon SES"
_NAMES = Context("CONFIGURATION_SET", "REGION", "the stack's `sender_policy_arn`", "TENANT")
_CODES = sorted({code for row in REPLIES for code in row.codes if not code.isdigit()}, key=len, reverse=True)
_CODE = re.compile(rf"\b({'|'.join(_CODES)})\b")
# Texts that came without their code, as logs have them: which code AWS gives with such words.
_WITHOUT_CODE = (
    (r"not authorized to perform|explicit deny", "AccessDeniedException"),
    (r"sending rate exceeded|daily message quota|rate exceeded|throttl", "TooManyRequestsException"),
    (r"signature (has )?expired|not yet current|signature we calculated", "SignatureDoesNotMatch"),
    (r"security token included in the request is expired", "ExpiredTokenException"),
    (r"security token included in the request is invalid", "UnrecognizedClientException"),
    (r"configuration set .{0,200}does not exist", "ConfigurationSetDoesNotExistException"),
    (r"identity.{0,100}not verified|address is not verified", "MessageRejected"),
    (r"\b(account|sending)\b.{0,40}\b(paused|suspended|disabled)\b", "MessageRejected"),
    (r"address blacklisted|message length|illegal address|missing final '@domain'", "MessageRejected"),
)
# What boto3 says where no answer came.
_ENDINGS = (
    (r"unable to locate credentials|NoCredentialsError|partial credentials", CannotAsk),
    (r"error when retrieving credentials|CredentialRetrievalError", CredentialsFailed),
    (r"could not connect to the endpoint|EndpointConnectionError|ConnectTimeout", NotWritten),
    (r"read timeout on endpoint|ReadTimeoutError|connection was closed before we received", AnswerLost),
)


def explain(text: str) -> "Iterator[Explanation]":
    """What the text means if it is AWS's."""
    row = _found(text)
    if row is not None:
        yield _explanation(row)
    for pattern, kind in _ENDINGS:
        if re.search(pattern, text, re.IGNORECASE):
            yield _explanation(ENDINGS[kind])


def _found(text: str) -> Reply | None:
    if coded := _CODE.search(text):
        return row_of(400, coded.group(1), text[coded.end() :])
    code = next((code for pattern, code in _WITHOUT_CODE if re.search(pattern, text, re.IGNORECASE)), "")
    return row_of(400, code, text) if code else None


def _explanation(row: Reply) -> Explanation:
    names = {name: getattr(_NAMES, name) for name in _NAMES.__slots__}
    return of_error(SOURCE, row.error.__name__, row.cause.format(**names), row.hint.format(**names))
