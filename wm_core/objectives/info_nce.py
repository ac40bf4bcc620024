"""InfoNCE: each prediction should find its own target among those of the whole batch (van den Oord, Li & Vinyals, 2018), and
each target its own prediction (the symmetric form of CLIP; Radford et al., 2021).

It pulls pairs together and spreads everything else over the sphere; `alignment_and_uniformity` splits it into the two (Wang &
Isola, 2020). Where all embeddings are one vector it is log N, while perfect pairs far from each other bring it near 0: a
collapsed batch is never a minimum. It is a stationary point, though, with no slope at all: what leads away from it is
curvature, and any difference between samples will do as a start.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from wm_core.distributed import whole_batch


def info_nce(
    predicted: Float[Tensor, "n dim"],
    targets: Float[Tensor, "n dim"],
    temperature: float | Float[Tensor, ""] = 0.07,
    decoupled: bool = False,
) -> Float[Tensor, ""]:
    """The symmetric InfoNCE of cosines, in nats, over every process's rows.

    Rows with the same meaning count as wrong answers to each other, so where each meaning comes k times in a batch the loss
    cannot fall below log k. That moves the floor and not the best embedding: among equal answers it can only guess.

    Args:
        predicted, targets: row i of one belongs to row i of the other. They are brought to length 1. Gradients flow into both.
        temperature: what cosines are divided by: the smaller, the more the nearest wrong answers count. 0.07 is where CLIP
            starts to learn its own.
        decoupled: see `matched`.
    """
    return matched(cosines(predicted, targets) / temperature, decoupled)


def cosines(predicted: Float[Tensor, "n dim"], targets: Float[Tensor, "n dim"]) -> Float[Tensor, "all all"]:
    """The cosine of every prediction, a row, with every target, a column; of all processes."""
    predicted, targets = (F.normalize(whole_batch(z), dim=-1) for z in (predicted, targets))
    return predicted @ targets.T


def matched(scores: Float[Tensor, "n n"], decoupled: bool = False) -> Float[Tensor, ""]:
    """The cross-entropy of finding the diagonal of a matrix of scores: mean over rows and over columns, of both the mean.

    For any score of pairs, log N minus this is at most the mutual information of the pair (equation 5 of the paper); it is
    never more than log N, however much two things have in common.

    Args:
        scores: row i against column j; larger is more alike.
        decoupled: leave each right answer out of the sum that it is compared with (Yeh et al., 2022). What is left has no
            least value: making right answers' scores greater always pays, where InfoNCE is done once they have won. Bounded
            scores, as cosines are, keep it finite.
    """
    right = scores.diagonal()
    if decoupled:
        scores = scores.masked_fill(torch.eye(len(scores), dtype=torch.bool, device=scores.device), -torch.inf)
    return (scores.logsumexp(1) + scores.logsumexp(0)).mean() / 2 - right.mean()


def alignment_and_uniformity(
    predicted: Float[Tensor, "n dim"], targets: Float[Tensor, "n dim"], temperature: float | Float[Tensor, ""] = 0.07
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """The two terms that `info_nce` is the sum of: how far pairs are apart, and how crowded the sphere is.

    The first, E ‖p - t‖² / (2 · temperature) on vectors of length 1, is least (0) when pairs agree, as they do when all are one.
    The second, E log Σ exp(-‖p - t'‖² / (2 · temperature)) over all rows, is greatest (log N) when all are one.
    """
    closeness = (
        cosines(predicted, targets) - 1
    ) / temperature  # minus the squared distance, over twice the temperature
    return -closeness.diagonal().mean(), (closeness.logsumexp(1) + closeness.logsumexp(0)).mean() / 2
