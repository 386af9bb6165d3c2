"""Masking secrets in what is published."""

import shutil

import pytest

from tests import build_helpers as helpers
from transforms.core.base.secrets import MASK, mask_secrets

BOXES = helpers.ROOT / "samples/open_images/validation/annotations-human-bbox.csv"


@pytest.mark.parametrize(
    "name",
    [
        "s3_secret_access_key",
        "s3_access_key_id",
        "s3_session_token",
        "azure_connection_string",
        "password",
        "dbPassword",
        "api-key",
        "API_KEY",
        "client_secret",
        "auth_token",
        "credentials",
        "encryption_key",
        "passwd",
    ],
)
def test_what_is_called_like_a_secret_is_masked(name):
    assert mask_secrets({"beam": {name: "hunter2", "region": "eu"}}) == {
        "beam": {name: MASK, "region": "eu"}
    }
    assert mask_secrets({name: ["hunter2", 7]}) == {name: MASK}
    assert mask_secrets({name: 12345}) == {name: MASK}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key_file", "/home/me/key.json"),
        ("dataflow_kms_key", "projects/p/locations/l/keyRings/r/cryptoKeys/k"),
        ("input", ["gs://bucket/a@b.jsonl", "secret_garden.jsonl"]),
        ("allow_non_deterministic_key_coders", True),
        ("require_trace", False),
        ("max_bad_share", 0.01),
        ("tokenizer", "spacy"),
        ("s3_session_token", None),
    ],
)
def test_harmless_values_stay(name, value):
    assert mask_secrets({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("https://me:pass@host/path", f"https://{MASK}@host/path"),
        ("https://token@host/path", f"https://{MASK}@host/path"),
        ("https://host/a?token=abc&b=1", f"https://host/a?token={MASK}&b=1"),
        ("--s3_secret_access_key=abc", f"--s3_secret_access_key={MASK}"),
        ("https://host/a?X-Goog-Signature=abc", f"https://host/a?X-Goog-Signature={MASK}"),
        ("-----BEGIN RSA PRIVATE KEY-----\\nabc", MASK),
        ('{"private_key": "abc"}', MASK),
        ("AKIAIOSFODNN7EXAMPLE", MASK),
        ("ya29.a0AfH6SMBx-abc", MASK),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", MASK),
    ],
)
def test_what_looks_like_a_secret_is_masked_whatever_it_is_called(value, masked):
    assert mask_secrets({"extra": [value]}) == {"extra": [masked]}


def test_nothing_that_a_run_publishes_holds_its_secrets(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("beam: {s3_secret_access_key: hunter2, s3_access_key_id: hunter3}")
    output = tmp_path / "out"
    assert helpers.build(output, [helpers.REAL], "--config", config) == 0
    assert helpers.manifest_of(output)["configuration"]["beam"] == {
        "s3_secret_access_key": MASK,
        "s3_access_key_id": MASK,
    }
    for path in output.rglob("*"):
        assert path.is_dir() or b"hunter" not in path.read_bytes(), path


def test_no_secret_of_a_path_is_published(tmp_path):
    """As in `s3://user:password@bucket/`, or the token of a signed address."""
    secret, output = tmp_path / "token=hunter2&", tmp_path / "out"
    secret.mkdir()
    shard = shutil.copy(helpers.REAL, secret)
    boxes = shutil.copy(BOXES, secret)
    assert helpers.build(output, [shard], "--boxes", boxes) == 0
    manifest = helpers.manifest_of(output)
    assert manifest["inputs"][0]["path"] == str(shard).replace("hunter2", MASK)
    assert manifest["annotations"]["sources"][0]["path"] == str(boxes).replace("hunter2", MASK)
    for path in output.rglob("*"):
        assert path.is_dir() or b"hunter" not in path.read_bytes(), path
