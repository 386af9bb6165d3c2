"""Options of exports: each target has its own, and those of others are refused."""

import pydantic
import pytest

from pipelines.cli.options import parse_command_line, with_flags
from pipelines.export.options import ExportOptions
from pipelines.export.targets.options import FilesOptions, TargetOptions, take_options
from pipelines.export.targets.registry import TARGETS
from tests.build_helpers import ROOT
from transforms.core.base.errors import UsageError


def options_of(*arguments):
    return parse_command_line(ExportOptions, arguments, "export", "")[0]


class _Sized(FilesOptions):
    size: int = 7


KINDS = {"plain": TargetOptions, "files": FilesOptions, "sized": _Sized}


def test_a_target_takes_its_own_options():
    taken = take_options("sized", KINDS, {"output": "o", "size": 8})
    assert isinstance(taken, _Sized) and (taken.output, taken.size) == ("o", 8)
    assert take_options("sized", KINDS, {"output": "o"}).size == 7
    assert isinstance(take_options("plain", KINDS, {}), TargetOptions)


def test_options_of_others_and_missing_ones_are_refused_with_the_remedy():
    with pytest.raises(UsageError) as error:
        take_options("plain", KINDS, {"output": "o"})
    assert with_flags(str(error.value)) == (
        "--output is for --to files or sized, not for plain: leave it out"
    )
    with pytest.raises(UsageError) as error:
        take_options("files", KINDS, {})
    assert with_flags(str(error.value)) == (
        "--to files needs --output: folder for the files, on this machine or in a bucket: each "
        "version has one of its own in it"
    )


def test_all_targets_options_are_flags_whose_defaults_are_not_given():
    parsed = options_of("--to", "postgres", "--input", "o")
    assert parsed.of_target() == TARGETS["postgres"]()
    given = options_of("--to", "bigquery", "--input", "o", "--output", "f", "--tables", "a", "b")
    assert given.of_target().chosen_tables() == ("a", "b")
    with pytest.raises(UsageError, match="option `output` is for option `to` bigquery"):
        options_of("--to", "postgres", "--input", "o", "--output", "f").of_target()


def test_options_of_one_name_are_declared_once():
    declared = {}
    for kind in TARGETS.values():
        for name, field in kind.model_fields.items():
            assert isinstance(field, pydantic.fields.FieldInfo)
            assert repr(declared.setdefault(name, field)) == repr(field), name
    assert not declared.keys() & {"to", "input", "id", "summary", "runner", "workers"}


def test_the_configuration_file_names_one_target_and_its_options():
    options = options_of("--config", str(ROOT / "configs" / "export.yaml"))
    taken = options.of_target()
    assert (options.to, type(taken)) == ("webdataset", TARGETS["webdataset"])
    assert (taken.output, taken.shard_bytes) == ("out/exports/webdataset", 256 << 20)
    with pytest.raises(UsageError, match="option `shard_bytes` is for option `to` webdataset"):
        options_of("--config", str(ROOT / "configs" / "export.yaml"), "--to", "hf").of_target()
