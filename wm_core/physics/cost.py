"""What a step of training costs: seconds, and the memory that waits for the backward pass."""

import time
from collections.abc import Callable

import torch
from torch import Tensor


def seconds(step: Callable[[], object], repeats: int = 5) -> float:
    """The processor's seconds for one ``step``: the shortest of some runs, after one that does not count.

    Time that other programs have the processor is left out. With one thread and an idle machine these are the seconds that pass.

    Raises:
        ValueError: repeats is below 1.
    """
    if repeats < 1:
        raise ValueError(f"repeats: got {repeats}, wanted at least 1")
    step()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return min(times)


def kept_for_backward(loss: Callable[[], Tensor]) -> int:
    """Bytes that autograd holds when ``loss`` has been computed, each piece of memory counted once."""
    kept = {}

    def pack(x: Tensor) -> Tensor:
        storage = x.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        held = loss()  # named, so that what it holds is alive while it is counted
    del held
    return sum(kept.values())
