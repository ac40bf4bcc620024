"""Checks for the exercises of *A pendulum that keeps its energy*."""

import torch

from wm_core.physics import integrators
from wm_core.worlds.oscillators import Pendulum, Spring

STATES = torch.tensor([[0.3, 0.1], [1.0, -0.5], [-0.7, 0.9]], dtype=torch.float64)


def leapfrog(answer) -> str | None:
    """A leapfrog step."""
    system, h = Pendulum(), 0.1
    force, velocity = system.force, system.velocity
    q, p = STATES.chunk(2, -1)

    def step(kick, drift):
        """Leapfrog's three lines with other kicks and drifts."""
        middle = p + kick(q)
        after = q + drift(middle)
        return torch.cat([after, middle + kick(after)], -1)

    got = answer(system, STATES, h)
    if not isinstance(got, torch.Tensor) or got.shape != STATES.shape:
        return f"It should return the new states, a tensor of shape {tuple(STATES.shape)}; it returns {_shape(got)}."
    half = q + h / 2 * velocity(p)
    kicked = p + h * force(half)
    slips = [
        (STATES, "Nothing moves."),
        (torch.cat([half + h / 2 * velocity(kicked), kicked], -1), "That is the other leapfrog, drift, kick, drift. It is as good. Here the kick comes first."),
        (step(lambda q: -h / 2 * force(q), lambda p: h * velocity(p)), "The kicks go the wrong way: `force` already has the minus sign."),
        (step(lambda q: h / 2 * force(q), lambda p: h * p), "The drift takes `velocity(p)`, which is p over the mass, and not p."),
        (step(lambda q: force(q) / 2, lambda p: velocity(p)), "Every line needs its `h`."),
        (step(lambda q: h * force(q), lambda p: h * velocity(p)), "Both kicks are twice as long as they should be: half a step each."),
        (integrators.symplectic_euler(system, STATES, h), "That is symplectic Euler: symplectic, but of first order. Split the kick into two halves around the drift."),
        (integrators.explicit_euler(system, STATES, h), "That is explicit Euler: the drift must use the momentum after the first half kick."),
    ]  # fmt: skip
    if torch.allclose(got, integrators.leapfrog(system, STATES, h)):
        return None
    for wrong, sentence in slips:
        if torch.allclose(got, wrong):
            return sentence
    defect = float(integrators.symplectic_defect(answer, system, STATES, h).max())
    if defect > 1e-8:
        return f"It is not symplectic: MᵀΩM differs from Ω by {defect:.1e}. Does each line use the newest values?"
    return (
        "It is symplectic but not leapfrog. Is the second kick taken at the new q, and does each line have its own h?"
    )


def more_data(answer) -> str | None:
    """Which error shrinks with more swings in the ring."""
    if answer not in ("energy", "phase", "both", "neither"):
        return f'Wanted "energy", "phase", "both" or "neither"; got {answer!r}.'
    if answer == "energy":
        return None
    if answer == "neither":
        return "One of them does shrink: contours that come through the ring are pinned down better."
    return "Most of the drops lie in the hole. No number of swings in the ring says how steep the hill is there."


def _shape(got: object) -> str:
    return str(tuple(got.shape)) if isinstance(got, torch.Tensor) else type(got).__name__


def motion(answer) -> str | None:
    """Hamilton's equations from an energy."""
    other = Pendulum()
    system = Spring(stiffness=3.0)
    got, expected = answer(system.energy, STATES), system.field(STATES)
    if got.shape != expected.shape:
        return f"It should return a tensor of shape {tuple(expected.shape)}; it returns {tuple(got.shape)}."
    if torch.allclose(got, expected):
        if torch.allclose(answer(other.energy, STATES), other.field(STATES)):
            return None
        return "It is right for one energy and wrong for another. Use the slopes of the energy that you are given."
    if torch.allclose(got, -expected):
        return "The film runs backwards: both signs are turned round."
    if torch.allclose(got.abs(), expected.abs()):
        return "The sizes are right and a sign is not. The momentum goes down the slope of q; the position goes with the slope of p."
    if torch.allclose(got.flip(-1).abs(), expected.abs()):
        return "The slopes are swapped: the slope along p moves q, and the slope along q moves p."
    return "Try it on H = p²: then dq/dt = 2p and dp/dt = 0."
