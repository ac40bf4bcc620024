"""Checks for the exercises of *A network that obeys an equation*."""

import torch
from torch import nn

from wm_core.nets.mlp import mlp
from wm_core.physics.flow import Flow
from wm_core.physics.taylor import taylor
from wm_core.worlds.oscillators import Pendulum


def heat(answer) -> str | None:
    """The residual of the heat equation."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = mlp(2, 8, 8, 1, activation=nn.Tanh).double()
        points = torch.rand(20, 2, dtype=torch.float64)
    k = 0.3
    with torch.no_grad():
        _, (u_t, u_x), (u_tt, u_xx) = taylor(net, points)
        got = answer(net, points, k)
    expected = u_t - k * u_xx
    if not isinstance(got, torch.Tensor) or got.shape != expected.shape:
        return f"It should return the residual at each point, a tensor of shape {tuple(expected.shape)}; it returns {_shape(got)}."
    slips = [
        (u_t + k * u_xx, "A sign: everything is brought to one side of u_t = κ u_xx. With a plus, heat would gather instead of spread."),
        (u_t - k * u_tt, "That is the curvature along t. `second` has one weight for each of (t, x): which one is wanted?"),
        (u_t - k * (u_tt + u_xx), "Both curvatures are added up. Only the one along x belongs in it."),
        (u_t - u_xx, "The conductivity is missing."),
        (u_t - k * u_x, "That is the slope along x, which carries heat along; spreading takes the curvature."),
        (u_x - k * u_xx, "The slope along x stands where the slope along t should."),
    ]  # fmt: skip
    if torch.allclose(got, expected):
        return None
    for wrong, sentence in slips:
        if torch.allclose(got, wrong):
            return sentence
    return "Bring everything to one side: the slope along t, less κ times the curvature along x."


def imbalance(answer) -> str | None:
    """Change of energy, less work, plus what friction took."""
    world, h = Pendulum(friction=0.3), 0.01
    g = torch.Generator().manual_seed(0)
    before = 4 * torch.rand(50, 2, generator=g, dtype=torch.float64) - 2
    u = 3 * torch.rand(50, generator=g, dtype=torch.float64) - 1.5
    after = Flow(world, h).predict(before, u[:, None])
    change = world.energy(after) - world.energy(before)
    work = u * (after[:, 0] - before[:, 0])
    taken = h * world.friction / world.mass * (before[:, 1].square() + after[:, 1].square()) / 2
    got, expected = answer(world, before, after, u, h), change - work + taken
    if not isinstance(got, torch.Tensor) or got.shape != expected.shape:
        return f"It should return one number for each move, a tensor of shape {tuple(expected.shape)}; it returns {_shape(got)}."
    if torch.allclose(got, expected, atol=1e-9):
        return None
    push = u * (after[:, 1] - before[:, 1])
    slips = [
        (change, "That is the change of energy alone. Who pushes does work, and who rubs takes energy away."),
        (change - work, "The work is in, the friction is not: energy also leaves the books by rubbing."),
        (change + taken, "The friction is in, the work is not."),
        (change + work + taken, "The sign of the work: a push along the motion raises the energy, so it explains a rise and is taken off."),
        (change - work - taken, "The sign of the friction: it lowers the energy, so what it took is added back."),
        (change - push + taken, "Work is the push times the way that it went, which is the change of q, not of p."),
        (change - h * u + taken, "Work is the push times the way, not the push times the time."),
    ]  # fmt: skip
    for wrong, sentence in slips:
        if torch.allclose(got, wrong, atol=1e-9):
            return sentence
    return (
        f"On a fine step the books should balance to about 1e-6; yours are off by up to {float(got.abs().max()):.1e}."
    )


def unseen(answer) -> str | None:
    """The output that may be off by a constant."""
    if answer not in ("u", "v", "p", "none"):
        return f'Wanted "u", "v", "p" or "none"; got {answer!r}.'
    if answer == "p":
        return None
    if answer == "none":
        return "Look which outputs enter the terms only through their derivatives. Does the start say anything about all three?"
    return "The start fixes the velocity at t = 0, and (u·∇)u holds the velocity itself. A constant added to it is seen twice."


def _shape(got: object) -> str:
    return str(tuple(got.shape)) if isinstance(got, torch.Tensor) else type(got).__name__
