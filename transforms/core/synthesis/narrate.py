"""One generated narrative: which image and annotator, and all that is said and drawn."""

import dataclasses

import numpy as np

from transforms.core.synthesis.dice import narrative_generator
from transforms.core.synthesis.scenes import Scene
from transforms.core.synthesis.speaking.captions import Caption, write_caption
from transforms.core.synthesis.speaking.recognizer import (
    Alternatives,
    Transcript,
    list_alternatives,
    recognize,
)
from transforms.core.synthesis.speaking.speech import Speech, draw_groups, group_utterances, speak
from transforms.core.synthesis.traces import Drawings, Trace, draw, plan_drawings

_BLOCK = 5
"""Of so many neighbouring narratives, the last is of the same image as the first."""

_FIRST_ANNOTATORS = 120


@dataclasses.dataclass(frozen=True, slots=True)
class GeneratedNarrative:
    """A generated narrative with its truth.

    Attributes:
      image_id, annotator_id: Its key; no other narrative of the seed has it.
      utterances: First word of each utterance, and the number of words at the end.
      alternatives: The transcript's chunks as the recogniser offers them.
    """

    image_id: str
    annotator_id: int
    caption: Caption
    speech: Speech
    utterances: np.ndarray
    drawings: Drawings
    trace: Trace
    transcript: Transcript
    alternatives: list[Alternatives]


@dataclasses.dataclass(frozen=True, slots=True)
class Casting:
    """Deals images and annotators out to narratives.

    Attributes:
      order: The scenes' numbers in the order in which they come.
      first_annotators: Each scene's first annotator.
    """

    order: list[int]
    first_annotators: list[int]

    @classmethod
    def of(cls, n_scenes: int, seed: int) -> "Casting":
        """The casting of this seed."""
        # A stream that no narrative has: they are numbered from 0.
        generator = narrative_generator(seed, 2**64 - 1)
        annotators = generator.integers(0, _FIRST_ANNOTATORS, n_scenes)
        return cls(generator.permutation(n_scenes).tolist(), annotators.tolist())

    def cast(self, index: int) -> tuple[int, int]:
        """The scene's number and the annotator of a narrative: never the same pair again."""
        block, place = divmod(index, _BLOCK)
        again = place == _BLOCK - 1
        turn = block * (_BLOCK - 1) + (0 if again else place)
        lap, slot = divmod(turn, len(self.order))
        scene = self.order[slot]
        return scene, self.first_annotators[scene] + 2 * lap + again


def synthesize_narrative(
    scenes: list[Scene], casting: Casting, seed: int, index: int
) -> GeneratedNarrative:
    """Narrative `index` of this seed: the same whatever else is made, and in what order."""
    number, annotator = casting.cast(index)
    generator = narrative_generator(seed, index)
    caption = write_caption(scenes[number], generator)
    groups = draw_groups(len(caption.words), generator)
    speech = speak(caption.words, groups | _inside_names(caption), generator)
    transcript = recognize(caption.words, speech, generator)
    drawings = plan_drawings(caption, speech, generator)
    return GeneratedNarrative(
        scenes[number].image_id,
        annotator,
        caption,
        speech,
        group_utterances(_join_misheard(groups, transcript)),
        drawings,
        draw(drawings, generator),
        transcript,
        list_alternatives(transcript, generator),
    )


def _inside_names(caption: Caption) -> np.ndarray:
    """Words after which the same name goes on."""
    inside = np.zeros(len(caption.words), bool)
    for subject in caption.subjects:
        inside[subject.first_word : subject.end_word - 1] = True
    return inside


def _join_misheard(groups: np.ndarray, transcript: Transcript) -> np.ndarray:
    """Words that were not heard by themselves have no times of their own: they join another."""
    joined = groups.copy()
    for edit in transcript.edits:
        if edit.kind == "dropped":
            joined[max(0, edit.word - 1)] = True
        elif edit.kind == "merged":
            joined[edit.word] = True
    return joined
