"""How far a computed field is from the true one."""

import torch
from torch import Tensor


@torch.no_grad()
def relative_l2(got: Tensor, wanted: Tensor) -> float:
    """‖got - wanted‖ / ‖wanted‖ over all points and components: 0 is exact, 1 is no better than saying zero everywhere.

    Raises:
        ValueError: the shapes differ, or the true field is zero, so that there is nothing to compare with.
    """
    if got.shape != wanted.shape:
        raise ValueError(f"got: shape {tuple(got.shape)}, wanted that of the true field, {tuple(wanted.shape)}")
    size = wanted.norm()
    if not size:
        raise ValueError("wanted: got a field that is zero everywhere, wanted one to compare with")
    return float((got - wanted).norm() / size)
