"""Surveys: shapes, noise, seeds, and derivatives that are exact."""

from dataclasses import replace

import pytest
import torch

from wm_core.physics.swings import PENDULUM_SURVEY, SPRING_SURVEY, Survey, starts
from wm_core.worlds.oscillators import Pendulum, Spring

QUIET = Survey(trajectories=4, points=7, noise=0.0)


def test_a_survey_has_a_row_for_each_point_of_each_trajectory():
    x, dx = Survey(trajectories=4, points=7).measure(Pendulum(), seeds=(0, 1, 2))
    assert x.shape == dx.shape == (3, 28, 2)
    assert x.dtype == dx.dtype == torch.float32


def test_seeds_measured_together_are_as_measured_alone():
    together = Survey(trajectories=4, points=7).measure(Pendulum(), seeds=(5, 9))
    for member, seed in enumerate((5, 9)):
        alone = Survey(trajectories=4, points=7).measure(Pendulum(), seeds=(seed,))
        assert torch.equal(alone.x[0], together.x[member])
        assert torch.equal(alone.dx[0], together.dx[member])
    assert not torch.equal(together.x[0], together.x[1])


def test_the_path_is_the_springs_own():
    """H = p² + q² turns the plane clockwise at 2 radians a second."""
    x = QUIET.measure(Spring(), seeds=(0,)).x.view(7, 4, 2)  # points, trajectories
    angle = 2 * torch.linspace(0, 3.0, 7)[:, None]
    q, p = x[0].T
    expected = torch.stack([q * angle.cos() + p * angle.sin(), p * angle.cos() - q * angle.sin()], -1)
    torch.testing.assert_close(x, expected, atol=1e-5, rtol=0)


def test_derivatives_are_those_of_the_true_states():
    quiet, noisy = (replace(QUIET, noise=noise).measure(Pendulum(), seeds=(0, 1)) for noise in (0.0, 0.1))
    torch.testing.assert_close(quiet.dx, Pendulum().field(quiet.x), atol=1e-5, rtol=0)
    assert torch.equal(noisy.dx, quiet.dx)
    assert (noisy.x - quiet.x).abs().min() > 0


@pytest.mark.parametrize("level", [0.1, 0.5])
def test_the_noise_has_its_standard_deviation_on_each_coordinate(level):
    quiet, noisy = (Survey(trajectories=50, noise=noise).measure(Spring(), seeds=(0, 1)) for noise in (0.0, level))
    noise = (noisy.x - quiet.x).flatten(0, 1)
    torch.testing.assert_close(noise.std(0), torch.full((2,), level), rtol=0.06, atol=0)
    assert noise.mean(0).abs().max() < 0.1 * level
    assert noise.T.corrcoef()[0, 1].abs() < 0.06


def test_friction_is_in_the_measurements():
    system = Pendulum(friction=0.5)
    x, dx = QUIET.measure(system, seeds=(0,))
    energy = system.energy(x[0].view(7, 4, 2))
    assert (energy[-1] < 0.7 * energy[0]).all()
    torch.testing.assert_close(dx, system.field(x), atol=1e-5, rtol=0)


def test_starts_lie_on_a_shell_and_point_everywhere():
    x = starts(2000, 1.3, 2.3, torch.Generator().manual_seed(0))
    distance = x.norm(dim=1)
    assert x.dtype == torch.float64
    assert 1.3 <= distance.min() < 1.31
    assert 2.29 < distance.max() <= 2.3
    assert float(distance.mean()) == pytest.approx(1.8, abs=0.02)  # drawn evenly
    assert ((x[:, 0] > 0) & (x[:, 1] > 0)).double().mean() == pytest.approx(0.25, abs=0.03)


def test_the_two_surveys_are_greydanus():
    assert (SPRING_SURVEY.points, SPRING_SURVEY.trajectories, SPRING_SURVEY.seconds, SPRING_SURVEY.noise) == (
        30,
        25,
        3.0,
        0.1,
    )
    assert (PENDULUM_SURVEY.points, PENDULUM_SURVEY.trajectories, PENDULUM_SURVEY.seconds, PENDULUM_SURVEY.noise) == (
        45,
        25,
        3.0,
        0.1,
    )
    assert (SPRING_SURVEY.nearest, SPRING_SURVEY.farthest) == (0.1, 1.0)
    assert (PENDULUM_SURVEY.nearest, PENDULUM_SURVEY.farthest) == (1.3, 2.3)
