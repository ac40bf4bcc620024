"""Divergence, gradient and curl on a grid, in three versions that do not agree with each other.

*Spectral*: a wave exp(i k x) has the slope i k exp(i k x), exactly. *Central*: the difference of two neighbours over twice the spacing, which
gives that wave the slope i sin(k h)/h. *Staggered*: what flows out of a cell through its faces less what flows in. A field whose divergence is
zero in one of them is, in another, off by the error of the coarser one. So a projection must be measured with its own operator.

Where a wave has two nodes to a period (Nyquist's), its slope at the nodes is zero in the first two, as it must be for a real field.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.physics.boxes import Box, check_faces, check_nodes, check_scalar, cut, mirror, mirror_velocity

Scheme = str  # "spectral" or "central"


def slope_numbers(box: Box, like: Tensor, scheme: Scheme = "spectral") -> tuple[Tensor, ...]:
    """For each axis of a periodic box, the number k' such that a wave's slope is i k' times the wave, shaped for `torch.fft.rfftn`.

    Raises:
        ValueError: there is no such scheme, or the box is closed: waves that go round do not fit it.
    """
    if not box.periodic:
        raise ValueError(f"box: got {box.wanted()}, wanted a periodic one (see Box.mirrored)")
    if scheme not in ("spectral", "central"):
        raise ValueError(f'scheme: got {scheme!r}, wanted "spectral" or "central"')
    numbers = []
    for axis, (n, h) in enumerate(zip(box.cells, box.spacing, strict=True)):
        last = axis == box.dims - 1
        waves = (torch.fft.rfftfreq if last else torch.fft.fftfreq)(n, dtype=like.dtype, device=like.device)
        turn = 2 * math.pi * waves  # the angle from node to node
        k = turn / h if scheme == "spectral" else torch.sin(turn) / h
        k = torch.where(waves.abs() == 0.5, 0, k)  # Nyquist's wave
        numbers.append(k.view([-1 if i == axis else 1 for i in range(box.dims)]))
    return tuple(numbers)


def divergence(u: Tensor, box: Box, scheme: Scheme = "spectral") -> Float[Tensor, "*points"]:
    """du_x/dx + du_y/dy (+ du_z/dz) at the nodes: how fast fluid would have to appear there.

    Args:
        u: ``(*batch, dims, *nodes)``.
        box: the box.
        scheme: how a slope is measured.

    Raises:
        ValueError: the field does not fit the box, flows through its walls, or is not finite.
    """
    check_nodes("u", u, box)
    if not box.periodic:
        return cut(divergence(mirror_velocity(u, box), box.mirrored, scheme), box)
    waves = torch.fft.rfftn(u, dim=box.axes)
    slopes = zip(slope_numbers(box, u, scheme), waves.unbind(-box.dims - 1), strict=True)
    return torch.fft.irfftn(sum(1j * k * wave for k, wave in slopes), s=box.cells, dim=box.axes)


def gradient(s: Tensor, box: Box, scheme: Scheme = "spectral") -> Float[Tensor, "*points"]:
    """The slopes of a scalar at the nodes along each axis: ``(*batch, dims, *nodes)``.

    In a closed box the scalar is taken to meet the walls at a right angle, as a pressure does.

    Raises:
        ValueError: the scalar does not fit the box, or is not finite.
    """
    check_scalar("s", s, box)
    if not box.periodic:
        return cut(gradient(mirror(s, box), box.mirrored, scheme), box)
    wave = torch.fft.rfftn(s, dim=box.axes)
    slopes = torch.stack([1j * k * wave for k in slope_numbers(box, s, scheme)], -box.dims - 1)
    return torch.fft.irfftn(slopes, s=box.cells, dim=box.axes)


def curl(u: Tensor, box: Box, scheme: Scheme = "spectral") -> Float[Tensor, "*points"]:
    """The vorticity du_y/dx - du_x/dy at the nodes of a flat box.

    Raises:
        ValueError: the box has three axes, or the field does not fit it.
    """
    check_nodes("u", u, box)
    if box.dims != 2:
        raise ValueError(f"box: got {box.dims} axes, wanted 2; in space the vorticity is a vector")
    if not box.periodic:
        return cut(curl(mirror_velocity(u, box), box.mirrored, scheme), box)
    along_x, along_y = torch.fft.rfftn(u, dim=box.axes).unbind(-3)
    kx, ky = slope_numbers(box, u, scheme)
    return torch.fft.irfftn(1j * kx * along_y - 1j * ky * along_x, s=box.cells, dim=box.axes)


def face_divergence(faces: tuple[Tensor, ...], box: Box) -> Float[Tensor, "*points"]:
    """What leaves each cell through its faces, per volume: ``(*batch, *cells)``.

    Raises:
        ValueError: the flow does not fit the box's faces, goes through its walls, or is not finite.
    """
    check_faces("faces", faces, box)
    total = 0
    for axis, (flow, h) in enumerate(zip(faces, box.spacing, strict=True)):
        dim = axis - box.dims
        total = total + (flow.roll(-1, dim) - flow if box.periodic else flow.diff(dim=dim)) / h
    return total


def face_gradient(s: Tensor, box: Box) -> tuple[Tensor, ...]:
    """The slopes, at the faces, of a scalar at the cells' middles ``(*batch, *cells)``. At a wall the slope is 0.

    Raises:
        ValueError: the scalar does not fit the box's cells, or is not finite.
    """
    check_scalar("s", s, Box(box.cells, box.size))  # as many middles as a periodic box has nodes
    slopes = []
    for axis, h in enumerate(box.spacing):
        dim = axis - box.dims
        if box.periodic:
            slopes.append((s - s.roll(1, dim)) / h)
        else:
            wall = torch.zeros_like(s.narrow(dim, 0, 1))
            slopes.append(torch.cat([wall, s.diff(dim=dim) / h, wall], dim))
    return tuple(slopes)


def kinetic_energy(u: Tensor, box: Box) -> Float[Tensor, "*points"]:
    """Half the mean of |u|² over the box, density 1. A node on a wall counts half, one in a corner a quarter.

    Raises:
        ValueError: the field does not fit the box, flows through its walls, or is not finite.
    """
    check_nodes("u", u, box)
    square = u.square().sum(-box.dims - 1)
    for axis, n in enumerate(box.cells):
        if not box.periodic:
            weight = torch.ones(n + 1, dtype=u.dtype, device=u.device)
            weight[0] = weight[-1] = 0.5
            square = square * (weight * (n + 1) / n).view([-1 if i == axis else 1 for i in range(box.dims)])
    return 0.5 * square.mean(box.axes)
