"""What a trajectory does to energy: the worst error, and drift apart from oscillation."""

import pytest
import torch

from wm_core.metrics.energy import energy_drift, worst_energy_error


def test_the_worst_error_is_the_largest_departure_from_the_first_energy():
    energy = torch.tensor([[2.0, -4.0], [2.5, -4.0], [1.0, -3.0], [2.1, -4.0]])
    assert worst_energy_error(energy).tolist() == [0.5, 0.25]


def test_an_energy_that_is_no_number_is_no_small_error():
    assert worst_energy_error(torch.tensor([1.0, float("nan"), 1.0])).isnan()


def test_drift_is_the_slope_per_second():
    time = torch.arange(100) * 0.5
    assert float(energy_drift(4 + 0.2 * time, 0.5)) == pytest.approx(0.05, rel=1e-4)
    assert float(energy_drift(-4 + 0.2 * time, 0.5)) == pytest.approx(0.05, rel=1e-4)  # upwards, from below too


def test_oscillation_is_not_drift():
    time = torch.arange(10_000, dtype=torch.float64) * 0.01
    breathing = 1 + 0.3 * torch.cos(50 * time)
    assert abs(float(energy_drift(breathing, 0.01))) < 1e-4 < 0.3 < float(worst_energy_error(breathing))


def test_each_trajectory_of_a_batch_has_its_own_drift():
    time = torch.arange(50, dtype=torch.float64) * 0.1
    rates = torch.tensor([[0.1, 0.0, -0.3], [1.0, 2.0, 3.0]], dtype=torch.float64)
    torch.testing.assert_close(energy_drift(1 + time[:, None, None] * rates, 0.1), rates)


def test_explicit_euler_on_a_unit_oscillator_errs_by_a_known_power():
    h, steps, x = 0.05, 200, torch.tensor([0.3, -0.4], dtype=torch.float64)
    energy = [x.square().sum() / 2]
    for _ in range(steps):
        x = x + h * torch.stack([x[1], -x[0]])
        energy.append(x.square().sum() / 2)
    assert float(worst_energy_error(torch.stack(energy))) == pytest.approx((1 + h**2) ** steps - 1, rel=1e-12)
