"""A flow as a world model: predict, and predict again."""

import pytest
import torch

from wm_core.nets.ensemble import EnsembleMLP
from wm_core.physics.flow import Flow
from wm_core.physics.hamiltonian import HamiltonianNetwork
from wm_core.physics.integrators import explicit_euler, rk4, simulate
from wm_core.worlds.oscillators import Pendulum

GENERATOR = torch.Generator().manual_seed(0)
STATES = torch.randn(5, 2, generator=GENERATOR, dtype=torch.float64)
FORCES = torch.randn(5, 8, 1, generator=GENERATOR, dtype=torch.float64)


def test_a_rollout_is_predict_again_and_again():
    flow = Flow(Pendulum(), h=0.1, substeps=2)
    path = flow.rollout(flow.encode(STATES), FORCES)
    assert path.shape == (5, 8, 2)
    z = STATES
    for t in range(8):
        z = flow.predict(z, FORCES[:, t])
        assert torch.equal(path[:, t], z)


def test_a_state_is_observed_as_it_is():
    assert torch.equal(Flow(Pendulum(), h=0.1).encode(STATES), STATES)


def test_without_a_force_it_is_the_simulation():
    path = Flow(Pendulum(), h=0.1).rollout(STATES, 0 * FORCES)
    torch.testing.assert_close(path.transpose(0, 1), simulate(rk4, Pendulum(), STATES, 0.1, 8)[1:])


def test_one_step_by_hand():
    flow = Flow(Pendulum(), h=0.1, step=explicit_euler)
    force = FORCES[:, 0]
    torch.testing.assert_close(flow.predict(STATES, force), STATES + 0.1 * Pendulum().field(STATES, force))


def test_substeps_share_the_time_of_one_action():
    coarse, fine = (Flow(Pendulum(), h=0.4, substeps=n).predict(STATES, FORCES[:, 0]) for n in (4, 64))
    torch.testing.assert_close(coarse, fine, atol=1e-4, rtol=1e-4)
    assert (Flow(Pendulum(), h=0.4).predict(STATES, FORCES[:, 0]) - fine).abs().max() > 1e-5


@pytest.mark.parametrize("grad", [True, False])
def test_a_driven_networks_members_roll_out_side_by_side(grad):
    model = HamiltonianNetwork(EnsembleMLP((2, 8, 1), (0, 1)), driven=True).double()
    model.gain.data += torch.tensor([0.5, 2.0]).view(2, 1, 1)
    x, u = STATES.expand(2, 5, 2), FORCES.expand(2, 5, 8, 1)
    with torch.set_grad_enabled(grad):
        path = Flow(model, h=0.1).rollout(x, u)
    assert path.shape == (2, 5, 8, 2)
    alone = HamiltonianNetwork(EnsembleMLP((2, 8, 1), (1,)), driven=True).double()
    alone.gain.data += 2.0
    torch.testing.assert_close(Flow(alone, h=0.1).rollout(x[1:], u[1:]).detach(), path[1:].detach())
