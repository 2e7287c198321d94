"""Equality of values, and copies by property path."""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from mailstack_localcloud.pulumi import schema, wire
from mailstack_localcloud.pulumi.provider.archive import fingerprint, zip_bytes
from mailstack_localcloud.pulumi.provider.cloud import ProviderError
from mailstack_localcloud.pulumi.provider.resource import as_json, as_policy, as_set, contains, exact
from mailstack_localcloud.pulumi.provider.resources import RESOURCES


@pytest.mark.parametrize(
    ("same", "wanted", "actual", "expected"),
    [
        (exact, "", None, True),
        (exact, {}, None, True),
        (exact, 0, None, False),
        (exact, False, None, False),
        (exact, {"a": "1"}, {"a": "1", "b": "2"}, False),
        (contains, {"a": "1"}, {"a": "1", "b": "2"}, True),
        (contains, {"a": {"b": 1}}, {"a": {"b": 2}}, False),
        (contains, [1, 2], [2, 1], False),
        (contains, True, False, False),
        (as_set, ["BOUNCE", "COMPLAINT"], ["COMPLAINT", "BOUNCE"], True),
        (as_set, [{"n": "a"}, {"n": "b"}], [{"n": "b"}, {"n": "a"}], True),
        (as_set, ["BOUNCE"], ["COMPLAINT", "BOUNCE"], False),
        (as_json, '{"a": 1, "b": [1, 2]}', '{"b":[1,2],"a":1}', True),
        (as_json, "[1, 2]", "[2, 1]", False),
        (as_json, "", None, True),
        (as_policy, '{"Action": ["a"]}', '{"Action": "a"}', True),
        (as_policy, '{"Action": ["a", "b"]}', '{"Action": ["b", "a"]}', True),
        (as_policy, '{"Action": ["a", "b"]}', '{"Action": ["a"]}', False),
        (as_policy, '{"Effect": "Allow"}', '{"Effect": "Deny"}', False),
    ],
)
def test_sameness(same: Any, wanted: object, actual: object, expected: bool):
    assert same(wanted, actual) is expected


def test_values_cross_the_wire_and_back():
    values = {"a": 1, "b": 0.5, "c": [True, "x", {"d": wire.secret(2)}], "e": wire.UNKNOWN}
    assert wire.plain(wire.struct(values)) == values
    assert wire.bare(values)["c"][2] == {"d": 2}
    assert wire.is_secret(values)
    assert wire.is_unknown(values)
    assert not wire.is_unknown({"a": [1, "b"]})


def test_tables_name_only_inputs_of_the_official_provider():
    for kind, resource in RESOURCES.items():
        offered = schema.inputs_of(kind)
        assert set(resource.all_args) <= set(offered), kind
        assert set(resource.finish) <= set(resource.args), kind
        assert set(resource.identity) <= set(resource.args), kind


def test_a_zip_of_the_same_files_is_the_same_bytes(tmp_path: Path):
    folder = tmp_path / "code"
    (folder / "mailer").mkdir(parents=True)
    (folder / "handler.py").write_text("x = 1\n")
    (folder / "mailer" / "__init__.py").write_text("")
    archive = {wire.SIGNATURE: wire.ARCHIVE, "path": str(folder)}
    first = zip_bytes(archive)
    assert zipfile.ZipFile(BytesIO(first)).namelist() == ["handler.py", "mailer/__init__.py"]
    assert zip_bytes(archive) == first
    (tmp_path / "code.zip").write_bytes(first)
    assert fingerprint({wire.SIGNATURE: wire.ARCHIVE, "path": str(tmp_path / "code.zip")}) == fingerprint(archive)
    text = {wire.SIGNATURE: wire.ASSET, "text": "x = 1\n"}
    members = {wire.SIGNATURE: wire.ARCHIVE, "assets": {"handler.py": text}}
    assert zipfile.ZipFile(BytesIO(zip_bytes(members))).read("handler.py") == b"x = 1\n"


@pytest.mark.parametrize(("key", "value"), [("uri", "https://example.com/x.zip"), ("path", "/nowhere/code.zip")])
def test_an_archive_that_is_not_there_is_an_error(key: str, value: str):
    with pytest.raises(ProviderError, match="archive"):
        zip_bytes({wire.SIGNATURE: wire.ARCHIVE, key: value})
