"""A project on disk is read as the CLI reads it, with what the CLI encrypted."""

from pathlib import Path

import pytest

from mailstack_localcloud.pulumi.project import load
from mailstack_localcloud.pulumi.stack import DeploymentError

# Written by `pulumi config set --secret` of v3.259.0, passphrase "correct horse".
ENCRYPTED = """
encryptionsalt: v1:MFsWxTb1mJM=:v1:jZAg3Tbq1QaHgvaD:h8/5ELzqIZqPidw9ymG3sdRH8624HQ==
config:
  tiny:key:
    secure: v1:Aml2+Hd6NtMvzdD9:WXDEXFTEd1pJHE87tk4CSuelr7iZHP0FLJ8S
  tiny:object:
    closed:
      secure: v1:y6kqnJAYt02fQoP+:tPfmMr9g3EH4Bn2XOe4xiosbiZvWbA==
    open: x
  tiny:plain: {list: [1, 2]}
  aws:region: eu-west-1
"""
PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "correct horse"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: tiny\nruntime: python\nmain: program\nconfig: {size: {default: 3}}\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(ENCRYPTED)
    return tmp_path


def test_encrypted_configuration_is_decrypted_and_secret(folder: Path):
    project = load(folder, "dev", {"size": "4"}, {}, PASSPHRASE)
    assert project.config == {
        "tiny:size": "4",
        "tiny:plain": '{"list": [1, 2]}',
        "aws:region": "eu-west-1",
        "tiny:key": "open sesame",
        "tiny:object": '{"closed": "hidden", "open": "x"}',
    }
    assert project.secrets == {"tiny:key", "tiny:object"}
    assert project.program == folder / "program"


def test_given_configuration_needs_no_passphrase(folder: Path):
    project = load(folder, "dev", {"tiny:object": "{}"}, {"key": "mine"}, {})
    assert (project.config["tiny:key"], project.config["tiny:object"], project.config["tiny:size"]) == (
        "mine",
        "{}",
        "3",
    )
    assert project.secrets == {"tiny:key"}


@pytest.mark.parametrize(
    ("environment", "written", "said"),
    [
        ({}, ENCRYPTED, "tiny:key, tiny:object is encrypted: set PULUMI_CONFIG_PASSPHRASE"),
        (
            {"PULUMI_CONFIG_PASSPHRASE": "wrong"},
            ENCRYPTED,
            "tiny:key, tiny:object cannot be read: it was encrypted with another",
        ),
        (PASSPHRASE, ENCRYPTED.replace("encryptionsalt", "encryptedkey"), "only its key's service can read it"),
        (PASSPHRASE, ENCRYPTED.replace("v1:MFsWx", "MFsWx"), "encryptionsalt is not what Pulumi writes"),
    ],
    ids=["no passphrase", "another passphrase", "a key service", "a broken salt"],
)
def test_undecryptable_value_is_reported_with_its_key(
    folder: Path, environment: dict[str, str], written: str, said: str
):
    (folder / "Pulumi.dev.yaml").write_text(written)
    with pytest.raises(DeploymentError, match=said):
        load(folder, "dev", {}, {}, environment)
