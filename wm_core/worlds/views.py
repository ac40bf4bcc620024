"""Several views of one picture, for training joint embeddings: random crops, larger (global) and smaller (local), and jitter.

A crop changes position and size by construction, and so an embedding that makes views agree is asked to forget them.
`Views.boxes` says what was cut out; `in_view` tells where a point of the picture went. Jitter does to colour what crops do
to position; flips do it to handedness. Both are off unless asked for.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from wm_core.worlds.drawing import uniform

_LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look (ITU-R BT.601)


class Views(NamedTuple):
    """Views of a batch of pictures.

    Attributes:
        large: (n, n_global, channels, size, size) the global views.
        small: (n, n_local, channels, local_size, local_size) the local ones.
        boxes: (n, n_global + n_local, 4) what each shows, global ones first: (left, top, width, height) in picture sides. A
            flipped view has a negative width, and ``left`` is then its right border.
    """

    large: Tensor
    small: Tensor
    boxes: Tensor


def views(
    images: Float[Tensor, "n c h w"],
    generator: torch.Generator,
    n_global: int = 2,
    n_local: int = 0,
    *,
    scale: tuple[float, float] = (0.4, 1.0),
    local_scale: tuple[float, float] = (0.1, 0.4),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    size: int | None = None,
    local_size: int | None = None,
    jitter: float = 0.0,
    hue: float = 0.0,
    flip: bool = False,
) -> Views:
    """Random resized crops of each picture, resampled bilinearly.

    Args:
        images: pictures in [0, 1]; for jitter, of 3 channels.
        generator: where the crops and the jitter come from.
        n_global: how many views cover the share ``scale`` of the picture's area. DINO (Caron et al., 2021) uses 2.
        n_local: how many cover only ``local_scale``. 0 leaves them out.
        scale: least and greatest share of the area. DINO's border between local and global is 0.4, as here.
        local_scale: the same for local views.
        ratio: least and greatest width to height, even on a logarithmic scale; the usual values.
        size: pixels along a side of a global view; the pictures' height if left out.
        local_size: the same of a local view; half the pictures' height if left out.
        jitter: brightness, contrast and saturation are each multiplied by an even draw from [1 - jitter, 1 + jitter].
        hue: colours are turned about the grey axis by up to this many turns either way.
        flip: mirror half of the views left to right.
    """
    n, height = len(images), images.shape[-2]
    boxes = [crops(n, count, generator, share, ratio) for count, share in ((n_global, scale), (n_local, local_scale))]
    boxes = torch.cat(boxes, 1).to(images.device)
    if flip:
        mirrored = (uniform(boxes.shape[:2], generator) < 0.5).to(images.device)
        left, top, width, tall = boxes.unbind(-1)
        boxes = torch.stack([left + width * mirrored, top, torch.where(mirrored, -width, width), tall], -1)
    large = cut(images, boxes[:, :n_global], size or height)
    small = cut(images, boxes[:, n_global:], local_size or height // 2)
    if jitter or hue:
        large, small = (recolour(each, generator, jitter, hue) for each in (large, small))
    return Views(large, small, boxes)


def crops(
    n: int,
    count: int,
    generator: torch.Generator,
    scale: tuple[float, float] = (0.4, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> Float[Tensor, "n count 4"]:
    """Random boxes (left, top, width, height) within the unit square. A side that would be longer than 1 is 1."""
    if not 0 < scale[0] <= scale[1] <= 1:
        raise ValueError(f"scale is {scale}; wanted 0 < least ≤ greatest ≤ 1, shares of the area")
    area = uniform((n, count), generator, *scale)
    aspect = uniform((n, count), generator, math.log(ratio[0]), math.log(ratio[1])).exp()
    sides = torch.stack([(area * aspect).sqrt(), (area / aspect).sqrt()], -1).clamp(max=1)
    return torch.cat([(1 - sides) * uniform((n, count, 2), generator), sides], -1)


def cut(
    images: Float[Tensor, "n c h w"], boxes: Float[Tensor, "n count 4"], size: int
) -> Float[Tensor, "n count c size size"]:
    """What each box of each picture shows, at ``size`` pixels a side. Differentiable in pictures and boxes."""
    steps = (torch.arange(size, device=images.device) + 0.5) / size
    x, y = (boxes[..., axis, None] + boxes[..., axis + 2, None] * steps for axis in (0, 1))  # (n, count, size)
    shape = (*x.shape, size)
    grid = 2 * torch.stack([x[..., None, :].expand(shape), y[..., :, None].expand(shape)], -1) - 1
    cutouts = functional.grid_sample(images, grid.flatten(1, 2), padding_mode="border", align_corners=False)
    return cutouts.unflatten(2, (boxes.shape[1], size)).transpose(1, 2)


def in_view(points: Float[Tensor, "n 2"], boxes: Float[Tensor, "n count 4"]) -> Float[Tensor, "n count 2"]:
    """Where points of the pictures, in sides, are in each view, in sides of the view; outside of [0, 1] if cut off."""
    return (points[:, None] - boxes[..., :2]) / boxes[..., 2:]


def recolour(
    images: Float[Tensor, "n count 3 h w"], generator: torch.Generator, jitter: float = 0.4, hue: float = 0.0
) -> Float[Tensor, "n count 3 h w"]:
    """Every view with brightness, contrast, saturation and hue of its own; see `views`. Clamped to [0, 1]."""
    shape = (*images.shape[:2], 1, 1, 1)
    draws = [uniform(shape, generator, 1 - jitter, 1 + jitter) for _ in range(3)]
    draws.append(uniform(shape, generator, -2 * math.pi * hue, 2 * math.pi * hue))
    brightness, contrast, saturation, turn = (draw.to(images.device) for draw in draws)
    luma = torch.tensor(_LUMA, device=images.device).view(3, 1, 1)
    grey = (images * luma).sum(2, keepdim=True)
    middle = grey.mean((-1, -2), keepdim=True)
    cross = images.roll(1, 2) - images.roll(-1, 2)  # √3 times the grey axis × the colour, per pixel
    mean = images.mean(2, keepdim=True)
    turned = mean + turn.cos() * (images - mean) + turn.sin() * cross / math.sqrt(3)
    grey = (turned * luma).sum(2, keepdim=True)
    return (brightness * (middle + contrast * (grey - middle + saturation * (turned - grey)))).clamp(0, 1)
