"""Names in IAM, which all regions share."""

import pytest

from mailstack_infra.environment import Environment
from tests.unit.infra.options import ACCESS, KEPT_BY
from tests.unit.infra.program import ACCOUNT, run

IAM = ("Role", "Policy", "User", "InstanceProfile")


def test_one_stack_in_two_regions_shares_no_name_in_iam():
    streams = {"transactional": {"firehose": KEPT_BY}}
    slack = {"workspace": "T07EA123LEP", "page": "C07EZ1ABC23"}
    here, there = (
        {(r.token, r.inputs["name"]) for kind in IAM for r in deployment.of(kind)}
        for deployment in (
            run("prod", region=region, access=ACCESS, streams=streams, slack=slack)
            for region in ("us-east-1", "eu-west-1")
        )
    )
    assert len(here) == len(there) > 10
    assert here & there == set()


def test_roles_that_exist_keep_their_names():
    deployment = run("prod", access=ACCESS)
    assert {r.ignores for kind in IAM for r in deployment.of(kind)} == {("name",)}


@pytest.mark.parametrize("what", ["feedback", f"{'a' * 20}-firehose", f"app-{'b' * 40}"])
def test_names_in_iam_are_short_enough_and_differ(what: str):
    names = {
        Environment("s" * 30, ACCOUNT, region, "aws", {}).iam_name(name)
        for region in ("ap-southeast-3", "ap-southeast-5")
        for name in (what, f"{what}x")
    }
    assert len(names) == 4
    assert max(map(len, names)) <= 64
