"""InfoNCE: what it equals, what it bounds, what it does to a collapsed batch, and that processes see the whole batch."""

import math
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F

from wm_core.objectives.info_nce import alignment_and_uniformity, cosines, info_nce, matched


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def drawn(n, dim, seed=0):
    return torch.randn(n, dim, generator=seeded(seed), dtype=torch.float64)


@pytest.fixture
def pair():
    return drawn(16, 5), drawn(16, 5, 1)


def test_it_is_the_cross_entropy_of_the_matrix_of_cosines_both_ways(pair):
    a, b = pair
    scores = F.cosine_similarity(a[:, None], b, dim=-1) / 0.2
    own = torch.arange(16)
    by_hand = (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2
    torch.testing.assert_close(info_nce(a, b, 0.2), by_hand)
    assert F.cross_entropy(scores, own) != F.cross_entropy(scores.T, own)
    torch.testing.assert_close(info_nce(a, b, 0.2), info_nce(b, a, 0.2))


def test_lengths_and_a_turn_of_both_sides_do_not_matter(pair):
    a, b = pair
    turn = torch.linalg.qr(drawn(5, 5, 2))[0]
    torch.testing.assert_close(info_nce(3 * a @ turn, 0.1 * b @ turn), info_nce(a, b))


def test_the_order_of_the_pairs_does_not_matter_but_who_belongs_to_whom_does(pair):
    a, b = pair
    order = torch.randperm(16, generator=seeded(0))
    torch.testing.assert_close(info_nce(a[order], b[order]), info_nce(a, b))
    assert (info_nce(a, b[order]) - info_nce(a, b)).abs() > 1e-3
    slope, turned = (
        torch.autograd.grad(info_nce(x, y), x)[0]
        for x, y in ((a.clone().requires_grad_(), b), (a[order].clone().requires_grad_(), b[order]))
    )
    torch.testing.assert_close(turned, slope[order])


@pytest.mark.parametrize("n", [2, 7, 100])
def test_a_collapsed_batch_costs_log_n(n):
    z = drawn(1, 5).expand(n, -1)
    assert float(info_nce(z, z)) == pytest.approx(math.log(n))
    assert float(info_nce(drawn(n, 5), z)) >= math.log(n) - 1e-9  # one side collapsed is no better


def test_it_is_near_0_when_pairs_agree_and_are_far_from_the_others():
    z = torch.eye(16, dtype=torch.float64)
    assert float(info_nce(z, z, 0.05)) == pytest.approx(math.log1p(15 * math.exp(-20)), rel=1e-6)


@pytest.mark.parametrize("k", [2, 4])
def test_repeated_meanings_raise_the_floor_to_the_logarithm_of_how_often_they_come(k):
    z = torch.eye(16, dtype=torch.float64).repeat_interleave(k, 0)
    assert float(info_nce(z, z, 0.02)) == pytest.approx(math.log(k), rel=1e-6)


def test_a_collapsed_batch_has_no_slope():
    z = drawn(1, 5).expand(8, -1)
    predicted, targets = (z.clone().requires_grad_() for _ in range(2))
    slopes = torch.autograd.grad(info_nce(predicted, targets), (predicted, targets))
    assert all(slope.abs().max() < 1e-12 for slope in slopes)


def test_what_leads_away_from_collapse_is_curvature():
    """Pairs that move together by ε u across the common direction gain ε² / (2τ) times the mean of ‖u_i - u_j‖²."""
    common = torch.tensor([1.0, 0, 0, 0, 0], dtype=torch.float64)
    u = drawn(12, 5) * torch.tensor([0.0, 1, 1, 1, 1])
    step, temperature = 1e-3, 0.5
    z = common + step * u
    gain = math.log(12) - float(info_nce(z, z, temperature))
    spread = float((u[:, None] - u).square().sum(-1).mean())
    assert gain == pytest.approx(step**2 * spread / (2 * temperature), rel=1e-3)


def test_predictions_that_collapsed_before_targets_that_did_not_are_pulled_apart():
    targets = drawn(8, 5)
    predicted = drawn(1, 5, 1).expand(8, -1).clone().requires_grad_()
    (slope,) = torch.autograd.grad(info_nce(predicted, targets), predicted)
    moved = (predicted - 0.1 * slope).detach()
    before, after = (F.cosine_similarity(z, targets, dim=-1) for z in (predicted, moved))
    about = cosines(moved, targets).mean(1)
    assert (after - about > before - cosines(predicted, targets).mean(1)).all()


def test_log_n_minus_the_loss_stays_below_the_mutual_information_and_comes_near_it():
    """Two standard normal numbers with correlation ρ share -½ ln(1 - ρ²) nats; the best score is the log of the ratio."""
    rho, generator = 0.9, seeded(0)
    information = -0.5 * math.log(1 - rho**2)

    def bound(n, batches, score):
        values = []
        for _ in range(batches):
            x = torch.randn(n, generator=generator, dtype=torch.float64)
            y = rho * x + math.sqrt(1 - rho**2) * torch.randn(n, generator=generator, dtype=torch.float64)
            values.append(math.log(n) - float(matched(score(x[:, None], y))))
        return sum(values) / batches

    def best(x, y):
        return (rho * x * y - rho**2 * (x.square() + y.square()) / 2) / (1 - rho**2)

    assert information - 0.03 < bound(400, 60, best) < information + 0.01
    assert bound(2, 4000, best) < math.log(2) < information
    assert bound(400, 60, lambda x, y: 0.3 * best(x, y)) < information - 0.1


def test_without_the_right_answer_in_the_sum_there_is_no_least_value():
    scores = torch.eye(8, dtype=torch.float64)
    whole = [float(matched(scale * scores)) for scale in (10, 100, 1000)]
    rest = [float(matched(scale * scores, decoupled=True)) for scale in (10, 100, 1000)]
    assert all(value >= 0 for value in whole)
    assert rest == pytest.approx([math.log(7) - 10, math.log(7) - 100, math.log(7) - 1000])


def test_decoupled_the_sum_lacks_the_right_answer_and_nothing_else(pair):
    scores = cosines(*pair) / 0.5
    by_hand = 0
    for i in range(16):
        others = [j for j in range(16) if j != i]
        by_hand -= scores[i, i] - (scores[i, others].exp().sum().log() + scores[others, i].exp().sum().log()) / 2
    torch.testing.assert_close(info_nce(*pair, 0.5, decoupled=True), by_hand / 16)


def test_alignment_and_uniformity_add_up_and_speak_of_squared_distances(pair):
    a, b = (F.normalize(z, dim=-1) for z in pair)
    alignment, uniformity = alignment_and_uniformity(*pair, 0.3)
    torch.testing.assert_close(alignment + uniformity, info_nce(*pair, 0.3))
    torch.testing.assert_close(alignment, (a - b).square().sum(1).mean() / 0.6)
    apart = (-(a[:, None] - b).square().sum(-1) / 0.6).exp()
    torch.testing.assert_close(uniformity, (apart.sum(1).log().mean() + apart.sum(0).log().mean()) / 2)


def test_collapse_is_perfect_alignment_and_the_worst_uniformity():
    z = drawn(1, 5).expand(9, -1)
    alignment, uniformity = alignment_and_uniformity(z, z)
    assert float(alignment) == pytest.approx(0, abs=1e-9)
    assert float(uniformity) == pytest.approx(math.log(9))


def test_a_temperature_can_be_learnt(pair):
    temperature = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(info_nce(*pair, temperature), temperature)
    step = 1e-6
    change = info_nce(*pair, 0.5 + step) - info_nce(*pair, 0.5 - step)
    assert float(slope) == pytest.approx(float(change) / (2 * step), rel=1e-5)


TWO = """
import sys, torch
from torch import distributed
from wm_core.objectives.info_nce import info_nce
distributed.init_process_group("gloo", init_method="file://" + sys.argv[1], rank=int(sys.argv[2]), world_size=2)
pair = torch.randn(2, 12, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
mine = pair.chunk(2, 1)[int(sys.argv[2])].clone().requires_grad_()
value = info_nce(*mine)
torch.save((value.detach(), torch.autograd.grad(value, mine)[0]), sys.argv[1] + sys.argv[2])
distributed.barrier()  # a process that leaves while the other still listens may take it down
distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_compare_with_the_whole_batch(tmp_path):
    runs = [subprocess.Popen([sys.executable, "-c", TWO, str(tmp_path / "f"), str(rank)]) for rank in range(2)]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    (value, slope), (other, rest) = (torch.load(tmp_path / f"f{rank}") for rank in range(2))
    pair = torch.randn(2, 12, 4, generator=seeded(5), dtype=torch.float64).requires_grad_()
    whole = info_nce(*pair)
    torch.testing.assert_close(value, whole.detach())
    torch.testing.assert_close(other, value)
    (expected,) = torch.autograd.grad(whole, pair)
    torch.testing.assert_close(torch.cat([slope, rest], 1) / 2, expected)  # gradients are averaged afterwards
