"""What a plan costs: how far the imagined latents are from the goal's, at the end or all along the way.

A sum along the way asks to be near soon, and to stay. The last latent alone lets a plan take its time, and a plan that is longer
than the way then has no reason to be straight. EB-JEPA (Terver et al., 2026) sums: its success in Two Rooms is 97 % so, and 89 %
with the last latent only.
"""

from collections.abc import Callable
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from wm_core.planning.search import Cost

#: Which imagined latents count: all of them, summed or averaged, or the last.
Along = Literal["sum", "mean", "last"]


def along_path(far: Callable[[Tensor], Tensor], along: Along = "sum") -> Cost:
    """A cost from any distance.

    Args:
        far: from imagined latents ``(episodes, samples, time, *latent)`` to how far each is from the goal of its episode,
            (episodes, samples, time).
        along: which of them count. The average is the sum, divided by the horizon, so that plans of different lengths compare.

    Raises:
        ValueError: ``along`` is none of the three.
    """
    if along not in ("sum", "mean", "last"):
        raise ValueError(f"along: got {along!r}, wanted 'sum', 'mean' or 'last'")

    def cost(path: Tensor, actions: Tensor) -> Tensor:
        if along == "last":
            return far(path[:, :, -1:])[..., 0]
        return far(path).sum(-1) if along == "sum" else far(path).mean(-1)

    return cost


def squared_to_goal(goal: Float[Tensor, "episodes *latent"], along: Along = "sum") -> Cost:
    """The squared Euclidean distance to a goal's latent, summed along the path as in EB-JEPA (Terver et al., 2026).

    PLDM (Sobal et al., 2025) sums along the path too, and averages over the latent's numbers: the same cost on another scale.
    """

    def far(path: Tensor) -> Tensor:
        return (path - goal[:, None, None]).square().flatten(3).sum(-1)

    def in_all(path: Tensor, actions: Tensor) -> Tensor:  # the same sum, in one pass instead of two
        return (path - goal[:, None, None]).square().flatten(2).sum(-1)

    return in_all if along == "sum" else along_path(far, along)


def to_goal(goal: Float[Tensor, "episodes *latent"]) -> Cost:
    """The mean absolute difference between the last imagined latent and a goal's (Assran et al., 2025, section 3.2)."""

    def cost(path: Tensor, actions: Tensor) -> Tensor:
        return (path[:, :, -1] - goal[:, None]).abs().flatten(2).mean(-1)

    return cost
