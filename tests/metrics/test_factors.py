"""One way of asking finds what is there, where it is, and nothing where there is nothing."""

import pytest
import torch

from wm_core.metrics.factors import Attention, Factors, read_attentively, read_linearly


def draw(n, seed):
    """Twelve tokens of noise; in the marked one stand a class (of three, as a direction) and a number."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(n, 12, 16, generator=generator)
    tokens[..., :5] *= 0.1
    label = torch.randint(3, (n,), generator=generator)
    number = torch.randn(n, 1, generator=generator)
    place = torch.randint(12, (n,), generator=generator)
    rows = torch.arange(n)
    tokens[rows, place, 0] = 4.0
    tokens[rows, place, 1 + label] = 4.0
    tokens[rows, place, 4] = 2 * number[:, 0]
    nothing = torch.randn(n, 1, generator=generator)
    return tokens, Factors({"class": (label, 3)}, {"number": number, "nothing": nothing})


@pytest.fixture
def world():
    return (*draw(1500, 0), *draw(500, 1))


@pytest.mark.parametrize("read", [read_linearly, read_attentively])
def test_it_finds_what_is_there_and_nothing_else(world, read):
    found = read(*world)
    assert found["class"] > 0.95
    assert found["number"] > 0.6
    assert found["nothing"] < 0.05


def test_it_reads_nothing_off_features_that_say_nothing(world):
    _, known, _, truth = world
    blank, fresh = torch.zeros(1500, 12, 16), torch.zeros(500, 12, 16)
    for read in (read_linearly, read_attentively):
        found = read(blank, known, fresh, truth)
        assert found["class"] < 0.45
        assert abs(found["number"]) < 0.05


def test_the_seed_decides_everything(world):
    short = Attention(steps=20)
    assert read_attentively(*world, short) == read_attentively(*world, short)
    assert read_attentively(*world, short) != read_attentively(*world, Attention(steps=20, seed=1))
