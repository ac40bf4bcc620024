"""Checks for the exercises of *Hide an object, not a patch*."""

import torch

from wm_core.jepa import causal_jepa


def whole_past(answer) -> str | None:
    """The mask of objects whose past is hidden."""
    objects = torch.tensor([[False, True, False, True], [False, False, False, False], [True, False, False, False]])
    expected = causal_jepa.whole_past(objects, 3)
    got = answer(objects, 3)
    if not isinstance(got, torch.Tensor) or got.shape != expected.shape:
        got = tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
        return f"It should return a tensor of shape {tuple(expected.shape)}; it returns {got}."
    if got.dtype != torch.bool:
        return f"It should be True or False for each slot; it has the type {got.dtype}. Compare the frames' numbers with 0."
    if got.equal(expected):
        return None
    everywhere = objects[:, None].expand_as(expected)
    if got.equal(everywhere):
        return (
            "The first frame is hidden too. Nothing is left by which the network could tell which object is asked for."
        )
    if got.equal(everywhere & ~expected):
        return "Only the first frame is hidden. That one should be shown, and all later ones hidden."
    if got.equal(everywhere & torch.tensor([True, True, False])[:, None]):
        return "The last frame is shown and the first is hidden. The network then sees where the object ended."
    if got.equal(~expected):
        return "What should be hidden is shown, and the other way round."
    return "It should be True for the chosen objects in every frame but the first, and False for all else."


def history_loss(answer) -> str | None:
    """The mean square over what was hidden, with targets cut from the graph."""
    generator = torch.Generator().manual_seed(0)
    imagined, slots = (torch.randn(3, 5, 4, 6, generator=generator) for _ in "is")
    hidden = causal_jepa.whole_past(
        torch.tensor([[True, False, False, True], [False] * 4, [False, True, False, False]]), 3
    )
    slots, imagined = slots.requires_grad_(), imagined.requires_grad_()
    squares = (imagined - slots).square().mean(-1)
    past = squares[:, :3]
    expected = float(past.detach()[hidden].mean())
    got = answer(imagined, slots, hidden)
    if not isinstance(got, torch.Tensor) or got.numel() != 1:
        return (
            f"It should return one number; it returns {tuple(got.shape) if isinstance(got, torch.Tensor) else got!r}."
        )
    value = float(got.detach())

    def agrees(other) -> bool:
        return abs(value - float(other)) < 1e-5 * abs(float(other))

    if agrees(expected):
        got.backward()
        if slots.grad is not None and slots.grad.abs().max() > 0:
            return "The number is right, but a gradient flows into the slots that it is compared with. Cut them from the graph."
        return None
    if agrees(past.detach().mean()):
        return "That is the mean over the whole history. What was shown tells nothing: take the hidden slots alone."
    if agrees(past.detach()[~hidden].mean()):
        return "That is the mean over what was shown. Take what was hidden."
    if agrees((past.detach() * hidden).mean()):
        return "The hidden slots' errors are added, and divided by the number of all slots. Divide by the number of the hidden ones."
    return f"For one set of random slots it gives {value:.3f}, wanted {expected:.3f}: the mean square over the hidden slots."


def cure(answer) -> str | None:
    """What it takes to tell a common cause from a link."""
    kinds = {"more", "unmarked", "marked"}
    if answer not in kinds:
        return f'Wanted "more", "unmarked" or "marked"; got {answer!r}.'
    if answer == "more":
        return "More of the same films say the same thing, with more certainty: where A jumps, B jumps."
    if answer == "unmarked":
        return (
            "Then some of A's jumps come alone. The network cannot tell which, expects the mean of both cases, "
            "and still moves B part of the way."
        )
    return None
