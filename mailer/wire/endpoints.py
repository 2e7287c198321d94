"""The URL and region of a service, by botocore's rules: configured endpoints, FIPS, dual stack, partitions.

Not for proxies and certificates; see `mailer.wire.access`.
"""

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from botocore.session import Session

# Where botocore's table of endpoints has another name for a service than its clients have.
PREFIXES = {"sesv2": "email"}


def find_endpoint(session: "Session", service: str, region: str | None) -> tuple[str, str]:
    """The URL and region that a boto3 client of this session would use.

    A client costs as much CPU as a hundred mails, because it loads the model of the service. So botocore's table of
    endpoints is asked directly, and a client is created for everything unusual only.

    Args:
        session: The session, whose configuration is read.
        service: botocore's name for the service.
        region: The region; the session's own by default.
    """
    try:
        found = _without_client(session, service, region)
    except (AttributeError, ImportError, KeyError, TypeError):  # these parts of botocore may change in any release
        found = None
    return found or _of_client(session, service, region)


def _without_client(session: "Session", service: str, region: str | None) -> tuple[str, str] | None:
    from botocore.configprovider import ConfiguredEndpointProvider
    from botocore.utils import validate_region_name

    region = region or cast("str | None", session.get_config_variable("region"))
    has_default_config = cast("object", session.get_default_client_config()) is not None
    if not region or "fips" in region or has_default_config:
        return None
    validate_region_name(region)
    if not session.get_config_variable("ignore_configured_endpoint_urls"):
        configured = ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), service).provide()
        if configured:
            return (configured, region) if urlsplit(configured).hostname else None
    resolver = cast("Any", session)._get_internal_component("endpoint_resolver")  # noqa: SLF001 - deprecated in public
    resolved = resolver.construct_endpoint(
        PREFIXES.get(service, service),
        region,
        use_dualstack_endpoint=session.get_config_variable("use_dualstack_endpoint"),
        use_fips_endpoint=session.get_config_variable("use_fips_endpoint"),
    )
    if not resolved or "https" not in resolved.get("protocols", ()):
        return None
    return f"https://{resolved['hostname']}", resolved["endpointName"]


def _of_client(session: "Session", service: str, region: str | None) -> tuple[str, str]:
    from botocore.config import Config

    client = session.create_client(
        service,
        region_name=region,
        config=Config(signature_version="v4"),
        # It signs nothing. Without keys it would look for some, and wait for instance metadata where there is none.
        aws_access_key_id="unused",
        aws_secret_access_key="unused",  # noqa: S106
    )
    try:
        return client.meta.endpoint_url, client.meta.region_name
    finally:
        client.close()
