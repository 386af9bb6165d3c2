"""What a run takes of units of the current version that were only judged in another way.

Lines are read, aligned and tagged as they were: what the tables have of that is not done again.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from fractions import Fraction

import pydantic

from pipelines.build.options import BuildOptions
from pipelines.runs.plan import RunPlan, finished_records
from transforms.core.base.versions import digest
from transforms.core.model.manifest import Manifest
from transforms.core.model.narratives.manifest import BuildManifest, IndexDescription
from transforms.core.model.units import Unit
from transforms.core.stages.filter.filter_quality import Rule
from transforms.core.stages.match.match_mentions import MentionRules


@dataclasses.dataclass(frozen=True)
class Judged:
    """What changes results from the filter on, beside the lines and how they are tagged.

    Attributes:
      quality: The quality rules.
      mentions: The rules of mentions.
      annotations: The annotation index, if there is one.
    """

    quality: Sequence[Rule]
    mentions: MentionRules
    annotations: IndexDescription | None

    def salt(self, more: Mapping[str, object]) -> str:
        """Hash of all that changes a unit's results, beside its lines.

        Args:
          more: What changes results before the filter, and the tagger.
        """
        return digest(
            {
                "quality": {rule.name: rule.limit for rule in self.quality},
                "mentions": dataclasses.asdict(self.mentions),
                "annotation_index": self.annotations and self.annotations.fingerprint,
                **more,
            }
        )


def judged_by(manifest: Manifest | None) -> Judged | None:
    """How a version was judged; None where that is not known, as of other programs' versions."""
    if not isinstance(manifest, BuildManifest):
        return None
    try:
        options = BuildOptions.model_validate(manifest.configuration)
    except pydantic.ValidationError:
        return None
    limit: int | Fraction | None = None
    if manifest.threshold and manifest.threshold.calibrated_share is not None:
        value = Fraction(manifest.threshold.value)
        limit = value if options.discard_per_char else int(value)
    return Judged(options.quality_rules(limit), options.mention_rules(), manifest.annotations)


def with_those_before(run: RunPlan, before: Mapping[Unit, Unit], output: str) -> RunPlan:
    """A run whose pending units know the records of finished ones that have the same lines.

    Args:
      run: The run.
      before: By unit, the same one as it was judged before.
      output: The output folder.
    """
    records = finished_records([before[unit] for unit in run.units], output)
    pairs = zip(run.units, records, strict=True)
    units = [dataclasses.replace(unit, before=paths) for unit, paths in pairs]
    return dataclasses.replace(run, units=tuple(units))
