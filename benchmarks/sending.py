"""What a mail costs the application: `mailer` beside bare boto3, django-ses and anymail, over the same local cloud.

    python -m benchmarks.sending [--messages 300] [--runs 5] [--json]

CPU time of this process, not of the server: a slow network hides it, a busy worker pays it. Each client sends text and
HTML to one recipient over a connection that stays open, unless it says otherwise; runs of the clients take turns, so
that a busy moment of the machine meets them all.
"""

import argparse
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from benchmarks.measure import median, show
from localcloud import LocalCloud
from mailer import Mailer, Message
from mailer.results import Status
from mailer.testing.memory import MemorySuppressions
from tests.integration.tables import new_table
from tests.unit.mailer.stack_outputs import SET, outputs

_TEXT, _HTML = "Hello, world. " * 20, "<p>Hello, world.</p>" * 40
_SENDER, _RECIPIENT = "Ada Lovelace <ada@example.com>", "grace@example.org"
Send = Callable[[int], None]


def bare_boto3(cloud: LocalCloud) -> Send:
    """The least that sends with boto3."""
    client = cloud.client("sesv2")
    body = {name: {"Data": data, "Charset": "UTF-8"} for name, data in (("Text", _TEXT), ("Html", _HTML))}
    content = {"Simple": {"Subject": {"Data": "Hello", "Charset": "UTF-8"}, "Body": body}}

    def send(messages: int) -> None:
        for _ in range(messages):
            client.send_email(FromEmailAddress=_SENDER, Destination={"ToAddresses": [_RECIPIENT]}, Content=content)

    return send


def with_mailer(cloud: LocalCloud) -> Send:
    """`Mailer.send` as it comes: it asks the stack's suppression list (DynamoDB) before each mail."""
    return _through(Mailer(outputs(new_table(cloud.client("dynamodb")))))


def without_suppressions(_: LocalCloud) -> Send:
    """`Mailer.send` without a suppression list, which the others do not have."""
    return _through(Mailer(outputs("none"), suppressions=MemorySuppressions()))


def _through(mailer: Mailer) -> Send:
    def send(messages: int) -> None:
        for _ in range(messages):
            message = Message(subject="Hello", text=_TEXT, html=_HTML, sender=_SENDER, to=_RECIPIENT)
            assert mailer.send(message)[_RECIPIENT].status is Status.SENT

    return send


def backend_of(make: Callable[[LocalCloud], Any], *, stays_open: bool) -> Callable[[LocalCloud], Send]:
    """A Django backend with its connection open over all mails, or one for each, as `send_mail` uses it."""

    def client(cloud: LocalCloud) -> Send:
        known = make(cloud)

        def send(messages: int) -> None:
            opened = known if stays_open else None
            with opened or contextlib.nullcontext():
                for _ in range(messages):
                    assert (opened or make(cloud)).send_messages([django_mail()]) == 1

        return send

    return client


def django_ses(cloud: LocalCloud) -> Any:
    from django_ses import SESBackend

    known = cloud.environment()
    return SESBackend(
        aws_access_key=known["AWS_ACCESS_KEY_ID"],
        aws_secret_key=known["AWS_SECRET_ACCESS_KEY"],
        aws_region_name=cloud.region,
        aws_region_endpoint=cloud.endpoint,
        use_ses_v2=True,
    )


def anymail(cloud: LocalCloud) -> Any:
    from anymail.backends.amazon_ses import EmailBackend

    known = cloud.environment()
    parameters = {
        "endpoint_url": cloud.endpoint,
        "region_name": cloud.region,
        "aws_access_key_id": known["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": known["AWS_SECRET_ACCESS_KEY"],
    }
    return EmailBackend(client_params=parameters)


def django_mail() -> EmailMultiAlternatives:
    mail = EmailMultiAlternatives("Hello", _TEXT, _SENDER, [_RECIPIENT])
    mail.attach_alternative(_HTML, "text/html")
    return mail


CLIENTS: dict[str, Callable[[LocalCloud], Send]] = {
    "boto3, bare": bare_boto3,
    "mailer, no suppression list": without_suppressions,
    "mailer": with_mailer,
    "django-ses": backend_of(django_ses, stays_open=True),
    "anymail": backend_of(anymail, stays_open=True),
    "anymail, a connection a mail": backend_of(anymail, stays_open=False),
}


def costs(messages: int, runs: int) -> dict[str, dict[str, float]]:
    """CPU microseconds a mail: medians, and how many times bare boto3's."""
    with LocalCloud.start() as cloud:
        _prepare(cloud)
        clients = {name: make(cloud) for name, make in CLIENTS.items()}
        taken: dict[str, list[float]] = {name: [] for name in clients}
        for name, send in clients.items():  # warm
            send(_few(name, messages) // 5 + 1)
        for _ in range(runs):
            for name, send in clients.items():
                count = _few(name, messages)
                started = time.process_time()
                send(count)
                taken[name].append((time.process_time() - started) / count * 1e6)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    return {n: {"CPU µs": value, "of bare boto3": value / medians["boto3, bare"]} for n, value in medians.items()}


def _few(name: str, messages: int) -> int:
    return max(messages // 20, 5) if "a connection a mail" in name else messages


def _prepare(cloud: LocalCloud) -> None:
    settings.configure(AWS_SES_AUTO_THROTTLE=None)
    django.setup()
    os.environ.update(cloud.environment())
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.com")
    cloud.client("sesv2").create_configuration_set(ConfigurationSetName=SET)
    cloud.control("POST", "identities/example.com/verify")
    cloud.control("PUT", "account", {"max_send_rate": -1.0, "max_24_hour_send": -1.0})


IMPORTS = {
    "python alone": "pass",
    "import mailer": "import mailer",
    "mailer.Mailer, before a first send": "import mailer; mailer.Mailer; mailer.Message",
    "a boto3 client": "import boto3; boto3.client('sesv2', region_name='us-east-1')",
    "django_ses": "from django.conf import settings; settings.configure(); import django_ses",
    "anymail": "from django.conf import settings; settings.configure(); import anymail.backends.amazon_ses",
}


def imports(runs: int) -> dict[str, dict[str, float]]:
    """CPU milliseconds of a process that imports and ends."""
    return {
        name: median([{"CPU ms": _cpu_of_process(program) * 1000} for _ in range(runs)])
        for name, program in IMPORTS.items()
    }


def _cpu_of_process(program: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sending")
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    show("One mail", costs(arguments.messages, arguments.runs), as_json=arguments.json)
    show("Start", imports(arguments.runs), as_json=arguments.json)


if __name__ == "__main__":
    main()
