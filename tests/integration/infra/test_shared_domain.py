"""Two stacks on one domain, in one local cloud: what the first owns survives whatever happens to the second."""

import json
from pathlib import Path
from typing import Any

import pytest

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from mailstack_localcloud.pulumi.stack import DeploymentError

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]


class Domain:
    """A domain with a zone, and the stacks that send from it."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self._cloud, self._folder = cloud, folder
        cloud.client("route53").create_hosted_zone(Name="example.test", CallerReference="shared")

    def stack(self, name: str, **options: object) -> InProcessStack:
        given = {"domain": "example.test", "page": [], "protect": False, "watchAccount": False, **options}
        config = {
            f"mailstack:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in given.items()
        }
        environment = self._cloud.environment()
        return InProcessStack(ROOT, name, state=self._folder / f"{name}.json", config=config, environment=environment)

    def standing(self) -> dict[str, Any]:
        """What the owner made: the identity with all that SES keeps of it, and every record."""
        route53 = self._cloud.client("route53")
        zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
        records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        found: dict[str, Any] = dict(self._cloud.client("sesv2").get_email_identity(EmailIdentity="example.test"))
        found.pop("ResponseMetadata")
        return {"identity": found, "records": [(r["Name"], r["Type"], r.get("ResourceRecords")) for r in records]}


@pytest.fixture
def domain(cloud: LocalCloud, tmp_path: Path) -> Domain:
    return Domain(cloud, tmp_path)


def test_destroying_a_second_stack_leaves_the_first_whole(domain: Domain):
    first, second = domain.stack("first"), domain.stack("second", adopt=True)
    first.up()
    whole = domain.standing()
    second.up()
    assert domain.standing() == whole
    assert second.outputs["mail_from_domain"] == "bounce.example.test"
    assert not second.up().any
    second.destroy()
    assert domain.standing() == whole
    second.up()
    assert domain.standing() == whole
    assert not first.up().any


def test_the_first_stack_comes_back_under_the_second(domain: Domain):
    first, second = domain.stack("first"), domain.stack("second", adopt=True)
    with pytest.raises(DeploymentError, match=r"adopt is true, and SES has no identity example\.test"):
        second.up()
    first.up()
    whole = domain.standing()
    second.up()
    first.destroy()
    first.up()
    again = domain.standing()
    for part in ("MailFromAttributes", "FeedbackForwardingStatus", "ConfigurationSetName"):
        assert again["identity"][part] == whole["identity"][part], part
    assert len(again["records"]) == len(whole["records"])
    # SES makes new DKIM tokens for a new identity.
    assert apart_from_dkim(again["records"]) == apart_from_dkim(whole["records"])
    second.up()
    assert domain.standing() == again
    assert not second.up().any


def apart_from_dkim(records: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [record for record in records if "._domainkey." not in record[0]]


def test_owners_settings_stay_in_every_order_of_destroy(domain: Domain):
    """Settings that differ from what SES and the program have by default, so that a reset would show."""
    first = domain.stack("first", feedbackForwarding=True, mailFrom={"subdomain": "post"})
    second = domain.stack("second", adopt=True)
    first.up()
    whole = domain.standing()
    assert whole["identity"]["FeedbackForwardingStatus"] is True
    assert whole["identity"]["MailFromAttributes"]["MailFromDomain"] == "post.example.test"
    second.up()
    second.destroy()
    second.up()
    assert domain.standing() == whole
    first.destroy()
    first.up()
    second.destroy()
    again = domain.standing()
    for part in ("MailFromAttributes", "FeedbackForwardingStatus"):
        assert again["identity"][part] == whole["identity"][part], part
    assert apart_from_dkim(again["records"]) == apart_from_dkim(whole["records"])


def test_second_stack_of_a_domain_must_adopt_its_identity(domain: Domain):
    domain.stack("first").up()
    with pytest.raises(DeploymentError) as caught:
        domain.stack("second", dns="none").up()
    assert "AlreadyExists" in str(caught.value)
