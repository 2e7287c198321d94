"""The mailer as a dependency of FastAPI."""

from typing import Annotated

from mailer.asgi.lifespan import get_mailer
from mailer.errors import ConfigurationError
from mailer.install import install_command
from mailer.mailer import Mailer

try:
    from fastapi import Depends
except ModuleNotFoundError as error:
    raise ConfigurationError("MailerDep needs the package FastAPI.", hint=install_command("fastapi")) from error

# `async def welcome(mail: MailerDep)`. Tests replace `get_mailer` in `app.dependency_overrides`.
MailerDep = Annotated[Mailer, Depends(get_mailer)]
