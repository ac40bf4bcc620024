"""Readers: what a latent holds in any plain form is read, and what it does not hold is not."""

import pytest
import torch

from wm_core.metrics.probe import LinearProbe
from wm_core.metrics.reader import fit_reader


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=generator)


def off(reader, z, y):
    """Root mean square error of each factor, in shares of its spread."""
    return (reader(z) - y).square().mean(0).sqrt() / y.std(0)


def test_what_a_linear_probe_misses_a_reader_finds(draw):
    z = draw(2000, 4)
    y = 50 + 7 * torch.stack([z[:, 0].abs(), z[:, 1] * z[:, 2]], -1)
    reader = fit_reader(z[:1500], y[:1500], steps=300)
    assert off(reader, z[1500:], y[1500:]).max() < 0.3
    assert off(LinearProbe(z[:1500], y[:1500]), z[1500:], y[1500:]).min() > 0.9


def test_what_is_not_there_is_not_read(draw):
    z, y = draw(1500, 4), draw(1500, 1)
    assert off(fit_reader(z[:1000], y[:1000], steps=100), z[1000:], y[1000:]) > 0.9


def test_the_latents_scale_and_place_do_not_matter(draw):
    z, y = draw(600, 3), draw(600, 2)
    near, far = (fit_reader(scale * z + shift, y, steps=30) for scale, shift in ((1.0, 0.0), (100.0, 5.0)))
    torch.testing.assert_close(near(z), far(100 * z + 5), atol=1e-3, rtol=1e-3)


def test_a_number_that_has_collapsed_is_not_blown_up(draw):
    z, y = draw(600, 2), draw(600, 1)
    z[:, 1] *= 1e-8
    assert fit_reader(z, y, steps=1).z_std[1] > 1e-4


def test_it_repeats(draw):
    z, y = draw(300, 3), draw(300, 1)
    first, second = fit_reader(z, y, steps=20, seed=3), fit_reader(z, y, steps=20, seed=3)
    assert torch.equal(first(z), second(z))
    assert not torch.equal(first(z), fit_reader(z, y, steps=20, seed=4)(z))


def test_a_factor_that_never_varies_is_refused(draw):
    with pytest.raises(ValueError, match="never varies"):
        fit_reader(draw(10, 2), torch.ones(10, 1))
