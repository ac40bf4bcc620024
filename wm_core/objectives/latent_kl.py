"""Holding what is imagined against what is seen: the balanced KL with free bits of DreamerV3 (Hafner et al., 2025)."""

from torch import Tensor

from wm_core.nets.stochastic import Belief


def balanced_kl(
    posterior: Belief, prior: Belief, dynamics: float = 1.0, representation: float = 0.1, free: float = 1.0
) -> dict[str, Tensor]:
    """Two weighted terms of one value and different slopes.

    ``dynamics`` · max(free, KL(sg(q) ‖ p)) moves the prior p towards the posterior q: learn to foresee. ``representation`` ·
    max(free, KL(q ‖ sg(p))) moves the posterior towards the prior: look only at what can be foreseen. sg stops the gradient. The
    prior has to move faster, or the posterior gives up what it sees for the sake of a prior that knows nothing yet.

    Free bits (after Kingma et al., 2016, who clip the mean over a batch for each group of numbers): here, as in DreamerV3, a moment's
    KL, summed over all numbers or groups of the latent, that is below ``free`` has no slope at all, for prior and posterior. So a
    latent which has less to say than ``free`` is not learned to be foreseen; a coin's 0.69 nats are below 1.

    Args:
        posterior: q, with batch and time axes.
        prior: p, of the same shape.
        dynamics: weight of the first term: 1 in DreamerV3, 0.8 β in DreamerV2 (β = 0.1 on Atari).
        representation: weight of the second: 0.1 in DreamerV3, 0.2 β in DreamerV2.
        free: nats at each moment: 1 in DreamerV3, none in DreamerV2's Atari settings.

    Returns:
        The mean of each term over batch and time, by name.

    Raises:
        ValueError: ``free`` is negative.
    """
    if free < 0:
        raise ValueError(f"free: got {free}, wanted at least 0")
    return {
        "dynamics": dynamics * posterior.detach().kl(prior).clamp_min(free).mean(),
        "representation": representation * posterior.kl(prior.detach()).clamp_min(free).mean(),
    }
