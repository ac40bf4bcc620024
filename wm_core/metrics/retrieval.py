"""Retrieval: whether the right answer is the nearest of all that are offered."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def retrieval_at_1(
    queries: Float[Tensor, "n dim"],
    offered: Float[Tensor, "m dim"] | Float[Tensor, "n m dim"],
    right: Bool[Tensor, "n m"] | None = None,
    tolerance: float = 1e-5,
) -> float:
    """How often the offered vector with the greatest cosine is a right one.

    Args:
        queries: n vectors.
        offered: the same m to each query, or to each its own m.
        right: which are right answers to which query. If left out, number i is the one right answer to query i; where
            each query has its own, number 0.
        tolerance: see `top_1`.
    """
    queries, offered = F.normalize(queries, dim=-1), F.normalize(offered, dim=-1)
    scores = queries @ offered.T if offered.ndim == 2 else (offered @ queries[..., None])[..., 0]
    if right is None:
        n, m = scores.shape
        place = torch.arange(n, device=scores.device) if offered.ndim == 2 else torch.zeros(n, device=scores.device)
        right = torch.arange(m, device=scores.device) == place[:, None]
    return top_1(scores, right, tolerance)


def top_1(scores: Float[Tensor, "n m"], right: Bool[Tensor, "n m"], tolerance: float = 1e-5) -> float:
    """The chance that the greatest score of a row is a right one, ties being broken by lot; mean over rows, 0 to 1.

    Taking the first of the greatest instead would call a collapsed embedding perfect whenever the right answer happens to
    stand first; here it scores what guessing does. A row with a score that is not a number counts as wrong.

    Args:
        scores: of each answer to each query; larger is better.
        right: which answers are right.
        tolerance: scores so near to the greatest count as equal to it. The default is above the rounding error of float32
            cosines and far below a difference that a trained embedding makes.
    """
    tied = scores >= scores.max(1, keepdim=True).values - tolerance
    chance = (tied & right).sum(1).double() / tied.sum(1).clamp_min(1)
    return float(chance.mean())


def mean_cosine(z: Float[Tensor, "n dim"]) -> float:
    """The mean cosine of two different vectors: 1 where all point one way, near 0 where they fill the sphere."""
    z = F.normalize(z.double(), dim=-1)
    n = len(z)
    return float((z.sum(0).square().sum() - z.square().sum()) / (n * (n - 1)))
