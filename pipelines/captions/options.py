"""Options of the job of captions."""

import re

import pydantic

from pipelines.cli.values import Bytes, Files, Folder
from pipelines.runs.options import ENDS, RunOptions
from transforms.core.sources.captions.registry import FORMATS
from transforms.core.stages.measure.taggers import DEFAULT_TAGGER, NO_TAGGER, check_tagger

_NAME = re.compile("[a-z0-9_]+")


class CaptionsOptions(RunOptions):
    """Options of `python -m pipelines.captions`."""

    example = "--input 'data/captions_*2017.json' data/region_descriptions.json --output out"
    exit_codes = (
        "0 done or nothing to do; 2 wrong use; 3 too many bad records, or a record "
        f"unaccounted for; {ENDS}"
    )

    results = ("format", "collection", "split", "tagger", "unit_bytes")

    groups = {
        "input": "input and output",
        "narratives": "what the report shows beside the captions",
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
        description="Files of captions, or patterns, also .gz or .zst: COCO captions_*.json, "
        "Flickr30k results*.token or dataset_flickr30k.json, Visual Genome "
        "region_descriptions.json, Stanford paragraphs_v1.json, Conceptual Captions *GCC*.tsv, "
        "Localized Narratives *_captions.jsonl, WikiScenes lists (val_10classes_*.txt).",
    )
    format: str | None = pydantic.Field(
        None,
        description=f"Format of files whose names do not tell: {', '.join(FORMATS)}.",
    )
    collection: str | None = pydantic.Field(
        None, description="Collection of all captions, whatever names of files tell."
    )
    split: str | None = pydantic.Field(
        None, description="Split of all captions, whatever names of files and records tell."
    )
    narratives: Folder | None = pydantic.Field(
        None,
        description="Version of narratives to show beside the captions: the output folder of the "
        "main job, for its current version, or a version's folder. Without it the report shows the "
        "paper's mean.",
    )
    tagger: str = pydantic.Field(
        DEFAULT_TAGGER,
        description="What counts words and parts of speech: the tagger that comes with this code "
        f"({DEFAULT_TAGGER}), an installed spaCy pipeline such as en_core_web_sm, or {NO_TAGGER}.",
    )
    unit_bytes: Bytes = pydantic.Field(
        8 << 20,
        ge=1024,
        le=1 << 30,
        description="Bytes of records that are one unit of work: 8388608, 8MiB or 8MB.",
    )

    @pydantic.field_validator("tagger")
    @classmethod
    def _check_tagger(cls, name: str) -> str:
        check_tagger(name)
        return name

    @pydantic.field_validator("format")
    @classmethod
    def _check_format(cls, name: str | None) -> str | None:
        if name is not None and name not in FORMATS:
            raise ValueError(f"must be one of {', '.join(FORMATS)}")
        return name

    @pydantic.field_validator("collection", "split")
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        if name is not None and not _NAME.fullmatch(name):
            raise ValueError("must be of the characters a-z, 0-9 and _")
        return name
