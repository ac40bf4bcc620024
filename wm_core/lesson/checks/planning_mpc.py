"""Checks for the exercises of *Planning in imagination*."""

import torch

from wm_core.planning.mppi import soft_weights


def refit(answer) -> str | None:
    """The step of the cross-entropy method: the mean and the deviation of the elites."""
    generator = torch.Generator().manual_seed(0)
    plans = torch.tensor([1.0, 3.0]) * torch.randn(40, 5, 2, generator=generator) + torch.arange(5.0)[:, None]
    costs = (plans - 1).square().sum((1, 2))
    got = answer(plans, costs, 8)
    if not isinstance(got, tuple) or len(got) != 2 or not all(isinstance(part, torch.Tensor) for part in got):
        return "It should return two tensors: the mean and the standard deviation."
    mean, std = got
    elites = plans[costs.topk(8, largest=False).indices]
    if torch.equal(mean, plans[costs.argmin()]):
        return "That mean is the one cheapest plan. The method fits all the elites, or one lucky plan decides."
    if mean.shape != plans.shape[1:]:
        return (
            f"The mean has shape {tuple(mean.shape)}. A plan has {tuple(plans.shape[1:])}: average over the elites only, "
            "and keep the actions apart."
        )
    if torch.allclose(mean, plans[costs.topk(8).indices].mean(0)):
        return "Those are the dearest plans: `topk` takes the largest unless it is told otherwise."
    if torch.allclose(mean, plans.mean(0)):
        return "That is the mean of all plans, and the costs have had no say. Choose the elites first."
    if torch.allclose(mean, plans[:8].mean(0)):
        return "Those are the first plans in the list, not the cheapest ones."
    if not torch.allclose(mean, elites.mean(0)):
        return "The mean is not that of the eight cheapest plans."
    if std.shape != mean.shape:
        return f"The deviation has shape {tuple(std.shape)}; each number of a plan has its own, so it is {tuple(mean.shape)}."
    if torch.allclose(std, plans.std(0, correction=0)) or torch.allclose(std, plans.std(0)):
        return "That is the spread of all plans. It would never narrow: take the elites'."
    if torch.allclose(std, elites.var(0, correction=0)) or torch.allclose(std, elites.var(0)):
        return "That is the variance. The deviation is its root."
    if torch.allclose(std, elites.std(0)):
        return "Divided by one less than their number. The likeliest deviation divides by the number of elites: correction=0."
    if not torch.allclose(std, elites.std(0, correction=0)):
        return "The mean is right. The deviation is not that of the eight cheapest plans."
    return None


def weigh(answer) -> str | None:
    """The soft weights of MPPI."""
    costs = torch.tensor([3.0, 1.0, 2.0, 6.0])
    right = soft_weights(costs[None], 0.5)[0]
    got = answer(costs.clone(), 0.5)
    if not isinstance(got, torch.Tensor) or got.shape != costs.shape:
        return f"It should return a weight a plan, shape (4,); it returns {getattr(got, 'shape', type(got).__name__)}."
    if torch.allclose(got, torch.softmax(costs / 0.5, -1)):
        return "The dearest plan weighs most: the cost goes into the exponent with a minus."
    if torch.allclose(got / got.sum(), right) and not torch.allclose(got, right):
        return f"The proportions are right, and the weights sum to {float(got.sum()):.3g}. Divide by their sum."
    if torch.allclose(got, torch.softmax(-costs, -1)):
        return "The temperature has no effect. Divide the costs by it."
    if torch.allclose(got, torch.softmax(-0.5 * costs, -1)):
        return "Multiplied by the temperature. A low one should make the choice sharper: divide by it."
    if not torch.allclose(got, right):
        return f"For the costs {costs.tolist()} and λ = 0.5 it should be {[round(w, 3) for w in right.tolist()]}."
    dear = answer(costs + 1000.0, 0.5)
    if not dear.isfinite().all():
        return (
            "Add 1,000 to every cost and it is NaN: exp(-2000) is 0 in the computer, and 0 / 0 is no number. "
            "Subtract the least cost before the exponential."
        )
    if not torch.allclose(dear, right, atol=1e-3):
        return "Adding 1,000 to every cost changes the weights. Only differences of costs should count."
    if not answer(torch.tensor([1e4, 0.0, 5e3]), 1e-6).isfinite().all():
        return "With a very low temperature it is no number any more. Subtract the least cost, not the mean or the greatest."
    return None


def fails(answer) -> str | None:
    """Which summary of a plan's distances fails? The answer, and the function that measured it."""
    named, summaries, share_with = answer
    if named not in summaries:
        return f"It is one of {', '.join(map(repr, summaries))}; got {named!r}."
    shares = {name: share_with(summary) for name, summary in summaries.items()}
    worst = min(shares, key=shares.get)
    if named == worst:
        return None
    said = ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
    if named == "first":
        return f"Short-sighted is enough where the distance knows the door: {said}."
    if named == "greatest":
        return (
            f"On a good plan the greatest distance is the first, so this asks for a first place that is near: {said}."
        )
    if named == "least":
        return f"It may put off arriving, and yet the nearest place of each new plan is the goal: {said}."
    return f"No, measured it is: {said}."
