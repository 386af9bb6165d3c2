"""Where the data of a job is from: its licence, and what to cite."""

from typing import NamedTuple


class Origin(NamedTuple):
    """Where data is from.

    Attributes:
      licence: Its licence's name by SPDX; empty where parts have other ones.
      licence_address: Where the licence is; empty where parts have other ones.
      licence_note: What is to be known of it, in sentences.
      page: Where the data is published.
      citation: What to cite, as BibTeX; empty where that depends on the part.
    """

    licence: str = ""
    licence_address: str = ""
    licence_note: str = ""
    page: str = ""
    citation: str = ""

    @property
    def metadata(self) -> dict[str, str]:
        """What Parquet files say of it, by key."""
        licence = f"{self.licence}: {self.licence_address}" if self.licence else self.licence_note
        told = {"licence": licence, "citation": self.citation, "source": self.page}
        return {key: value for key, value in told.items() if value}


_CC_BY = ("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/")

_PAPER = """\
@inproceedings{PontTuset_eccv2020,
  author    = {Jordi Pont-Tuset and Jasper Uijlings and Soravit Changpinyo and Radu Soricut and
               Vittorio Ferrari},
  title     = {Connecting Vision and Language with Localized Narratives},
  booktitle = {ECCV},
  year      = {2020}
}"""

LOCALIZED_NARRATIVES = Origin(
    *_CC_BY,
    """\
The annotations are licensed under [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), as the
Localized Narratives, Open Images and COCO annotations that they are derived from. The images are
not part of this dataset; where the author and licence of an image are known, they are in the column
`image`.""",
    "https://google.github.io/localized-narratives",
    _PAPER,
)

IMAGES = Origin(
    licence_note="""\
Each image has the licence of its author, in the column `image`. Boxes and captions are licensed
under [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/).""",
    page=LOCALIZED_NARRATIVES.page,
    citation=_PAPER,
)

OPEN_IMAGES = Origin(
    *_CC_BY,
    """\
The annotations are licensed by Google under
[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/). The images are not part of this dataset;
their licences and authors are in the table `images`.""",
    "https://storage.googleapis.com/openimages/web/index.html",
)

CAPTIONS = Origin(licence_note="Each collection has a licence of its own, which its page names.")
