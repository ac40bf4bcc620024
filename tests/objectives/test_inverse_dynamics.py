"""Inverse dynamics, against its formula written as a sum."""

import pytest
import torch
from torch import nn

from wm_core.objectives.inverse_dynamics import inverse_dynamics

NOISE = torch.Generator().manual_seed(0)


def test_it_is_half_the_squared_distance_of_a_push_read_off_both_latents():
    """1/(N T) sum over n, t of ½ ‖m(z_t, z_t+1) - a‖², a push having two numbers."""
    head = nn.Linear(6, 2)
    before, after = torch.randn(4, 5, 3, generator=NOISE), torch.randn(4, 5, 3, generator=NOISE)
    action = torch.randn(4, 5, 2, generator=NOISE)
    total = 0.0
    for n in range(4):
        for t in range(5):
            read = head(torch.cat([before[n, t], after[n, t]]))
            total += 0.5 * float((read - action[n, t]).detach().square().sum())
    assert inverse_dynamics(head, before, after, action).item() == pytest.approx(total / (4 * 5))


def test_the_gradient_reaches_the_head_and_both_latents():
    head = nn.Linear(6, 2)
    before, after = (torch.randn(4, 3, generator=NOISE, requires_grad=True) for _ in range(2))
    inverse_dynamics(head, before, after, torch.randn(4, 2, generator=NOISE)).backward()
    assert all(thing.grad.any() for thing in (before, after, head.weight, head.bias))


def test_a_collapsed_latent_cannot_name_the_push():
    """Whatever the head, one answer for all pushes costs at least the pushes' variance."""
    action = torch.randn(64, 2, generator=NOISE)
    collapsed = torch.zeros(64, 3)
    head = nn.Linear(6, 2)
    head.bias.data = action.mean(0)  # the best that it can do
    cost = inverse_dynamics(head, collapsed, collapsed, action).item()
    assert cost == pytest.approx(action.var(0, correction=0).mean().item())
