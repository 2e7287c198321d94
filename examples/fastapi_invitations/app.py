"""The application: what it needs is created once a process, and its routers are mounted.

uvicorn --factory examples.fastapi_invitations.app:application
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry, make_asgi_app  # pyright: ignore[reportUnknownVariableType]
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from mailer import (
    Brand,
    FeedbackCollector,
    Mailer,
    OutboxCollector,
    OutboxRelay,
    PrometheusHook,
    SqlStores,
    Unsubscribe,
)
from mailer.asgi import lifespans, mailer_lifespan
from mailer.verification import SIGN_IN, BackgroundDelivery, Pages, PageTemplates, Verification, verification_routes
from mailer.webhooks import MetricsApi, Webhook, fastapi_router

from .database import Base
from .pages import Site
from .rendering import Templates
from .settings import Settings
from .signing_in import SigningIn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

NAME = "Family invitations"


def application() -> FastAPI:
    """The application, with settings from the environment."""
    return create_app(Settings.from_environment())


def create_app(settings: Settings) -> FastAPI:
    """The application."""
    engine = create_engine(settings.database)
    sessions = sessionmaker(engine)
    stores = SqlStores(settings.store)
    unsubscribe = Unsubscribe.from_environment()
    metrics = CollectorRegistry()
    mailer = Mailer.from_stack(
        settings.stack,
        brand=Brand(name=NAME, website=settings.url),
        store=stores,
        unsubscribe=unsubscribe,
        hooks=[PrometheusHook(registry=metrics)],
    )
    metrics.register(OutboxCollector(mailer.outbox))
    webhook = Webhook.from_stack(settings.stack, store=stores, unsubscribe=unsubscribe)
    metrics.register(FeedbackCollector(stores, webhook.outputs))
    delivery = BackgroundDelivery(mailer, outbox=True)

    @asynccontextmanager
    async def database(_: FastAPI) -> AsyncGenerator[None]:
        stores.migrate()
        Base.metadata.create_all(engine)
        yield
        webhook.close()
        stores.close()
        engine.dispose()

    @asynccontextmanager
    async def codes(_: FastAPI) -> AsyncGenerator[None]:
        yield
        delivery.close()

    relay = OutboxRelay if settings.relays else None
    lifespan = lifespans(database, mailer_lifespan(lambda: mailer, relay=relay), codes)
    app = FastAPI(title=NAME, lifespan=lifespan)
    templates = Templates()
    signing_in = SigningIn(sessions, mailer, templates, is_secure=settings.is_secure)
    site = Site(sessions, templates, signing_in, url=settings.url)
    app.include_router(site.router())
    app.add_exception_handler(HTTPException, site.explain)
    app.add_exception_handler(RequestValidationError, site.explain_form)
    app.include_router(fastapi_router(webhook, metrics=MetricsApi(webhook)), prefix="/mail")
    app.mount("/verify", _verification(Verification(mailer, delivery=delivery), signing_in, settings))
    app.mount("/metrics", cast("ASGIApp", make_asgi_app(metrics)))
    return app


def _verification(verification: Verification, signing_in: SigningIn, settings: Settings) -> Starlette:
    templates = PageTemplates(variables={"app_name": NAME})
    routes = verification_routes(
        Pages(verification, url=f"{settings.url}/verify", templates=templates),
        {SIGN_IN: "code"},
        account_of=signing_in.account_of,
        accepted=signing_in.accepted,
    )
    return Starlette(routes=routes)
