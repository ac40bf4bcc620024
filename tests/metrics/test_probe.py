"""Linear probes: what is linear is read, what is not is not, and collapse does not pass for information."""

import pytest
import torch

from wm_core.metrics.probe import (
    LinearClassifier,
    LinearProbe,
    absolute_deviation,
    effective_rank,
    mean_std,
    smallest_std,
)


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=generator)


def test_a_linear_map_is_recovered(draw):
    weight, offset = draw(5, 2), draw(2)
    z = 3 * draw(200, 5) + 7
    probe = LinearProbe(z, z @ weight + offset, ridge=0.0)
    torch.testing.assert_close(probe.weight.float(), weight, atol=1e-4, rtol=0)
    fresh = draw(50, 5)
    torch.testing.assert_close(probe(fresh), fresh @ weight + offset, atol=1e-3, rtol=1e-3)
    assert probe.r2(fresh, fresh @ weight + offset) == pytest.approx(1, abs=1e-6)


def test_the_ridge_solves_its_normal_equations(draw):
    z, y = draw(60, 4).double(), draw(60, 2).double()
    probe = LinearProbe(z, y, ridge=0.1)
    centred = z - z.mean(0)
    penalty = 0.1 * centred.square().mean()
    slope = centred.T @ (centred @ probe.weight - (y - y.mean(0))) / 60 + penalty * probe.weight
    assert slope.abs().max() < 1e-10


def test_a_probe_does_not_mind_the_latents_scale(draw):
    z, y = draw(60, 4), draw(60, 2)
    torch.testing.assert_close(LinearProbe(z, y, 0.1)(z), LinearProbe(100 * z, y, 0.1)(100 * z), atol=1e-5, rtol=1e-5)


def test_r2_is_one_minus_the_residual_over_the_factors_variance(draw):
    z, y = draw(60, 4), draw(60, 2)
    probe = LinearProbe(z, y)
    fresh_z, fresh_y = draw(40, 4), draw(40, 2) + 1
    residual = sum(float((fresh_y[n] - probe(fresh_z)[n]).square().sum()) for n in range(40))
    total = sum(float((fresh_y[n] - fresh_y.mean(0)).square().sum()) for n in range(40))
    assert probe.r2(fresh_z, fresh_y) == pytest.approx(1 - residual / total, rel=1e-5)


def test_guessing_the_mean_explains_nothing(draw):
    y = draw(500, 2)
    probe = LinearProbe(draw(500, 3), y, ridge=1e9)
    assert probe.r2(draw(500, 3), y) == pytest.approx(0, abs=1e-3)


def test_as_a_layer_it_reads_the_same_and_does_not_train(draw):
    z, y = draw(60, 4) + 5, draw(60, 2)
    probe = LinearProbe(z, y)
    layer = probe.as_linear()
    torch.testing.assert_close(layer(z), probe(z), atol=1e-5, rtol=1e-5)
    assert not any(p.requires_grad for p in layer.parameters())


def test_rounding_errors_of_a_collapsed_latent_do_not_pass_for_information(draw):
    y = draw(200, 1)
    collapsed = torch.full((200, 3), 0.5, dtype=torch.float64) + 1e-9 * y.double()
    assert LinearProbe(collapsed, y.double()).r2(collapsed, y.double()) < 0.01


def test_too_few_samples_are_refused(draw):
    with pytest.raises(ValueError, match="z: got 4 samples of 4 dimensions"):
        LinearProbe(draw(4, 4), draw(4, 1))
    LinearProbe(draw(5, 4), draw(5, 1))


def test_deviations_notice_collapse(draw):
    z = draw(1000, 3) * torch.tensor([1.0, 2.0, 0.0])
    assert smallest_std(z) == 0
    assert mean_std(z) == pytest.approx(1.0, rel=0.1)


def test_the_absolute_deviation_is_the_least_error_of_a_constant(draw):
    z = draw(1001, 4, 3).exp() + 10 * torch.arange(3)  # skewed, and about another middle in each place
    least = torch.stack([(z - guess).abs().mean((0, 1)) for guess in z.flatten(0, 1)[:500]])
    assert absolute_deviation(z) <= float(least.min(0).values.mean())
    assert absolute_deviation(z) == pytest.approx(float((z - z.quantile(0.5, 0)).abs().mean()), rel=1e-5)
    assert absolute_deviation(torch.full((8, 2), 3.0)) == 0


@pytest.mark.parametrize(("scales", "rank"), [([1.0, 1.0, 1.0], 3), ([1.0, 1.0, 0.0], 2), ([1.0, 0.0, 0.0], 1)])
def test_effective_rank_counts_the_directions_that_are_filled(scales, rank):
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3)  # uncorrelated exactly
    assert effective_rank(5 + corners * torch.tensor(scales)) == pytest.approx(rank, rel=1e-6)
    assert effective_rank(1e-6 * corners * torch.tensor(scales)) == pytest.approx(
        rank, rel=1e-3
    )  # shrinking is not seen


def test_effective_rank_lies_between_where_directions_differ():
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 2) * torch.tensor([3.0, 1.0])
    share = torch.tensor([0.75, 0.25])
    assert effective_rank(corners) == pytest.approx(float(torch.exp(-(share * share.log()).sum())), rel=1e-6)


def test_a_linear_classifier_separates_what_a_line_can_and_no_more():
    generator = torch.Generator().manual_seed(0)
    corners = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    labels = torch.randint(3, (600,), generator=generator)
    z = corners[labels] + torch.randn(600, 2, generator=generator)
    classifier = LinearClassifier(z[:400], labels[:400], 3)
    assert classifier.accuracy(z[400:], labels[400:]) > 0.9
    ring = torch.randn(600, 2, generator=generator)
    inside = (ring.norm(dim=1) < 1.2).long()  # no line tells inside from outside
    share = inside[400:].double().mean()
    assert (
        LinearClassifier(ring[:400], inside[:400], 2).accuracy(ring[400:], inside[400:]) < max(share, 1 - share) + 0.1
    )
