"""The JSON schemas in docs/ are those of the models, and what runs write is valid by them."""

import json

import jsonschema
import pytest

from pipelines.open_images import job as open_images
from tests import build_helpers as helpers
from tests import schemas
from transforms.core.model.manifest import decode_manifest, encode_manifest
from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.model.open_images.manifest import OpenImagesManifest
from transforms.core.sources.index import manifest as index_manifest

OPEN_IMAGES = helpers.ROOT / "samples" / "open_images" / "train"


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """A run with all that a manifest can hold, for a second version of one output."""
    output = tmp_path_factory.mktemp("out")
    more = ["--boxes", OPEN_IMAGES / "annotations-human-bbox.csv", "--min-words", 3]
    assert helpers.build(output, helpers.SHARDS[:1], *more) == 0
    assert helpers.build(output, helpers.SHARDS, *more, "--max-distance-per-char", "1/7") == 0
    return output


def valid_by(name, data):
    """What JSON holds that is valid by a schema of docs/."""
    schema = json.loads((schemas.DOCS / name).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    value = json.loads(data)
    jsonschema.validate(value, schema)
    return value


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_schemas_in_docs_are_of_the_models(name):
    made = schemas.render(schemas.SCHEMAS[name])
    assert (schemas.DOCS / name).read_text() == made, "run `python -m tests.schemas`"


def test_the_manifest_of_a_run_is_valid(output):
    data = (helpers.version_of(output) / "manifest.json").read_bytes()
    made = valid_by("manifest.schema.json", data)
    assert (
        encode_manifest(decode_manifest(data, "m", BuildManifest)) == data
    )  # and nothing else is in it
    filled = {name for name, value in made.items() if value}
    assert made.keys() - filled <= {"transcripts", "warnings", "expected", "sample", "limit"}
    with pytest.raises(jsonschema.ValidationError):
        valid_by("manifest.schema.json", json.dumps(made | {"files": [{"path": "a"}]}))


def test_the_manifest_of_an_index_is_valid(output):
    (path,) = (output / "indexes").glob("*/index.json")
    data = path.read_bytes()
    assert valid_by("index.schema.json", data)["kind"] == "annotations"
    read = index_manifest.decode_manifest(data, str(path.parent), ("annotations",))
    assert index_manifest.encode_manifest(read) == data


def test_the_manifest_of_releases_is_valid(tmp_path):
    labels = OPEN_IMAGES / "annotations-machine.csv"
    command = ["--input", str(labels), "--release", "v3", "--output", str(tmp_path)]
    assert open_images.main([*command, "--allow-partial"]) == 0
    data = (helpers.version_of(tmp_path) / "manifest.json").read_bytes()
    assert valid_by("open-images.schema.json", data)["labels_index"]["rows"] == {"said": 271}
    assert encode_manifest(decode_manifest(data, "m", OpenImagesManifest)) == data
