"""Checks for the exercises of *One frame, then the future*."""

import torch

from wm_core.objectives.vicreg import variance_hinge


def imagine(answer) -> str | None:
    """A rollout: each prediction starts from the one before."""

    def dynamics(z, a):
        return 2 * z + a.sum(-1, keepdim=True)

    z = torch.tensor([[1.0, 0.0], [0.5, -1.0]])
    actions = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]], [[0.0, 0.5], [1.0, 0.0], [3.0, 0.0]]])
    expected, state = [], z
    for a in actions.unbind(1):
        state = dynamics(state, a)
        expected.append(state)
    expected = torch.stack(expected, 1)
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


def keep_apart(answer) -> str | None:
    """The variance hinge."""
    generator = torch.Generator().manual_seed(0)
    wide, narrow = torch.randn(4096, 3, generator=generator) * 2, torch.randn(4096, 3, generator=generator) * 0.5
    got = [float(answer(z)) for z in (wide, narrow, torch.zeros(64, 3))]
    expected = [float(variance_hinge(z)) for z in (wide, narrow, torch.zeros(64, 3))]
    if all(abs(g - e) < 5e-3 for g, e in zip(got, expected, strict=True)):
        return None
    if got[0] > 0.01:
        return f"Latents with a standard deviation of 2 should cost nothing; they cost {got[0]:.2f}. Which way round is the difference?"
    if abs(got[1] - 0.75) < 0.02:
        return "With a standard deviation of 0.5 it gives 0.75: that is 1 minus the variance. Take the root."
    if got[2] < 0.5:
        return f"Latents that are all the same should cost nearly 1; they cost {got[2]:.2f}. Over which axis is the deviation taken?"
    return f"For standard deviations 2, 0.5 and 0 it gives {got[0]:.2f}, {got[1]:.2f}, {got[2]:.2f}; wanted {expected[0]:.2f}, {expected[1]:.2f}, {expected[2]:.2f}."
