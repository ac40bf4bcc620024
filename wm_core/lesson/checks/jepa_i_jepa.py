"""The exercises of lessons/jepa/i_jepa.py."""

import torch

from wm_core.nets.vit import take
from wm_core.objectives.masking import block_masks
from wm_core.objectives.prediction import layer_normed


def follow(answer) -> str | None:
    """One update of a slow copy."""
    slow, fast = torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0])
    got = torch.as_tensor(answer(slow, fast, 0.9))
    if got.shape != slow.shape:
        return f"It should return a weight of shape {tuple(slow.shape)}; it returns {tuple(got.shape)}."
    if torch.allclose(got, 0.9 * slow + 0.1 * fast):
        return None
    if torch.allclose(got, 0.1 * slow + 0.9 * fast):
        return "With a decay of 0.9 it goes nine tenths of the way at once. The slow copy should keep nine tenths of itself."
    if torch.allclose(got, 0.9 * slow + fast):
        return "The two shares should add up to 1, or the copy grows without bound."
    return f"From 0 towards 1 with a decay of 0.9 it goes to {float(got[0]):g}; wanted 0.1."


def make_targets(answer) -> str | None:
    """Targets are features of the whole picture, normed, without gradient, at the places asked for."""
    scale = torch.tensor(3.0, requires_grad=True)
    seen = []

    def encoder(images: torch.Tensor, keep: torch.Tensor | None = None) -> torch.Tensor:
        """Each patch's features depend on its own pixels and on those of all patches that it is given."""
        seen.append(tuple(images.shape))
        tokens = images if keep is None else take(images, keep)
        return scale * (tokens + tokens.mean(1, keepdim=True).roll(1, -1))

    images = torch.randn(3, 9, 5, generator=torch.Generator().manual_seed(0))  # nine patches of five values each
    ask = torch.tensor([[0, 4], [7, 2], [8, 1]])
    whole = encoder(images).detach()
    right = take(layer_normed(whole), ask)
    got = answer(encoder, images, ask)
    if not isinstance(got, torch.Tensor) or got.shape != right.shape:
        return f"It should return a tensor of shape {tuple(right.shape)}; it returns {getattr(got, 'shape', type(got).__name__)}."
    if torch.allclose(got, right, atol=1e-5):
        return (
            "The values are right, but a gradient flows into the targets: that is the way to collapse."
            if got.requires_grad
            else None
        )
    if torch.allclose(got, take(whole, ask), atol=1e-5):
        return "The features are not layer-normed: a target encoder could make the loss small by making them small."
    alone = encoder(take(images, ask)).detach()
    if torch.allclose(got, layer_normed(alone), atol=1e-5) or torch.allclose(got, alone, atol=1e-5):
        return "The encoder was shown the hidden patches alone. It should see the whole picture, and be read off at the hidden places."
    return "These are not the normed features of the whole picture at the places asked for."


def share(answer) -> str | None:
    """The union of four target blocks on a grid of 6 by 6."""
    generator = torch.Generator().manual_seed(0)
    covered = [
        torch.zeros(500, 36).scatter(1, block_masks(500, (6, 6), generator, at_least=8).ask.flatten(1), 1)
        for _ in range(8)
    ]
    truth = float(torch.stack(covered).mean())
    got = float(answer)
    if abs(got - truth) < 0.05:
        return None
    if got > 1:
        return "A share lies between 0 and 1."
    if got > truth + 0.05:
        return "That is too much: blocks overlap, and a patch that two of them cover counts once."
    return "That is too little. One block covers about a sixth; four cover more, though less than four times as much."
