"""The order of records in the in-process engine's state."""

from pathlib import Path

from mailstack_localcloud.pulumi import state
from mailstack_localcloud.pulumi.state import Record, dependents_first


def record(name: str, *needs: str, **more: object) -> Record:
    return Record(name, "aws:sns/topic:Topic", custom=True, dependencies=list(needs), **more)  # pyright: ignore[reportArgumentType]


def names(records: list[Record]) -> list[str]:
    return [each.urn for each in records]


def test_deletion_order_dependents_first_then_newest():
    assert names(dependents_first([record("c", "a"), record("a"), record("b")])) == ["b", "c", "a"]
    assert names(dependents_first([record("d", "c"), record("c", "b"), record("b", "a"), record("a")])) == [*"dcba"]


def test_everything_that_a_record_refers_to_is_needed():
    given = record(
        "it",
        "a",
        property_dependencies={"x": ["b"]},
        parent="c",
        provider="d::id",
        deleted_with="e",
        replaced_with=["f"],
    )
    assert given.needs == {*"abcdef"}
    assert given.renamed("d", "z").provider == "z::id"
    assert given.renamed("a", "z").needs == {*"zbcdef"}


def test_state_is_saved_with_dependencies_first(tmp_path: Path):
    state.save(tmp_path / "state.json", [record("b", "a"), record("a")])
    assert names(state.load(tmp_path / "state.json")) == ["a", "b"]
