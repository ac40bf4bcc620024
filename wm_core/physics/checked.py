"""Refusing numbers that no method can work with, by name."""

import torch
from torch import Tensor


def finite(name: str, x: Tensor) -> Tensor:
    """``x`` itself, once it is known to hold numbers only.

    Inside a transform of `torch.func` (`vmap`, `grad`, `jacrev`) and under `torch.compile` there is no value to look at, and none is asked
    for.

    Raises:
        ValueError: ``x`` holds a NaN or an infinity.
    """
    if not transformed(x) and not bool(torch.isfinite(x).all()):
        bad = int((~torch.isfinite(x)).sum())
        raise ValueError(f"{name}: got {bad} of {x.numel()} values that are NaN or infinite, wanted finite ones")
    return x


def transformed(x: Tensor) -> bool:
    """Whether ``x`` stands for a value inside a transform, so that it has none of its own."""
    return torch.compiler.is_compiling() or torch._C._functorch.is_functorch_wrapped_tensor(x)
