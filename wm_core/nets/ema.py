"""A slow copy of a network: the exponential moving average (EMA) that serves as teacher or target."""

from copy import deepcopy

import torch
from torch import nn


def slow_copy(module: nn.Module) -> nn.Module:
    """A copy that gradients do not reach, to be moved by `update_ema`. It starts equal, as in BYOL, I-JEPA and V-JEPA."""
    return deepcopy(module).requires_grad_(False)


@torch.no_grad()
def update_ema(target: nn.Module, online: nn.Module, decay: float) -> None:
    """Move ``target`` towards ``online``: each weight becomes decay · target + (1 - decay) · online."""
    slow, fast = list(target.parameters()), list(online.parameters())
    torch._foreach_lerp_(slow, fast, 1 - decay)
    for kept, current in zip(target.buffers(), online.buffers(), strict=True):
        kept.copy_(current)


def ema_decay(share: float, start: float = 0.996, end: float = 1.0) -> float:
    """The decay when ``share`` of the training is done: a straight line (I-JEPA 0.996 to 1; V-JEPA 0.998 to 1)."""
    return start + (end - start) * share
