"""A sample that has passed all stages, for the tests of what comes after them."""

import pytest

from pipelines.cli.options import Options
from pipelines.index_annotations import AnnotationSources, ensure_annotation_index
from tests.conftest import ROOT
from tests.transforms.core.complete import complete
from transforms.core.sources.annotations.lookup import open_index
from transforms.core.sources.narratives.reading import Origin, read_chunk
from transforms.core.stages.align.align_transcripts import align_transcripts
from transforms.core.stages.align.transcript_sources import create_source
from transforms.core.stages.filter.filter_quality import MinWords, filter_quality
from transforms.core.stages.ground_words import ground_words
from transforms.core.stages.join_annotations import join_annotations
from transforms.core.stages.match.match_mentions import MentionRules, compile_rules, match_mentions
from transforms.core.stages.measure.measure_richness import measure_richness
from transforms.core.stages.measure.taggers import create_tagger

SAMPLES = ROOT / "samples"


@pytest.fixture(scope="session")
def run_stages(tmp_path_factory):
    """A function from lines to what all stages make of them; under 5 words are discarded."""
    folder = tmp_path_factory.mktemp("index")
    patterns = {
        "boxes": "annotations-human-bbox",
        "labels": "annotations-human",
        "images": "images",
    }
    sources = AnnotationSources(
        **{role: [f"{SAMPLES}/open_images/*/{name}.csv"] for role, name in patterns.items()}
    )
    options = Options()
    index = open_index(ensure_annotation_index(sources, str(folder), options))
    source, rules = create_source("timed_caption"), compile_rules(index, MentionRules())
    tagger = create_tagger("en_ud_pos")

    def run(block):
        chunk = align_transcripts(read_chunk(block, Origin("x.jsonl")), source)
        chunk = filter_quality(ground_words(chunk), [MinWords(5)])
        chunk = match_mentions(join_annotations(chunk, index), rules)
        return complete(measure_richness(chunk, tagger))

    return run


@pytest.fixture(scope="session")
def sample_lines():
    """Lines of all kinds: real, odd, bad, blank and generated ones."""
    names = ("vidln_as", "odd_and_bad", "generated_train_localized")
    files = [path for name in names for path in sorted(SAMPLES.glob(f"narratives/{name}*.jsonl"))]
    lines = [line for path in files for line in path.read_bytes().split(b"\n")]
    return [line + b"\n" for line in lines]


@pytest.fixture(scope="session")
def finished(run_stages, sample_lines):
    """The chunk of all those lines."""
    return run_stages(b"".join(sample_lines))


@pytest.fixture(scope="session")
def pieces(run_stages, sample_lines):
    """The same lines as seven chunks of different sizes."""
    bounds = [0, 1, 6, 24, 30, 50, 51, len(sample_lines)]
    blocks = [sample_lines[first:end] for first, end in zip(bounds, bounds[1:], strict=False)]
    return [run_stages(b"".join(block)) for block in blocks]
