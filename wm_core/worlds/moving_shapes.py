"""Moving shapes: four motions that show the same pictures and differ only in their order.

A shape visits places spaced evenly along an arc. The class says in which order. So the frames of a clip, as a set, have
the same distribution in every class: whoever sees the frames and not their order can only guess, and is right once in
four.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wm_core.worlds.drawing import COLOURS, KINDS, Look, draw_hues, integers, uniform
from wm_core.worlds.film import Track, film

#: The motions; a motion is an index into this. On screen, with y down.
MOTIONS = ("clockwise", "anticlockwise", "out and back, clockwise first", "out and back, anticlockwise first")


class Clips(NamedTuple):
    """Clips and what happens in them.

    Attributes:
        frames: (n, T, 3, size, size) in [0, 1].
        motion: (n,) index into `MOTIONS`.
        kind: (n,) index into `drawing.KINDS`.
        colour: (n,) index into `drawing.COLOURS`.
        hue: (n,) in turns.
        radius: (n,) of the disc with the same area, in sides.
        angle: (n,) in radians; it does not change within a clip.
        position: (n, T, 2) the centre (x, y), in sides, y down.
        velocity: (n, T, 2) the way to the next frame, in sides; in the last frame, that from the one before.
        arc: (n, 5) the arc's centre x and y and its radius, in sides; the angle of its first place and the angle from each
            place to the next, in radians, clockwise.
        texture: (n, 3, waves) weights of the background, which stays.
    """

    frames: Tensor
    motion: Tensor
    kind: Tensor
    colour: Tensor
    hue: Tensor
    radius: Tensor
    angle: Tensor
    position: Tensor
    velocity: Tensor
    arc: Tensor
    texture: Tensor

    def take(self, index: Tensor | slice) -> "Clips":
        """The clips at these places of the batch."""
        return Clips(*(each[index] for each in self))


@dataclass(frozen=True)
class MovingShapes(Look):
    """The world and how it looks; see `drawing.Look` for size, detail, texture and detail_over.

    The defaults are chosen for 24 pixels: neighbouring places are 1.2 to 2.4 pixels apart, and eight of them bend by
    a fifth to two thirds of a turn, so that clockwise differs from anticlockwise.

    Attributes:
        frames: how many a clip has.
        radii: least and greatest radius of a shape, in sides.
        arcs: least and greatest radius of the arc, in sides.
        steps: least and greatest distance between neighbouring places, in sides.
        margin: how near to the picture's edge a place can be, in sides.
    """

    frames: int = 8
    radii: tuple[float, float] = (0.1, 0.15)
    arcs: tuple[float, float] = (4 / 24, 6.5 / 24)
    steps: tuple[float, float] = (1.2 / 24, 2.4 / 24)
    margin: float = 0.15

    def clips(
        self,
        n: int,
        generator: torch.Generator,
        frames: int | None = None,
        motion: int | Int[Tensor, " n"] | None = None,
        device: torch.device | str | None = None,
    ) -> Clips:
        """``n`` random clips, on ``device`` or else where the generator lives.

        Args:
            n: how many.
            generator: everything is drawn from it. Only the order of the frames depends on ``motion``: with the same seed
                and another motion come the same frames, noise and all, in another order.
            frames: how many a clip has, if not as many as the world says. At least 4.
            motion: index into `MOTIONS`, for all clips or each; drawn evenly if left out.
            device: where the clips are wanted.
        """
        time = self.frames if frames is None else frames
        drawn = integers((n,), generator, len(MOTIONS))
        motion = drawn if motion is None else torch.as_tensor(motion, device=drawn.device).expand(n)
        kind, colour = integers((n,), generator, len(KINDS)), integers((n,), generator, len(COLOURS))
        hue, radius = draw_hues(colour, generator), uniform((n,), generator, *self.radii)
        angle = uniform((n,), generator, 0, 2 * math.pi)
        factors = (motion, kind, colour, hue, radius, angle, self._arcs(n, generator), self.textures(n, generator))
        motion, kind, colour, hue, radius, angle, arc, texture = (
            each.to(device or generator.device) for each in factors
        )
        places = along(arc, time)
        order = orders(time, places.device)[motion]  # (n, time)
        position = places.gather(1, order[..., None].expand(-1, -1, 2))
        velocity = position.diff(dim=1)
        velocity = torch.cat([velocity, velocity[:, -1:]], 1)
        still = (each[:, None].expand(-1, time) for each in (kind, hue, radius, angle))
        track = Track(*still, places, torch.zeros_like(places), torch.ones_like(order, dtype=torch.bool))
        pictures, _ = film(self, texture, track, generator)  # in the order of the arc, so that noise belongs to a place
        pictures = pictures[torch.arange(n, device=order.device)[:, None], order]
        return Clips(pictures, motion, kind, colour, hue, radius, angle, position, velocity, arc, texture)

    def _arcs(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 5"]:
        """Random arcs whose whole circle keeps the margin."""
        bow, step = uniform((n,), generator, *self.arcs), uniform((n,), generator, *self.steps)
        phase = uniform((n,), generator, 0, 2 * math.pi)
        edge = (self.margin + bow)[:, None]
        centre = edge + (1 - 2 * edge) * uniform((n, 2), generator)
        return torch.cat([centre, torch.stack([bow, phase, 2 * (step / (2 * bow)).asin()], -1)], -1)


def along(arc: Float[Tensor, "n 5"], frames: int) -> Float[Tensor, "n frames 2"]:
    """The places on each arc, clockwise; `Clips.arc` says what its five numbers are."""
    x, y, bow, phase, turn = arc[..., None].unbind(1)
    angle = phase + turn * torch.arange(frames, device=arc.device)
    return torch.stack([x + bow * angle.cos(), y + bow * angle.sin()], -1)


def orders(frames: int, device: torch.device | str | None = None) -> Int[Tensor, "4 {frames}"]:
    """For each motion, which place of the arc each frame shows. For 8 frames: 01234567, 76543210, 02467531, 75310246."""
    if frames < 4:
        raise ValueError(f"frames is {frames}; wanted 4 or more, to go out and come back")
    steady = torch.arange(frames, device=device)
    return torch.stack([steady, steady.flip(0), _bounce(steady), _bounce(steady.flip(0))])


def _bounce(places: Tensor) -> Tensor:
    """Every second place on the way out, and the others on the way back."""
    return torch.cat([places[::2], places[1::2].flip(0)])
