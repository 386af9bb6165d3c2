"""What a target of exports declares: what it makes, and options of its own."""

from typing import TYPE_CHECKING, ClassVar

import pydantic

from pipelines.cli.values import Folder
from transforms.core.base.errors import UsageError, option

if TYPE_CHECKING:
    from transforms.versions.exports.export import Target
    from transforms.versions.exports.files.pictures import PictureSource
    from transforms.versions.exports.version import ExportedVersion


class TargetOptions(pydantic.BaseModel):
    """Options of one target: its fields are the flags and keys that only it, or few, take.

    A field without a default must be given. Fields of one name are the same in all targets that
    have it: declare those in one class, as `FilesOptions` does.
    """

    model_config = pydantic.ConfigDict(extra="forbid")

    about: ClassVar[str] = ""
    """What is made, for the help of `--to`."""

    def check(self) -> None:
        """Finds wrong use, and what is not installed, before the version is read.

        Raises:
          UsageError: Something is wrong.
        """

    def chosen_tables(self) -> tuple[str, ...]:
        """Tables that are exported; none for all of them."""
        return ()

    def make_target(self, version: "ExportedVersion") -> "Target":
        """The target that the options describe."""
        raise NotImplementedError


class TablesOptions(TargetOptions):
    """Options of targets that take any table."""

    tables: list[str] = pydantic.Field([], description="Only these tables. Default: all.")

    def chosen_tables(self) -> tuple[str, ...]:
        return tuple(self.tables)


class FilesOptions(TargetOptions):
    """Options of targets that write files."""

    output: Folder = pydantic.Field(
        description="Folder for the files, on this machine or in a bucket: each version has one of "
        "its own in it."
    )


class PicturesOptions(TargetOptions):
    """Options of targets of narratives, which use pictures."""

    images: Folder | None = pydantic.Field(
        None,
        description="Where the pictures are: the output folder of the job of images (either "
        "layout), or a folder, searched with all below it, of IMAGE_ID.jpg, png or gif.",
    )

    def chosen_tables(self) -> tuple[str, ...]:
        from transforms.versions.exports.files.rows import TABLES

        return TABLES

    def find_pictures(self) -> "PictureSource | None":
        """The pictures, None where none are given.

        Raises:
          UsageError: There are none.
        """
        from transforms.versions.exports.files.pictures import find_pictures

        return None if self.images is None else find_pictures(self.images)


def take_options(
    name: str, kinds: dict[str, type[TargetOptions]], given: dict[str, object]
) -> TargetOptions:
    """The options of one target, from those that were given of all.

    Args:
      name: The target.
      kinds: All targets.
      given: Values by option, without those that nobody gave.

    Raises:
      UsageError: One is another target's, or one that must be given is missing.
    """
    own = kinds[name].model_fields
    for stray in given:
        if stray not in own:
            others = " or ".join(to for to, kind in kinds.items() if stray in kind.model_fields)
            raise UsageError(
                f"{option(stray)} is for {option('to')} {others}, not for {name}: leave it out"
            )
    for wanted, field in own.items():
        if field.is_required() and wanted not in given:
            raise UsageError(
                f"{option('to')} {name} needs {option(wanted)}: {_lowered(field.description or '')}"
            )
    return kinds[name](**given)


def _lowered(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}".rstrip(".")
