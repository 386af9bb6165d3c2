"""The files of a run: what each is, what it is called, and its units."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence

from pipelines.open_images.options import OpenImagesOptions
from pipelines.runs.contents import Contents, check_output, refuse_below
from pipelines.runs.plan import complete_unit, plan_shard
from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.model.units import Unit, make_label
from transforms.core.output.version import ShardPlan
from transforms.core.sources.annotations.releases import said
from transforms.core.sources.annotations.releases.files.pieces import HEAD_BYTES
from transforms.core.sources.annotations.releases.forms import (
    Context,
    Form,
    form_of,
    is_archive,
    refuse_unknown,
    split_of,
    wanted_release,
)
from transforms.core.sources.index.manifest import Source
from transforms.storage.files import FileInfo

_ENDING = re.compile(r"(\.tar|\.csv|\.txt)?(\.gz|\.zst)?$")

_NO_LABELS = ("images", "bbox", "classes")
"""What the names of published archives hold that have no labels."""


@dataclasses.dataclass(frozen=True)
class Input:
    """A file of a run.

    Attributes:
      shard: The file.
      form: What it holds; of an archive, which its members state, release and split alone.
    """

    shard: ShardPlan
    form: Form

    @property
    def has_labels(self) -> bool:
        """Whether it holds labels, or is an archive that may."""
        if is_archive(self.shard.path):
            return not any(part in self.shard.shard for part in _NO_LABELS)
        return said.is_of_labels(self.form)

    def to_source(self) -> Source:
        """The file as a source of the index of labels."""
        shard, given = self.shard, said.to_given(self.form.release, self.form.split)
        return Source(
            said.KIND, shard.path, shard.size, shard.fingerprint, shard.content, given=given
        )

    def units(self, unit_bytes: int, salt: str) -> Iterator[Unit]:
        """Its units: byte ranges, or itself where it must be read from its beginning."""
        label = make_label(_ENDING.sub("", self.shard.shard.replace("/", "-")))
        complete = dataclasses.replace(
            complete_unit(self.shard, label, salt),
            in_turn=self.form.is_free_text or is_archive(self.shard.path),
            context=Context(self.form).encode(),
        )
        return complete.pieces(unit_bytes)


def find_input(
    options: OpenImagesOptions, contents: Contents, begin: Callable[[], object] = bool
) -> list[Input]:
    """The files that the options name, each with what it is.

    Args:
      options: The job's options.
      contents: Tells what files hold.
      begin: Called before anything is written to the output.

    Raises:
      UsageError: A file is missing, below the output, or none of the published kinds; or nothing
        states its release.
    """
    files = storage.match(options.input)
    refuse_below(files, options.output)
    forms = {file.path: _look(file, options) for file in files}
    if not options.dry_run:
        check_output(options.output)
        begin()
    names = shortest_names([file.path for file in files])
    found = []
    for file in contents.described(files):
        form = forms[file.path]
        shard = plan_shard(file, form.release, form.split)
        called = names[file.path] if names[file.path] != file.name else ""
        found.append(Input(dataclasses.replace(shard, called=called), form))
    return found


def _look(file: FileInfo, options: OpenImagesOptions) -> Form:
    """What a file is."""
    release = wanted_release(file.path, options.release)
    split = split_of(file.path) or options.split
    if is_archive(file.path):
        return Form("", release, split_of(file.name) or options.split)
    with storage.open_decompressed(file.path, file.fingerprint) as stream:
        head = stream.read(HEAD_BYTES)
    form = form_of(file.name, head, release, split)
    refuse_unknown(file.path, form)
    return form


def shortest_names(paths: Sequence[str]) -> dict[str, str]:
    """Names that distinguish files: with as many of their folders as that takes.

    >>> shortest_names(["a/train/images.csv", "a/test/images.csv", "b/dict.csv"]).values()
    dict_values(['train/images.csv', 'test/images.csv', 'dict.csv'])

    Raises:
      UsageError: Two differ only in the case of letters.
    """
    names = {path: path.rsplit("/", 1)[-1] for path in paths}
    parts = 1
    while len({name.casefold() for name in names.values()}) < len(paths):
        parts += 1
        if parts > max(path.count("/") + 1 for path in paths):
            raise UsageError(
                f"{paths[0]!r} and others have names that differ only in the case of letters: "
                "rename one"
            )
        seen: dict[str, list[str]] = {}
        for path, name in names.items():
            seen.setdefault(name.casefold(), []).append(path)
        for same in seen.values():
            if len(same) > 1:
                names |= {path: "/".join(path.rsplit("/", parts)[-parts:]) for path in same}
    return names
