"""Builds the index of Open Images and COCO annotations that the main job joins."""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import pydantic

from pipelines.cli import log
from pipelines.cli.engines.runners import create_pipeline, is_detached
from pipelines.cli.engines.waiting import waiting_rows
from pipelines.cli.options import Options, parse_command_line
from pipelines.cli.process import run_program
from pipelines.cli.progress.showing import show_index_progress
from pipelines.cli.values import Files, Folder
from pipelines.runs.contents import Contents
from transforms import storage
from transforms.core.base.errors import MESSAGE_CHARACTERS, UsageError, shown
from transforms.core.model.narratives.manifest import IndexDescription, IndexedFile
from transforms.core.sources import blocks
from transforms.core.sources.annotations.classes import default_classes
from transforms.core.sources.annotations.contents import VOCABULARIES
from transforms.core.sources.annotations.lookup import KIND
from transforms.core.sources.annotations.releases import said
from transforms.core.sources.index.manifest import NAME, IndexManifest, Source
from transforms.core.sources.transcripts import ASR, WORDS

if TYPE_CHECKING:  # Beam takes a second, which help and completion need not wait for
    from transforms.index import BuildIndex

PROG = "python -m pipelines.index_annotations"

_DESCRIPTION = (
    "Indexes labels, boxes and image lists by image, so that the main job joins them quickly. "
    "Files of every Open Images release (V1 to V7) and COCO's instances_*.json are read as "
    "they are published. The index is named by its sources and built once."
)


class IndexAnnotationsOptions(Options):
    """Options of `python -m pipelines.index_annotations`."""

    example = "--boxes 'data/*-annotations-bbox.csv' --images 'data/*-images*.csv' --output indexes"
    groups = {"boxes": "files and where their index goes", "runner": "engine"}
    after = {"log_format": "output"}

    boxes: Files = pydantic.Field(
        [],
        description="Files or patterns of boxes: Open Images CSV, or COCO instances (.json).",
    )
    labels: Files = pydantic.Field(
        [], description="Files or patterns of Open Images labels, by people and by machine."
    )
    images: Files = pydantic.Field([], description="Files or patterns of Open Images image lists.")
    classes: Files = pydantic.Field(
        [],
        description="Files of class ids and names; without one the 601 boxable classes of Open "
        "Images and the 80 of COCO.",
    )
    coco_instances: Files = pydantic.Field(
        [], description="Files or patterns of COCO instances, whatever they are called."
    )
    hierarchy: Files = pydantic.Field(
        [], description="The class hierarchy, bbox_labels_600_hierarchy.json."
    )
    output: Folder = pydantic.Field(description="Folder that holds indexes, one subfolder each.")

    @pydantic.model_validator(mode="after")
    def _check_sources(self) -> Self:
        kinds = [field.name for field in dataclasses.fields(AnnotationSources)]
        if not any(getattr(self, kind) for kind in kinds):
            flags = ", ".join(f"--{kind.replace('_', '-')}" for kind in kinds)
            raise ValueError(f"there is nothing to index: give files with at least one of {flags}")
        return self


OPTIONS = IndexAnnotationsOptions


@dataclasses.dataclass(frozen=True)
class AnnotationSources:
    """Files or patterns, as the options of the same names."""

    boxes: Sequence[str] = ()
    labels: Sequence[str] = ()
    images: Sequence[str] = ()
    classes: Sequence[str] = ()
    coco_instances: Sequence[str] = ()
    hierarchy: Sequence[str] = ()

    def match(self, contents: Contents | None = None) -> list[Source]:
        """The files in their roles, with what `contents` finds of them, if it is given.

        Raises:
          UsageError: A file is missing, or a pattern matches nothing.
        """
        from transforms.index import to_source

        described = contents.described if contents else list
        return [
            to_source(blocks.role_of(role, file.path), file)
            for role, patterns in vars(self).items()
            for file in described(storage.match(patterns))
        ]


def ensure_annotation_index(
    sources: AnnotationSources,
    directory: str,
    options: Options,
    beam_args: Sequence[str] = (),
    thorough: bool = False,
    contents: Contents | None = None,
) -> str:
    """Builds the annotation index unless it is there and intact; returns its folder.

    With `thorough`, all of an index that is there is compared with its checksums. What the files
    hold is told by `contents`, else by what is kept in the directory.

    Raises:
      UsageError: A file that is missing or cannot be read, with its place.
    """
    from transforms.index import IndexAnnotations

    files = sources.match(contents or Contents(directory))
    build = IndexAnnotations(files, directory)
    return _ensure(build, options, beam_args, thorough)


def ensure_transcript_index(
    patterns: Sequence[str],
    kind: str,
    directory: str,
    options: Options,
    beam_args: Sequence[str] = (),
    thorough: bool = False,
    contents: Contents | None = None,
) -> str:
    """Builds the index of transcriptions of a kind unless it is there and intact.

    Raises:
      UsageError: A file that is missing or cannot be read, with its place.
    """
    from transforms.index import IndexTranscripts, to_source

    found = (contents or Contents(directory)).described(storage.match(patterns))
    files = [to_source(kind, file) for file in found]
    build = IndexTranscripts(files, directory, kind=kind)
    return _ensure(build, options, beam_args, thorough)


def ensure_labels_index(
    files: Sequence[Source],
    directory: str,
    options: Options,
    beam_args: Sequence[str] = (),
    thorough: bool = False,
) -> str:
    """Builds the index of what was said of labels unless it is there and intact.

    Raises:
      UsageError: A file that is missing or cannot be read, with its place.
    """
    from transforms.index import IndexReleaseLabels

    return _ensure(IndexReleaseLabels(files, directory), options, beam_args, thorough)


def find_annotation_index(
    sources: AnnotationSources, directory: str, contents: Contents
) -> tuple[str, list[Source], bool]:
    """The folder of an index, its sources, and whether it is built and intact; builds nothing."""
    from transforms.index import index_folder, is_built

    files = sources.match(contents)
    folder = index_folder(directory, KIND, files)
    return folder, files, is_built(folder, KIND)


def find_transcript_index(
    patterns: Sequence[str], kind: str, directory: str, contents: Contents
) -> tuple[str, list[Source], bool]:
    """Likewise of an index of transcriptions of a kind."""
    from transforms.index import index_folder, is_built, to_source

    files = [to_source(kind, file) for file in contents.described(storage.match(patterns))]
    folder = index_folder(directory, kind, files)
    return folder, files, is_built(folder, kind)


def describe_index(path: str, kinds: tuple[str, ...]) -> IndexDescription:
    """What the manifest of a run says of an index that it has read.

    Args:
      path: The index's folder.
      kinds: Of which it is one.
    """
    manifest = storage.read_index_manifest(path, kinds)
    return IndexDescription(
        path=path,
        fingerprint=manifest.fingerprint,
        sources=indexed_files(manifest.sources),
        rows={name: table.rows for name, table in manifest.tables.items()},
        warnings=manifest.warnings,
    )


def indexed_files(sources: Sequence[Source]) -> list[IndexedFile]:
    """What the manifest of a run says of the sources of an index."""
    return [
        IndexedFile(**{name: getattr(source, name) for name in IndexedFile.__struct_fields__})
        for source in sources
    ]


def _ensure(
    build: "BuildIndex", options: Options, beam_args: Sequence[str], thorough: bool = False
) -> str:
    from transforms.index import (
        PROBLEMS,
        index_files,
        index_folder,
        is_built,
        open_source,
        read_problems,
    )

    folder = index_folder(build.directory, build.kind, build.sources)
    if is_built(folder, build.kind, thorough):
        return folder
    if is_detached(options, beam_args):
        raise UsageError(
            f"the index {folder} is not built yet, and a detached job cannot have it "
            f"built first: build it with `{_own_command()}` and wait for it"
        )
    blocks.check_headers(build.sources, open_source)
    for name in (PROBLEMS, NAME):  # what is left of an interrupted build or a corrupt index
        storage.remove_file(storage.join(folder, name))
    title = _TITLES[build.kind]
    sizes = [source.size for source in build.sources]
    with (
        waiting_rows(options, build.directory) as waiting,
        show_index_progress(title, sizes, index_files(folder, build.sources)),
        create_pipeline(options, beam_args) as pipeline,
    ):
        build = dataclasses.replace(build, waiting=waiting)
        pipeline | type(build).__name__ >> build
    if problems := read_problems(folder):
        raise UsageError(problems[0])
    return folder


_TITLES = {
    KIND: "annotations",
    ASR: "transcriptions",
    WORDS: "word times",
    said.KIND: "labels",
}


def _own_command() -> str:
    """How this job is called by the one who called the job that runs."""
    return "narratives index" if pathlib.PurePath(sys.argv[0]).name == "narratives" else PROG


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> None:
    """Builds the index that the command line describes and prints what it holds."""
    options, beam_args = parse_command_line(OPTIONS, argv, prog, _DESCRIPTION)
    from transforms.index import index_folder, is_built

    names = [field.name for field in dataclasses.fields(AnnotationSources)]
    sources = AnnotationSources(**{name: getattr(options, name) for name in names})
    contents = Contents(options.output)
    folder = index_folder(options.output, KIND, sources.match(contents))
    verb = "found" if is_built(folder, KIND, thorough=True) else "built"
    ensure_annotation_index(
        sources, options.output, options, beam_args, thorough=True, contents=contents
    )
    manifest = storage.read_index_manifest(folder, (KIND,))
    for warning in manifest.warnings:
        log.tell("warning", shown(warning, MESSAGE_CHARACTERS), "warning")
    if log.is_quiet():
        print(folder)
    else:
        print("\n".join(_describe(manifest)))
        print(f"{verb} {folder}")
    rows = {name: table.rows for name, table in manifest.tables.items()}
    log.note("index_ready", f"{verb} {folder}", path=folder, rows=rows)


def _describe(manifest: IndexManifest) -> list[str]:
    files = dict.fromkeys(manifest.tables, 0)
    for source in manifest.sources:
        for table in blocks.KINDS[source.role].tables:
            files[table] += 1
    lines = [
        f"{name:<10} {files[name]:>4} {'file ' if files[name] == 1 else 'files'} "
        f"{table.rows:>12,} rows {table.keys:>11,} "
        f"{'classes' if name in ('classes', 'hierarchy') else 'images'}"
        for name, table in manifest.tables.items()
    ]
    given = manifest.tables.get("classes")
    known = given.terms["vocabulary"] if given else []
    published = [c for name in VOCABULARIES if name not in known for c in default_classes(name)]
    own = given.keys if given else 0
    return [*lines, f"vocabulary {own + len(published)} classes{'' if own else ' (published)'}"]


if __name__ == "__main__":
    run_program(main)
