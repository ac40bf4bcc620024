"""Dynamics: a residual step, and imagination that feeds on itself."""

import pytest
import torch
from torch import nn

from wm_core.nets.dynamics import ResidualDynamics, unroll
from wm_core.nets.world_model import WorldModel


class Doubling(nn.Module):
    def forward(self, z, a):
        return 2 * z + a


def test_a_step_adds_what_the_network_says_of_latent_and_scaled_action():
    dynamics = ResidualDynamics(4, action_dim=3, action_scale=0.5, hidden=8)
    z, a = torch.randn(6, 4), torch.randn(6, 3)
    torch.testing.assert_close(dynamics(z, a), z + dynamics.change(torch.cat([z, a / 0.5], -1)))
    assert (dynamics.change[0].in_features, dynamics.change[0].out_features) == (7, 8)


def test_a_step_takes_any_leading_shape():
    dynamics = ResidualDynamics(4)
    z, a = torch.randn(2, 5, 4), torch.randn(2, 5, 2)
    torch.testing.assert_close(dynamics(z, a)[1, 3], dynamics(z[1, 3], a[1, 3]))


def test_imagination_feeds_on_its_own_predictions():
    z, actions = torch.tensor([[1.0]]), torch.tensor([[[1.0], [2.0], [3.0]]])
    path = unroll(Doubling(), z, actions)
    assert path.tolist() == [[[3.0], [8.0], [19.0]]]


def test_an_action_changes_what_follows_and_nothing_before():
    dynamics = ResidualDynamics(4)
    z, actions = torch.randn(3, 4), torch.randn(3, 6, 2)
    other = actions.clone()
    other[:, 2] += 1
    path, changed = unroll(dynamics, z, actions), unroll(dynamics, z, other)
    assert path.shape == (3, 6, 4)
    assert torch.equal(path[:, :2], changed[:, :2])
    assert (path[:, 2:] != changed[:, 2:]).any(-1).all()


def test_the_gradient_reaches_the_first_latent_from_the_last_step():
    z = torch.randn(2, 4, requires_grad=True)
    unroll(ResidualDynamics(4), z, torch.randn(2, 5, 2))[:, -1].sum().backward()
    assert z.grad.abs().min() > 0


def test_no_action_leaves_nothing_to_imagine():
    with pytest.raises(RuntimeError, match="non-empty"):
        unroll(ResidualDynamics(4), torch.randn(2, 4), torch.randn(2, 0, 2))


@pytest.mark.parametrize("depth", [1, 3])
def test_a_planners_rollout_is_the_same_in_less_time(depth):
    """Without gradients; it changes neither what it is given nor what the network is."""
    dynamics = ResidualDynamics(6, 3, 2.0, 16, depth)
    z, actions = torch.randn(1, 6).expand(5, -1), torch.randn(5, 7, 3)
    before = [each.clone() for each in (z, actions, *dynamics.parameters())]
    with torch.no_grad():
        found = WorldModel(nn.Identity(), dynamics).rollout(z, actions)
        torch.testing.assert_close(found, dynamics.rollout(z, actions))
        assert not found.is_inference()  # whoever gets it may go on with gradients, as an export does
    torch.testing.assert_close(found, unroll(dynamics, z, actions))
    assert all(map(torch.equal, before, (z, actions, *dynamics.parameters())))
    assert WorldModel(nn.Identity(), dynamics).rollout(z, actions).requires_grad


def test_what_is_imagined_again_from_one_start_is_what_was_imagined_first():
    """Nothing of one plan is left in the next, and who imagines in another way is asked in that way."""

    class Doubled(WorldModel):
        def rollout(self, z, actions):
            return 2 * super().rollout(z, actions)

    dynamics, actions = ResidualDynamics(6, 2, 2.0, 16, 2), torch.randn(2, 5, 7, 2)
    for z in (torch.randn(5, 6), torch.randn(1, 6).expand(5, -1)):
        with torch.no_grad():
            one, other = (model(nn.Identity(), dynamics).imagining(z) for model in (WorldModel, Doubled))
            for plan in (actions[0], actions[1], actions[0]):
                path = unroll(dynamics, z, plan)
                torch.testing.assert_close(one(plan), path)
                torch.testing.assert_close(other(plan), 2 * path)
