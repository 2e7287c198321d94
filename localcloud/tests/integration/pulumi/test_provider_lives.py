"""Every resource type of the provider plugin, over gRPC, from creation to deletion."""

import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from localcloud.tests.integration.pulumi.provider_cases import LIVES, Around, Life
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.plugin import Plugin, PluginError
from mailstack_localcloud.pulumi.provider.resource import contains, exact
from mailstack_localcloud.pulumi.provider.resources import RESOURCES
from mailstack_localcloud.pulumi.wire import UNKNOWN

pytestmark = pytest.mark.integration
SEED = b"seed"
by_life = pytest.mark.parametrize("life", LIVES, ids=lambda life: life.id)


@pytest.fixture(scope="module")
def plugin(shared_cloud: LocalCloud):
    shared_cloud.reset()
    with Plugin(environment={"PATH": "", **shared_cloud.environment()}) as started:
        tags = '{"tags": {}}'
        assert started.configure("urn:pulumi:t::t::pulumi:providers:aws::default", {"defaultTags": tags}) == []
        yield started


@pytest.fixture
def around(shared_cloud: LocalCloud, tmp_path: Path) -> Around:
    return Around(shared_cloud, tmp_path, f"t{uuid.uuid4().hex[:10]}")


class Subject:
    """A resource under test: its last inputs and outputs."""

    def __init__(self, plugin: Plugin, life: Life, inputs: dict[str, Any]) -> None:
        self.plugin, self.urn = plugin, f"urn:pulumi:t::t::my:Component${life.kind}::subject"
        self.given = inputs
        self.inputs = self.checked(inputs, None)
        self.id, self.state = plugin.create(self.urn, self.inputs)

    def checked(self, inputs: dict[str, Any], olds: dict[str, Any] | None) -> dict[str, Any]:
        checked, problems = self.plugin.check(self.urn, inputs, olds, SEED)
        assert problems == []
        return checked

    def diff(self, inputs: dict[str, Any]):
        return self.plugin.diff(self.urn, self.id, self.inputs, self.state, self.checked(inputs, self.inputs))

    def update(self, inputs: dict[str, Any]) -> None:
        news = self.checked(inputs, self.inputs)
        self.state = self.plugin.update(self.urn, self.id, self.inputs, self.state, news)
        self.given, self.inputs = inputs, news

    def read(self):
        return self.plugin.read(self.urn, self.id, self.inputs, self.state)

    def delete(self) -> None:
        self.plugin.delete(self.urn, self.id, self.inputs, self.state)


@pytest.fixture
def subject(plugin: Plugin, around: Around, life: Life):
    made = Subject(plugin, life, life.inputs(around))
    yield made
    made.delete()


def test_every_type_has_a_life():
    assert {life.kind for life in LIVES} == set(RESOURCES)


@by_life
def test_second_update_changes_nothing(subject: Subject):
    assert subject.id
    assert contains(subject.inputs, subject.state)
    assert not subject.diff(subject.given).names


@by_life
def test_a_refresh_right_after_creation_finds_no_drift(subject: Subject):
    found = subject.read()
    assert found is not None
    assert found.inputs == subject.inputs
    assert found.state == subject.state


@pytest.mark.parametrize("life", [life for life in LIVES if life.update], ids=lambda life: life.id)
def test_changed_inputs_are_changed_in_place(subject: Subject, around: Around, life: Life):
    assert life.update is not None
    changed = life.update(around)
    news = {**subject.given, **changed}
    found = subject.diff(news)
    assert set(found.names) == set(changed)
    assert found.replaces == ()
    subject.update(news)
    assert contains(life.shown or {name: subject.inputs[name] for name in changed}, subject.state)
    assert not subject.diff(news).names
    read = subject.read()
    assert read is not None
    assert read.inputs == subject.inputs


@pytest.mark.parametrize("life", [life for life in LIVES if life.removed], ids=lambda life: life.id)
def test_removed_input_falls_back_to_its_default(subject: Subject, around: Around, life: Life):
    changed = life.update(around) if life.update else {}
    subject.update({**subject.given, **changed})
    left = {name: value for name, value in subject.given.items() if name not in life.removed}
    found = subject.diff(left)
    before = {
        name for name in life.removed if not contains(life.removed[name], subject.state.get(name)) or name == "tags"
    }
    assert before <= set(found.names)
    subject.update(left)
    for name, default in life.removed.items():
        actual = subject.state.get(name)
        assert (contains if default else exact)(default, actual), (name, actual)
    assert not subject.diff(left).names


@pytest.mark.parametrize("life", [life for life in LIVES if life.kept], ids=lambda life: life.id)
def test_computed_value_stays_when_its_input_is_removed(subject: Subject, around: Around, life: Life):
    subject.update({**subject.given, **(life.update(around) if life.update else {})})
    before = {name: subject.state[name] for name in life.kept}
    left = {name: value for name, value in subject.given.items() if name not in life.kept}
    assert not subject.diff(left).names
    subject.update({**left, "tags": {"other": "change"}})
    assert {name: subject.state[name] for name in life.kept} == before


@by_life
def test_changed_name_replaces_the_resource(subject: Subject, around: Around, life: Life):
    assert life.replace is not None
    changed = life.replace(around)
    found = subject.diff({**subject.given, **changed})
    assert set(found.replaces) == set(changed)


@by_life
def test_deleting_it_again_is_no_error(subject: Subject):
    subject.delete()
    subject.delete()


KEPT = {
    # A topic is never without a policy, an identity never without these attributes: they go with it.
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes",
    "aws:sesv2/emailIdentityFeedbackAttributes:EmailIdentityFeedbackAttributes",
    # While it is the current one it stays.
    "aws:secretsmanager/secretVersion:SecretVersion",
    # An account has these for ever.
    "aws:sesv2/accountSuppressionAttributes:AccountSuppressionAttributes",
    "aws:sesv2/accountVdmAttributes:AccountVdmAttributes",
}


@pytest.mark.parametrize("life", [life for life in LIVES if life.kind not in KEPT], ids=lambda life: life.id)
def test_deleted_behind_its_back_it_is_noticed(subject: Subject):
    subject.delete()
    assert subject.read() is None


@by_life
def test_unknown_inputs_pass_in_a_preview_and_nowhere_else(plugin: Plugin, around: Around, life: Life):
    urn = f"urn:pulumi:t::t::{life.kind}::subject"
    inputs = life.inputs(around)
    unknown = sorted(name for name, value in inputs.items() if isinstance(value, str) and not _is_enum(name)) or sorted(
        inputs
    )
    checked, problems = plugin.check(urn, {**inputs, **dict.fromkeys(unknown, UNKNOWN)}, None, SEED)
    assert problems == []
    identifier, state = plugin.create(urn, checked, preview=True)
    assert identifier == ""
    assert all(state[name] == UNKNOWN for name in (*unknown, *life.unknown))
    with pytest.raises(PluginError, match=re.escape(unknown[0])):
        plugin.create(urn, checked)


def _is_enum(name: str) -> bool:
    return name in {"type", "protocol", "runtime", "billingMode", "comparisonOperator", "statistic", "treatMissingData"}


@by_life
def test_import_needs_the_id_only(subject: Subject, life: Life):
    identifier = life.imported(subject.inputs) if life.imported else subject.id
    found = subject.plugin.read(subject.urn, identifier, {}, {})
    assert found is not None
    assert (
        found.inputs.items()
        >= {
            name: subject.state[name] for name in subject.inputs if name not in NEVER_TOLD and subject.state[name]
        }.items()
    )


NEVER_TOLD = {"code", "forceDestroy"}  # Lambda keeps the zip to itself; how it is deleted is nobody's business
