"""Credentials and the endpoint as Lambda gives them to a function, read without botocore.

The import of botocore takes most of a function's cold start. Where something else than Lambda's own variables decides,
botocore is asked, as everywhere: outside Lambda, with a profile, a proxy, FIPS or dual-stack endpoints, or in a region
whose domain is not known here.
"""

import os
import re
from functools import cached_property
from importlib.util import find_spec
from urllib.parse import urlsplit

from mailer.wire.access import Access, Identity, Place, tls
from mailer.wire.deadline import Deadline
from mailer.wire.endpoints import PREFIXES
from mailer.wire.http import Destination
from mailer.wire.signing import Keys

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_GIVEN = ("AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html: what changes an endpoint or whose keys count.
_DECIDING = (
    *(
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CREDENTIAL_EXPIRATION",
    ),
    *("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
    *("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"),
)
# https://docs.aws.amazon.com/general/latest/gr/rande.html; a test compares them with botocore's for every region.
_DOMAINS = (
    (re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx|us-gov)-[a-z]+-\d"), "amazonaws.com"),
    (re.compile(r"cn-[a-z]+-\d"), "amazonaws.com.cn"),
    (re.compile(r"eusc-[a-z]+-[a-z]+-\d"), "amazonaws.eu"),
)


class FunctionAccess(Access):
    """As whom a Lambda function asks: as its role, whose keys are in its environment."""

    @cached_property
    def identity(self) -> Identity:
        """What Lambda's variables say, or what botocore finds where they do not decide alone."""
        return FunctionIdentity(self) if _decided() else Identity(self)


class FunctionIdentity(Identity):
    """The keys and the region in a function's variables. Lambda replaces the process before the keys expire."""

    def keys(self, deadline: Deadline) -> Keys:  # noqa: ARG002 - nothing is waited for
        """See `Identity.keys`."""
        key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        return Keys(key, secret, os.environ.get("AWS_SESSION_TOKEN"))

    def _locate(self, service: str, region: str | None) -> Place:
        region = region or os.environ["AWS_REGION"]
        configured = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
        domain = next((domain for regions, domain in _DOMAINS if regions.fullmatch(region)), None)
        if not domain:
            return super()._locate(service, region)
        url = urlsplit(configured or f"https://{PREFIXES.get(service, service)}.{region}.{domain}")
        if url.scheme == "http" and url.hostname:
            return Place(region, Destination(url, None, None))
        bundle = _certificates()
        if url.scheme != "https" or not url.hostname or not bundle:
            return super()._locate(service, region)
        return Place(region, Destination(url, None, tls(bundle)))


def _decided() -> bool:
    """Whether Lambda's own variables are all that matters."""
    environment = {name.upper() for name, value in os.environ.items() if value}
    return environment.issuperset(_GIVEN) and environment.isdisjoint(_DECIDING)


def _certificates() -> str | None:
    """The file of certificates that botocore uses, found without its import."""
    if given := os.environ.get("AWS_CA_BUNDLE"):
        return given
    package = find_spec("botocore")
    folders = (package.submodule_search_locations or ()) if package else ()
    return next((f"{folder}/cacert.pem" for folder in folders), None)
