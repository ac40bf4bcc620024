"""Expectiles: a mean that leans. The loss of implicit Q-learning (Kostrikov, Nair & Levine, 2022, equation 5)."""

from jaxtyping import Float
from torch import Tensor


def expectile_loss(error: Float[Tensor, "*batch"], expectile: float) -> Float[Tensor, "*batch"]:
    """|τ - 1[u < 0]| u² of each error u: errors above zero count τ, those below 1 - τ.

    The m that minimises its mean over x - m is the τ-expectile of x: the mean for τ = 0.5, and nearer to the greatest x the
    nearer τ is to 1.

    Args:
        error: u, what was seen less what was predicted.
        expectile: τ. Implicit Q-learning takes 0.7 for locomotion and 0.9 for mazes, HILP 0.95.

    Raises:
        ValueError: ``expectile`` is not between 0 and 1.
    """
    if not 0 < expectile < 1:
        raise ValueError(f"expectile: got {expectile}, wanted a number between 0 and 1")
    return (expectile - (error < 0).to(error)).abs() * error.square()
