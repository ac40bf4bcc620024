"""Checks for the exercises of *A pendulum that keeps its energy*."""

import torch

from wm_core.physics import integrators
from wm_core.worlds.oscillators import Pendulum, Spring

STATES = torch.tensor([[0.3, 0.1], [1.0, -0.5], [-0.7, 0.9]], dtype=torch.float64)


def leapfrog(answer) -> str | None:
    """A leapfrog step."""
    system, h = Pendulum(), 0.1
    got = answer(system, STATES, h)
    if torch.allclose(got, integrators.leapfrog(system, STATES, h)):
        return None
    if torch.allclose(got, integrators.symplectic_euler(system, STATES, h)):
        return (
            "That is symplectic Euler: symplectic, but of first order. Split the kick into two halves around the drift."
        )
    if torch.allclose(got, integrators.explicit_euler(system, STATES, h)):
        return "That is explicit Euler: the drift must use the momentum after the first half kick."
    defect = float(integrators.symplectic_defect(answer, system, STATES, h).max())
    if defect > 1e-8:
        return f"It is not symplectic: MᵀΩM differs from Ω by {defect:.1e}. Does each line use the newest values?"
    q, p = STATES.chunk(2, -1)
    if torch.allclose(got, torch.cat([q, p], -1)):
        return "Nothing moves."
    return "It is symplectic but not leapfrog. Are both kicks half as long as the drift, and is the second taken at the new q?"


def motion(answer) -> str | None:
    """Hamilton's equations from an energy."""
    system = Spring(stiffness=3.0)
    got, expected = answer(system.energy, STATES), system.field(STATES)
    if got.shape != expected.shape:
        return f"It should return a tensor of shape {tuple(expected.shape)}; it returns {tuple(got.shape)}."
    if torch.allclose(got, expected):
        return None
    if torch.allclose(got, -expected):
        return "The film runs backwards: both signs are turned round."
    if torch.allclose(got.abs(), expected.abs()):
        return "The sizes are right and a sign is not. The momentum goes down the slope of q; the position goes with the slope of p."
    if torch.allclose(got.flip(-1).abs(), expected.abs()):
        return "The slopes are swapped: the slope along p moves q, and the slope along q moves p."
    return "Try it on H = p²: then dq/dt = 2p and dp/dt = 0."
