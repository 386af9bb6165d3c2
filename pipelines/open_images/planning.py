"""Planning a run over releases of Open Images: the index of labels, units, what is finished."""

import dataclasses
from collections.abc import Callable, Sequence

import msgspec

from pipelines.open_images.inputs import Input, find_input
from pipelines.open_images.options import OpenImagesOptions
from pipelines.runs.contents import Contents
from pipelines.runs.plan import RunPlan, fields_of, plan_units
from transforms import storage
from transforms.collections.open_images.narrated import read_narrated
from transforms.collections.open_images.publication import OpenImagesPublication
from transforms.core.base.secrets import mask_secrets
from transforms.core.base.versions import code_version, digest, package_versions
from transforms.core.model import layout
from transforms.core.model.narratives.manifest import IndexDescription
from transforms.core.model.open_images.manifest import OpenImagesManifest, ReleaseProvenance
from transforms.core.sources.annotations.releases import said

MAKERS = (
    "transforms.collections.open_images.stages",
    "transforms.collections.open_images.reading",
    "transforms.core.output.jobs.open_images",
    "transforms.units.write",
)
"""The modules that make a unit's results, with what they import."""


@dataclasses.dataclass(frozen=True)
class ReleasesPlan(RunPlan):
    """A run over releases of Open Images, before a line is read.

    Attributes:
      labels_index: Path of the index of labels, None where there are none.
      publication: How the version is described and judged.
      not_made: What a dry run would have had to make first.
    """

    manifest: OpenImagesManifest | None
    labels_index: str | None
    publication: OpenImagesPublication
    not_made: tuple[str, ...] = ()

    @property
    def indexes(self) -> tuple[str, ...]:
        """Paths of the indexes that it reads."""
        return (self.labels_index,) if self.labels_index else ()

    @property
    def missing(self) -> tuple[str, ...]:
        """What a dry run would have had to make first, a sentence each."""
        return self.not_made


def plan_releases(
    options: OpenImagesOptions, beam_args: Sequence[str], begin: Callable[[], object] = bool
) -> ReleasesPlan:
    """Finds the files, brings the index of their labels about, and cuts them into units.

    Args:
      options: The job's options.
      beam_args: Beam's own flags.
      begin: Called before anything is written to the output.

    Raises:
      UsageError: A file, or the version of narratives, is missing or unusable.
    """
    narrated = read_narrated(options.narratives) if options.narratives else None
    contents = Contents(options.output, verify=options.verify_inputs, keep=not options.dry_run)
    inputs = find_input(options, contents, begin)
    index, missing = _labels_index(options, beam_args, inputs)
    code, packages = code_version(MAKERS), package_versions()
    salt = digest(
        {
            "labels_index": index and index.fingerprint,
            "narratives": narrated and narrated.version,
            "code": code,
            "packages": packages,
            **({"missing": missing} if missing else {}),
        }
    )
    units = [unit for file in inputs for unit in file.units(options.unit_bytes, salt)]
    run = plan_units([file.shard for file in inputs], units, options, OpenImagesManifest)
    provenance = ReleaseProvenance(
        configuration=options.model_dump(mode="json"),
        code=code,
        packages=packages,
        warnings=[],
        labels_index=index,
        narratives=narrated.version if narrated else None,
    )
    return ReleasesPlan(
        **fields_of(run),
        labels_index=index.path if index else None,
        publication=OpenImagesPublication(
            provenance=msgspec.convert(
                mask_secrets(msgspec.to_builtins(provenance)), ReleaseProvenance
            ),
            max_bad_share=options.max_bad_share,
            allow_partial=options.allow_partial,
        ),
        not_made=tuple(missing),
    )


def _labels_index(
    options: OpenImagesOptions, beam_args: Sequence[str], inputs: Sequence[Input]
) -> tuple[IndexDescription | None, list[str]]:
    """The index of the labels of all files, and what a dry run lacks of it."""
    from pipelines.index_annotations import describe_index, ensure_labels_index, indexed_files
    from transforms.index import index_folder, is_built

    sources = [file.to_source() for file in inputs if file.has_labels]
    if not sources:
        return None, []
    directory = storage.join(options.output, layout.INDEXES)
    if not options.dry_run:
        path = ensure_labels_index(sources, directory, options, beam_args)
        return describe_index(path, (said.KIND,)), []
    path = index_folder(directory, said.KIND, sources)
    if is_built(path, said.KIND):
        return describe_index(path, (said.KIND,)), []
    missing = ["The index of labels would be built first."]
    return IndexDescription(path, "", indexed_files(sources), {}, []), missing
