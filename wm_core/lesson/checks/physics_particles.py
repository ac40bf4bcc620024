"""Checks for the exercises of *Newton's third law in a graph network*."""

import torch

from wm_core.physics.particles import System, fly
from wm_core.worlds.particles import Bodies, Particles, momentum, paired


def third_law(answer) -> str | None:
    """Forces on bodies from what a network says of both directions of every pair."""
    generator = torch.Generator().manual_seed(0)
    there, back = (torch.randn(3, 6, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    got = answer(there, back, 4)
    if not isinstance(got, torch.Tensor) or got.shape != (3, 4, 2):
        return f"It should return a tensor of shape (3, 4, 2) for four bodies; it returns {_shape(got)}."
    right = paired((there - back) / 2, 4)
    if torch.allclose(got, right):
        return None
    slips = [
        (paired(there - back, 4), "Momentum is kept, and every force is twice as large: the mean of two answers has a half in it."),
        (-right, "Every force points the wrong way: take back from there, and not there from back."),
        (paired((there + back) / 2, 4), "Momentum is kept. But swap the two bodies of a pair and the force does not change its sign, so it depends on how the bodies are numbered. Subtract."),
        (paired(there, 4), "Momentum is kept, but `back` is never asked: the law holds and depends on how the bodies are numbered."),
    ]  # fmt: skip
    for wrong, sentence in slips:
        if torch.allclose(got, wrong):
            return sentence
    total = got.sum(-2).norm(dim=-1).mean()
    if total > 1e-9:
        return f"The forces add up to {float(total):.2g} and should add up to nothing: what acts on i acts on j with the sign turned round."
    return "The forces cancel, but they are not half the difference of the two answers."


def stop(answer) -> str | None:
    """One push on one body that brings a swarm to rest as a whole."""
    world, h = Particles(), 0.1
    x, bodies = world.start(1, 4, torch.Generator().manual_seed(1))
    x = x[0].clone()
    x[:, 2:] += torch.tensor([0.7, -0.4], dtype=x.dtype)
    push = answer(x.clone(), h)
    if not isinstance(push, torch.Tensor) or push.shape != (4, 2):
        return f"It should return a tensor of shape (4, 2); it returns {_shape(push)}."
    if float(push[1:].abs().max()) > 0:
        return "Only the first body may be pushed. The springs pass it on."
    total, own = momentum(x), x[0, 2:]
    path = fly(System(world, Bodies(bodies.mass[0], bodies.charge[0])), x, h, 1, push[None])
    left = momentum(path[-1])
    if float(left.norm()) < 1e-9:
        return None
    for wrong, sentence in [
        (-total, "That is the momentum which must go. A force acts for h seconds: divide."),
        (total / h, "That doubles it: the push must point against the momentum."),
        (-own / h, "That stops the first body, for a moment. The whole has the momentum of all four."),
        (-total / h / 4, "That is a quarter of it, as if every body were pushed. Only one is."),
        (-h * total, "A force times h is what it gives. So the force is the momentum over h."),
    ]:
        if torch.allclose(push[0], wrong):
            return sentence
    return f"After the step the swarm still has the momentum {float(left.norm()):.2g}, of {float(total.norm()):.2g} before."


def cogs(answer) -> str | None:
    """Forces that are opposite and lie across the line: who can fit them, and what they keep."""
    if not isinstance(answer, tuple) or len(answer) != 2:
        return "Wanted two words, in a pair."
    fits, kept = answer
    if fits not in ("central", "antisymmetric", "both", "neither") or kept not in ("kept", "not kept"):
        return f'Wanted "central", "antisymmetric", "both" or "neither", and "kept" or "not kept"; got {answer!r}.'
    if fits in ("central", "both"):
        return "A central force lies along the line. Whatever its network says, nothing of it lies across."
    if fits == "neither":
        return "The two forces are opposite, and the way from one body to the other turns round with them. Which network can say that?"
    if kept == "kept":
        return "Two opposite forces across the line between their bodies make a torque, r × F, and both turn the pair the same way round."
    return None


def _shape(got: object) -> str:
    return str(tuple(got.shape)) if isinstance(got, torch.Tensor) else type(got).__name__
