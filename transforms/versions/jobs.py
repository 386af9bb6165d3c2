"""Whose versions there are: their manifests, and how they are made again, by job."""

from collections.abc import Callable
from typing import NamedTuple, cast

import msgspec

from transforms.collections.captions.publication import CaptionsPublication
from transforms.collections.images.publication import ImagesManifest, publication_for
from transforms.collections.narratives.publication import NarrativesPublication
from transforms.collections.open_images.publication import OpenImagesPublication
from transforms.core.model.manifest import Manifest, decode_manifest
from transforms.core.model.manifest_entries import Provenance
from transforms.core.model.narratives.manifest import BuildManifest, BuildProvenance
from transforms.core.model.open_images.manifest import OpenImagesManifest, ReleaseProvenance
from transforms.core.output.jobs.captions import CAPTIONS_JOB
from transforms.core.output.jobs.images import IMAGES
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.jobs.open_images import OPEN_IMAGES
from transforms.core.sources.captions.schemas import CaptionsManifest, CaptionsProvenance
from transforms.units.publishing.publication import Publication


class VersionsJob(NamedTuple):
    """A job whose versions are managed.

    Attributes:
      manifest: Entries of its manifests.
      publication: How the version of a manifest is made again.
    """

    manifest: type[Manifest]
    publication: Callable[[Manifest], Publication]


def _narratives(manifest: Manifest) -> Publication:
    values = msgspec.structs.asdict(cast(BuildManifest, manifest))
    entries = {name: values[name] for name in BuildProvenance.__struct_fields__}
    return NarrativesPublication(provenance=BuildProvenance(**entries))


def _open_images(manifest: Manifest) -> Publication:
    values = msgspec.structs.asdict(cast(OpenImagesManifest, manifest))
    entries = {name: values[name] for name in ReleaseProvenance.__struct_fields__}
    return OpenImagesPublication(provenance=ReleaseProvenance(**entries), allow_partial=True)


def _images(manifest: Manifest) -> Publication:
    own = cast(ImagesManifest, manifest)
    values = msgspec.structs.asdict(own)
    entries = {name: values[name] for name in Provenance.__struct_fields__}
    return publication_for(Provenance(**entries), own.entries)


def _captions(manifest: Manifest) -> Publication:
    values = msgspec.structs.asdict(cast(CaptionsManifest, manifest))
    entries = {name: values[name] for name in CaptionsProvenance.__struct_fields__}
    return CaptionsPublication(provenance=CaptionsProvenance(**entries))


JOBS = {
    NARRATIVES.name: VersionsJob(BuildManifest, _narratives),
    OPEN_IMAGES.name: VersionsJob(OpenImagesManifest, _open_images),
    IMAGES.name: VersionsJob(ImagesManifest, _images),
    CAPTIONS_JOB.name: VersionsJob(CaptionsManifest, _captions),
}
"""Jobs by name; of versions of others, what all manifests have is read."""


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
    return decode_manifest(data, place, known.manifest) if known else manifest


def publication_of(manifest: Manifest) -> Publication | None:
    """How a version is made again of its units; None where its job is not known."""
    known = JOBS.get(manifest.job)
    return known.publication(manifest) if known else None
