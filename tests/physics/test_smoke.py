"""Smoke: it goes where the wind goes, makes no new extremes, and blurs less when it is corrected."""

import math

import torch

from wm_core.physics.boxes import Box
from wm_core.physics.smoke import advect

F64 = torch.float64


def at_random(box, seed=0, batch=()):
    """A velocity at the nodes of a periodic box."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*batch, 2, *box.nodes, generator=generator, dtype=F64)


def test_smoke_goes_where_the_wind_goes_and_makes_no_new_extremes():
    box = Box((16, 16), 16.0)
    s = torch.rand(16, 16, generator=torch.Generator().manual_seed(0), dtype=F64)
    wind = torch.stack([torch.full((16, 16), 2.0), torch.full((16, 16), -1.0)]).double()
    for scheme in ("linear", "corrected"):
        torch.testing.assert_close(advect(s, wind, 1.0, box, scheme), s.roll((2, -1), (0, 1)))
        rough = advect(s, at_random(box, 5), 0.7, box, scheme)
        assert s.min() <= rough.min()
        assert rough.max() <= s.max()
    closed = Box((15, 15), 15.0, periodic=False)
    still = advect(s, at_random(closed) * 0, 1.0, closed)
    torch.testing.assert_close(still, s)
    many = torch.func.vmap(lambda u: advect(s, u, 0.3, box))(at_random(box, 6, batch=(3,)))
    torch.testing.assert_close(many, advect(s, at_random(box, 6, batch=(3,)), 0.3, box))


def test_there_and_back_blurs_less_than_once_upstream():
    box = Box((64, 64))
    x = (torch.arange(64, dtype=F64) * box.spacing[0])[:, None]
    s = puff = torch.exp(-4 * ((x - 3).square() + (x.T - 3).square()))
    t = puff
    wind = torch.ones(2, 64, 64, dtype=F64)
    for _ in range(64):
        s, t = advect(s, wind, 2 * math.pi / 64 * 1.5, box, "linear"), advect(t, wind, 2 * math.pi / 64 * 1.5, box)
    back = puff.roll((32, 32), (0, 1))  # 96 cells further is 32
    assert (t - back).norm() < 0.5 * (s - back).norm()
