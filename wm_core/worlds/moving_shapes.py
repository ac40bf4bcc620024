"""Moving shapes: four motions that show the same pictures and differ only in their order.

Several shapes travel together, level with the ground; what leaves the picture on one side comes back on the other. They
stop at places spaced evenly, and the class says in which order. So the frames of a clip, as a set, have the same
distribution in every class: whoever sees the frames and not their order can only guess, and is right once in four.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from wm_core.worlds.drawing import COLOURS, KINDS, Look, draw_hues, integers, uniform
from wm_core.worlds.film import Track, film

#: The motions; a motion is an index into this.
MOTIONS = ("right", "left", "right and back", "left and back")


class Clips(NamedTuple):
    """Clips and what happens in them.

    Attributes:
        frames: (n, T, 3, size, size) in [0, 1].
        motion: (n,) index into `MOTIONS`.
        kind: (n, shapes) index into `drawing.KINDS`.
        colour: (n, shapes) index into `drawing.COLOURS`.
        hue: (n, shapes) in turns.
        radius: (n, shapes) of the disc with the same area, in sides.
        angle: (n, shapes) in radians; it does not change within a clip.
        step: (n,) the distance between neighbouring places, in sides.
        position: (n, T, shapes, 2) the centres (x, y), in sides, y down; x is in [0, 1) and goes around.
        velocity: (n, T) the way to the right until the next frame, in sides; in the last frame, that from the one before.
        texture: (n, 3, waves) weights of the background, which stays.
    """

    frames: Tensor
    motion: Tensor
    kind: Tensor
    colour: Tensor
    hue: Tensor
    radius: Tensor
    angle: Tensor
    step: Tensor
    position: Tensor
    velocity: Tensor
    texture: Tensor

    def take(self, index: Tensor | slice) -> "Clips":
        """The clips at these places of the batch."""
        return Clips(*(each[index] for each in self))


@dataclass(frozen=True)
class MovingShapes(Look):
    """The world and how it looks; see `drawing.Look` for size, detail, texture and detail_over.

    The defaults are chosen for 24 pixels: neighbouring places are 1.2 to 2.4 pixels apart.

    Attributes:
        frames: how many a clip has.
        shapes: how many travel together. One alone would leave most of a clip without motion.
        radii: least and greatest radius of a shape, in sides.
        steps: least and greatest distance between neighbouring places, in sides.
    """

    frames: int = 8
    shapes: int = 5
    radii: tuple[float, float] = (0.1, 0.16)
    steps: tuple[float, float] = (1.2 / 24, 2.4 / 24)

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
        time, each = self.frames if frames is None else frames, (n, self.shapes)
        drawn = integers((n,), generator, len(MOTIONS))
        motion = drawn if motion is None else torch.as_tensor(motion, device=drawn.device).expand(n)
        kind, colour = integers(each, generator, len(KINDS)), integers(each, generator, len(COLOURS))
        factors = (
            *(motion, kind, colour, draw_hues(colour, generator), uniform(each, generator, *self.radii)),
            *(uniform(each, generator, 0, 2 * math.pi), uniform((n,), generator, *self.steps)),
            *(uniform((*each, 2), generator), self.textures(n, generator)),
        )
        motion, kind, colour, hue, radius, angle, step, start, texture = (
            factor.to(device or generator.device) for factor in factors
        )
        stops = torch.arange(time, device=motion.device)
        x = (start[:, None, :, 0] + step[:, None, None] * stops[:, None]) % 1  # (n, time, shapes)
        places = torch.stack([x, start[:, None, :, 1].expand_as(x)], -1)
        pictures, _ = film(self, texture, _around(kind, hue, radius, angle, places), generator)
        order = orders(time, motion.device)[
            motion
        ]  # (n, time); noise belongs to a place, so the film is cut afterwards
        row = torch.arange(n, device=motion.device)[:, None]
        velocity = step[:, None] * order.diff(dim=1)
        velocity = torch.cat([velocity, velocity[:, -1:]], 1)
        still = (motion, kind, colour, hue, radius, angle, step)
        return Clips(pictures[row, order], *still, places[row, order], velocity, texture)


def orders(frames: int, device: torch.device | str | None = None) -> Int[Tensor, "4 {frames}"]:
    """For each motion, which place each frame shows. For 8 frames: 01234567, 76543210, 02467531, 75310246."""
    if frames < 4:
        raise ValueError(f"frames is {frames}; wanted 4 or more, to go out and come back")
    steady = torch.arange(frames, device=device)
    return torch.stack([steady, steady.flip(0), _bounce(steady), _bounce(steady.flip(0))])


def _bounce(places: Tensor) -> Tensor:
    """Every second place on the way out, and the others on the way back."""
    return torch.cat([places[::2], places[1::2].flip(0)])


def _around(kind: Tensor, hue: Tensor, radius: Tensor, angle: Tensor, places: Tensor) -> Track:
    """Each shape twice, a picture's width apart, so that what is cut off on one side shows on the other."""
    time = places.shape[1]
    beside = places - torch.stack([torch.where(places[..., 0] > 0.5, 1.0, -1.0), torch.zeros_like(places[..., 0])], -1)
    position = torch.cat([places, beside], 2)
    still = (torch.cat([each, each], 1)[:, None].expand(-1, time, -1) for each in (kind, hue, radius, angle))
    present = torch.ones(position.shape[:3], dtype=torch.bool, device=position.device)
    return Track(*still, position, torch.zeros_like(position), present)
