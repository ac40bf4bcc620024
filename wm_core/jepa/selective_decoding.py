"""Selective decoding: watch the stream of embeddings, and put one into words only when the meaning has moved (VL-JEPA; Chen et
al., 2025, who cut decoding operations by 2.85 in this way).

Embedding frames is done anyway; writing is the dear part. The rules here look at the past only, so they could run live.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor


def running_mean(z: Float[Tensor, "*batch time dim"], window: int) -> Float[Tensor, "*batch time dim"]:
    """The mean over the last ``window`` embeddings, each brought to length 1 first; over fewer where the stream begins.

    Raises:
        ValueError: a window of no frames.
    """
    if window < 1:
        raise ValueError(f"window: got {window}, wanted at least 1 frame")
    total = F.pad(F.normalize(z, dim=-1).cumsum(-2), (0, 0, window, 0))  # as many zeros in front
    time = z.shape[-2]
    count = torch.arange(1, time + 1, device=z.device).clamp_max(window)
    return (total[..., window:, :] - total[..., :time, :]) / count[:, None]


def when_moved(z: Float[Tensor, "*batch time dim"], threshold: float, window: int = 1) -> Bool[Tensor, "*batch time"]:
    """Decode the first frame, and then whenever the running embedding has moved from the one decoded last.

    Args:
        z: the stream.
        threshold: the least 1 - cosine that counts as moved.
        window: of `running_mean`: more is calmer, and later.
    """
    stream = F.normalize(running_mean(z, window), dim=-1).reshape(-1, *z.shape[-2:])
    last, decoded = stream[:, 0], [torch.ones(len(stream), dtype=torch.bool, device=z.device)]
    for now in stream.unbind(1)[1:]:
        moved = 1 - (now * last).sum(-1) > threshold
        last = torch.where(moved[:, None], now, last)
        decoded.append(moved)
    return torch.stack(decoded, -1).reshape(z.shape[:-1])


def local_variance(z: Float[Tensor, "*batch time dim"], window: int) -> Float[Tensor, "*batch time"]:
    """1 - the squared length of the running mean: 0 where the last ``window`` embeddings all point one way, at most 1."""
    return (1 - running_mean(z, window).square().sum(-1)).clamp_min(0)


def when_settled(z: Float[Tensor, "*batch time dim"], threshold: float, window: int = 4) -> Bool[Tensor, "*batch time"]:
    """Decode the first frame, and then whenever the stream has come to rest after it was unsettled.

    It waits until what changed has filled the window, so it is up to ``window - 1`` frames late, and reads a calm embedding.

    Args:
        z: the stream.
        threshold: the local variance from which on the stream is unsettled.
        window: of `local_variance`. Shorter than the time between events, or two of them become one.
    """
    calm = local_variance(z, window) <= threshold
    decoded = calm.clone()
    decoded[..., 1:] &= ~calm[..., :-1]
    decoded[..., 0] = True
    return decoded


def uniformly(time: int, count: int, device: torch.device | str | None = None) -> Bool[Tensor, " {time}"]:
    """Decode ``count`` of the frames, the first and then evenly: what selective decoding is compared with.

    Raises:
        ValueError: more are to be decoded than there are, or none.
    """
    if not 1 <= count <= time:
        raise ValueError(f"count: got {count} of {time} frames, wanted 1 to {time}")
    decoded = torch.zeros(time, dtype=torch.bool, device=device)
    decoded[torch.arange(count, device=device) * time // count] = True
    return decoded


def last_decoded(decoded: Bool[Tensor, "*batch time"]) -> Int[Tensor, "*batch time"]:
    """For each frame, the frame whose words still stand: its own if it is decoded, else the last one that was.

    Raises:
        ValueError: a stream whose first frame is not decoded, so that nothing stands yet.
    """
    if not decoded[..., 0].all():
        raise ValueError("decoded: got a stream whose first frame is not decoded, wanted it to be")
    frame = torch.arange(decoded.shape[-1], device=decoded.device)
    return torch.where(decoded, frame, 0).cummax(-1).values


def told_truly(
    words: Int[Tensor, "*batch time"], true: Int[Tensor, "*batch time"], decoded: Bool[Tensor, "*batch time"]
) -> float:
    """The share of frames at which the words that were said last are true, 0 to 1.

    Args:
        words: what each frame would say if it were decoded, as the number of a meaning.
        true: what is so.
        decoded: which frames are.
    """
    return float((words.gather(-1, last_decoded(decoded)) == true).float().mean())


def calmest(
    z: Float[Tensor, "*batch time dim"],
    words: Int[Tensor, "*batch time"],
    true: Int[Tensor, "*batch time"],
    thresholds: Sequence[float],
    slack: float = 0.01,
) -> float:
    """The greatest threshold with which `when_moved` tells, within ``slack``, as much truly as with the best of them.

    Args:
        z: streams to choose on; what is measured afterwards should be other streams.
        words, true: see `told_truly`.
        thresholds: to choose from.
        slack: share of the frames that fewer decodings may cost.
    """
    found = {t: told_truly(words, true, when_moved(z, t)) for t in thresholds}
    return max(t for t in thresholds if found[t] >= max(found.values()) - slack)
