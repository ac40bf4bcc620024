"""Smoke: something that a flow carries, so that one sees where it goes."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.physics.boxes import Box, check_nodes, check_scalar


def advect(s: Tensor, u: Tensor, dt: float, box: Box, scheme: str = "corrected") -> Float[Tensor, "*points"]:
    """What the nodes hold after the flow has carried it for ``dt``: each asks what was there upstream (semi-Lagrangian).

    Never unstable, and never beyond the values that were there. The total is not kept exactly even by a flow without sources; how well it is
    kept depends on the grid. The corrected version goes there and back, and so sees its own blur twice; it takes half of that away beforehand.

    Args:
        s: at the nodes of a flat box, ``(*batch, *nodes)``.
        u: at the nodes, ``(*batch, 2, *nodes)``.
        dt: time, in units in which u is a length per time.
        box: flat.
        scheme: "linear" is once upstream; "corrected" (Dupont & Liu, 2003) blurs much less, at three times the cost.

    Raises:
        ValueError: the box is not flat, smoke or flow do not fit it, or the time is not a finite number.
    """
    check_scalar("s", s, box), check_nodes("u", u, box)
    if box.dims != 2:
        raise ValueError(f"box: got {box.dims} axes, wanted 2")
    if not math.isfinite(dt):
        raise ValueError(f"dt: got {dt}, wanted a finite time")
    if scheme not in ("linear", "corrected"):
        raise ValueError(f'scheme: got {scheme!r}, wanted "linear" or "corrected"')
    corners, weights = _upstream(u, dt, box)
    ahead, seen = _read(s, corners, weights)
    if scheme == "linear":
        return ahead
    back, _ = _read(ahead, *_upstream(u, -dt, box))
    better, _ = _read(s + (s - back) / 2, corners, weights)
    return torch.maximum(torch.minimum(better, seen.amax(0)), seen.amin(0))  # no more than was there to take


def _upstream(u: Tensor, dt: float, box: Box) -> tuple[list[Tensor], list[Tensor]]:
    """For each node the four nodes around the place it was carried from, as flat indices, and their shares."""
    low, part = [], []
    for axis, (n, h) in enumerate(zip(box.nodes, box.spacing, strict=True)):
        here = torch.arange(n, dtype=u.dtype, device=u.device).view((-1, 1) if axis == 0 else (1, -1))
        place = here - dt / h * u[..., axis, :, :]
        if not box.periodic:
            place = place.clamp(0, n - 1)
        low.append(place.floor())
        part.append(place - low[-1])
    corners, weights = [], []
    for right in (0, 1):
        for up in (0, 1):
            at = [
                (start + step).long() % n if box.periodic else (start + step).long().clamp(max=n - 1)
                for start, step, n in zip(low, (right, up), box.nodes, strict=True)
            ]
            corners.append(at[0] * box.nodes[1] + at[1])
            weights.append((part[0] if right else 1 - part[0]) * (part[1] if up else 1 - part[1]))
    return corners, weights


def _read(s: Tensor, corners: list[Tensor], weights: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The weighted mean of the four corners at each node, and the four values themselves."""
    shape = torch.broadcast_shapes(s.shape, corners[0].shape)
    flat = s.expand(shape).flatten(-2)
    seen = torch.stack([flat.gather(-1, at.expand(shape).flatten(-2)).view(shape) for at in corners])
    return sum(weight * value for weight, value in zip(weights, seen, strict=True)), seen
