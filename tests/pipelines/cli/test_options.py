"""Options: flags, YAML keys, and what is said about wrong ones."""

import importlib
import os
import re
import shlex
import subprocess
import sys
from fractions import Fraction
from importlib import metadata

import pytest
import yaml

from pipelines.build.job import main
from pipelines.build.options import BuildOptions
from pipelines.cli import stopping
from pipelines.cli.options import Options, parse_command_line
from pipelines.cli.process import run_command
from pipelines.runs.failure import EXIT_CODES
from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError
from transforms.core.stages.filter.filter_quality import (
    MaxDistance,
    MaxDistancePerChar,
    MinTraceShare,
    MinWords,
    RequireTrace,
)

VALUES = {
    "runner": "FlinkRunner",
    "workers": 3,
    "wait": False,
    "beam": {"flink_master": "there:8081", "parallelism": 2, "labels": ["a=b"]},
    "input": ["a", "b"],
    "output": "out",
    "catalog": ["c.yaml"],
    "data": "d",
    "dataset": "coco",
    "split": "train",
    "sample": 0.25,
    "limit": 1000,
    "boxes": ["b1", "b2"],
    "labels": ["l"],
    "images": ["i"],
    "classes": ["k"],
    "hierarchy": ["h"],
    "annotations": "index",
    "annotations_for": ["mine=coco", "yours=open_images"],
    "transcripts": "asr",
    "transcript_files": ["t"],
    "max_distance": 5,
    "max_distance_per_char": 0.5,
    "discard_share": 0.25,
    "discard_per_char": True,
    "require_trace": True,
    "min_trace_share": 0.5,
    "min_words": 3,
    "plurals": True,
    "subclasses": True,
    "exclude_boxes": ["is_group_of", "is_inside"],
    "tagger": "none",
    "summary": "json",
    "log_format": "json",
    "quiet": True,
    "verbose": True,
    "profile": True,
    "metrics": "m.prom",
    "unit_bytes": 2048,
    "max_bad_share": 0.5,
    "verify_output": True,
    "verify_inputs": True,
    "dry_run": True,
    "if_changed": True,
    "if_running": "skip",
    "allow_partial": True,
    "verify_checksums": False,
    "repairs": False,
    "guard": False,
    "max_differing_share": 0.02,
    "min_joined_share": 0.5,
    "min_boxed_share": 0.1,
    "max_shrink_share": 0.05,
    "checks": "checks.yaml",
}
"""A value of each option that is not its default."""

NEEDED = {
    "transcripts": ["transcript_files"],
    "transcript_files": ["transcripts"],
    "subclasses": ["hierarchy"],
}
"""Options that others go with."""


def parse(*arguments):
    return parse_command_line(BuildOptions, [*map(str, arguments)], "build", "What it does.")


def as_flags(values):
    for name, value in values.items():
        flag = ("--no-" if value is False else "--") + name.replace("_", "-")
        yield from (
            [flag] if type(value) is bool else [flag, *(value if type(value) is list else [value])]
        )


def with_needed(name):
    values = {"input": ["x"], "output": "y"}
    return values | {key: VALUES[key] for key in [name, *NEEDED.get(name, [])]}


def test_every_option_has_a_value_here():
    assert VALUES.keys() == BuildOptions.model_fields.keys()
    for name, field in BuildOptions.model_fields.items():
        assert field.is_required() or VALUES[name] != field.default


@pytest.mark.parametrize("name", sorted(VALUES.keys() - {"beam"}))
def test_every_option_is_a_flag_and_a_key(tmp_path, name):
    values = with_needed(name)
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(values))
    by_flag, beam_args = parse(*as_flags(values))
    by_key, _ = parse("--config", config)
    assert beam_args == [] and by_flag == by_key
    assert getattr(by_flag, name) == VALUES[name]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/7", Fraction(1, 7)),
        ("0.1234567", Fraction(1234567, 10**7)),
        ("1e-20", Fraction(1, 10**20)),
        ("0", Fraction(0)),
        ("12.50", Fraction(25, 2)),
        ("3/400", Fraction(3, 400)),
        (".25", Fraction(1, 4)),
    ],
)
def test_a_distance_per_character_is_exact(tmp_path, text, value):
    """What the manifest records is read as the same number, from a flag and from YAML."""
    config = tmp_path / "config.yaml"
    config.write_text(f"{{input: [a], output: b, max_distance_per_char: {text}}}")
    options, _ = parse("--config", config)
    assert options.max_distance_per_char == value and type(options.max_distance_per_char) is (
        Fraction
    )
    needed = ("--input", "a", "--output", "b", "--max-distance-per-char")
    assert parse(*needed, text)[0] == options
    recorded = options.model_dump(mode="json")["max_distance_per_char"]
    assert parse(*needed, recorded)[0] == options
    assert options.quality_rules() == (MaxDistancePerChar(value),)


def test_only_rules_that_are_given_are_on():
    needed = ("--input", "a", "--output", "b")
    assert parse(*needed)[0].quality_rules() == ()
    given = "--max-distance 0 --require-trace --min-trace-share 0.5 --min-words 3".split()
    options, _ = parse(*needed, *given)
    on = (MaxDistance(0), RequireTrace(), MinTraceShare(0.5), MinWords(3))
    assert options.quality_rules() == on
    assert parse(*needed, "--no-require-trace")[0].quality_rules() == ()
    assert parse(*needed, "--discard-share", "0.2")[0].quality_rules(7) == (MaxDistance(7),)


@pytest.mark.parametrize("text", ["-0.1", "1/0", "1/-7", "nan", "inf", "x", "1/7/2", "true"])
def test_a_distance_per_character_is_a_number(text):
    with pytest.raises(UsageError, match="--max-distance-per-char`: must be a number of at least"):
        parse("--input", "a", "--output", "b", f"--max-distance-per-char={text}")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("unit_bytes", "32MB", 32_000_000),
        ("unit_bytes", "32MiB", 32 << 20),
        ("unit_bytes", "1.5 kB", 1500),
        ("unit_bytes", "2048B", 2048),
        ("unit_bytes", "1GiB", 1 << 30),
        ("max_bad_share", "10%", 0.1),
        ("max_bad_share", "23.5 %", 0.235),
        ("discard_share", "7%", 0.07),
        ("workers", "auto", len(os.sched_getaffinity(0))),
        ("input", "a.jsonl", ["a.jsonl"]),
        ("exclude_boxes", "is_inside", ["is_inside"]),
    ],
)
def test_values_may_have_units(tmp_path, name, text, value):
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"input": ["x"], "output": "y"} | {name: text}))
    options, _ = parse("--config", config)
    assert getattr(options, name) == value
    arguments = ("--input", "x", "--output", "y") if name != "input" else ("--output", "y")
    flag = f"--{name.replace('_', '-')}"
    assert parse(*arguments, flag, text)[0] == options


def test_help_names_the_form_of_values(capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    text = " ".join(capsys.readouterr().out.split())
    for flag in ("--unit-bytes BYTES", "--max-bad-share SHARE", "--discard-share SHARE"):
        assert flag in text
    assert "--workers NUMBER|auto" in text
    assert "--input FILE [FILE ...]" in text and "--output FOLDER" in text
    assert "--max-distance NUMBER" in text and "--max-distance-per-char NUMBER" in text
    assert "VALUE" not in text and "True" not in text


def test_help_is_grouped_and_begins_with_a_command(capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    text = capsys.readouterr().out
    first = text.splitlines()[:2]
    assert first[0].endswith("[--config FILE] [OPTION ...]")
    assert first[1].startswith("example: ") and first[1].endswith(BuildOptions.example)
    places = [text.index(f"\n{heading}:\n") for heading in BuildOptions.groups.values()]
    assert places == sorted(places) and len(places) > 5
    of_engine = text[text.index("\nengine:\n") :]
    assert "--runner ENGINE" in of_engine and "--guard" not in of_engine


def test_help_and_readme_name_every_exit_code(capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    told = " ".join(capsys.readouterr().out.split()).partition("Exit codes: ")[2]
    readme = (helpers.ROOT / "README.md").read_text().partition("**Exit codes**: ")[2]
    stopped = {128 + number for number in stopping.SIGNALS}
    for text in (told, readme.partition("\n\n")[0]):
        assert set(map(int, re.findall(r"\d+", text))) == {*EXIT_CODES.values()} | stopped
        assert "held back" in text and "published first" in text


def test_a_command_without_arguments_says_what_to_give(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["build"])
    for arguments in ([], None):
        with pytest.raises(UsageError) as end:
            parse_command_line(BuildOptions, arguments, "build", "")
        assert "for example `build --input 'data/*_localized_narratives.jsonl' --output out`" in (
            str(end.value)
        )
        assert "--config FILE" in str(end.value) and "--help" in str(end.value)


@pytest.mark.parametrize("job", ["build.job", "index_annotations", "synthesize"])
def test_the_example_of_every_job_is_a_command_of_its(job):
    module = importlib.import_module(f"pipelines.{job}")
    (model,) = {
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Options) and value is not Options
    }
    parse_command_line(model, shlex.split(model.example), job, "")


def test_version_names_the_program_and_what_it_stands_on(capsys):
    with pytest.raises(SystemExit) as end:
        parse("--version")
    assert end.value.code == 0
    names = ("localized-narratives-beam", "apache-beam", "pyarrow")
    versions = [f"{name} {metadata.version(name)}" for name in names]
    assert capsys.readouterr().out == ", ".join(versions) + "\n"


BEAMS = ["DirectRunner", "FnApiRunner", "FlinkRunner", "DataflowRunner"]


@pytest.mark.parametrize("name", ["local", "flink", "dataflow", *BEAMS])
def test_engines_and_beams_names_of_them_are_known(name):
    assert parse("--input", "a", "--output", "b", "--runner", name)[0].runner == name


@pytest.mark.parametrize("name", ["spark", "SparkRunner", "PrismRunner", "a.b.Runner", "Local"])
def test_other_runners_are_refused_with_those_that_are_known(name):
    with pytest.raises(UsageError) as end:
        parse("--input", "a", "--output", "b", "--runner", name)
    assert str(end.value) == (
        "option `--runner`: there is no such engine: give local, flink or dataflow (or the name "
        f"of their Beam runner: {', '.join(BEAMS)}) (given: {name!r})"
    )


def test_beams_options_are_keys_below_beam(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(with_needed("beam")))
    options, beam_args = parse("--config", config)
    assert options.beam == VALUES["beam"] and beam_args == []
    config.write_text(yaml.safe_dump(with_needed("beam") | {"beam": {"paralelism": 2}}))
    with pytest.raises(UsageError) as end:
        parse("--config", config)
    told = f"{config}: unknown key `paralelism` below `beam`; did you mean `parallelism`?"
    assert str(end.value) == told
    config.write_text(yaml.safe_dump(with_needed("beam") | {"beam": {"xyzzy": 2}}))
    with pytest.raises(UsageError, match="unknown key `xyzzy` below `beam`; Beam's documentation"):
        parse("--config", config)


def test_flags_win_over_keys_and_keys_over_defaults(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("{input: [a], output: b, workers: 3, plurals: true, min_words: 4}")
    options, _ = parse("--config", config, "--workers", 2, "--input", "c", "d", "--no-plurals")
    assert (options.workers, options.input, options.plurals) == (2, ["c", "d"], False)
    assert (options.min_words, options.output, options.tagger) == (4, "b", "en_ud_pos")


def test_lists_can_be_given_in_parts():
    options, _ = parse("--input", "a", "b", "--output", "o", "--input", "c")
    assert options.input == ["a", "b", "c"]


def test_beam_flags_pass_through():
    flags = ["--direct_runner_bundle_repeat=1", "--job_name", "name", "--save_main_session"]
    options, beam_args = parse("--input", "a", "--output", "b", *flags, "--workers", 2)
    assert beam_args == flags and options.workers == 2


def test_help_describes_every_option(capsys):
    with pytest.raises(SystemExit) as end:
        parse("--help")
    assert end.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "What it does." in text and "Other flags go to Beam;" in text
    assert "they are below the key beam." in text
    for name in BuildOptions.model_fields.keys() - {"beam"}:
        field = BuildOptions.model_fields[name]
        assert f"--{name.replace('_', '-')}" in text
        assert " ".join(field.description.split()) in text
    assert "Default: 33554432." in text


class Run:
    """The job's command line in this process, as a shell sees it."""

    def __init__(self, capsys, tmp_path):
        self._capsys = capsys
        self.output = tmp_path / "out"

    def fails(self, *arguments, shard=helpers.REAL, output=None):
        """The sentence with which a run ends that was used wrongly."""
        command = helpers.arguments(output or self.output, [shard], *arguments)
        with pytest.raises(SystemExit) as end:
            run_command(lambda: main(command))
        error = self._capsys.readouterr().err
        assert end.value.code == 2, error
        assert error.startswith("error: ") and error.count("\n") == 1, error
        assert not self.output.exists() or not list(self.output.glob("units/*"))
        return error


@pytest.fixture
def run(capsys, tmp_path):
    return Run(capsys, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tager", "none"], "unknown flag `--tager`; did you mean `--tagger`?"),
        (["--unit_byte=3"], "unknown flag `--unit_byte`; did you mean `--unit-bytes`?"),
        (["--zzz"], "unknown flag `--zzz`; see --help"),
        (["--job_name", "a", "b"], "unexpected argument `b`: options are given as --flag value"),
        (["--workers", "two"], "option `--workers`: must be a valid integer, such as 2, or auto"),
        (["--workers", "0"], "option `--workers`: must be greater than 0"),
        (["--unit-bytes", "3"], "option `--unit-bytes`: must be greater than or equal"),
        (["--max-bad-share", "1.5"], "option `--max-bad-share`: must be less than"),
        (["--split", "dev"], "option `--split`: must be 'train', 'validation' or 'test'"),
        (
            ["--dataset", "Open Images"],
            "option `--dataset`: must be small letters, digits and _ only, such as open_images, "
            "coco, flickr30k or ade20k; did you mean `open_images`? (given: 'Open Images')",
        ),
        (["--dataset", "COCO 2017"], "or ade20k; did you mean `coco`? (given: 'COCO 2017')"),
        (["--dataset", "COCO-val"], "; did you mean `coco` with --split validation? (given"),
        (["--dataset", "!"], "flickr30k or ade20k (given: '!')"),
        (["--nope"], "unknown flag `--nope`; see --help for the flags\n"),
        (["--no-plural"], "unknown flag `--no-plural`; did you mean `--no-plurals`?"),
        (["--tempo_location=x"], "did you mean `--temp_location`?"),
        (["--taggerr\x1b["], r"unknown flag `--taggerr\x1b[`; did you mean `--tagger`?"),
        (
            ["--beam", "x=1"],
            "give Beam's option as a flag of its own, `--x=1`, or in the file as `beam: {x: 1}`",
        ),
        (["--beam={a}"], "give Beam's option as a flag of its own, `--NAME=VALUE`, or in the"),
        (["--split", ""], "option `--split`: the value is empty: give one, or leave the option"),
        (["--boxes", "a", " "], "option `--boxes`: the value is empty: give one, or leave the"),
        (
            ["--unit-bytes", "32M"],
            "option `--unit-bytes`: must be a valid integer, such as 33554432, 32MiB or 32MB "
            "(given: '32M')",
        ),
        (["--unit-bytes", "1.0001kB"], "option `--unit-bytes`: must be a whole number of bytes"),
        (["--unit-bytes", "2GiB"], "option `--unit-bytes`: must be less than or equal"),
        (
            ["--max-bad-share", "101%"],
            "option `--max-bad-share`: must be less than or equal to 1, such as 0.1 or 10%",
        ),
        (["--exclude-boxes", "is_odd"], "option `--exclude-boxes`: must be 'is_occluded'"),
        (
            ["--max-distance", "3", "--discard-share", "0.1"],
            "give only one of --max-distance, --discard-share",
        ),
        (["--transcripts", "asr"], "--transcript-files goes with --transcripts asr or --tr"),
        (["--transcript-files", "a"], "--transcript-files goes with --transcripts asr or"),
        (
            ["--annotations", "a", "--boxes", "b"],
            "give --annotations (a ready index) or the files that it is "
            "made from (--boxes), not both",
        ),
        (["--subclasses"], "--subclasses needs --hierarchy, or --annotations with"),
        (["--runner", "NoRunner"], "there is no such engine: give local, flink or dataflow"),
        (
            ["--tagger", "nope"],
            "no spaCy pipeline 'nope': install it, or set --tagger to en_ud_pos or none; "
            "`python -m spacy download nope`",
        ),
        (["--catalog", "nope.yaml"], "cannot read 'nope.yaml': No such file or directory; check"),
        (["--config", "nope.yaml"], "cannot read 'nope.yaml': No such file or directory; check"),
        (["--boxes", "nope.csv"], "there is no file 'nope.csv': check the path"),
        (["--labels", "nope*.csv"], "no file matches 'nope*.csv': check the folder"),
        (["--annotations", "nope"], "nope"),
        (["--transcripts", "asr", "--transcript-files", "nope"], "there is no file 'nope'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_options_end_with_one_sentence(run, arguments, message):
    assert message in run.fails(*arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tager: none", "config.yaml: unknown key `tager`; did you mean `tagger`?"),
        ("unit-bytes: 3", "unknown key `unit-bytes`; did you mean `unit_bytes`?"),
        ("workers: two", "option `--workers`: must be a valid integer"),
        ("boxes: {a: b}", "option `--boxes`: must be a valid list (given: {'a': 'b'})"),
        (
            "tagger: none\nplurals: true\ntagger: x",
            "config.yaml, line 3: the key `tagger` is there already, in line 1; remove one",
        ),
        ("beam: {a: 1, b: 2,\n  a: 3}", "config.yaml, line 2: the key `a` is there already, in"),
        ("split: ''", "option `--split`: the value is empty"),
        ("plurals: 7", "option `--plurals`: must be a valid boolean"),
        ("min_words: [1]", "option `--min-words`: must be a valid integer"),
        ("[1, 2]", "config.yaml: must hold `key: value` lines"),
        ("a: [", "config.yaml: not valid YAML: "),
        ("1: 2", "config.yaml: unknown key `1`"),
    ],
)
def test_wrong_configurations_end_with_one_sentence(run, tmp_path, text, message):
    config = tmp_path / "config.yaml"
    config.write_text(text)
    error = run.fails("--config", config)
    assert message in error and "config.yaml" in error


@pytest.mark.parametrize(
    ("shard", "message"),
    [
        ("nope.jsonl", "there is no file 'nope.jsonl': check the path"),
        ("nope*.jsonl", "no file matches 'nope*.jsonl': check the folder and the pattern"),
        (helpers.NARRATIVES, "is a folder: name its files, for example"),
        ("s3://bucket/a.jsonl", "s3:// is not supported, name a local path or gs://"),
    ],
)
def test_missing_input_ends_with_one_sentence(run, shard, message):
    assert message in run.fails(shard=shard)


def test_an_output_that_cannot_be_written_ends_with_one_sentence(run, tmp_path):
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", tmp_path / "file" / "below"):
        error = run.fails(output=output)
        assert f"cannot make the folder '{output}': " in error and "name another" in error


def test_terminal_escapes_in_names_are_shown_escaped(run, tmp_path):
    for name in ("a\x1b[31m.jsonl", "\x1b]0;title\x07"):
        error = run.fails(shard=tmp_path / name)
        assert "\x1b" not in error and "\x07" not in error and r"\x1b" in error
    config = tmp_path / "c\x1b[31m.yaml"
    config.write_text("a: [")
    error = run.fails("--config", config)
    assert "\x1b" not in error and r"c\x1b[31m.yaml: not valid YAML" in error


def test_a_header_that_cannot_be_read_ends_with_one_sentence(run, tmp_path):
    boxes = helpers.write_lines(tmp_path / "boxes.csv", [b"ImageID,Label\n", b"1,2\n"])
    error = run.fails("--boxes", boxes)
    assert "boxes.csv" in error and "expected ImageID,Source,LabelName,XMin" in error


def test_a_damaged_shard_ends_with_one_sentence(run, tmp_path):
    shard = helpers.write_lines(tmp_path / "a.jsonl.gz", helpers.lines_of(helpers.REAL, 0))
    assert "a.jsonl.gz' is corrupt, cut short or not what its name says" in run.fails(shard=shard)


def test_options_that_are_missing_are_named():
    for arguments, flag in ((["--input", "a"], "--output"), (["--output", "a"], "--input")):
        with pytest.raises(ValueError, match=f"option `{flag}`: must be given"):
            parse(*arguments)


def test_the_command_prints_no_traceback(tmp_path):
    command = [sys.executable, "-m", "pipelines.build", "--input", "nope", "--output", tmp_path]
    ended = subprocess.run(command, cwd=helpers.ROOT, capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stdout == ""
    assert re.fullmatch(
        r"error: there is no file 'nope' and no such name in the catalog: check the path\n",
        ended.stderr,
    )
