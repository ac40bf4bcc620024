"""Operators: each knows the slope that it gives a wave."""

import math

import pytest
import torch

from wm_core.physics.boxes import Box
from wm_core.physics.operators import curl, divergence, gradient

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
