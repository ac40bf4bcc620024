"""How sure we are: the spread over seeds, the interval of a success rate, and whether two rates on the same trials differ."""

import math
from collections.abc import Sequence


def mean_and_range(values: Sequence[float]) -> tuple[float, float, float]:
    """(mean, least, greatest). With three seeds the range is the honest spread; a standard error would flatter."""
    if not values:
        raise ValueError("values: got none, wanted at least one")
    return sum(values) / len(values), min(values), max(values)


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float, float]:
    """(share, low, high): a share of successes and its interval by Wilson (1927), 95 % for ``z`` = 1.96.

    Unlike share ± z·sqrt(share (1 - share) / n) it stays within 0 and 1, and it does not shrink to a point at 0 of n or n of n.

    Raises:
        ValueError: no trial, or more successes than trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"successes: got {successes} of {trials} trials, wanted between none and all of at least one")
    share, weight = successes / trials, z * z / trials
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))  # rounding must not cross it


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> tuple[int, int, float]:
    """(only the first, only the second, p): the exact test of McNemar (1947) of two arms on the same trials.

    Trials at which both succeed or both fail say nothing about which is better. Of the others each arm would win half if there were
    no difference; p is the chance of a split at least as uneven, to either side.

    Raises:
        ValueError: the arms have different numbers of trials.
    """
    if len(first) != len(second):
        raise ValueError(
            f"second: got {len(second)} trials beside {len(first)}, wanted the same trials in the same order"
        )
    one = sum(bool(a) and not b for a, b in zip(first, second, strict=True))
    other = sum(bool(b) and not a for a, b in zip(first, second, strict=True))
    tail = sum(math.comb(one + other, k) for k in range(min(one, other) + 1))
    return one, other, min(1.0, 2 * tail / 2 ** (one + other))
