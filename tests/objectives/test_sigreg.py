"""SIGReg against what is known of it on paper: null, collapse, closed forms, slopes, and what it cannot see."""

import math
import subprocess
import sys

import pytest
import torch

from wm_core.objectives.sigreg import (
    anderson_darling,
    cramer_von_mises,
    directions,
    epps_pulley,
    gaussian_entropy,
    moments,
    quadrature,
    sigreg,
)

STATISTICS = (epps_pulley, cramer_von_mises, anderson_darling, moments)
every_statistic = pytest.mark.parametrize("statistic", STATISTICS, ids=lambda s: s.__name__)


def drawn(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def fine(x, t_max, points=200_001):
    """N ∫ |φ̂ - φ|² exp(-t²/2) dt over [-t_max, t_max], with complex exponentials and a very fine Simpson rule."""
    t = torch.linspace(-t_max, t_max, points, dtype=torch.float64)
    ecf = sum(torch.exp(1j * t * value) for value in x.double()) / len(x)
    values = (ecf - torch.exp(-t.square() / 2)).abs().square() * torch.exp(-t.square() / 2)
    weight = torch.full_like(t, 2.0)
    weight[1::2] = 4
    weight[[0, -1]] = 1
    return len(x) * float((values * weight).sum()) * float(t[1] - t[0]) / 3


def pairs(x):
    """The integral over the whole line in closed form: a Gaussian kernel between samples, and one towards the origin."""
    n = len(x)
    between = torch.exp(-(x[:, None] - x).square() / 2).sum() / n
    inwards = math.sqrt(2) * torch.exp(-x.square() / 4).sum()
    return float(math.sqrt(2 * math.pi) * (between - inwards + n / math.sqrt(3)))


# ---- the statistic of Epps and Pulley ------------------------------------------------------------------------------------
def test_real_and_imaginary_parts_give_the_squared_modulus():
    x = drawn(50, 3, dtype=torch.float64) * 1.3 + 0.4
    t, weight = quadrature(17, 3.0, x)
    ecf = torch.exp(1j * x[..., None] * t).mean(0)
    expected = 50 * ((ecf - torch.exp(-t.square() / 2)).abs().square() * weight).sum(-1)
    torch.testing.assert_close(epps_pulley(x), expected)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (2.0, 0.0), (0.1, 0.0), (1.0, 1.5)])
def test_seventeen_knots_are_close_to_the_integral_they_stand_for(scale, shift):
    x = scale * drawn(40, dtype=torch.float64) + shift
    assert float(epps_pulley(x)) == pytest.approx(fine(x, 3.0), rel=0.01)


def test_on_the_whole_line_it_is_a_sum_over_pairs():
    for x in (drawn(30, dtype=torch.float64), 3 * drawn(30, dtype=torch.float64) + 1, torch.zeros(30).double()):
        assert float(epps_pulley(x, knots=400, t_max=12.0)) == pytest.approx(pairs(x), rel=1e-6)


def test_the_null_value_is_the_integral_of_one_minus_the_squared_characteristic_function():
    t, weight = quadrature(17, 3.0, torch.zeros(1, dtype=torch.float64))
    expected = float(((1 - torch.exp(-t.square())) * weight).sum())
    assert expected == pytest.approx(1.052, abs=5e-4)
    measured = epps_pulley(drawn(128, 10_000)).mean()
    assert float(measured) == pytest.approx(expected, rel=0.03)
    whole = math.sqrt(2 * math.pi) - math.sqrt(2 * math.pi / 3)
    t, weight = quadrature(400, 12.0, t)
    assert float(((1 - torch.exp(-t.square())) * weight).sum()) == pytest.approx(whole, rel=1e-6)


@every_statistic
def test_the_null_value_does_not_depend_on_the_number_of_samples(statistic):
    expected = {epps_pulley: 1.0524, cramer_von_mises: 1 / 6, anderson_darling: 1.0, moments: 2.0}[statistic]
    for n in (64, 256, 1024):
        assert float(statistic(drawn(n, 800_000 // n, seed=n)).mean()) == pytest.approx(expected, rel=0.05)


def test_twenty_draws_from_the_null_in_sixteen_dimensions():
    for n in (64, 1024):
        values = [sigreg(drawn(n, 16, seed=i), generator=torch.Generator().manual_seed(i)) for i in range(20)]
        assert 0.9 < float(torch.stack(values).mean()) < 1.25


@pytest.mark.parametrize("n", [64, 256, 1024])
def test_full_collapse_costs_two_fifths_of_the_batch(n):
    assert float(sigreg(torch.zeros(n, 16))) / n == pytest.approx(0.402, rel=5e-3)
    whole = math.sqrt(2 * math.pi) * (1 - math.sqrt(2) + 1 / math.sqrt(3))
    assert float(epps_pulley(torch.zeros(n), 400, 12.0)) / n == pytest.approx(whole, rel=1e-5)


@every_statistic
def test_wrong_scale_and_wrong_place_cost_much_more_than_the_null(statistic):
    z = drawn(256, 16)
    null = float(sigreg(z, statistic=statistic))
    assert float(sigreg(2 * z, statistic=statistic)) > 10 * null
    assert float(sigreg(z + 1, statistic=statistic)) > 5 * null
    assert float(sigreg(z * (torch.arange(16) < 1) * 4, statistic=statistic)) > 10 * null  # one direction, same trace


def test_doubled_latents_score_above_twenty():
    assert float(sigreg(2 * drawn(256, 16), generator=torch.Generator().manual_seed(0))) > 20


# ---- slopes --------------------------------------------------------------------------------------------------------------
def test_no_sample_pulls_harder_than_the_bound_however_far_out_it_is():
    t, weight = quadrature(17, 3.0, torch.zeros(1))
    bound = float(2 * (weight * t * (1 + torch.exp(-t.square() / 2))).sum())
    assert 5.9 < bound < 6
    for n, far in ((8, 3.0), (64, 30.0), (512, 1e4)):
        x = drawn(n, 40)
        x[0] *= far
        x[1] = far
        (slope,) = torch.autograd.grad(epps_pulley(x.requires_grad_()).sum(), x)
        assert float(slope.abs().max()) <= bound
    x = torch.tensor([1.0, 100.0], requires_grad=True)
    (slope,) = torch.autograd.grad(moments(x), x)
    assert float(slope.abs().max()) > 1e5


def test_the_slope_is_the_one_written_out_for_the_browser():
    """dT/dx_i = 2 Σ_k w_k t_k [(φ_k - C_k) sin(t_k x_i) + S_k cos(t_k x_i)]."""
    x = drawn(20, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(epps_pulley(x), x)
    t, weight = quadrature(17, 3.0, x)
    angle = x.detach()[:, None] * t
    c, s, phi = angle.cos().mean(0), angle.sin().mean(0), torch.exp(-t.square() / 2)
    torch.testing.assert_close(slope, 2 * (weight * t * ((phi - c) * angle.sin() + s * angle.cos())).sum(1))


def test_exact_collapse_has_no_slope_and_the_least_noise_has_one():
    z = torch.zeros(64, 4, requires_grad=True)
    assert torch.autograd.grad(sigreg(z), z)[0].abs().max() == 0
    z = (1e-3 * drawn(64, 4)).requires_grad_()
    (slope,) = torch.autograd.grad(sigreg(z), z)
    assert float((slope * z.detach()).sum()) < 0  # a step against the slope spreads the cloud


def test_a_sample_far_out_of_a_normal_cloud_is_not_called_back():
    """The price of a bounded slope: the pull on one sample fades like a Gaussian with its distance."""
    pulls = {}
    for far in (2.0, 8.0):
        x = torch.special.ndtri((torch.arange(511, dtype=torch.float64) + 0.5) / 511)  # as normal as 511 numbers can be
        x = torch.cat([x, torch.tensor([far], dtype=torch.float64)]).requires_grad_()
        for statistic in (epps_pulley, moments):
            pulls[statistic, far] = float(torch.autograd.grad(statistic(x), x)[0][-1])
    assert pulls[epps_pulley, 2.0] > 50 * abs(pulls[epps_pulley, 8.0])
    assert pulls[moments, 8.0] > pulls[moments, 2.0] > 0


def test_to_knots_three_sixteenths_apart_a_sample_repeats_at_33_and_a_half():
    x = drawn(64, dtype=torch.float64)
    shifted = x + (torch.arange(64) % 3 - 1).double() * 2 * math.pi * 16 / 3
    torch.testing.assert_close(epps_pulley(shifted), epps_pulley(x))


@pytest.mark.parametrize("start", ["point", "line", "ring"])
def test_following_the_slope_makes_a_cloud_standard_normal(start):
    noise = drawn(128, 2)
    turn = torch.linspace(0, 2 * math.pi, 129)[:128]
    z = {
        "point": 0.02 * noise,
        "line": noise * torch.tensor([1.3, 0.02]),
        "ring": 2 * torch.stack([turn.cos(), turn.sin()], 1) + 0.02 * noise,
    }[start]
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        z.requires_grad_()
        (slope,) = torch.autograd.grad(sigreg(z, 16, generator=generator), z)
        z = (z - 0.3 * slope).detach()
    assert float(sigreg(z, generator=generator)) < 1.3
    torch.testing.assert_close(z.T @ z / 128, torch.eye(2), atol=0.25, rtol=0)


# ---- slices --------------------------------------------------------------------------------------------------------------
def test_a_cloud_that_is_normal_on_every_line_is_told_from_one_that_is_so_on_the_axes_only():
    """Cramér-Wold: x and ±x have standard normal marginals, and their sum has an atom at 0."""
    x, sign = drawn(2000, 1), drawn(2000, 1, seed=1).sign()
    z = torch.cat([x, sign * x], 1)
    axes = torch.eye(2)
    assert float(sigreg(z, along=axes)) < 3
    diagonal = torch.tensor([[1.0], [1.0]]) / math.sqrt(2)
    assert float(sigreg(z, along=diagonal)) > 20


def test_corners_of_a_cube_hide_from_random_lines_and_not_from_an_axis():
    corners = drawn(256, 16).sign()
    assert float(sigreg(corners, 1024, generator=torch.Generator().manual_seed(0))) < 2
    assert float(sigreg(corners, along=torch.eye(16))) > 10


@every_statistic
def test_neither_the_order_of_samples_nor_the_order_of_lines_matters(statistic):
    z, along = drawn(64, 5, dtype=torch.float64) * 2, directions(5, 7).double()
    swapped = z[torch.randperm(64, generator=torch.Generator().manual_seed(2))]
    torch.testing.assert_close(sigreg(swapped, statistic=statistic, along=along.flip(1)),
                               sigreg(z, statistic=statistic, along=along))  # fmt: skip


def test_views_and_time_steps_are_tested_one_by_one():
    z, along = drawn(64, 3, 5), directions(5, 7)
    apart = torch.stack([sigreg(z[:, view], along=along) for view in range(3)]).mean()
    torch.testing.assert_close(sigreg(z, along=along), apart)


def test_lines_are_unit_vectors_and_new_at_each_call():
    generator = torch.Generator().manual_seed(0)
    first, second = directions(6, 50, generator), directions(6, 50, generator)
    torch.testing.assert_close(first.norm(dim=0), torch.ones(50))
    assert not torch.allclose(first, second)
    assert float(directions(6, 20_000, generator).mean(1).abs().max()) < 0.02


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_half_precision_latents_are_tested_in_single_precision(dtype):
    z, along = drawn(256, 8), directions(8, 16)
    exact = sigreg(z.to(dtype).double(), along=along.double())
    with torch.autocast("cpu", torch.bfloat16):
        value = sigreg(z.to(dtype), along=along)
    assert value.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert float(value) == pytest.approx(float(exact), rel=1e-4)


# ---- the other statistics ------------------------------------------------------------------------------------------------
def test_the_tests_on_distribution_functions_are_the_integrals_they_stand_for():
    x = drawn(12, dtype=torch.float64)
    at = torch.linspace(-9, 9, 400_001, dtype=torch.float64)
    empirical = (x[:, None] <= at).double().mean(0)
    normal, other = torch.special.log_ndtr(at).exp(), torch.special.log_ndtr(-at).exp()
    density = torch.exp(-at.square() / 2) / math.sqrt(2 * math.pi)
    gap = (empirical - normal).square() * density
    assert float(cramer_von_mises(x)) == pytest.approx(12 * float(torch.trapezoid(gap, at)), rel=1e-3)
    assert float(anderson_darling(x)) == pytest.approx(
        12 * float(torch.trapezoid(gap / (normal * other), at)), rel=1e-3
    )


def test_moments_are_content_with_any_cloud_of_mean_zero_and_unit_covariance():
    turn = torch.linspace(0, 2 * math.pi, 257)[:256]
    ring = math.sqrt(2) * torch.stack([turn.cos(), turn.sin()], 1)
    assert float(sigreg(ring, statistic=moments)) < 1e-6
    assert float(sigreg(ring)) > 5


def test_entropy_grows_with_the_logarithm_of_the_scale_and_has_no_top():
    z = drawn(20_000, 3, dtype=torch.float64)
    one = float(gaussian_entropy(z))
    assert one == pytest.approx(1.5 * math.log(2 * math.pi * math.e), rel=0.01)
    assert float(gaussian_entropy(10 * z)) - one == pytest.approx(3 * math.log(10), rel=1e-4)
    assert float(gaussian_entropy(0 * z)) < -10
    both = torch.stack([z, 10 * z], 1)
    assert float(gaussian_entropy(both)) == pytest.approx(one + 1.5 * math.log(10), rel=1e-4)


# ---- several processes -----------------------------------------------------------------------------------------------------
TWO = """
import sys, torch
from torch import distributed
from wm_core.objectives import sigreg as s
distributed.init_process_group("gloo", init_method="file://" + sys.argv[1], rank=int(sys.argv[2]), world_size=2)
torch.manual_seed(int(sys.argv[2]))
z = torch.randn(32, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
along = s.directions(4, 6).double()
mine = z.chunk(2)[int(sys.argv[2])].clone().requires_grad_()
out = []
for statistic in (s.epps_pulley, s.cramer_von_mises, s.anderson_darling, s.moments):
    value = s.sigreg(mine, statistic=statistic, along=along)
    out.append((value.detach(), torch.autograd.grad(value, mine)[0]))
torch.save((along, out), sys.argv[1] + sys.argv[2])
distributed.barrier()  # a process that leaves while the other still listens may take it down
distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_test_the_whole_batch_along_the_same_lines(tmp_path):
    runs = [subprocess.Popen([sys.executable, "-c", TWO, str(tmp_path / "f"), str(rank)]) for rank in range(2)]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    (along, first), (again, second) = (torch.load(tmp_path / f"f{rank}") for rank in range(2))
    assert torch.equal(along, again)
    z = drawn(32, 4, seed=5, dtype=torch.float64).requires_grad_()
    for statistic, (value, slope), (other, rest) in zip(STATISTICS, first, second, strict=True):
        whole = sigreg(z, statistic=statistic, along=along)
        torch.testing.assert_close(value, whole.detach())
        torch.testing.assert_close(other, value)
        (expected,) = torch.autograd.grad(whole, z)
        torch.testing.assert_close(
            torch.cat([slope, rest]) / 2, expected
        )  # processes' gradients are averaged afterwards
