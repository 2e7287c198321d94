"""The applications that serve a webhook: one for ASGI, one for WSGI. Starlette is imported when it is needed."""

from typing import TYPE_CHECKING

from mailer.webhooks.endpoints import endpoints_of
from mailer.webhooks.webhook import check_installed

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from fastapi import APIRouter
    from starlette.applications import Starlette

    from mailer.webhooks.metrics import MetricsApi
    from mailer.webhooks.rate import ClientRate
    from mailer.webhooks.webhook import Webhook


def asgi_app(
    webhook: "Webhook", *, rate: "ClientRate | None" = None, metrics: "MetricsApi | None" = None
) -> "Starlette":
    """An ASGI application with `POST /webhooks/ses`, `GET /health` and `GET /health/ready`.

    If the webhook has unsubscribe links, also `/unsubscribe/TOKEN`.

    Serve it with any ASGI server, or mount it: `app.mount("/mail", asgi_app(webhook))`.

    Args:
        webhook: What receives the messages.
        rate: How many requests one client may make. Default: 200 a second, 1,000 at once.
        metrics: Serves reports at `/metrics/email`; None: nothing does.

    Raises:
        ConfigurationError: Starlette is not installed.
    """
    check_installed("starlette")
    from mailer.webhooks.asgi import application

    return application(endpoints_of(webhook, rate, metrics))


def fastapi_router(
    webhook: "Webhook", *, rate: "ClientRate | None" = None, metrics: "MetricsApi | None" = None
) -> "APIRouter":
    """A FastAPI router with the same endpoints, described in the application's OpenAPI document.

    Example:
        >>> app.include_router(fastapi_router(webhook), prefix="/mail")  # doctest: +SKIP

    Args:
        webhook: See `asgi_app`.
        rate: See `asgi_app`.
        metrics: See `asgi_app`.

    Raises:
        ConfigurationError: FastAPI is not installed.
    """
    check_installed("fastapi", "fastapi")
    from mailer.webhooks.router import router

    return router(endpoints_of(webhook, rate, metrics))


def wsgi_app(
    webhook: "Webhook", *, rate: "ClientRate | None" = None, metrics: "MetricsApi | None" = None
) -> "Callable[[WSGIEnvironment, StartResponse], list[bytes]]":
    """A WSGI application with the same endpoints, for Django, Flask and every WSGI server.

    Args:
        webhook: See `asgi_app`.
        rate: See `asgi_app`.
        metrics: See `asgi_app`.
    """
    from mailer.webhooks.wsgi import application

    return application(endpoints_of(webhook, rate, metrics))
