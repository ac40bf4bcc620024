"""Checks for the exercises of *Exactly, not approximately*."""

import torch

from wm_core.worlds.kepler import Kepler


def without_sources(answer) -> str | None:
    """The Leray projection of waves."""
    n = 8
    field = torch.randn(2, n, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    waves = torch.fft.fft2(field)
    numbers = torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
    numbers = torch.where(numbers.abs() == n / 2, 0, numbers)
    kx, ky = numbers[:, None], numbers[None]
    got = answer(waves, (kx, ky))
    if not isinstance(got, torch.Tensor) or got.shape != waves.shape:
        shape = tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
        return f"It should return the waves of both components, {tuple(waves.shape)}; it returns {shape}."
    square = kx * kx + ky * ky
    square = torch.where(square == 0, 1, square)
    inner = kx * waves[0] + ky * waves[1]
    along = inner / square

    def less(x, y):
        return torch.stack([waves[0] - x, waves[1] - y])

    if torch.allclose(got, less(kx * along, ky * along)):
        return None
    slips = [
        (less(-kx * along, -ky * along), "The divergence has doubled, exactly: the sign is turned round. What lies along k is taken away."),
        (less(along, along), "Each component loses the same. What is taken away points along k: kx times it in x, ky times it in y."),
        (less(kx * inner, ky * inner), "It takes away too much from every short wave. The part along k is divided by k²."),
        (less(ky * along, kx * along), "The components of k are swapped in what is taken away."),
        (less(kx * inner / square.sqrt(), ky * inner / square.sqrt()), "Divide by k², not by its root: k enters twice, once in the product and once in the direction."),
        (torch.stack([kx * along, ky * along]), "That is the part with the sources. It is what should be taken away, not what should be left."),
        (waves, "Nothing has changed."),
    ]  # fmt: skip
    for wrong, sentence in slips:
        if torch.allclose(got, wrong):
            return sentence
    left = float((kx * got[0] + ky * got[1]).abs().max() / inner.abs().max())
    if left < 1e-9:
        return "It has no sources left, but it is not the nearest such field: something else was changed as well. Is the mean still there?"
    return (
        f"Of the largest source, a share of {left:.2g} is left. Project one wave by hand: take away its part along k."
    )


def one_round(answer) -> str | None:
    """A Newton step for one multiplier."""
    sun = Kepler()
    x = torch.tensor([[1.0, 0.2, -0.1, 0.9], [0.7, -0.3, 0.4, 1.2]], dtype=torch.float64)
    lam, c = torch.tensor([[0.1], [-0.05]], dtype=torch.float64), torch.tensor([[-0.4], [-0.6]], dtype=torch.float64)

    def energy(x):
        return sun.energy(x)[..., None]

    def gradient(x):
        q, p = x.chunk(2, -1)
        return torch.cat([-sun.force(q), p], -1)

    slope = gradient(x)
    here = x + lam * slope
    error = energy(here) - c
    reply = (gradient(here) * slope).sum(-1, keepdim=True)
    got = answer(energy, gradient, x, slope, lam, c)
    if not isinstance(got, torch.Tensor) or got.shape != lam.shape:
        shape = tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
        return f"It should return one multiplier a state, {tuple(lam.shape)}; it returns {shape}."
    if torch.allclose(got, lam - error / reply):
        return None
    frozen = (slope * slope).sum(-1, keepdim=True)
    own = (gradient(here) ** 2).sum(-1, keepdim=True)
    slips = [
        (
            lam + error / reply,
            "It moves away from the level: the error has the wrong sign. How much too high is the energy here?",
        ),
        (
            lam - (energy(x) - c) / reply,
            "The error is that of the candidate. Newton wants the error where we are now, at `here`.",
        ),
        (
            lam - energy(here) / reply,
            "It aims at an energy of zero. The error is what the energy is less what it should be, c.",
        ),
        (
            lam - error / own,
            "The state moves along the slope at the candidate, `slope`, and not along the one at `here`.",
        ),
        (
            lam - error / frozen,
            "That converges too, but more slowly: the slope that was there is not the slope that is here.",
        ),
    ]
    for wrong, sentence in slips:
        if torch.allclose(got, wrong):
            return sentence
    return "Write the energy at `here` as a function of lam. Its error is a difference of two energies; its derivative a product of two slopes."


def left_over(answer) -> str | None:
    """What is left of noise in four directions."""
    try:
        one, two = (float(part) for part in answer)
    except (TypeError, ValueError):
        return "Wanted two numbers: for the energy alone, and for energy and angular momentum."
    if abs(one - (3 / 4) ** 0.5) < 1e-3 and abs(two - (2 / 4) ** 0.5) < 1e-3:
        return None
    if abs(one - 3 / 4) < 1e-3:
        return "Those are the variances. The RMSE is a root."
    if abs(one - 0.5**0.5) < 1e-3:
        return "That is the pendulum's factor: one direction of two. Here one of four goes."
    if abs(one - 1 / 4) < 1e-3 or abs(one - 1 / 2) < 1e-3:
        return "That is what is taken away. The question is what is left."
    return "Each invariant removes the noise of one direction. How many of the four are left?"
