"""Steps about SES's rates: a process that keeps to the account's rate, and requests in bulk."""

import time
from typing import Any

from botocore.exceptions import ClientError

from mailer import Mail, Status
from mailer.doctor.site import code_of
from tools.live.finding import Finding, Step, confirmed, judged, unsettled
from tools.live.site import SIMULATOR, Site
from tools.live.steps.mail import hello, mailer

# Seconds at the account's rate, and most mails: 150 cost less than two cents.
SECONDS, MOST = 10, 150
# The part of the rate that must be reached: a slower run proves nothing.
REACHED = 0.9
THREADS = 16
BULK_REQUESTS = 4
# Below it, a limit of one request a second looks the same as the account's rate.
LEAST_RATE = 8


def _rate_of(site: Site) -> float:
    return float(site.client("sesv2").get_account()["SendQuota"]["MaxSendRate"])


def _rate(site: Site) -> Finding:
    rate = _rate_of(site)
    count = int(min(rate * SECONDS, MOST))
    mails = [Mail(hello(), to=f"success+rate{number}@{SIMULATOR}") for number in range(count)]
    with mailer(site) as mail:
        started = time.monotonic()
        results = [one.result for one in mail.send_many(mails, threads=THREADS, bulk=False)]
        took = time.monotonic() - started
    statuses = [result.recipients[0].status for result in results if result]
    throttled, sent = statuses.count(Status.THROTTLED), statuses.count(Status.SENT)
    words = f"{sent} of {count} mails were sent in {took:.1f} s at a rate of {rate:g} a second, {throttled} throttled"
    if sent == count and count / took < rate * REACHED:
        return unsettled(f"{words}: too slow to tell.")
    return judged(sent == count, f"{words}.")


def _bulk_rate(site: Site) -> Finding:
    rate = _rate_of(site)
    if rate < LEAST_RATE:
        return unsettled(
            f"The account's rate is {rate:g} a second: below {LEAST_RATE}, a limit for bulk requests cannot be seen."
        )
    ses = site.client("sesv2", attempts=1)
    refused: list[str] = []
    started = time.monotonic()
    for number in range(BULK_REQUESTS):
        try:
            ses.send_bulk_email(**_bulk(site, number))
        except ClientError as error:
            refused.append(code_of(error))
    took = time.monotonic() - started
    limit = "limits them" if refused else "does not limit them to one a second"
    words = f"{BULK_REQUESTS} bulk requests in {took:.1f} s, {len(refused)} refused: SES {limit}."
    if not refused and took > BULK_REQUESTS - 1:
        return unsettled(f"{words[:-1]}, or they were too slow to tell.")
    return confirmed(words)


def _bulk(site: Site, number: int) -> dict[str, Any]:
    content = {"Subject": "Live check", "Text": "Hello"}
    return {
        "FromEmailAddress": site.outputs.sender,
        "DefaultContent": {"Template": {"TemplateContent": content, "TemplateData": "{}"}},
        "BulkEmailEntries": [{"Destination": {"ToAddresses": [f"success+bulk{number}@{SIMULATOR}"]}}],
        "ConfigurationSetName": site.outputs.default_configuration_set,
    }


STEPS = (
    Step("rate", "Mail at the account's rate is not throttled.", _rate, needs=("verified",)),
    Step("bulk-rate", "Whether SES limits bulk requests.", _bulk_rate, needs=("verified",)),
)
