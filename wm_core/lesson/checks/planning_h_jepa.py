"""Checks for the exercises of *Two clocks*."""

import torch

from wm_core.metrics.intervals import mcnemar
from wm_core.nets.stochastic import Gaussian
from wm_core.objectives.latent_kl import balanced_kl


def _beliefs() -> tuple[Gaussian, Gaussian, torch.Tensor, torch.Tensor]:
    """Posterior and prior over four moments, all but one within a nat of each other, and the two means that may be moved."""
    q = torch.tensor([[[0.1], [0.4], [1.0], [0.5]]]).requires_grad_()
    p = torch.tensor([[[0.0], [0.0], [-0.5], [0.0]]]).requires_grad_()
    one = torch.ones_like(q)
    return Gaussian(q, one), Gaussian(p, 0.8 * one), q, p


def balance(answer) -> str | None:
    """The balanced divergence with free bits."""
    posterior, prior, q, p = _beliefs()
    got = answer(posterior, prior, 1.0)
    if not isinstance(got, tuple) or len(got) != 2 or not all(isinstance(part, torch.Tensor) for part in got):
        return "It should return two tensors: the term that moves the prior, and the one that moves the posterior."
    if any(part.ndim for part in got):
        return "Each term is one number: the mean over all moments."
    right = balanced_kl(posterior, prior)
    first, second = (float(part.detach()) for part in got)
    wanted, little = (float(part.detach()) for part in right.values())
    whole, turned = posterior.kl(prior).detach(), prior.kl(posterior).detach()
    if abs(first - float(turned.clamp_min(1.0).mean())) < 1e-5 and abs(first - wanted) > 1e-5:
        return "That is the divergence of the prior from the posterior. The posterior comes first: KL(q ‖ p)."
    if abs(first - float(whole.mean().clamp_min(1.0))) < 1e-5:
        return "The free nat is taken off the mean over moments. Each moment has its own: clamp first, then average."
    if abs(first - float(whole.mean())) < 1e-5:
        return "Nothing is free: moments below one nat should count as one nat."
    if abs(first - float(whole.clamp_max(1.0).mean())) < 1e-5:
        return "Clamped from above. What is below one nat should be lifted to it: clamp_min."
    if abs(first - wanted) > 1e-5:
        return f"The first term should be {wanted:.3f} here; it is {first:.3f}."
    if abs(second - 10 * little) < 1e-4:
        return "Both terms weigh alike. The one that moves the posterior counts a tenth."
    if abs(second - little) > 1e-5:
        return f"The second term should be {little:.3f} here; it is {second:.3f}."
    slopes = [
        torch.autograd.grad(part, (q, p), retain_graph=True, allow_unused=True) if part.requires_grad else (None, None)
        for part in got
    ]
    moved = [[slope is not None and bool(slope.abs().sum() > 0) for slope in pair] for pair in slopes]
    if moved == [[True, False], [False, True]]:
        return "The wrong side is held still in each: detach the posterior where the prior should move."
    if moved[0][0] or moved[1][1]:
        return "A gradient reaches both beliefs. In each term one of them is held still, by detach()."
    if moved != [[False, True], [True, False]]:
        return "No gradient reaches what should move: the prior by the first term, the posterior by the second."
    return None


def plans_left(answer) -> str | None:
    """(16 · 32 · 4 - 64 · 4 · 4) / (8 · 4) = 32."""
    try:
        number = float(answer)
    except (TypeError, ValueError):
        return "It is a number of plans."
    if number == 32:
        return None
    for slip, words in {
        64: "That spends all on level 1. Level 2's predictions count too.",
        -192: "That counts a tick as eight predictions. Level 2 makes one for eight steps, which is what it is for.",
        128: "Those are the plans of all rounds together. How many a round?",
        8: "Level 1 looks eight steps ahead here, not 32.",
        56: "Level 2 tries its plans in each of four rounds.",
        256: "A plan of eight steps takes eight predictions, not one.",
    }.items():
        if number == slip:
            return words
    return (
        f"{number:g} is not it. The flat search makes 16 · 32 · 4 = 2,048 predictions. Take off level 2's; what is left is "
        "for plans of 8 steps in 4 rounds."
    )


def coin(answer) -> str | None:
    """McNemar's exact test, from the counts."""
    for one, other in ((9, 2), (2, 9), (4, 4), (0, 0), (12, 0)):
        right = mcnemar([True] * one + [False] * other, [False] * one + [True] * other)[2]
        got = float(answer(one, other))
        if abs(got - right) < 1e-9:
            continue
        if got > 1:
            return (
                f"For {one} and {other} that is {got:.2f}. A chance is at most 1: a split down the middle counts twice."
            )
        if (one, other) == (9, 2) and abs(got - right / 2) < 1e-9:
            return (
                "That is one side only. Had the other arm won so clearly, you would have been as impressed: times two."
            )
        if (one, other) == (9, 2) and abs(got - 2 * 12 / 2**11) < 1e-9:
            return "The observed split itself is left out: `range` stops one before its end."
        if abs(got - 1) < 1e-9:
            return (
                f"For {one} and {other} it is 1, as if nothing could be told. Sum up to the smaller of the two counts."
            )
        return f"For {one} and {other} p should be {right:.4f}; it is {got:.4f}."
    return None
