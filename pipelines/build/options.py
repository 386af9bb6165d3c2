"""Options of the main job."""

import re
from fractions import Fraction
from typing import Annotated, Literal, Self

import pydantic

from pipelines.cli.values import Files, Folder, Metavar, PositiveShare, Share
from pipelines.runs.options import ENDS, RunOptions
from transforms.core.model.narratives.naming import dataset_and_split
from transforms.core.model.narratives.schemas import BOX_FLAGS
from transforms.core.output.checks.guard import QUALITY_OPTIONS, Limits
from transforms.core.stages.align.transcript_sources import SOURCES, TimedCaption
from transforms.core.stages.filter.filter_quality import RULES, Rule
from transforms.core.stages.filter.sample_narratives import exact_share
from transforms.core.stages.filter.threshold import exact_text
from transforms.core.stages.match.match_mentions import MentionRules

_EXACT = re.compile(
    r"([0-9]{1,99}([.][0-9]{0,99})?|[.][0-9]{1,99})([eE][-+]?[0-9]{1,3})?"
    r"|[0-9]{1,99}/(?=[0-9]*[1-9])[0-9]{1,99}"
)
"""A decimal or a fraction, neither so long that its integers cost time."""


def _read_exact(value: object) -> Fraction:
    """A number as it is written: 0.1 is one tenth.

    Raises:
      ValueError: It is no number, or negative.
    """
    text = str(value).strip()
    if not _EXACT.fullmatch(text):
        raise ValueError("must be a number of at least 0, a decimal or a fraction such as 1/7")
    return Fraction(text)


Exact = Annotated[
    Fraction,
    pydantic.PlainValidator(_read_exact),
    pydantic.PlainSerializer(exact_text, return_type=str),
    Metavar("NUMBER"),
]
"""A number of at least 0 that is taken as it is written, and recorded so that it reads the same."""


DATASET = "[a-z0-9_]+"
"""The form of a dataset's name."""


class BuildOptions(RunOptions):
    """Options of `python -m pipelines.build`."""

    example = "--input 'data/*_localized_narratives.jsonl' --output out"
    exit_codes = (
        "0 done or nothing to do; 2 wrong use; 3 too many bad lines, a line unaccounted for, "
        "input that is not what was published, or a version that is held back or waits for an "
        f"output to be unpinned; {ENDS}"
    )

    results = (
        *QUALITY_OPTIONS,
        "plurals",
        "subclasses",
        "exclude_boxes",
        "annotations_for",
        "tagger",
        "sample",
        "unit_bytes",
    )

    groups = {
        "input": "input and output",
        "boxes": "annotations",
        "transcripts": "transcriptions",
        "max_distance": "quality: what is kept (no rule is set by default)",
        "plurals": "mentions",
        "tagger": "work",
        "max_bad_share": "what must hold for a version to be published",
        "dry_run": "reuse and what is printed",
        "runner": "engine",
    }
    after = {
        "output": "input",
        "unit_bytes": "tagger",
        "max_bad_share": "unit_bytes",
        "log_format": "summary",
    }

    input: Files = pydantic.Field(
        min_length=1,
        description="Narrative shards: files, patterns, or names of the catalog "
        "(coco_validation). .jsonl, .jsonl.gz or .jsonl.zst.",
    )
    catalog: Files = pydantic.Field(
        [],
        description="Catalogs of further known files (dataset, split, expected narratives), beside "
        "that of the official files; their groups win over its groups.",
    )
    data: Folder | None = pydantic.Field(
        None,
        description="Folder that `fetch --to` has filled, in which the files of names of the "
        "catalog are looked for. Default: data.",
    )
    dataset: str | None = pydantic.Field(
        None,
        description="Dataset of files that no catalog knows; without it each record's dataset_id "
        "tells.",
    )
    split: Literal["train", "validation", "test"] | None = pydantic.Field(
        None,
        description="Split of files that no catalog knows; without it each record's dataset_id "
        "tells.",
    )
    sample: PositiveShare | None = pydantic.Field(
        None,
        description="Keep a sample of this share of the narratives, by a hash of their keys (image "
        "and annotator): the same ones in every run and on every engine; 1% is a part of 10%. All "
        "lines are still read, so bad ones are rejected as ever and published numbers compared.",
    )
    limit: Annotated[int, Metavar("LINES")] | None = pydantic.Field(
        None,
        ge=1,
        description="Read only so many lines (a narrative each, unless blank or bad), the first "
        "ones of the shards in the order of their paths; a sample is then of these. They are "
        "counted before the run, so a large limit costs reading them once more.",
    )
    boxes: Files = pydantic.Field(
        [],
        description="Box files: Open Images CSV or COCO instances_*.json; files or patterns.",
    )
    labels: Files = pydantic.Field([], description="Image label files of Open Images.")
    images: Files = pydantic.Field([], description="Image lists of Open Images.")
    classes: Files = pydantic.Field(
        [], description="Class names to look for: id,name rows. Without it the 601 boxable "
        "classes of Open Images and the 80 of COCO."
    )  # fmt: skip
    hierarchy: Files = pydantic.Field([], description="Class hierarchy (JSON) for --subclasses.")
    annotations: Folder | None = pydantic.Field(
        None, description="A ready annotation index, in place of the five options above."
    )
    annotations_for: Annotated[
        list[Annotated[str, pydantic.Field(pattern="^[a-z0-9_]+=(coco|open_images)$")]],
        Metavar("DATASET=DATASET"),
    ] = pydantic.Field(
        [],
        description="Datasets over another one's images, such as mine=coco: they get its "
        "annotations and classes. COCO's are joined to coco alone, those of Open Images to all "
        "datasets but coco, flickr30k and ade20k: image ids alone do not tell.",
    )
    transcripts: Literal[*SOURCES] = pydantic.Field(  # type: ignore[valid-type]
        TimedCaption.name,
        description="Where transcriptions come from: the records themselves; published "
        "_asr.jsonl files (D alone); or a recogniser's output with word times.",
    )
    transcript_files: Files = pydantic.Field(
        [], description="Files of transcriptions, for --transcripts asr or words."
    )
    max_distance: int | None = pydantic.Field(
        None, ge=0, description="Keep narratives with alignment distance D at most this."
    )
    max_distance_per_char: Exact | None = pydantic.Field(
        None,
        description="Keep narratives with D per caption character at most this, a decimal or a "
        "fraction such as 1/7 (as the manifest records a calibrated threshold); exact.",
    )
    discard_share: Share | None = pydantic.Field(
        None,
        description="Calibrate the threshold of D so that at most this share is discarded "
        "(the paper: 0.235). A pass over all input comes first.",
    )
    discard_per_char: bool = pydantic.Field(
        False, description="Calibrate D per caption character in place of D."
    )
    require_trace: bool = pydantic.Field(False, description="Discard narratives without a trace.")
    min_trace_share: Share | None = pydantic.Field(
        None, description="Discard where the trace spans less than this share of the speech."
    )
    min_words: int | None = pydantic.Field(
        None, ge=1, description="Discard captions of fewer words."
    )
    plurals: bool = pydantic.Field(
        False, description="Match plural forms of class names too: cars, people, knives."
    )
    subclasses: bool = pydantic.Field(
        False, description="Let a mention use boxes of subclasses (needs --hierarchy)."
    )
    exclude_boxes: Annotated[
        list[Literal["is_occluded", "is_truncated", "is_group_of", "is_depiction", "is_inside"]],
        Metavar("FLAG"),
    ] = pydantic.Field([], description=f"Leave out boxes with these flags: {', '.join(BOX_FLAGS)}.")
    tagger: str = pydantic.Field(
        "en_ud_pos",
        description="Part-of-speech tagger: en_ud_pos (shipped), an installed spaCy pipeline, or "
        "none.",
    )
    allow_partial: bool = pydantic.Field(
        False,
        description="Publish input whose narratives or bytes differ from what the catalog has of "
        "their split: some of its files, or files cut short. Without it such a run ends with exit "
        "code 3 and publishes nothing.",
    )
    verify_checksums: bool = pydantic.Field(
        True,
        description="Compare the MD5 of catalogued files with that of the published ones, before "
        "the work (exit code 3 where they differ). A bucket knows it; a local file is read once "
        "more for it, about 1.5 s of one core a GB, and then not again while it is unchanged.",
    )
    repairs: bool = pydantic.Field(
        True,
        description="Read lines that were rejected and then repaired (`replay`) in their repaired "
        "form, which is kept below the output; without it what the shards hold is read.",
    )
    guard: bool = pydantic.Field(
        True,
        description="Hold a version back (exit code 3: it is complete, but not current) when a "
        "share is beyond one of the four limits below, or a check of the file of checks is. The "
        "same command without the guard publishes it.",
    )
    max_differing_share: Share = pydantic.Field(
        0.01,
        description="Guard: share of a split's narratives whose dataset_id may differ from the "
        "dataset and split given by catalog or options.",
    )
    min_joined_share: Share = pydantic.Field(
        0.25,
        description="Guard: share of a split's narratives whose image must be in the image lists, "
        "in the label files and in the box files, for each kind that is given and whose dataset "
        "is the narratives' own. Of the published images some nine in ten have boxes, fewer in "
        "the first releases of Open Images; all that have boxes have human labels too (where only "
        "some of the files of labels are given, lower it); files of another split have none.",
    )
    min_boxed_share: Share = pydantic.Field(
        0.05,
        description="Guard: share of a split's mentions (20 or more) for which there must be a box "
        "of their class in their image.",
    )
    max_shrink_share: Share = pydantic.Field(
        0.01,
        description="Guard: share by which narratives, or with the same quality rules captions, "
        "may be fewer than in the version before, in all and in each split.",
    )

    checks: Annotated[str, Metavar("FILE")] | None = pydantic.Field(
        None,
        description="Checks beside these limits, a YAML file: expected ranges, and drift against "
        "the version before or a tagged one. Each warns, or holds the version back like the guard "
        "(without which they all warn). Options that are given win over it. Without it those of "
        "configs/checks.yaml, which comes with the package.",
    )

    @pydantic.field_validator("dataset")
    @classmethod
    def _check_dataset(cls, name: str | None) -> str | None:
        if name is None or re.fullmatch(DATASET, name):
            return name
        dataset, split = dataset_and_split(name)
        meant = f"; did you mean `{dataset}`" if dataset else ""
        meant += f" with --split {split}" if dataset and split else ""
        raise ValueError(
            "must be small letters, digits and _ only, such as open_images, coco, flickr30k or "
            f"ade20k{meant}{'?' if meant else ''}"
        )

    @pydantic.model_validator(mode="after")
    def _check_combinations(self) -> Self:
        thresholds = ("max_distance", "max_distance_per_char", "discard_share")
        given = [name for name in thresholds if getattr(self, name) is not None]
        if len(given) > 1:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise ValueError(f"give only one of {flags}")
        if SOURCES[self.transcripts].indexed != bool(self.transcript_files):
            raise ValueError(
                "--transcript-files goes with --transcripts asr or --transcripts words, and these "
                "need it"
            )
        if self.annotations and self.sources():
            raise ValueError(
                "give --annotations (a ready index) or the files that it is made from "
                f"({', '.join(f'--{kind}' for kind in self.sources())}), not both"
            )
        if self.subclasses and not (self.hierarchy or self.annotations):
            raise ValueError("--subclasses needs --hierarchy, or --annotations with one")
        return self

    def sources(self) -> dict[str, list[str]]:
        """Annotation files by kind, kinds without files left out."""
        kinds = ("boxes", "labels", "images", "classes", "hierarchy")
        return {kind: getattr(self, kind) for kind in kinds if getattr(self, kind)}

    def quality_rules(self, calibrated: int | Fraction | None = None) -> tuple[Rule, ...]:
        """The quality rules that are on, with the threshold that was calibrated, if one was."""
        limits = {rule.name: getattr(self, rule.name) for rule in RULES}
        if calibrated is not None:
            name = "max_distance_per_char" if self.discard_per_char else "max_distance"
            limits[name] = calibrated
        given = [(rule, limits[rule.name]) for rule in RULES]
        return tuple(
            rule(limit) for rule, limit in given if limit is not None and limit is not False
        )

    def limits(self) -> Limits:
        """What a run must keep to be published."""
        return Limits(**{name: getattr(self, name) for name in Limits.__dataclass_fields__})

    def mention_rules(self) -> MentionRules:
        """What counts as a mention."""
        others = tuple(sorted(self.images_of().items()))
        return MentionRules(self.plurals, self.subclasses, tuple(self.exclude_boxes), others)

    @property
    def sampled_share(self) -> Fraction | None:
        """The exact share of narratives of which rows are made, None for all."""
        return exact_share(self.sample) if self.sample not in (None, 1) else None

    def images_of(self) -> dict[str, str]:
        """Whose images those of the datasets are that `--annotations-for` names."""
        return dict(entry.split("=") for entry in self.annotations_for)
