"""How sure we are: the spread over seeds."""

from collections.abc import Sequence


def mean_and_range(values: Sequence[float]) -> tuple[float, float, float]:
    """(mean, least, greatest). With three seeds the range is the honest spread; a standard error would flatter."""
    if not values:
        raise ValueError("values: got none, wanted at least one")
    return sum(values) / len(values), min(values), max(values)
