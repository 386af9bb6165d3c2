"""Captions in the annotators' style that name objects of a scene."""

import dataclasses

import numpy as np

from transforms.core.synthesis import measured
from transforms.core.synthesis.dice import Dice
from transforms.core.synthesis.scenes import Box, Scene
from transforms.core.synthesis.speaking import phrases

_ADJECTIVE_SHARE = 0.2
_QUALIFIER_SHARE = 0.15
_ODDITY_SHARE = 0.03
_FILLER_SHARE = 0.2
_UNBOXED_SHARE = 0.25
_NO_CAPITAL_SHARE = 0.03


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """A thing that a caption speaks of and that the pointer shows.

    Attributes:
      first_word, end_word: Its words in the caption; of a class, the words of the name.
      class_id: MID, None for a thing without a class.
      name: The class's name as spoken, else empty.
      box: The box that is meant, None where the class has none in the image.
    """

    first_word: int
    end_word: int
    class_id: str | None
    name: str
    box: Box | None


@dataclasses.dataclass(frozen=True, slots=True)
class Caption:
    """A caption and what it speaks of.

    Attributes:
      words: Split on white space, with their punctuation.
      starts: First character of each word.
      subjects: In order of the words, not overlapping.
    """

    words: list[str]
    starts: list[int]
    subjects: list[Subject]

    @property
    def text(self) -> str:
        """The caption itself."""
        return " ".join(self.words)


def write_caption(scene: Scene, generator: np.random.Generator) -> Caption:
    """A caption of sentences that name the scene's objects, the largest mostly first."""
    dice = Dice(generator)
    length = max(6, np.interp(dice.roll(), measured.LEVELS, measured.CAPTION_WORDS))
    writer = _Writer(dice, _objects_to_name(scene, dice))
    writer.write_sentence(dice.pick(phrases.OPENERS))
    while len(writer.words) < length - 4:
        writer.write_sentence(dice.pick(phrases.CONNECTORS))
    words = writer.words
    if dice.chance(_NO_CAPITAL_SHARE):
        words[0] = words[0].lower()
    starts = np.cumsum([0, *(len(word) + 1 for word in words[:-1])]).tolist()
    return Caption(words, starts, writer.subjects)


def _objects_to_name(scene: Scene, dice: Dice) -> list[tuple[str, str, Box | None]]:
    """`(class_id, name, box)` in the order in which they will be named."""
    weighted: list[tuple[float, str, str, Box | None]] = []
    for box in scene.boxes:
        # Annotators name whole things of some size, rarely a part such as a human arm.
        weight = (box.area + 0.01) * (0.05 if box.name.startswith("human ") else 1)
        weighted.append((dice.roll() ** (1 / weight), box.class_id, box.name, box))
    for class_id, name in scene.unboxed:
        if dice.chance(_UNBOXED_SHARE):
            weighted.append((dice.roll(), class_id, name, None))
    weighted.sort(key=lambda item: -item[0])
    return [item[1:] for item in weighted]


class _Writer:
    """Appends sentences; a class that comes a second time is "another"."""

    def __init__(self, dice: Dice, objects: list[tuple[str, str, Box | None]]) -> None:
        self.words: list[str] = []
        self.subjects: list[Subject] = []
        self._dice = dice
        self._objects = objects[::-1]
        self._fillers: list[str] = []
        self._named: set[str] = set()

    def write_sentence(self, opening: str) -> None:
        """Writes the opening, one to three things, and a full stop."""
        self.words += opening.split()
        count = 1 + self._dice.below(3)
        for i in range(count):
            if i:
                self._join(last=i == count - 1)
            self._write_thing()
        self.words[-1] += "."

    def _join(self, last: bool) -> None:
        if last:
            self.words.append("and")
        else:
            self.words[-1] += ","

    def _write_thing(self) -> None:
        if not self._objects or self._dice.chance(_FILLER_SHARE):
            self._write_filler()
        else:
            self._write_object(*self._objects.pop())
        if self._dice.chance(_QUALIFIER_SHARE):
            self.words += self._dice.pick(phrases.QUALIFIERS).split()

    def _write_filler(self) -> None:
        if not self._fillers:
            self._fillers = sorted(phrases.FILLERS, key=lambda _: self._dice.roll())
        odd = self._dice.chance(_ODDITY_SHARE)
        text = self._dice.pick(phrases.ODDITIES) if odd else self._fillers.pop()
        self._add_subject(text.split(), None, "", None)

    def _write_object(self, class_id: str, name: str, box: Box | None) -> None:
        words = name.split()
        adjective = self._dice.chance(_ADJECTIVE_SHARE)
        before = [self._dice.pick(phrases.ADJECTIVES)] if adjective else []
        self.words += [self._article(class_id, (before or words)[0]), *before]
        self._add_subject(words, class_id, name, box)

    def _article(self, class_id: str, next_word: str) -> str:
        if class_id in self._named:
            return "another"
        self._named.add(class_id)
        if self._dice.chance(0.1):
            return "the"
        return "an" if next_word[0] in "aeiou" else "a"

    def _add_subject(
        self, words: list[str], class_id: str | None, name: str, box: Box | None
    ) -> None:
        first = len(self.words)
        self.words += words
        self.subjects.append(Subject(first, len(self.words), class_id, name, box))
