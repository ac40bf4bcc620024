"""How well a training uses the machine: its floating-point operations per second beside the fastest matrix product."""

import time
from collections.abc import Callable

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def operations(step: Callable[[], object]) -> int:
    """The floating-point operations of matrix products and attention in one call of ``step``, backward passes included."""
    # Attention is taken apart while we count: as one kernel it is not counted on every device.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def matrix_peak(device: torch.device | str, dtype: torch.dtype, size: int = 4096, seconds: float = 0.5) -> float:
    """Operations per second of a square matrix product, measured here and now: what nothing else on this machine exceeds.

    Args:
        device, dtype: where and in what; bfloat16 on CUDA for a training in bfloat16.
        size: of the matrices; small ones do not fill a large card.
        seconds: how long to measure.
    """
    device = torch.device(device)
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    wait = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)
    a @ b  # whatever is set up once
    wait()
    start, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - start < seconds:
        a @ b
        wait()
        count += 1
    return 2 * size**3 * count / (time.perf_counter() - start)


def share_of_peak(step: Callable[[], object], device: torch.device | str, dtype: torch.dtype, seconds: float) -> float:
    """Operations of ``step`` per second as a share of `matrix_peak`.

    Args:
        step: one update, to be counted.
        device, dtype: see `matrix_peak`.
        seconds: how long one update takes, as the training measured it.
    """
    return operations(step) / seconds / matrix_peak(device, dtype)
