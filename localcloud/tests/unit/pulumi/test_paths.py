"""Property paths have the meaning that they have in Pulumi's engine."""

import pytest

from mailstack_localcloud.pulumi import paths
from mailstack_localcloud.pulumi.wire import Props


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("root", ("root",)),
        ("root.nested", ("root", "nested")),
        ('root["nested"].x', ("root", "nested", "x")),
        ("root.array[0][1].nested", ("root", "array", 0, 1, "nested")),
        ('root["key with \\"quotes\\""]', ("root", 'key with "quotes"')),
        ('["root key with a ."][100]', ("root key with a .", 100)),
        ("root.array[*].field", ("root", "array", "*", "field")),
        ('root.array["*"].field', ("root", "array", "*", "field")),
        ("ses:configuration-set", ("ses:configuration-set",)),
        ("*", ("*",)),
    ],
)
def test_a_path_is_read(text: str, expected: paths.Path):
    assert paths.parse(text) == expected


@pytest.mark.parametrize("text", ["", ".a", "a..b", "a[", "a[x]", 'a["b]', "a."])
def test_invalid_property_path_is_refused(text: str):
    with pytest.raises(ValueError, match="not a property path"):
        paths.parse(text)
    assert paths.reset(text, {"a": 1}, {"a": 2}) == {"a": 2}


@pytest.mark.parametrize(
    ("path", "source", "target", "expected"),
    [
        ("a", {"a": 1}, {"a": 2}, {"a": 1}),
        ("a", {"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ("a", {}, {"a": 2, "b": 3}, {"b": 3}),
        ("a.b", {"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, {"a": {"b": 1, "c": 3}}),
        ("a.b", {"a": {}}, {"a": {"b": 2}}, {"a": {}}),
        ("a.b", {}, {"a": {"b": 2}}, {"a": {}}),
        ("a.b.c", {}, {"a": {"b": {"c": 2}}}, {"a": {"b": {"c": 2}}}),
        ("a.b", {"a": {"b": 1}}, {"c": 2}, {"c": 2}),
        ("a.b", {"a": {"b": 1}}, {"a": "text"}, {"a": "text"}),
        ("*", {"a": 1, "b": 2}, {"a": 3, "c": 4}, {"a": 1, "b": 2}),
        ("a.*", {"a": {"x": 1}}, {"a": {"x": 2, "y": 3}}, {"a": {"x": 1}}),
        ("a.*", {}, {"a": {"x": 2}}, {"a": {"x": 2}}),
        ("a.*.x", {"a": {"p": {"x": 1}}}, {"a": {"p": {"x": 2}, "q": {"x": 3}}}, {"a": {"p": {"x": 1}, "q": {"x": 3}}}),
        ("a[1]", {"a": [1, 2]}, {"a": [3, 4]}, {"a": [3, 2]}),
        ("a[1]", {"a": [1]}, {"a": [3, 4]}, {"a": [3, 4]}),
        ("a[*].x", {"a": [{"x": 1}]}, {"a": [{"x": 2, "y": 3}]}, {"a": [{"x": 1, "y": 3}]}),
        ("a.x", {"a": [1]}, {"a": [2]}, {"a": [2]}),
    ],
)
def test_ignored_changes_are_set_back(path: str, source: Props, target: Props, expected: Props):
    kept = repr((source, target))
    assert paths.reset(path, source, target) == expected
    assert repr((source, target)) == kept


@pytest.mark.parametrize(
    ("path", "other", "expected"),
    [
        ("a", "a", True),
        ("a", "a.b[0]", True),
        ("a.b", "a", False),
        ("*", "a", True),
        ("a[*].c", "a[3].c.d", True),
        ("a[1]", "a[2]", False),
    ],
)
def test_a_path_contains_what_is_under_it(path: str, other: str, expected: bool):
    assert paths.contains(paths.parse(path), paths.parse(other)) is expected
