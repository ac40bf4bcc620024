"""How the worlds of shapes look: four kinds, hues, smooth backgrounds and unpredictable detail, all without loops.

Lengths are shares of the picture's side; x runs to the right and y down, both from 0 to 1. An edge is a signed distance
softened over one pixel, so a picture is a differentiable function of position, radius, angle and hue.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wm_core.worlds.dot_room import WAVES

#: The kinds of shape; a kind is an index into this.
KINDS = ("disc", "square", "triangle", "plus")

#: The named colours; colour c has a hue near c / 6 of a turn.
COLOURS = ("red", "yellow", "green", "cyan", "blue", "magenta")

#: How often a kind looks the same within a turn; for the disc, which always does, 1.
SYMMETRY = (1, 4, 3, 4)

# In radii, such that all four cover the same area: half the square's side, the circle around the triangle's tips, and
# half the length of the plus, whose bars are a third as wide as long.
_SQUARE = math.sqrt(math.pi) / 2
_TIP = math.sqrt(4 * math.pi / (3 * math.sqrt(3)))
_PLUS = math.sqrt(9 * math.pi / 20)

#: How far a kind reaches to either side of its centre at angle 0, in radii.
HALF_WIDTH = (1.0, _SQUARE, _TIP * math.sqrt(3) / 2, _PLUS)

#: How far the farthest point of any kind is from its centre, in radii.
REACH = _TIP


@dataclass(frozen=True)
class Look:
    """How a world looks, whatever happens in it.

    Attributes:
        size: pixels along a side.
        detail: the standard deviation of the noise, in grey levels from 0 (black) to 1 (white). Each pixel and colour
            channel of each picture gets ``detail`` times a standard normal number of its own; the sum is clamped to
            [0, 1]. 0 is none; from 0.3 it is stronger than everything else; at 1 three background values in five are
            fully dark or fully lit.
        texture: the standard deviation of the smooth background about its mean of 0.35, per channel, in grey levels.
        detail_over: "background" leaves shapes clean; "all" puts the noise on top of everything.
    """

    size: int = 24
    detail: float = 0.0
    texture: float = 0.15
    detail_over: str = "background"

    def __post_init__(self):
        if self.detail_over not in ("background", "all"):
            raise ValueError(f"detail_over is {self.detail_over!r}; wanted 'background' or 'all'")
        if self.size < 1 or self.detail < 0 or self.texture < 0:
            raise ValueError(
                f"size, detail and texture are {self.size}, {self.detail}, {self.texture}; wanted ≥ 1, 0, 0"
            )

    def textures(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 3 waves"]:
        """Weights of ``n`` random backgrounds: a sum of the dot room's slow waves, for each colour channel its own."""
        waves = 2 * len(WAVES)
        return (
            self.texture * math.sqrt(2 / waves) * torch.randn(n, 3, waves, generator=generator, device=generator.device)
        )

    def background(
        self, texture: Float[Tensor, "n 3 waves"], generator: torch.Generator | None = None, frames: int = 1
    ) -> Float[Tensor, "n frames 3 size size"]:
        """A mid grey, the smooth texture, and the detail anew in each frame; not clamped yet unless detail is there.

        Without a generator there is no detail.
        """
        smooth = 0.35 + (texture @ _waves(self.size, texture.device)).unflatten(-1, (self.size, self.size))
        still = smooth[:, None].expand(-1, frames, -1, -1, -1)
        return still if self.detail_over == "all" else self.disturb(still, generator)

    def finish(
        self, pictures: Float[Tensor, "*batch 3 size size"], generator: torch.Generator | None = None
    ) -> Float[Tensor, "*batch 3 size size"]:
        """Detail over everything where that is asked for, and the range [0, 1]."""
        return (self.disturb(pictures, generator) if self.detail_over == "all" else pictures).clamp(0, 1)

    def disturb(self, pictures: Tensor, generator: torch.Generator | None) -> Tensor:
        """The pictures with detail added, clamped to [0, 1]."""
        if self.detail == 0 or generator is None:
            return pictures
        noise = torch.empty(pictures.shape, device=generator.device).normal_(0, self.detail, generator=generator)
        return noise.to(pictures.device).add_(pictures).clamp_(0, 1)


def coverage(
    kind: Int[Tensor, "*batch"],
    position: Float[Tensor, "*batch 2"],
    radius: Float[Tensor, "*batch"],
    angle: Float[Tensor, "*batch"],
    size: int,
) -> Float[Tensor, "*batch size size"]:
    """How much of each pixel a shape covers, from 0 to 1.

    Args:
        kind: index into `KINDS`.
        position: the centre (x, y), in sides.
        radius: of the disc with the same area, in sides.
        angle: turns the shape clockwise on screen, in radians. At 0 the triangle points up.
        size: pixels along a side.
    """
    cos, sin = (size * angle.cos())[..., None], (size * angle.sin())[..., None]
    grid = (torch.arange(size, device=position.device) + 0.5) / size
    dx, dy = grid - position[..., :1], grid - position[..., 1:]
    u = (cos * dx)[..., None, :] + (sin * dy)[..., :, None]  # in pixels, along the shape's own axes
    v = (cos * dy)[..., :, None] - (sin * dx)[..., None, :]
    r, kind = (size * radius)[..., None, None], kind[..., None, None]
    across, along = u.abs(), v.abs()
    long = torch.where(kind == 3, _PLUS, _SQUARE) * r
    short = torch.where(kind == 3, _PLUS / 3, _SQUARE) * r
    bars = torch.maximum(torch.maximum(across, along) - long, torch.minimum(across, along) - short)
    disc = (u.square() + v.square() + 1e-6).sqrt() - r
    triangle = torch.maximum(v, across * (math.sqrt(3) / 2) - v / 2) - _TIP / 2 * r
    distance = torch.where(kind == 0, disc, torch.where(kind == 2, triangle, bars))
    return (0.5 - distance).clamp(0, 1)


def paint(
    canvas: Float[Tensor, "*batch 3 h w"], cover: Float[Tensor, "*batch h w"], rgb: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch 3 h w"]:
    """The canvas with one flat colour laid over it where ``cover`` says."""
    return torch.lerp(canvas, rgb[..., None, None], cover[..., None, :, :])


def bar(box: Float[Tensor, "*batch 4"], size: int) -> Float[Tensor, "*batch size size"]:
    """How much of each pixel an upright box (left, top, right, bottom), in sides, covers; one of no width covers none."""
    start = torch.arange(size, device=box.device)
    left, top, right, bottom = (size * box[..., None]).unbind(-2)
    wide = (torch.minimum(right, start + 1) - torch.maximum(left, start)).clamp(0, 1)
    high = (torch.minimum(bottom, start + 1) - torch.maximum(top, start)).clamp(0, 1)
    return high[..., :, None] * wide[..., None, :]


def rgb(hue: Float[Tensor, "*batch"], saturation: float = 0.85, value: float = 0.95) -> Float[Tensor, "*batch 3"]:
    """The screen colour of a hue in turns (0 red, 1/3 green, 2/3 blue)."""
    offset = torch.tensor([0.0, 2 / 3, 1 / 3], device=hue.device)
    ramp = (6 * ((hue[..., None] + offset) % 1) - 3).abs() - 1
    return value * (1 - saturation + saturation * ramp.clamp(0, 1))


def angle_vector(kind: Int[Tensor, "*batch"], angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch 2"]:
    """(cos kθ, sin kθ), with k how often the kind looks the same within a turn: equal where the pictures are equal.

    A disc has no angle; leave it out with `has_angle`.
    """
    turned = torch.tensor(SYMMETRY, device=kind.device)[kind] * angle
    return torch.stack([turned.cos(), turned.sin()], -1)


def has_angle(kind: Int[Tensor, "*batch"]) -> Bool[Tensor, "*batch"]:
    """False for discs."""
    return kind != 0


def hue_vector(hue: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch 2"]:
    """(cos 2πh, sin 2πh): hues run in a circle, so a probe should not be asked for h itself."""
    return torch.stack([(2 * math.pi * hue).cos(), (2 * math.pi * hue).sin()], -1)


def draw_hues(
    colour: Int[Tensor, "*batch"], generator: torch.Generator, jitter: float = 0.02
) -> Float[Tensor, "*batch"]:
    """A hue for each named colour: its own, ± at most ``jitter`` turns, in [0, 1)."""
    return (colour / len(COLOURS) + jitter * (2 * uniform(colour.shape, generator).to(colour.device) - 1)) % 1


def uniform(shape: tuple[int, ...], generator: torch.Generator, low: float | int = 0, high: float | int = 1) -> Tensor:
    """Even draws from [low, high), where the generator lives."""
    return low + (high - low) * torch.rand(shape, generator=generator, device=generator.device)


def integers(shape: tuple[int, ...], generator: torch.Generator, below: int) -> Tensor:
    """Even draws from 0 to below - 1, where the generator lives."""
    return torch.randint(below, shape, generator=generator, device=generator.device)


def _waves(size: int, device: torch.device) -> Float[Tensor, "waves pixels"]:
    """The slow waves that backgrounds are sums of."""
    grid = (torch.arange(size, device=device) + 0.5) / size
    angles = torch.stack([math.pi * (kx * grid[None, :] + ky * grid[:, None]) for kx, ky in WAVES])
    return torch.cat([angles.cos(), angles.sin()]).flatten(1)
