"""Captioned scenes: questions about pictures of shapes with their answers in words, and streams in which something happens.

The words are those of `worlds.language`, the pictures those of `worlds.shapes`. What is true of a scene follows from its
factors, so each answer's meaning is known.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wm_core.worlds.drawing import COLOURS, KINDS, Look, draw_hues, integers, uniform
from wm_core.worlds.film import Track, film
from wm_core.worlds.language import FIRST, NAMES, QUESTIONS, SUBJECTS, TEMPLATES, phrase, pose
from wm_core.worlds.shapes import Scenes

#: Where the left column ends and the right one begins, and the same for rows, in sides: at the default margin of
#: `shapes.Shapes` all nine places are equally likely. What lies on a border belongs to what follows it.
BORDERS = (0.4, 0.6)

#: From this radius on a shape is large, in sides: the middle of the default radii of `shapes.Shapes`.
LARGE = 0.16

#: How streams look: the noise's standard deviation is 0.05 grey levels.
NOISY = Look(detail=0.05)

#: What can change in a stream.
CHANGES = ("kind", "colour", "place")


class Questions(NamedTuple):
    """Questions and their answers.

    Attributes:
        question: (n, length) tokens.
        answer: (n, length) tokens of one right answer.
        meaning: (n,) what the answer says: an index into `language.MEANINGS`.
        kind: (n,) index into `language.QUESTIONS`.
        about: (n,) which object is asked about; 0 where there is one.
    """

    question: Tensor
    answer: Tensor
    meaning: Tensor
    kind: Tensor
    about: Tensor

    def take(self, index: Tensor | slice) -> "Questions":
        """The questions at these places of the batch."""
        return Questions(*(each[index] for each in self))


def ask(
    scenes: Scenes,
    generator: torch.Generator,
    questions: Sequence[str] = QUESTIONS,
    templates: Sequence[int] = range(TEMPLATES),
) -> Questions:
    """One question about each scene, and a right answer in words.

    Where there are several shapes the question says which it means, by kind, colour, or as the one farthest to a side, and
    never by what it asks for.

    Args:
        scenes: of single shapes or with an axis of objects, at least one of them visible in each.
        generator: which question, about which shape, and in which words.
        questions: the kinds of question to draw from, evenly.
        templates: of the answers; see `language.phrase`.

    Raises:
        ValueError: a kind of question that does not exist.
    """
    if not len(questions) or not set(questions) <= set(QUESTIONS):
        raise ValueError(f"questions: got {list(questions)}, wanted some of {list(QUESTIONS)}")
    device, n = scenes.kind.device, len(scenes.kind)
    chosen = torch.tensor([QUESTIONS.index(each) for each in questions], device=device)
    kind = chosen[integers((n,), generator, len(chosen)).to(device)]
    names = naming(scenes, kind).flatten(1)  # (n, objects * subjects)
    lottery = uniform(tuple(names.shape), generator).to(device).masked_fill(~names, -1)
    about, subject = lottery.argmax(1).div(len(SUBJECTS), rounding_mode="floor"), lottery.argmax(1) % len(SUBJECTS)
    pairs = torch.arange(n, device=device), about
    flat = (factor.reshape(n, -1)[pairs] for factor in (scenes.kind, scenes.colour))
    meaning = truth(kind, *flat, scenes.position.reshape(n, -1, 2)[pairs], scenes.radius.reshape(n, -1)[pairs])
    return Questions(pose(kind, subject, generator), phrase(meaning, generator, templates), meaning, kind, about)


def truth(
    question: Int[Tensor, "*n"],
    kind: Int[Tensor, "*n"],
    colour: Int[Tensor, "*n"],
    position: Float[Tensor, "*n 2"],
    radius: Float[Tensor, "*n"],
) -> Int[Tensor, "*n"]:
    """The meaning of the right answer about a shape with these factors.

    Args:
        question: index into `language.QUESTIONS`.
        kind, colour, position, radius: see `shapes.Scenes`.
    """
    column, row = torch.bucketize(position.contiguous(), position.new_tensor(BORDERS), right=True).unbind(-1)
    right, low = (position >= 0.5).long().unbind(-1)
    place = 3 * row + column
    scene = (kind * len(COLOURS) + colour) * len(NAMES["place"]) + place
    answers = torch.stack([colour, kind, place, right, low, (radius >= LARGE).long(), scene])
    first = torch.tensor(FIRST, device=kind.device)[question]
    return first + answers.gather(0, question[None])[0]


def naming(scenes: Scenes, question: Int[Tensor, " n"]) -> Bool[Tensor, "n objects subjects"]:
    """Which of `language.SUBJECTS` name an object, and only it, without giving the answer away."""
    n = len(question)
    kind, colour, visible = (x.reshape(n, -1) for x in (scenes.kind, scenes.colour, scenes.visible))
    x = scenes.position[..., 0].reshape(n, -1)
    names = torch.zeros(*kind.shape, len(SUBJECTS), dtype=torch.bool, device=kind.device)
    others = visible[:, None] & ~torch.eye(kind.shape[1], dtype=torch.bool, device=kind.device)  # (n, objects, others)
    alone = ~others.any(-1)
    names[..., 0] = alone
    scene = question == QUESTIONS.index("scene")
    for first, factor, name in ((1, kind, "kind"), (1 + len(KINDS), colour, "colour")):
        alike = ((factor[:, :, None] == factor[:, None]) & others).any(-1)
        told = scene | (question == QUESTIONS.index(name))
        names.scatter_(-1, first + factor[..., None], (~alike & ~alone & ~told[:, None])[..., None])
    further = x[:, :, None] - x[:, None]
    for number, side in ((-2, further < 0), (-1, further > 0)):
        names[..., number] = (side | ~others).all(-1) & ~alone
    return names & visible[..., None]


class Stream(NamedTuple):
    """Films in which something changes now and then.

    Attributes:
        frames: (n, T, 3, size, size) in [0, 1].
        meaning: (n, T) what is so: the number of a meaning of the question "scene".
        event: (n, T) True in the first frame of something new; never in frame 0.
        change: (n, T) what changed there: an index into `CHANGES`; -1 elsewhere.
        track: what is where in each frame.
    """

    frames: Tensor
    meaning: Tensor
    event: Tensor
    change: Tensor
    track: Track


def stream(
    n: int,
    frames: int,
    events: int,
    generator: torch.Generator,
    look: Look = NOISY,
    wander: float = 0.06,
    apart: int = 4,
) -> Stream:
    """``n`` films of one shape. At each event its kind, its colour or its place becomes another; between events it wanders
    slowly about its place and turns a little.

    Args:
        n: how many films.
        frames: of each film.
        events: in each film, at random moments.
        generator: everything is drawn from it, on its device.
        look: of the pictures; the noise of each frame is its own.
        wander: how far the shape strays to either side, in sides, less than half a place's width of 0.2.
        apart: the least number of frames between events, and before the first.

    Raises:
        ValueError: the events do not fit into the frames, or the shape would wander out of its place.
    """
    free = (
        frames - apart - (events - 1) * (apart - 1)
    )  # moments left to choose from once the least distances are taken out
    if events < 1 or apart < 1 or free < events:
        raise ValueError(f"frames: got {frames} for {events} events {apart} apart, wanted more")
    if not 0 <= wander < 0.1:
        raise ValueError(f"wander: got {wander}, wanted 0 up to half a place's width, 0.1")
    device = generator.device
    moments = uniform((n, free), generator).argsort(1)[:, :events].sort(1).values
    moments = apart + moments + (apart - 1) * torch.arange(events, device=device)
    event = torch.zeros(n, frames, dtype=torch.bool, device=device).scatter_(1, moments, True)
    which = integers((n, events), generator, len(CHANGES))
    change = torch.full((n, frames), -1, device=device).scatter_(1, moments, which)
    state = {}
    for number, (name, count) in enumerate(zip(CHANGES, (len(KINDS), len(COLOURS), len(NAMES["place"])), strict=True)):
        start, steps = integers((n, 1), generator, count), 1 + integers((n, frames), generator, count - 1)
        state[name] = (start + (steps * (change == number)).cumsum(1)) % count
    place = torch.stack([state["place"] % 3, state["place"] // 3], -1)
    time = torch.arange(frames, device=device)
    pace, phase = uniform((n, 1, 3), generator, 0.5, 2.0), uniform((n, 1, 3), generator, 0, 2 * math.pi)
    sway = (2 * math.pi * pace * time[:, None] / frames + phase).sin()  # (n, frames, 3), within [-1, 1]
    position = 0.3 + 0.2 * place + wander * sway[..., :2]
    hue = (state["colour"] / len(COLOURS) + draw_hues(torch.zeros_like(phase[..., 0], dtype=torch.long), generator)) % 1
    radius = uniform((n, 1), generator, 0.12, 0.2).expand(-1, frames)
    angle = uniform((n, 1), generator, -math.pi, math.pi) + 0.3 * sway[..., 2]
    track = Track(
        state["kind"],
        hue,
        radius,
        angle,
        position,
        position.diff(dim=1, append=position[:, -1:]),
        torch.ones_like(event),
    )
    pictures, _ = film(look, look.textures(n, generator), track, generator)
    scene = torch.full_like(change, QUESTIONS.index("scene"))
    return Stream(pictures, truth(scene, state["kind"], state["colour"], position, radius), event, change, track)
