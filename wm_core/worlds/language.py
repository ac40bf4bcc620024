"""A small language about shapes, in which every meaning has six phrasings that share few words, and every sentence one meaning.

A *meaning* is the answer to a question: a colour, a kind, a place, a side, a height, a size, or a whole scene (kind, colour and
place). Correct phrasings of one meaning have little in common as rows of tokens, while wrong answers in the same form have
most: "it is red" is nearer to "it is blue" than to "painted crimson all over". Each value has three names; template t uses
name t mod 3. All words of the last two templates occur in the first four, so these can be held out of training.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from wm_core.worlds.drawing import COLOURS, KINDS, integers

PAD, START, END = 0, 1, 2
TEMPLATES = 6

#: The three names of each value of each factor.
NAMES = {
    "colour": (
        ("red", "crimson", "scarlet"),
        ("yellow", "golden", "lemon"),
        ("green", "emerald", "jade"),
        ("cyan", "turquoise", "aqua"),
        ("blue", "cobalt", "sapphire"),
        ("magenta", "pink", "fuchsia"),
    ),
    "kind": (
        ("disc", "circle", "ball"),
        ("square", "box", "block"),
        ("triangle", "wedge", "pyramid"),
        ("plus", "cross", "crossroads"),
    ),
    "place": (
        ("top left", "northwest", "first row column one"),
        ("top centre", "north", "first row column two"),
        ("top right", "northeast", "first row column three"),
        ("middle left", "west", "second row column one"),
        ("middle centre", "amidst", "second row column two"),
        ("middle right", "east", "second row column three"),
        ("bottom left", "southwest", "third row column one"),
        ("bottom centre", "south", "third row column two"),
        ("bottom right", "southeast", "third row column three"),
    ),
    "side": (("left half", "western part", "lefthand side"), ("right half", "eastern part", "righthand side")),
    "height": (("top half", "northern part", "upper side"), ("bottom half", "southern part", "lower side")),
    "size": (("small", "little", "tiny"), ("large", "big", "huge")),
}

_WHERE = (
    "it lies in the {}",
    "the {} has it",
    "look to your {}",
    "you see paint in one {}",
    "i would say the {}",
    "it is at your {}",
)

#: For each question the six templates of its answers. A question's number is its place in this.
ANSWERS = {
    "colour": (
        "it is {}",
        "painted {} all over",
        "{} in hue",
        "you see something {}",
        "i would say {}",
        "the paint looks {}",
    ),
    "kind": (
        "i would say a {}",
        "it has the form of one {}",
        "{} shaped",
        "the outline looks like some {}",
        "it is a {}",
        "you see one {} there",
    ),
    "place": (
        "at the {}",
        "it lies {}",
        "look in {}",
        "you find it there {}",
        "i would say {}",
        "the form is in {}",
    ),
    "side": _WHERE,
    "height": _WHERE,
    "size": (
        "i would say rather {}",
        "of {} extent",
        "{} to look at",
        "you see a {} form",
        "it looks {}",
        "the extent is {}",
    ),
    "scene": (
        "a {colour} {kind} at the {place}",
        "{place} lies one {kind} painted {colour} all over",
        "look in {place} you find some {colour} {kind}",
        "the outline looks like a {kind} its hue is {colour} its place is {place}",
        "i would say {colour} {kind} {place}",
        "there is something {colour} shaped like one {kind} in {place}",
    ),
}

#: The questions' names, in the order of their numbers.
QUESTIONS = tuple(ANSWERS)

#: Four ways to put each question.
ASKING = {
    "colour": ("what colour is the {}", "which hue has the {}", "tell me the paint of the {}", "how is the {} painted"),
    "kind": ("what kind is the {}", "which outline has the {}", "tell me the form of the {}", "how is the {} shaped"),
    "place": ("where is the {}", "in which place lies the {}", "tell me the place of the {}", "at what spot is the {}"),
    "side": (
        "is the {} left or right",
        "on which side lies the {}",
        "tell me left or right for the {}",
        "to what side is the {}",
    ),
    "height": (
        "is the {} high or low",
        "at which height lies the {}",
        "tell me high or low for the {}",
        "how far up is the {}",
    ),
    "size": ("how big is the {}", "which size has the {}", "tell me the extent of the {}", "is the {} large or small"),
    "scene": ("describe the {}", "what do you see of the {}", "tell me all of the {}", "how would you caption the {}"),
}

#: What a question can be about: the only shape, a kind, a colour, or the one farthest to a side.
SUBJECTS = ("shape", *KINDS, *(f"{colour} shape" for colour in COLOURS), "leftmost shape", "rightmost shape")


class Meaning(NamedTuple):
    """What a sentence says.

    Attributes:
        question: index into `QUESTIONS`.
        values: the answer's value, an index into the factor's `NAMES`; for a scene those of kind, colour and place.
    """

    question: int
    values: tuple[int, ...]

    @property
    def name(self) -> str:
        """The meaning in plain words, as "colour: red" or "scene: red disc, top left"."""
        if QUESTIONS[self.question] == "scene":
            kind, colour, place = (
                NAMES[f][v][0] for f, v in zip(("kind", "colour", "place"), self.values, strict=True)
            )
            return f"scene: {colour} {kind}, {place}"
        return f"{QUESTIONS[self.question]}: {NAMES[QUESTIONS[self.question]][self.values[0]][0]}"


_SIZES = [(len(NAMES[q]),) if q in NAMES else (len(KINDS), len(COLOURS), len(NAMES["place"])) for q in QUESTIONS]

#: All meanings; a meaning's number is its place in this.
MEANINGS = tuple(
    Meaning(question, values)
    for question, sizes in enumerate(_SIZES)
    for values in itertools.product(*map(range, sizes))
)

#: For each question, the number of its first meaning, and at the end how many meanings there are.
FIRST = tuple(itertools.accumulate((len(list(itertools.product(*map(range, s)))) for s in _SIZES), initial=0))


def paraphrases(meaning: int) -> list[str]:
    """The six sentences that say this, one from each template."""
    question, values = MEANINGS[meaning]
    said = []
    for number, template in enumerate(ANSWERS[QUESTIONS[question]]):
        factors = ("kind", "colour", "place") if QUESTIONS[question] == "scene" else (QUESTIONS[question],)
        names = {f: NAMES[f][v][number % 3] for f, v in zip(factors, values, strict=True)}
        said.append(template.format(*names.values(), **names))
    return said


class Vocabulary:
    """Words and their numbers. The first three are for padding, for the start of a sentence and for its end.

    Args:
        sentences: whose words it holds, in alphabetical order.
    """

    def __init__(self, sentences: Sequence[str]):
        self.words = ("<pad>", "<start>", "<end>", *sorted({word for line in sentences for word in line.split()}))
        self._number = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, sentences: Sequence[str], length: int | None = None) -> Int[Tensor, "n length"]:
        """Each sentence's words, an end token, and padding.

        Args:
            sentences: to encode.
            length: of the rows; that of the longest sentence and its end if left out.

        Raises:
            ValueError: a word is not known, or a sentence does not fit.
        """
        rows = [line.split() for line in sentences]
        unknown = {word for row in rows for word in row} - set(self.words[3:])
        if unknown:
            raise ValueError(f"sentences: got {sorted(unknown)}, wanted words of the vocabulary")
        longest = max(map(len, rows), default=0) + 1
        if length is not None and length < longest:
            raise ValueError(f"length: got {length}, wanted at least {longest} for the longest sentence and its end")
        tokens = torch.full((len(rows), length or longest), PAD)
        for row, words in zip(tokens, rows, strict=True):
            row[: len(words) + 1] = torch.tensor([*(self._number[word] for word in words), END])
        return tokens

    def decode(self, tokens: Int[Tensor, "n length"]) -> list[str]:
        """Each row's words up to its end token; padding is passed over.

        Raises:
            ValueError: a number is not a word's.
        """
        if tokens.numel() and not (tokens.min() >= 0 and tokens.max() < len(self)):
            raise ValueError(f"tokens: got {int(tokens.min())} to {int(tokens.max())}, wanted 0 to {len(self) - 1}")
        lines = []
        for row in tokens.tolist():
            row = row[: row.index(END)] if END in row else row
            lines.append(" ".join(self.words[number] for number in row if number != PAD))
        return lines


_SAID = [paraphrases(meaning) for meaning in range(len(MEANINGS))]
_ASKED = [[template.format(s) for template in ASKING[q] for s in SUBJECTS] for q in QUESTIONS]

#: The words of all answers and questions.
VOCABULARY = Vocabulary([*itertools.chain(*_SAID), *itertools.chain(*_ASKED)])

_ANSWERS = VOCABULARY.encode(list(itertools.chain(*_SAID))).view(len(MEANINGS), TEMPLATES, -1)
_QUESTIONS = VOCABULARY.encode(list(itertools.chain(*_ASKED))).unflatten(0, (len(QUESTIONS), -1, len(SUBJECTS)))
_MEANING_OF = {sentence: meaning for meaning, sentences in enumerate(_SAID) for sentence in sentences}

#: Tokens of the longest answer and of the longest question, ends included.
ANSWER_LENGTH, QUESTION_LENGTH = _ANSWERS.shape[-1], _QUESTIONS.shape[-1]


def phrase(
    meaning: Int[Tensor, "*n"], generator: torch.Generator, templates: Sequence[int] = range(TEMPLATES)
) -> Int[Tensor, "*n length"]:
    """A sentence for each meaning, its template drawn evenly from ``templates``.

    Args:
        meaning: numbers of meanings.
        generator: where the choice of template comes from.
        templates: which of the six may be used; ``range(4)`` for training where the other two are kept for a test.

    Raises:
        ValueError: no template is given, or one that does not exist.
    """
    if not len(templates) or not all(0 <= t < TEMPLATES for t in templates):
        raise ValueError(f"templates: got {list(templates)}, wanted some of 0 to {TEMPLATES - 1}")
    choice = integers(tuple(meaning.shape), generator, len(templates)).to(meaning.device)
    template = torch.tensor(list(templates), device=meaning.device)[choice]
    return _ANSWERS.to(meaning.device)[meaning, template]


def pose(
    question: Int[Tensor, " n"], subject: Int[Tensor, " n"], generator: torch.Generator
) -> Int[Tensor, "n length"]:
    """A wording for each question, drawn evenly from four.

    Args:
        question: index into `QUESTIONS`.
        subject: index into `SUBJECTS`.
        generator: where the choice comes from.
    """
    wording = integers(tuple(question.shape), generator, _QUESTIONS.shape[1]).to(question.device)
    return _QUESTIONS.to(question.device)[question, wording, subject]


def understand(tokens: Int[Tensor, "n length"]) -> Int[Tensor, " n"]:
    """The number of the meaning that each row of tokens states, in any phrasing; -1 where it is no sentence of the language."""
    return torch.tensor([_MEANING_OF.get(line, -1) for line in VOCABULARY.decode(tokens)], device=tokens.device)
