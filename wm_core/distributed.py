"""What changes when several processes train one model together, and nothing else does."""

import torch
from torch import Tensor, distributed


def processes() -> int:
    """How many processes train together (1 unless torchrun or accelerate started more)."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def rank() -> int:
    """Which of the processes this is, from 0."""
    return distributed.get_rank() if processes() > 1 else 0


def whole_batch(z: Tensor) -> Tensor:
    """Every process's rows of ``z``, in order and with gradients, on each process.

    A loss that is an average over samples may use the local rows: averaging gradients over processes does the rest. A
    loss that is not, such as the variance of a batch, must see the whole batch. With one process this is ``z`` itself.

    Args:
        z: (n, ...) the local rows; every process must hold as many.

    Returns:
        (processes * n, ...).
    """
    return z if processes() == 1 else _Gather.apply(z)


class _Gather(torch.autograd.Function):
    """Gather rows from every process; on the way back each row receives what every process wants of it."""

    @staticmethod
    def forward(ctx, z: Tensor) -> Tensor:
        parts = [torch.empty_like(z) for _ in range(processes())]
        distributed.all_gather(parts, z.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        distributed.all_reduce(gradient)
        return gradient.chunk(processes())[rank()]


def from_first(z: Tensor) -> Tensor:
    """Rank 0's values of ``z`` on every process, without gradients: what was drawn at random and must be common to all.

    Args:
        z: of one shape everywhere.
    """
    if processes() > 1:
        z = z.detach().contiguous()
        distributed.broadcast(z, 0)
    return z


def my_share(batch: object, dim: int = 0) -> object:
    """This process's contiguous share of a batch's rows; tuples, lists and dicts are shared out leaf by leaf.

    Args:
        batch: what every process holds whole.
        dim: the axis of the rows.

    Raises:
        ValueError: the rows do not divide evenly among the processes.
    """
    count = processes()
    if count == 1:
        return batch
    if isinstance(batch, dict):
        return {key: my_share(value, dim) for key, value in batch.items()}
    if isinstance(batch, tuple | list):
        shares = [my_share(value, dim) for value in batch]
        named = hasattr(batch, "_fields")  # a named tuple takes its values singly
        return type(batch)(*shares) if named else type(batch)(shares)
    rows = batch.shape[dim]
    if rows % count:
        raise ValueError(f"batch: got {rows} rows for {count} processes, wanted a multiple of {count}")
    return batch.narrow(dim, rank() * (rows // count), rows // count)
