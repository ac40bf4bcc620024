"""Pictures and their ranks: what no sum of products can hold, and that trained networks respect it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wm_core.physics.ranks import ExportedFactors, RankLadder, Ridge, TwoWaves, best_error

EVEN = torch.linspace(-1, 1, 48, dtype=torch.float64)


def test_along_the_axes_a_ridge_is_one_product_and_two_waves_are_two():
    assert best_error(Ridge(0.0).value(EVEN, EVEN), 1) < 1e-12
    assert best_error(Ridge(90.0).value(EVEN, EVEN), 1) < 1e-7
    assert best_error(TwoWaves().value(EVEN, EVEN), 1) == pytest.approx(0.5**0.5, abs=1e-6)
    assert best_error(TwoWaves().value(EVEN, EVEN), 2) < 1e-12


@pytest.mark.parametrize("rank", [1, 2, 4, 8])
def test_the_more_a_ridge_is_turned_the_higher_its_floor(rank):
    floors = [best_error(Ridge(angle).value(EVEN, EVEN), rank) for angle in (0.0, 15.0, 30.0, 45.0)]
    assert floors == sorted(floors)
    assert floors[-1] > 1e-3


def test_turning_by_a_right_angle_swaps_the_axes():
    one, other = Ridge(20.0), Ridge(110.0)
    torch.testing.assert_close(other.value(EVEN, EVEN), one.value(EVEN, EVEN).T.flip(0), atol=1e-6, rtol=0)


def test_a_turned_ridge_lies_along_its_turned_axis():
    x, y = (
        torch.tensor([0.6 * 3**0.5 / 2, -0.3]).double(),
        torch.tensor([0.3, 0.6 * 3**0.5 / 2]).double(),
    )  # 30° and 120°, 0.6 away
    along, across = Ridge(30.0).value(x, y).diagonal().tolist()
    assert along == pytest.approx(torch.exp(torch.tensor(-(0.6**2) / (2 * 0.8**2))).item(), abs=1e-6)
    assert across == pytest.approx(torch.exp(torch.tensor(-(0.6**2) / (2 * 0.2**2))).item(), abs=1e-6)


def test_two_waves_are_those_that_are_named():
    x, y = torch.tensor([0.2]).double(), torch.tensor([0.1]).double()
    sin = lambda share: torch.sin(torch.tensor(share * torch.pi)).item()  # noqa: E731
    assert TwoWaves().value(x, y).item() == pytest.approx(sin(0.2) * sin(0.1) + sin(0.6) * sin(0.2))


def test_an_error_is_a_share_of_its_own_picture():
    ladder = RankLadder((Ridge(30.0), TwoWaves()), (2,), width=6, layers=2)
    x = torch.linspace(-1, 1, 64)
    shares = ladder.misses(x, x, torch.stack([solution.value(x, x) for solution in ladder.solutions]))
    torch.testing.assert_close(ladder.errors(), shares.sqrt())
    for weight in ladder.parameters():
        torch.nn.init.zeros_(weight)
    torch.testing.assert_close(ladder.errors(), torch.ones(2, 1))
    torch.testing.assert_close(
        ladder.misses(EVEN.float(), EVEN.float(), torch.full((2, 48, 48), 7.0)), torch.ones(2, 1)
    )


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 5), st.integers(0, 99))
def test_no_sum_of_products_is_below_the_floor(rank, seed):
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(12, 9, generator=generator, dtype=torch.float64)
    f, g = (torch.randn(n, rank, generator=generator, dtype=torch.float64) for n in (12, 9))
    g = torch.linalg.lstsq(f, image).solution.T  # the best partners for these f
    assert float((f @ g.T - image).norm() / image.norm()) >= best_error(image, rank) - 1e-12


def test_a_member_uses_its_own_columns_only():
    ladder = RankLadder((Ridge(30.0), TwoWaves()), (1, 3), width=6, layers=2)
    x = torch.linspace(-1, 1, 7)
    factors = ExportedFactors(ladder)(x)
    assert factors.shape == (4, 2, 7, 3)
    assert not factors[0::2, :, :, 1:].any()
    assert factors[1::2, :, :, 1:].any()
    sums = (factors[:, 0] @ factors[:, 1].mT).view(2, 2, 7, 7)
    torch.testing.assert_close(ladder(x, x), sums)
    assert torch.linalg.matrix_rank(ladder(x, x)[0, 0].double(), atol=1e-6) <= 1


def test_its_factors_are_those_of_the_separable_network():
    ladder = RankLadder((TwoWaves(),), (2,), width=6, layers=3)
    x, y = torch.linspace(-1, 1, 5), torch.linspace(0, 1, 5)
    along_x, along_y = ladder.networks.factors(x, y)
    torch.testing.assert_close(ladder.factors(x, y)[0], torch.stack([along_x.value, along_y.value]), atol=1e-6, rtol=0)


def test_every_member_trains_as_if_alone():
    pair = RankLadder((Ridge(30.0), TwoWaves()), (2,), width=6, layers=2)
    x, y, values = pair.draw(9, torch.Generator().manual_seed(0))
    pair.misses(x, y, values).sum().backward()
    together = pair.networks.weights[1].grad[:2].clone()
    pair.zero_grad()
    pair.misses(x, y, values)[0].sum().backward()
    torch.testing.assert_close(pair.networks.weights[1].grad[:2], together)
    assert not pair.networks.weights[1].grad[2:].any()


def test_a_negative_rank_is_refused():
    with pytest.raises(ValueError, match="rank: got -1"):
        best_error(torch.eye(2), -1)
