"""Clips of moving shapes, drawn from where everything is in each frame."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.worlds.drawing import Look, coverage, paint, rgb

_CHUNK = 512  # frames drawn at once: what fits a core's cache


class Track(NamedTuple):
    """What is where in each frame of a clip. There is no axis ``objects`` where a clip has a single shape.

    Attributes:
        kind: (n, T, objects) index into `drawing.KINDS`.
        hue: (n, T, objects) in turns.
        radius: (n, T, objects) in sides.
        angle: (n, T, objects) in radians.
        position: (n, T, objects, 2) the centre (x, y), in sides, y down; outside of [0, 1] when out of the picture.
        velocity: (n, T, objects, 2) in sides per frame.
        present: (n, T, objects) whether it is in the world at all, seen or not.
    """

    kind: Tensor
    hue: Tensor
    radius: Tensor
    angle: Tensor
    position: Tensor
    velocity: Tensor
    present: Tensor

    def take(self, index: Tensor | slice) -> "Track":
        """The tracks at these places of the batch."""
        return Track(*(each[index] for each in self))


class Layer(NamedTuple):
    """Something that stands still before everything that moves.

    Attributes:
        cover: (n, size, size) how much of each pixel it hides.
        colours: (n, 3, size, size) what it looks like.
    """

    cover: Tensor
    colours: Tensor


def film(
    look: Look,
    texture: Float[Tensor, "n 3 waves"],
    track: Track,
    generator: torch.Generator | None = None,
    layers: tuple[Layer, ...] = (),
) -> tuple[Float[Tensor, "n time 3 size size"], Float[Tensor, "n time *objects"]]:
    """The frames of a batch of clips, and the share of each shape's area that is seen in each frame.

    Later objects lie over earlier ones, and ``layers``, in their order, over all. The background stays while the detail is
    drawn anew for each frame; without a generator there is none.
    """
    n, time = track.kind.shape[:2]
    many = max(1, _CHUNK // time)
    frames, seen = [], []
    for start in range(0, n, many):
        part = slice(start, start + many)
        still = [Layer(*(each[part, None] for each in layer)) for layer in layers]
        drawn, share = _reel(look, texture[part], track.take(part), generator, still)
        frames.append(drawn)
        seen.append(share)
    return torch.cat(frames), torch.cat(seen).reshape(track.kind.shape)


def _reel(look: Look, texture: Tensor, track: Track, generator: torch.Generator | None, layers: list[Layer]):
    n, time = track.kind.shape[:2]
    cover = coverage(track.kind, track.position, track.radius, track.angle, look.size) * track.present[..., None, None]
    covers = cover.reshape(n, time, -1, look.size, look.size).unbind(2)
    canvas = look.background(texture, generator, time)
    for one, hue in zip(covers, track.hue.reshape(n, time, -1).unbind(2), strict=True):
        canvas = paint(canvas, one, rgb(hue))
    for layer in layers:
        canvas = torch.lerp(canvas, layer.colours, layer.cover[:, :, None])
    through = math.prod((1 - layer.cover for layer in layers), start=torch.ones_like(covers[0]))
    seen = []
    for one in reversed(covers):
        seen.append((one * through).sum((-1, -2)))
        through = through * (1 - one)
    area = math.pi * (look.size * track.radius).square()
    seen = (torch.stack(seen[::-1], -1) / area.reshape(n, time, -1)).clamp(0, 1)
    return look.finish(canvas, generator), seen
