"""How large a network is, and the width at which another one is as large."""

from collections.abc import Callable

from torch import nn


def parameters(module: nn.Module) -> int:
    """How many numbers a module learns. Those that are held fast, such as a slow copy's, do not count."""
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad)


def width_for(build: Callable[[int], nn.Module], wanted: int, most: int = 4096) -> int:
    """The width at which a network comes nearest to a number of parameters.

    Args:
        build: from a width to a network, which grows with it.
        wanted: how many parameters.
        most: the largest width that is tried.

    Raises:
        ValueError: even at ``most`` the network has fewer.
    """
    low, high = 1, most
    if parameters(build(most)) < wanted:
        raise ValueError(
            f"wanted: got {wanted}, more than the {parameters(build(most))} parameters at a width of {most}"
        )
    while high - low > 1:  # the network at `high` has enough, and that at `low` does not or is the least there is
        middle = (low + high) // 2
        low, high = (low, middle) if parameters(build(middle)) >= wanted else (middle, high)
    return min((low, high), key=lambda width: abs(parameters(build(width)) - wanted))
