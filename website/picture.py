"""Draws docs/narrative.svg, the real narrative at the head of README: `make docs-picture`.

By the code that draws the report, from a version that the main job makes. The narrative is one of
the public sample of Video Localized Narratives (CC BY 4.0; samples/README.md): words that were
spoken, and the mouse trace of meanwhile.
"""

import contextlib
import pathlib
import re
import sys
import tempfile

import pyarrow.parquet as pq

from pipelines.build import job
from transforms.core.report.drawings import colours, svg
from transforms.core.report.drawings.caption import caption_pieces
from transforms.core.report.drawings.drawing import PAD, clock_of, draw_narrative

ROOT = pathlib.Path(__file__).parents[1]
SHARD = ROOT / "samples" / "narratives" / "vidln_as_localized_narratives.jsonl"
PICTURE = ROOT / "docs" / "narrative.svg"
IMAGE = "c1a40349_1"
"""Whose narrative is drawn: a road among trees and houses, in a video of OVIS."""

CHARACTER, LINE = 9.6, 34.0
"""Width of a character of the caption and distance of its lines."""

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #5c636d }
.word, .rest { font: 16px ui-monospace, Menlo, Consolas, monospace; fill: #1b1d21 }
.page { fill: #fff } .margin { fill: #f6f7f8 } .image { fill: #fff; stroke: #dfe2e6 }
.trace { fill: none; stroke: var(--time); stroke-width: 2.2; stroke-linecap: round }
.begin { fill: #fff; stroke: var(--time); stroke-width: 2 } .swatch { fill: var(--time) }
.tick { stroke: #5c636d } .middle { text-anchor: middle } .end { text-anchor: end }
"""


def main(picture: pathlib.Path = PICTURE) -> None:
    """Makes a version of the shard, and draws the narrative."""
    with tempfile.TemporaryDirectory() as folder:
        narrative = _read_narrative(pathlib.Path(folder))
    picture.write_text(draw(narrative), encoding="utf-8")


def _read_narrative(out: pathlib.Path) -> dict:
    """The row of the narrative in a version made of the shard."""
    options = ["--input", str(SHARD), "--output", str(out), "--tagger", "none", "--quiet"]
    with contextlib.redirect_stdout(sys.stderr):  # the version's folder, which is gone soon
        if code := job.main(options):
            sys.exit(code)
    version = out / "versions" / (out / "CURRENT").read_text().strip()
    rows = pq.read_table(version / "narratives", filters=[("image_id", "=", IMAGE)])
    return rows.to_pylist()[0]


def draw(narrative: dict) -> str:
    """A row of `narratives` as an SVG file: its trace, and its caption in the same colours."""
    drawing = draw_narrative({**narrative, "boxes": []}, [])
    width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', drawing).groups())
    caption, bottom = _caption(narrative, width - 2 * PAD, height + LINE)
    label = f"Trace and words of a narrative, coloured by time: {narrative['caption']}"
    return svg.picture(
        width,
        bottom,
        label,
        svg.element("style", STYLE + _time_classes()),
        svg.rectangle(0.0, 0.0, width, bottom, class_="page"),
        drawing.replace("<svg ", f'<svg width="{width:g}" height="{height:g}" ', 1),
        *caption,
        xmlns="http://www.w3.org/2000/svg",
    )


def _caption(narrative: dict, width: float, y: float) -> tuple[list[str], float]:
    """The caption's words with a bar in the colour of their time, and where they end."""
    drawn, x = [], 0.0
    for piece in caption_pieces(narrative, [], clock_of(narrative)):
        length = len(piece["text"]) * CHARACTER
        if x + length > width and piece["classes"]:
            x, y = 0.0, y + LINE
        if piece["classes"]:
            drawn.append(svg.text(piece["text"], PAD + x, y, class_="word", textLength=length))
            time = piece["classes"].replace("word", "swatch")
            drawn.append(svg.rectangle(PAD + x, y + 5, length, 4.0, class_=time))
        x += length
    return drawn, y + LINE / 2


def _time_classes() -> str:
    palette = colours.time_palette(colours.ON_LIGHT)
    return "\n".join(f".t{step} {{ --time: {colour} }}" for step, colour in enumerate(palette))


if __name__ == "__main__":
    main()
