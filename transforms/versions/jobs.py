"""Whose versions there are: their manifests, and how they are made again, by job.

A job's own modules are loaded when a version of it is met: every run looks at versions, and has its
own job's alone.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

from transforms.core.model.manifest import Manifest, decode_manifest
from transforms.core.model.manifest_entries import Provenance
from transforms.units.publishing.publication import Publication

Made = TypeVar("Made", bound=Provenance)


class VersionsJob(NamedTuple):
    """A job whose versions are managed.

    Attributes:
      manifest: Entries of its manifests.
      publication: How the version of a manifest is made again.
    """

    manifest: type[Manifest]
    publication: Callable[[Manifest], Publication]


def _provenance(manifest: Manifest, kind: type[Made]) -> Made:
    """What a manifest says of how its version was made."""
    return kind(**{name: getattr(manifest, name) for name in kind.__struct_fields__})


def _narratives() -> VersionsJob:
    from transforms.collections.narratives.publication import NarrativesPublication
    from transforms.core.model.narratives.manifest import BuildManifest, BuildProvenance

    def publication(manifest: Manifest) -> Publication:
        return NarrativesPublication(provenance=_provenance(manifest, BuildProvenance))

    return VersionsJob(BuildManifest, publication)


def _open_images() -> VersionsJob:
    from transforms.collections.open_images.publication import OpenImagesPublication
    from transforms.core.model.open_images.manifest import OpenImagesManifest, ReleaseProvenance

    def publication(manifest: Manifest) -> Publication:
        provenance = _provenance(manifest, ReleaseProvenance)
        return OpenImagesPublication(provenance=provenance, allow_partial=True)

    return VersionsJob(OpenImagesManifest, publication)


def _images() -> VersionsJob:
    from transforms.collections.images.publication import ImagesManifest, publication_for

    def publication(manifest: Manifest) -> Publication:
        entries = cast(ImagesManifest, manifest).entries
        return publication_for(_provenance(manifest, Provenance), entries)

    return VersionsJob(ImagesManifest, publication)


def _captions() -> VersionsJob:
    from transforms.collections.captions.publication import CaptionsPublication
    from transforms.core.sources.captions.schemas import CaptionsManifest, CaptionsProvenance

    def publication(manifest: Manifest) -> Publication:
        return CaptionsPublication(provenance=_provenance(manifest, CaptionsProvenance))

    return VersionsJob(CaptionsManifest, publication)


JOBS: dict[str, Callable[[], VersionsJob]] = {
    "build": _narratives,
    "open-images": _open_images,
    "images": _images,
    "captions": _captions,
}
"""Jobs by the names in their manifests; of versions of others, what all manifests have is read."""


def decode_any(data: bytes, place: str) -> Manifest:
    """A manifest of any job.

    Args:
      data: The file's content.
      place: Its path, for messages.

    Raises:
      NewerFormatError: A newer version of this program wrote it.
      UsageError: It is corrupt, or of a format that is no longer read.
    """
    manifest = decode_manifest(data, place, Manifest)
    known = JOBS.get(manifest.job)
    return decode_manifest(data, place, known().manifest) if known else manifest


def index_tables(manifest: Manifest) -> frozenset[str]:
    """Tables of a version that say where rows of others are in its files (`Job.indexes`)."""
    made = publication_of(manifest)
    return frozenset(made.job.indexes) if made else frozenset()


def publication_of(manifest: Manifest) -> Publication | None:
    """How a version is made again of its units; None where its job is not known."""
    known = JOBS.get(manifest.job)
    return known().publication(manifest) if known else None
