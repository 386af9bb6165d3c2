"""JSON schemas of manifests, in docs/: `python -m tests.schemas` writes them from the models."""

import json
import pathlib
import re

import msgspec

from transforms.core.model import manifest, manifest_entries, units
from transforms.core.model.narratives import manifest as narratives_manifest
from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.model.open_images import manifest as open_images_manifest
from transforms.core.model.open_images.manifest import OpenImagesManifest
from transforms.core.sources.index import manifest as index_manifest
from transforms.core.sources.index.manifest import IndexManifest

DOCS = pathlib.Path(__file__).parents[1] / "docs"
SCHEMAS = {
    "manifest.schema.json": BuildManifest,
    "open-images.schema.json": OpenImagesManifest,
    "index.schema.json": IndexManifest,
}
"""Names of the files, and the models that they describe."""

_MODULES = (
    manifest,
    manifest_entries,
    narratives_manifest,
    open_images_manifest,
    units,
    index_manifest,
)


def render(model):
    """A model's schema as text: types by msgspec, descriptions by the classes' docstrings."""
    (schema,), parts = msgspec.json.schema_components([model], ref_template="#/$defs/{name}")
    for name, part in parts.items():
        _describe(part, _class_of(name))
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "$defs": dict(sorted(parts.items())),
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _class_of(name):
    return next(vars(module)[name] for module in _MODULES if name in vars(module))


def _describe(part, kind):
    """Replaces a class's docstring by its summary, and describes its fields by the rest."""
    part["description"] = " ".join(kind.__doc__.partition("\n\n")[0].split())
    attributes = {}
    for owner in reversed(kind.__mro__):
        attributes |= _attributes(owner.__doc__ or "")
    for name, field in part["properties"].items():
        field["description"] = attributes[name]


def _attributes(docstring):
    """Descriptions by name, from the section `Attributes` of a docstring."""
    _, _, section = docstring.partition("Attributes:\n")
    found = re.findall(r"^      (\w+): (.*(?:\n        .*)*)", section, re.M)
    return {name: " ".join(text.split()) for name, text in found}


def main():
    """Writes all schemas."""
    for name, model in SCHEMAS.items():
        (DOCS / name).write_text(render(model))


if __name__ == "__main__":
    main()
