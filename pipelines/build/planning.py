"""Planning a run of the main job: its units, and what is finished already."""

import dataclasses
import functools
from collections.abc import Sequence

import msgspec

from pipelines.build.inputs.checks import check_heads
from pipelines.build.inputs.rules_file import rules_in_use
from pipelines.build.inputs.shards import shard_units
from pipelines.build.options import BuildOptions
from pipelines.build.preparation import Prepared, sampled
from pipelines.build.reuse import Judged, judged_by, with_those_before
from pipelines.runs.plan import RunPlan, fields_of, plan_units
from pipelines.runs.repairing import Repairs, find_repairs
from transforms import storage
from transforms.collections.narratives.publication import NarrativesPublication, read_baseline
from transforms.core.base.errors import shown
from transforms.core.base.secrets import mask_secrets
from transforms.core.base.versions import code_version, package_versions
from transforms.core.model import layout
from transforms.core.model.narratives.manifest import (
    BuildManifest,
    BuildProvenance,
    IndexDescription,
    Sample,
    Threshold,
)
from transforms.core.model.units import Unit
from transforms.core.output.checks.rules import Rules
from transforms.core.output.version import ShardPlan
from transforms.core.stages.filter.filter_quality import MaxDistance, MaxDistancePerChar, Rule
from transforms.core.stages.filter.sample_narratives import HASH
from transforms.core.stages.filter.threshold import exact_text
from transforms.core.stages.match.match_mentions import MentionRules
from transforms.core.stages.measure.taggers import tagger_version

_SHOWN_POINTER = 40
"""Characters that are shown of a pointer that names no version."""

MAKERS = (
    "transforms.collections.narratives.stages",
    "transforms.core.output.jobs.narratives",
    "transforms.units.write",
)
"""The modules that make a unit's results, with what they import."""


@dataclasses.dataclass(frozen=True)
class BuildPlan(RunPlan):
    """A run of the main job, before any narrative is read.

    Attributes:
      annotation_index: Path of the annotation index.
      transcript_index: Path of the transcript index.
      quality: The quality rules.
      mentions: The rules of mentions.
      publication: How the version is described and judged.
      not_made: What a dry run would have had to make first: units are then not what they will be.
    """

    manifest: BuildManifest | None
    annotation_index: str | None
    transcript_index: str | None
    quality: tuple[Rule, ...]
    mentions: MentionRules
    publication: NarrativesPublication
    not_made: tuple[str, ...]

    @property
    def indexes(self) -> tuple[str, ...]:
        """Paths of the indexes that it reads."""
        return tuple(path for path in (self.annotation_index, self.transcript_index) if path)

    @property
    def missing(self) -> tuple[str, ...]:
        """What a dry run would have had to make first, a sentence each."""
        return self.not_made


def plan_build(options: BuildOptions, prepared: Prepared, rules: Rules) -> BuildPlan:
    """Plans a run: cuts its shards into units and looks for those that are finished.

    Args:
      options: The job's options.
      prepared: What was found and made for it.
      rules: What the file of checks holds.

    Raises:
      UsageError: A shard is none of narratives.
    """
    quality, mentions = options.quality_rules(prepared.threshold), options.mention_rules()
    code, packages = code_version(MAKERS), package_versions()
    annotations, transcripts = prepared.annotations, prepared.transcripts
    judged = Judged(quality, mentions, annotations.description if annotations else None)
    more = {
        "transcripts": options.transcripts,
        "tagger": [options.tagger, tagger_version(options.tagger)],
        "transcript_index": transcripts and transcripts.description.fingerprint,
        "code": code,
        "packages": packages,
        **sampled(options),
    }
    missing = {"missing": prepared.missing} if prepared.missing else {}
    repairs = find_repairs(options.output, prepared.shards) if options.repairs else Repairs()
    cut = functools.partial(_cut, prepared.shards, options.unit_bytes, repairs)
    units = cut(judged.salt(more | missing))
    run = plan_units(prepared.shards, units, options, BuildManifest)
    if judged_before := judged_by(run.manifest):
        before = dict(zip(units, cut(judged_before.salt(more)), strict=True))
        run = with_those_before(run, before, options.output)
    check_heads([unit for unit in run.units if not unit.before], options.max_bad_share)
    return BuildPlan(
        **fields_of(run),
        annotation_index=annotations.path if annotations else None,
        transcript_index=transcripts.path if transcripts else None,
        quality=quality,
        mentions=mentions,
        publication=NarrativesPublication(
            provenance=_provenance(
                options, run.base, quality, code, packages, prepared, repairs.warnings
            ),
            expected=prepared.expected,
            limits=options.limits(),
            rules=rules_in_use(rules, options.model_fields_set, options.output),
        ),
        not_made=prepared.missing,
    )


def _cut(shards: Sequence[ShardPlan], unit_bytes: int, repairs: Repairs, salt: str) -> list[Unit]:
    """The units of all shards."""
    return [
        unit for shard in shards for unit in shard_units(shard, unit_bytes, salt, repairs.of(shard))
    ]


def _warnings(index: IndexDescription | None) -> list[str]:
    return index.warnings if index else []


def _not_compared(output: str, base: str | None) -> list[str]:
    """A warning where a version is current and the guard cannot compare the run with it."""
    if base is None:
        return []
    folder = storage.join(output, layout.version_folder(base))
    if not layout.is_version(base):
        pointer = storage.join(output, layout.CURRENT)
        return [
            f"{pointer!r} names no version; it begins with '{shown(base, _SHOWN_POINTER)}': the "
            "run replaces it, and is not compared with an earlier one (--max-shrink-share)"
        ]
    if read_baseline(folder):
        return []
    return [
        f"the manifest of the current version, {base!r}, is missing or corrupt: the run is "
        "not compared with it (--max-shrink-share)"
    ]


def _provenance(
    options: BuildOptions,
    base: str | None,
    quality: Sequence[Rule],
    code: str,
    packages: dict[str, str],
    prepared: Prepared,
    warnings: Sequence[str],
) -> BuildProvenance:
    """Entries of the manifest that are known before a line is read, without secrets."""
    annotations, transcripts = (
        index.description if index else None
        for index in (prepared.annotations, prepared.transcripts)
    )
    made = BuildProvenance(
        configuration=options.model_dump(mode="json"),
        code=code,
        packages=packages,
        annotations=annotations,
        transcripts=transcripts,
        threshold=_threshold(options, quality),
        sample=_sample(options),
        limit=options.limit,
        warnings=[
            *_warnings(annotations),
            *_warnings(transcripts),
            *_not_compared(options.output, base),
            *warnings,
        ],
    )
    return msgspec.convert(mask_secrets(msgspec.to_builtins(made)), BuildProvenance)


def _sample(options: BuildOptions) -> Sample | None:
    """The manifest's entry on the sample."""
    share = options.sampled_share
    return None if share is None else Sample(float(share), HASH)


def _threshold(options: BuildOptions, rules: Sequence[Rule]) -> Threshold | None:
    """The manifest's entry on the threshold of D."""
    for rule in rules:
        if isinstance(rule, MaxDistance | MaxDistancePerChar):
            return Threshold(rule.name, exact_text(rule.limit), options.discard_share)
    return None
