"""The exercises of lessons/jepa/v_jepa.py."""

import torch

from wm_core.objectives.masking import LONG_RANGE, SHORT_RANGE, moment_masks


def through_time(answer) -> str | None:
    """From places of a frame to the tokens of the tubes that stand there."""
    places, grid = torch.tensor([[0, 5], [3, 8]]), (4, 3, 3)
    right = torch.tensor([[9 * t + p for t in range(4) for p in row] for row in places.tolist()])
    got = answer(places, grid)
    if not isinstance(got, torch.Tensor) or got.shape != right.shape:
        shape = tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
        return f"Two places at four moments are eight tokens: wanted shape {tuple(right.shape)}, got {shape}."
    if torch.equal(got.sort(1).values, right.sort(1).values):
        return None
    if torch.equal(got.sort(1).values, places.repeat(1, 4).sort(1).values):
        return "These are the places of the first moment, four times over. Every later moment's tokens have higher numbers."
    if (got >= 36).any():
        return "Some numbers are beyond the last token. A moment has height times width tokens; how many are the earlier ones?"
    return "These tokens are not the same places at every moment. Time is the slowest axis: a frame's tokens come one after another."


def best_guess(answer) -> str | None:
    """The constant of least mean error over a set of values."""
    values = torch.tensor([-1.0] * 7 + [1.0] * 3)
    for power, right in ((1, -1.0), (2, -0.4)):
        got = float(answer(values, power))
        if abs(got - right) <= 1e-2:
            continue
        if power == 1 and abs(got + 0.4) <= 1e-2:
            return "For the absolute error that is the mean, which is best for the squared one."
        if power == 2 and abs(got + 1) <= 1e-2:
            return "For the squared error that is the median, which is best for the absolute one."
        if abs(got - 1) <= 1e-2:
            return "That is the worst of the guesses: look for the least error."
        return f"With the power {power} it answers {got:g}; among guesses from -1 to 1 the best is {right:g}."
    return None


def shown_elsewhere(answer) -> str | None:
    """The share of hidden tokens whose place shows at another moment."""
    generator = torch.Generator().manual_seed(0)
    for kind in (SHORT_RANGE, LONG_RANGE):
        masks = moment_masks(100, (4, 4, 4), generator, *kind)
        shown = torch.zeros(100, 16).scatter(1, masks.keep % 16, 1.0)
        truth = float(shown.gather(1, masks.ask[:, 0] % 16).mean())
        got = float(answer(masks))
        if abs(got - truth) < 1e-4:
            continue
        if abs(got - (1 - truth)) < 1e-4:
            return "That is the share of hidden tokens whose place is hidden at every moment: the others are wanted."
        if abs(got - float(shown.mean())) < 1e-4:
            return "That is the share of all sixteen places that show. Count hidden tokens, and ask of each whether its place shows."
        if got == 0:
            return "A token is never both hidden and kept. Compare places, which are tokens modulo 16."
        return f"Here it should be {truth:.3f}; it is {got:.3f}. Ask of each hidden token whether its place shows at any moment."
    return None
