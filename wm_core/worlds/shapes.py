"""Shapes: still pictures of coloured shapes whose every hidden factor is known, with as much noise as one asks for.

Kind, colour, hue, radius, position, angle and background are drawn independently, so nothing tells of anything else.
All kinds of one radius cover the same area: brightness alone does not tell them apart. `Shapes.render` makes pictures
from factors, so one factor can be edited and the picture redrawn.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.worlds.drawing import COLOURS, KINDS, Look, coverage, draw_hues, integers, paint, rgb, uniform

_CHUNK = 512  # pictures drawn at once: what fits a core's cache


class Scenes(NamedTuple):
    """Pictures and what is in them. There is no axis ``objects`` where the world has single shapes.

    Attributes:
        images: (n, 3, size, size) in [0, 1].
        kind: (n, objects) index into `drawing.KINDS`.
        colour: (n, objects) index into `drawing.COLOURS`.
        hue: (n, objects) in turns, [0, 1): the colour's, ± 0.02. This is what is drawn, and not ``colour``.
        radius: (n, objects) of the disc with the same area, in sides.
        position: (n, objects, 2) the centre (x, y), in sides, y down.
        angle: (n, objects) in radians; see `drawing.angle_vector` and `drawing.has_angle`.
        visible: (n, objects) False where a picture has fewer shapes than the world allows; what is not visible still has
            factors, which mean nothing.
        texture: (n, 3, waves) weights of the background.
    """

    images: Tensor
    kind: Tensor
    colour: Tensor
    hue: Tensor
    radius: Tensor
    position: Tensor
    angle: Tensor
    visible: Tensor
    texture: Tensor

    def take(self, index: Tensor | slice) -> "Scenes":
        """The scenes at these places of the batch."""
        return Scenes(*(each[index] for each in self))


@dataclass(frozen=True)
class Shapes(Look):
    """The world and how it looks; see `drawing.Look` for size, detail, texture and detail_over.

    Attributes:
        radii: the least and the greatest radius, in sides.
        margin: how near to the picture's edge a centre can be, in sides. At the default a disc is always whole; the tips
            of a large triangle may be cut.
        turn: the largest angle to either side of upright, in radians; pi is any angle.
        objects: how many shapes: a number, or the (fewest, most). Later ones lie over earlier ones and may hide them, see
            `uncovered`.
    """

    radii: tuple[float, float] = (0.12, 0.2)
    margin: float = 0.2
    turn: float = math.pi
    objects: int | tuple[int, int] = 1

    def draw(self, n: int, generator: torch.Generator, device: torch.device | str | None = None) -> Scenes:
        """``n`` random scenes, on ``device`` or else where the generator lives."""
        fewest, most = self.objects if isinstance(self.objects, tuple) else (self.objects, self.objects)
        if not 1 <= fewest <= most:
            raise ValueError(f"objects is {self.objects}; wanted a number from 1, or (fewest, most)")
        shape = (n,) if most == 1 else (n, most)
        kind, colour = integers(shape, generator, len(KINDS)), integers(shape, generator, len(COLOURS))
        count = fewest + integers((n, 1), generator, most - fewest + 1)
        factors = (
            torch.empty(n, 0),
            kind,
            colour,
            draw_hues(colour, generator),
            uniform(shape, generator, *self.radii),
            uniform((*shape, 2), generator, self.margin, 1 - self.margin),
            uniform(shape, generator, -self.turn, self.turn),
            (torch.arange(most, device=count.device) < count).reshape(shape),
            self.textures(n, generator),
        )
        scenes = Scenes(*(factor.to(device or generator.device) for factor in factors))
        return scenes._replace(images=self.render(scenes, generator))

    def render(self, scenes: Scenes, generator: torch.Generator | None = None) -> Float[Tensor, "n 3 size size"]:
        """The pictures of given factors; ``scenes.images`` is not looked at.

        The detail is drawn from the generator; without one there is none. Differentiable in hue, radius, position, angle
        and texture.
        """
        parts = [Scenes(*part) for part in zip(*(each.split(_CHUNK) for each in scenes), strict=True)]
        pictures = []
        for part in parts:
            canvas = self.background(part.texture, generator)[:, 0]
            for cover, hue in zip(
                self._covers(part).unbind(1), part.hue.reshape(len(canvas), -1).unbind(1), strict=True
            ):
                canvas = paint(canvas, cover, rgb(hue))
            pictures.append(self.finish(canvas, generator))
        return torch.cat(pictures)

    def uncovered(self, scenes: Scenes) -> Float[Tensor, "n *objects"]:
        """The share of each shape's whole area that is seen: in the picture, and not under a later shape. 0 if not visible."""
        covers = self._covers(scenes)
        over = (1 - covers).flip(1).cumprod(1).roll(1, 1)
        over[:, 0] = 1
        seen = (covers * over.flip(1)).sum((-1, -2)) / (math.pi * (self.size * scenes.radius).square()).reshape(
            len(covers), -1
        )
        return seen.clamp(0, 1).reshape(scenes.kind.shape)

    def _covers(self, scenes: Scenes) -> Float[Tensor, "n objects size size"]:
        """How much of each pixel each visible shape covers."""
        cover = coverage(scenes.kind, scenes.position, scenes.radius, scenes.angle, self.size)
        cover = cover * scenes.visible[..., None, None]
        return cover.reshape(len(cover), -1, self.size, self.size)
