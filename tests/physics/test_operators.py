"""Operators: each knows the slope that it gives a wave."""

import math

import pytest
import torch

from wm_core.physics.boxes import Box
from wm_core.physics.operators import (
    curl,
    divergence,
    face_divergence,
    face_gradient,
    gradient,
    kinetic_energy,
    slope_numbers,
)

F64 = torch.float64


@pytest.mark.parametrize("scheme", ["spectral", "central"])
@pytest.mark.parametrize("periodic", [True, False])
def test_operators_know_a_wave(scheme, periodic):
    box = Box((48, 64), (2 * math.pi, math.pi), periodic)
    x = (torch.arange(box.nodes[0], dtype=F64) * box.spacing[0])[:, None]
    y = (torch.arange(box.nodes[1], dtype=F64) * box.spacing[1])[None]
    u = torch.stack([torch.sin(2 * x) * torch.cos(4 * y), -torch.cos(2 * x) * torch.sin(4 * y)])
    slower = (lambda k, h: math.sin(k * h) / h) if scheme == "central" else (lambda k, h: k)
    kx, ky = slower(2, box.spacing[0]), slower(4, box.spacing[1])
    torch.testing.assert_close(divergence(u, box, scheme), (kx - ky) * torch.cos(2 * x) * torch.cos(4 * y))
    torch.testing.assert_close(curl(u, box, scheme), (kx + ky) * torch.sin(2 * x) * torch.sin(4 * y))
    s = torch.cos(2 * x) * torch.cos(4 * y)
    wanted = torch.stack([-kx * torch.sin(2 * x) * torch.cos(4 * y), -ky * torch.cos(2 * x) * torch.sin(4 * y)])
    torch.testing.assert_close(gradient(s, box, scheme), wanted)


def test_central_differences_are_central_differences():
    box = Box((12, 14))
    u = torch.randn(2, 12, 14, generator=torch.Generator().manual_seed(0), dtype=F64)
    hx, hy = box.spacing
    by_hand = (u[0].roll(-1, 0) - u[0].roll(1, 0)) / (2 * hx) + (u[1].roll(-1, 1) - u[1].roll(1, 1)) / (2 * hy)
    torch.testing.assert_close(divergence(u, box, "central"), by_hand)


@pytest.mark.parametrize("periodic", [True, False])
def test_faces_and_middles_lie_half_a_cell_apart(periodic):
    box = Box((12, 10), (2 * math.pi, math.pi), periodic)
    (hx, hy), kx, ky = box.spacing, 2, 4
    faces = [torch.arange(n + (not periodic), dtype=F64) * h for n, h in zip(box.cells, box.spacing, strict=True)]
    middles = [(torch.arange(n, dtype=F64) + 0.5) * h for n, h in zip(box.cells, box.spacing, strict=True)]
    x, y = middles[0][:, None], middles[1][None]
    along_x, along_y = faces[0][:, None], faces[1][None]
    steps = 2 * math.sin(kx * hx / 2) / hx, 2 * math.sin(ky * hy / 2) / hy  # the slope of a wave from face to face
    flow = torch.sin(kx * along_x) * torch.cos(ky * y), -2 * torch.cos(kx * x) * torch.sin(ky * along_y)
    wanted = (steps[0] - 2 * steps[1]) * torch.cos(kx * x) * torch.cos(ky * y)
    torch.testing.assert_close(face_divergence(flow, box), wanted)
    slopes = face_gradient(torch.cos(kx * x) * torch.cos(ky * y), box)
    torch.testing.assert_close(slopes[0], -steps[0] * torch.sin(kx * along_x) * torch.cos(ky * y))
    torch.testing.assert_close(slopes[1], -steps[1] * torch.cos(kx * x) * torch.sin(ky * along_y))


@pytest.mark.parametrize("periodic", [True, False])
def test_kinetic_energy_is_half_the_mean_square(periodic):
    box = Box((8, 6), (2 * math.pi, math.pi), periodic)
    x = (torch.arange(box.nodes[0], dtype=F64) * box.spacing[0])[:, None]
    y = (torch.arange(box.nodes[1], dtype=F64) * box.spacing[1])[None]
    u = torch.stack([3 * torch.sin(x) * torch.cos(2 * y), torch.cos(x) * torch.sin(2 * y)])
    energy = kinetic_energy(torch.stack([u, 2 * u]), box)
    torch.testing.assert_close(energy, torch.tensor([1.25, 5.0], dtype=F64))  # (9 + 1) / 4 / 2, and four times that
    once = torch.zeros(3, 2, 2, 2, dtype=F64)
    once[1] = 2
    assert kinetic_energy(once, Box((2, 2, 2))) == 2


def test_slope_numbers_of_an_uneven_box():
    kx, ky = slope_numbers(Box((4, 5), (math.pi, 10 * math.pi)), torch.zeros(1, dtype=F64))
    assert kx.dtype == F64
    torch.testing.assert_close(kx[:, 0], torch.tensor([0.0, 2, 0, -2], dtype=F64))  # the wave of two nodes has none
    torch.testing.assert_close(ky[0], torch.tensor([0.0, 0.2, 0.4], dtype=F64))


def test_the_vorticity_of_space_is_refused():
    with pytest.raises(ValueError, match="box: got 3 axes, wanted 2"):
        curl(torch.zeros(3, 4, 4, 4), Box((4, 4, 4)))
