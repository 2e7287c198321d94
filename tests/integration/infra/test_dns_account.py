"""A stack whose zone is in another AWS account: the records go there, and nothing else does."""

import json
from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from mailstack_localcloud.pulumi.stack import DeploymentError
from tests.integration.infra.accounts import (
    EXTERNAL_ID,
    OURS,
    ROLE,
    ROOT,
    THEIRS,
    Accounts,
    assert_only_records_are_theirs,
    credentials,
)

pytestmark = pytest.mark.integration


class Deployed(Accounts):
    """The accounts, and a stack in one of them."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        super().__init__(cloud)
        self._folder = folder

    def stack(self, *, environment: dict[str, str] | None = None, **options: object) -> InProcessStack:
        given = {"domain": "example.test", "page": [], "protect": False, **options}
        config = {f"mailstack:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in given.items()}
        all_of_it = {**self._cloud.environment(), **(environment or {})}
        return InProcessStack(ROOT, "dev", state=self._folder / "state.json", config=config, environment=all_of_it)


@pytest.fixture
def accounts(cloud: LocalCloud, tmp_path: Path) -> Deployed:
    return Deployed(cloud, tmp_path)


def test_records_go_to_the_account_of_the_role(accounts: Deployed):
    stack = accounts.stack(dnsAccess={"role": ROLE, "externalId": EXTERNAL_ID})
    stack.up()
    assert_only_records_are_theirs(accounts)
    assert not stack.up().any
    stack.destroy()
    assert accounts.published(THEIRS) == set()


def test_records_go_to_the_account_of_the_profile(accounts: Deployed, tmp_path: Path):
    accounts.stack(environment=credentials(tmp_path), dnsAccess={"profile": "dns"}).up()
    assert_only_records_are_theirs(accounts)


def test_records_in_the_way_are_seen_in_the_zones_account(accounts: Deployed):
    route53 = accounts.client(THEIRS, "route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    dmarc = {
        "Name": "_dmarc.example.test",
        "Type": "TXT",
        "TTL": 60,
        "ResourceRecords": [{"Value": '"v=DMARC1; p=reject"'}],
    }
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": dmarc}]}
    route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch=change)
    access = {"role": ROLE, "externalId": EXTERNAL_ID}
    with pytest.raises(DeploymentError, match=r"The DMARC record at _dmarc\.example\.test asks for reject"):
        accounts.stack(dnsAccess=access, overwriteRecords="dmarc").up()
    assert not any(accounts.others(OURS).values())


@pytest.mark.parametrize("access", [{"role": ROLE}, {"role": ROLE, "externalId": "another"}, {"role": f"{ROLE}-2"}])
def test_role_that_cannot_be_assumed_is_explained(accounts: Deployed, access: dict[str, str]):
    with pytest.raises(DeploymentError, match=r"AccessDenied") as caught:
        accounts.stack(dnsAccess=access).up()
    assert f"The lookup used the role {access['role']} " in str(caught.value)
    assert "trust policy" in str(caught.value)
    assert not any(accounts.others(OURS).values())


def test_a_profile_of_an_account_without_the_zone_is_explained(accounts: Deployed):
    with pytest.raises(DeploymentError, match=r"Route 53 zone 'example\.test' failed(.|\n)*the profile elsewhere"):
        accounts.stack(dnsAccess={"profile": "elsewhere"}).up()
