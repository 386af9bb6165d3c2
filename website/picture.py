"""Draws docs/narrative.svg, the picture of a real narrative at the head of README.

`make docs-picture` does it, by the code that draws the report. The narrative is one of the public sample of
Video Localized Narratives (CC BY 4.0; samples/README.md): real speech and a real mouse trace.
"""

import html
import pathlib
import tempfile

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.build import job
from transforms.core.report.drawings import colours, svg
from transforms.core.report.drawings.caption import caption_pieces
from transforms.core.report.drawings.drawing import SIDE, clock_of, draw_narrative, frame_of

ROOT = pathlib.Path(__file__).parents[1]
SHARD = ROOT / "samples" / "narratives" / "vidln_as_localized_narratives.jsonl"
PICTURE = ROOT / "docs" / "narrative.svg"
IMAGE = "5d24e4ea_0"
"""Which narrative: two tigers that fight, of OVIS."""
