"""Checks for the exercises of *One frame, then the future*."""

import torch

from wm_core.nets.dynamics import unroll
from wm_core.objectives.vicreg import variance_hinge


def imagine(answer) -> str | None:
    """A rollout: each prediction starts from the one before."""

    def dynamics(z, a):
        return 2 * z + a.sum(-1, keepdim=True)

    z = torch.tensor([[1.0, 0.0], [0.5, -1.0]])
    actions = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]], [[0.0, 0.5], [1.0, 0.0], [3.0, 0.0]]])
    expected = unroll(dynamics, z, actions)
    got = answer(dynamics, z, actions)
    if not isinstance(got, torch.Tensor) or got.shape != expected.shape:
        return f"It should return a tensor of shape {tuple(expected.shape)}; it returns {getattr(got, 'shape', type(got).__name__)}."
    if torch.allclose(got, expected):
        return None
    if torch.allclose(got, torch.stack([dynamics(z, a) for a in actions.unbind(1)], 1)):
        return "Every prediction starts from the first latent. The second push must act on the latent after the first."
    if torch.allclose(got[:, 0], z):
        return (
            "The first entry is the latent before any push. The first imagined latent is the one after the first push."
        )
    return "The latents are not those of applying the dynamics once per push, each time to the last result."


def threshold(answer) -> str | None:
    """The contrast of wallpaper below which prediction alone sees the dot."""
    contrast = float(answer)
    if 0.02 <= contrast < 0.05:
        return None
    if contrast >= 0.15:
        return "That is the contrast of this chapter or more: the table shows what happens there."
    if contrast >= 0.05:
        return f"At {contrast:g} the wallpaper still wins. Measure again, lower."
    return f"At {contrast:g} the dot has been seen for a while. Measure again, a little higher."


def keep_apart(answer) -> str | None:
    """The variance hinge."""
    noise = torch.randn(4096, 3, generator=torch.Generator().manual_seed(0))
    mixed = noise * torch.tensor([2.0, 0.5, 0.0])
    batches = (noise * 2, noise * 0.5, torch.zeros(64, 3), mixed, torch.full((64, 3), 5.0))
    answers = [torch.as_tensor(answer(z)) for z in batches]
    if answers[0].numel() != 1:
        return f"It should return one number; it returns {tuple(answers[0].shape)}. Take the mean over dimensions."
    got = [float(a) for a in answers]
    wide, narrow, same, each, shifted = got

    def agrees(prepare) -> bool:
        return all(abs(g - float(variance_hinge(prepare(z)))) < 5e-3 for g, z in zip(got, batches, strict=True))

    if agrees(lambda z: z):
        return None
    if agrees(lambda z: z.mT):
        return "The deviation is taken over the numbers of one latent. Take it over the batch, which is axis 0."
    if agrees(lambda z: z.reshape(-1, 1)):
        return "One deviation is taken of all numbers together. Each dimension needs its own, over the batch."
    if wide > 0.01:
        return f"Latents with a standard deviation of 2 should cost nothing; they cost {wide:.2f}. Which way round is the difference?"
    if wide < -0.01:
        return f"Latents with a standard deviation of 2 should cost nothing; they cost {wide:.2f}. Only a shortfall counts."
    if abs(narrow - 0.75) < 0.02:
        return "With a standard deviation of 0.5 it gives 0.75: that is 1 minus the variance. Take the root."
    if abs(narrow - 0.5) < 0.02 and same > 0.995:
        return f"Latents that are all the same cost {same:.2f}, wanted 0.99. Put eps under the root, whose slope is infinite at 0."
    if same < 0.5:
        return f"Latents that are all the same should cost nearly 1; they cost {same:.2f}."
    if abs(shifted - same) > 0.1:
        return f"Latents that are all 5 cost {shifted:.2f}, and those that are all 0 cost {same:.2f}. Subtract the mean first."
    if all(abs(g - 3 * float(variance_hinge(z))) < 0.02 for g, z in zip(got, batches, strict=True)):
        return "That is the sum over dimensions. Take the mean."
    if abs(wide) < 0.01 and abs(narrow - 0.5) < 0.02:
        return (
            f"With deviations 2, 0.5 and 0 in one batch it gives {each:.2f}, wanted 0.50: "
            "each dimension falls short on its own, and the shortfalls are averaged."
        )
    return (
        f"For standard deviations 2, 0.5 and 0 it gives {wide:.2f}, {narrow:.2f}, {same:.2f}; wanted 0.00, 0.50, 0.99."
    )
