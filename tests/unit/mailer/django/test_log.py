"""The logging handler: errors reach the administrators, few enough, and never break what logs."""

import logging
import logging.config
from typing import Any

import pytest
from django.db import transaction
from django.test import RequestFactory, override_settings

from mailer import AccessDenied
from mailer.django import AdminEmailHandler
from mailer.testing import Outbox
from tests.django_project import people

ADA = "ada@example.com"


@pytest.fixture(autouse=True)
def admins():
    with override_settings(ADMINS=people(ADA), SERVER_EMAIL="root@localhost"):
        yield


def record(words: str = "It broke", name: str = "shop", **extra: Any) -> logging.LogRecord:
    return logging.getLogger(name).makeRecord(name, logging.ERROR, __file__, 1, words, (), None, extra=extra)


def test_error_is_mailed_to_administrators(outbox: Outbox):
    request = RequestFactory().get("/orders/")
    AdminEmailHandler(stream="marketing", include_html=True).handle(record("Order\nfailed", request=request))
    (sent,) = outbox
    assert (sent.to[0].email, sent.stream, sent.subject) == (
        ADA,
        "marketing",
        "[Django] ERROR (EXTERNAL IP): Order\\nfailed",
    )
    assert "/orders/" in sent.text
    assert "<html" in sent.html


def test_error_in_a_transaction_is_mailed_at_once(outbox: Outbox, database: None):
    with transaction.atomic():
        AdminEmailHandler().handle(record())
        assert len(outbox) == 1


def test_limit_holds_for_an_hour(outbox: Outbox):
    now = [0.0]
    handler = AdminEmailHandler(limit=2, clock=lambda: now[0])
    for _ in range(5):
        handler.handle(record())
    assert len(outbox) == 2
    now[0] = 3600
    handler.handle(record())
    handler.handle(record())
    assert [one.text.startswith("3 more records were not mailed") for one in outbox] == [False, False, True, False]


@pytest.mark.parametrize("name", ["mailer", "mailer.wire", "django.core.mail"])
def test_records_about_mail_are_not_mailed(outbox: Outbox, name: str):
    AdminEmailHandler().handle(record(name=name))
    assert len(outbox) == 0


def test_no_mail_without_administrators(outbox: Outbox):
    with override_settings(ADMINS=[]):
        AdminEmailHandler().handle(record())
    assert len(outbox) == 0


def test_failure_to_mail_breaks_nothing(outbox: Outbox, caplog: pytest.LogCaptureFixture):
    outbox.fail(AccessDenied("No."))
    AdminEmailHandler().handle(record())
    AdminEmailHandler(stream="nonsense").handle(record())
    assert "An error mail was not sent: UnknownStream" in caplog.text
    assert len(outbox) == 0


def test_handler_is_named_in_logging(outbox: Outbox):
    handlers = {"admins": {"class": "mailer.django.AdminEmailHandler", "limit": 3, "level": "ERROR"}}
    logger = logging.getLogger("shop.orders")
    try:
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "handlers": handlers,
                "loggers": {"shop.orders": {"handlers": ["admins"]}},
            }
        )
        logger.error("It broke")
    finally:
        logger.handlers.clear()
    assert len(outbox) == 1
