"""The application: what it needs is created once a process, and its routers are mounted.

uvicorn --factory examples.ses_provider.app:application
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, make_asgi_app  # pyright: ignore[reportUnknownVariableType]
from sqlalchemy import create_engine
from starlette.responses import RedirectResponse

from mailer import Access, FeedbackCollector, PrometheusHook, SqlStores
from mailer.asgi import lifespans, mailer_lifespan
from mailer.webhooks import MetricsApi, Webhook, fastapi_router

from .api import add_problem_handlers, mails_router
from .counters import Counters
from .provider import create_mailer
from .records import Base, Recording
from .settings import Provider, Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.types import ASGIApp

PREFIX = "/api"
METRICS_PAGE = f"{PREFIX}/metrics/email"


def application() -> FastAPI:
    """The application, with settings from the environment."""
    return create_app(Settings.from_environment(os.environ))


def engine_of(settings: Settings) -> "Engine":
    """The database of the service's own tables."""
    url = settings.database.replace("postgresql://", "postgresql+psycopg://", 1)
    return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 5})


def create_app(settings: Settings) -> FastAPI:
    """The application."""
    engine, stores, registry = engine_of(settings), SqlStores(settings.store), CollectorRegistry()
    counters = Counters(registry, settings.provider.value)
    mailer = create_mailer(settings, stores, [PrometheusHook(registry), counters])
    recording = Recording(engine, counters, mailer.outputs)
    webhook = Webhook(mailer.outputs, store=stores, session=Access(role=settings.role), hooks=[recording])
    metrics = MetricsApi(webhook, account_list=settings.provider is Provider.AWS_SES)
    registry.register(FeedbackCollector(stores, mailer.outputs))

    @asynccontextmanager
    async def database(_: FastAPI) -> AsyncGenerator[None]:
        stores.migrate()
        Base.metadata.create_all(engine)
        yield
        webhook.close()
        stores.close()
        engine.dispose()

    # The pages that FastAPI has for its document load scripts from another server.
    app = FastAPI(
        title="Mail", lifespan=lifespans(database, mailer_lifespan(lambda: mailer)), docs_url=None, redoc_url=None
    )
    app.include_router(mails_router(settings), prefix=PREFIX)
    app.include_router(fastapi_router(webhook, metrics=metrics), prefix=PREFIX)
    app.mount("/metrics", cast("ASGIApp", make_asgi_app(registry)))
    app.add_api_route("/", lambda: RedirectResponse(METRICS_PAGE), include_in_schema=False)
    add_problem_handlers(app)
    return app
