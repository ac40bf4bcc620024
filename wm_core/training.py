"""One training loop for every system of the book, on a laptop, a GPU or many.

What makes a run repeat and resume exactly is one rule: *everything random in step k is a function of the seed and of k*.
So a checkpoint needs the weights, the optimiser and the number of the step, and no generator's state; a run that was
killed at any moment and started again ends with the same weights, bit for bit.
"""

import io
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from wm_core.artefacts import write_atomically
from wm_core.distributed import my_share, rank

Terms = dict[str, Tensor]
Precision = Literal["auto", "float32"]


class TrainingStopped(ArithmeticError):
    """A loss term or the gradient became NaN or infinite."""


@dataclass
class History:
    """What a training run logged: every loss term at every step, by name.

    Attributes:
        terms: name to one value a step, weighted as it entered the loss.
        seconds: wall-clock time of the steps taken by this process (a resumed run counts only its own).
        device: where it ran.
    """

    terms: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    device: str = "cpu"

    def last(self, name: str, steps: int = 50) -> float:
        """The mean of a term over the last ``steps`` steps."""
        tail = self.terms[name][-steps:]
        return sum(tail) / len(tail)


def fit(
    module: nn.Module,
    loss: Callable[[nn.Module, object], Terms],
    batches: Callable[[int, torch.Generator], object],
    *,
    steps: int,
    learning_rate: float,
    seed: int = 0,
    optimiser: type[torch.optim.Optimizer] = torch.optim.AdamW,
    weight_decay: float = 0.0,
    warmup: float = 0.05,
    clip: float | None = 1.0,
    precision: Precision = "auto",
    compile: bool = False,
    after_step: Callable[[nn.Module, float], None] | None = None,
    checkpoint: Path | str | None = None,
    every: int = 100,
    title: str = "training",
) -> History:
    """Train ``module`` in place, with a linear warm-up and a cosine decay to zero.

    Args:
        module: what to train; it is moved to the device, trained there, and left there.
        loss: from the module and a batch to named, weighted terms; their sum is minimised.
        batches: makes one whole batch from the step's number and a generator seeded for that step; see `Shuffled`. Each
            of several processes keeps its share of the rows, which lie along ``batches.dim`` if it has one, else along 0.
        steps: how many updates.
        learning_rate: at the end of the warm-up.
        seed: with the step's number it decides everything random.
        optimiser: ``AdamW`` (decay apart from the gradient) or ``Adam`` (decay as an L2 penalty), or another with their
            arguments.
        weight_decay: the optimiser's.
        warmup: the share of the steps in which the rate rises from zero.
        clip: largest gradient norm, or None for no limit.
        precision: ``auto`` computes in bfloat16 on CUDA and float32 elsewhere; ``float32`` does so everywhere.
        compile: on CUDA, run model and loss through ``torch.compile``; it costs a minute or so once, and is left out elsewhere.
        after_step: called after each update with the module and the share of the training that is done, for what is not
            learned by gradient, such as a slow copy. It may only change what the module's ``state_dict`` holds, or a resumed
            run would differ.
        checkpoint: a file to resume from if it is there, and to write to every ``every`` steps.
        every: steps between checkpoints.
        title: what the progress bar says.

    Returns:
        The log of every term.

    Raises:
        TrainingStopped: a term or the gradient's norm is NaN or infinite; the message names the step and the term.
        ValueError: ``steps`` is below 1, or the checkpoint belongs to another run.
    """
    from accelerate import Accelerator
    from accelerate.utils import DistributedDataParallelKwargs

    if steps < 1:
        raise ValueError(f"steps: got {steps}, wanted at least 1")
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(),  # said outright, several processes on CPUs are recognised as such
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    half = precision == "auto" and accelerator.device.type == "cuda"
    # Of accelerate's wrappers only the module's is used: those of the optimiser, of backward and of clipping serve a gradient
    # scaler, which bfloat16 does not need, and cost 2 ms a step, as much as a small network.
    step_loss = accelerator.prepare(_Step(module, loss, half))
    if compile and accelerator.device.type == "cuda":
        step_loss = torch.compile(step_loss)
    trained = [weight for weight in module.parameters() if weight.requires_grad]
    updates = optimiser(trained, lr=learning_rate, weight_decay=weight_decay, fused=True)
    history = History(device=str(accelerator.device))
    run = {"steps": steps, "learning_rate": learning_rate, "seed": seed, "weight_decay": weight_decay, "warmup": warmup}
    saved = _Checkpoint(checkpoint, run, module, updates, history)
    module.train()
    start = time.perf_counter()
    for k in _progress(saved.resume(), steps, title):
        generator = torch.Generator().manual_seed(_mix(seed, k))
        _seed(_mix(seed, k) + 1 + rank())  # what the module itself draws, such as noise
        batch = _to(my_share(batches(k, generator), getattr(batches, "dim", 0)), accelerator.device)
        for group in updates.param_groups:
            group["lr"] = learning_rate * schedule(k, steps, warmup)
        terms = step_loss(batch)
        updates.zero_grad(set_to_none=True)
        sum(terms.values()).backward()
        norm = nn.utils.clip_grad_norm_(module.parameters(), clip if clip is not None else math.inf)
        _log(history, k, {name: accelerator.reduce(term.detach(), "mean") for name, term in terms.items()}, norm)
        updates.step()
        if after_step is not None:
            after_step(module, (k + 1) / steps)
        if (k + 1) % every == 0 or k + 1 == steps:
            saved.write(k + 1)
    history.seconds = time.perf_counter() - start
    module.eval()
    return history


class Shuffled:
    """Batches that go through all rows in a fresh random order, epoch after epoch.

    Args:
        rows: tensors of equal length along ``dim``, batched together.
        size: rows in a batch. What is left of an epoch when no whole batch fits is dropped.
        seed: with the epoch's number it decides the order.
        dim: the axis of the rows.
    """

    def __init__(self, *rows: Tensor, size: int, seed: int = 0, dim: int = 0):
        self.rows, self.size, self.seed, self.dim = rows, size, seed, dim
        self.count = rows[0].shape[dim]
        if size > self.count:
            raise ValueError(f"size: got {size} for {self.count} rows, wanted no more than there are")

    def __call__(self, step: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        epoch, place = divmod(step, self.count // self.size)
        order = torch.randperm(self.count, generator=torch.Generator().manual_seed(_mix(self.seed, epoch)))
        chosen = order[place * self.size : (place + 1) * self.size]
        return tuple(row.index_select(self.dim, chosen) for row in self.rows)


def schedule(step: int, steps: int, warmup: float) -> float:
    """The share of the full learning rate at ``step``: a linear rise over ``warmup * steps``, then half a cosine to 0."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    done = (step - rise) / max(1, steps - rise)
    return 0.5 * (1 + math.cos(math.pi * done))


class _Step(nn.Module):
    """Model and loss as one module, so that data-parallel training sees one forward pass whatever the loss calls."""

    def __init__(self, module: nn.Module, loss: Callable[[nn.Module, object], Terms], half: bool):
        super().__init__()
        self.module, self.loss, self.half = module, loss, half

    def forward(self, batch: object) -> Terms:
        with torch.autocast("cuda", torch.bfloat16, enabled=self.half):
            return {name: term.float() if self.half else term for name, term in self.loss(self.module, batch).items()}


def finished(checkpoint: Path | str | None, steps: int) -> dict[str, Tensor] | None:
    """The weights of a run that has done all its steps, or None: with them there is no need to gather its data again.

    Args:
        checkpoint: of the run, see `fit`.
        steps: of the run.
    """
    if checkpoint is None or not Path(checkpoint).exists():
        return None
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    return state["module"] if state["next"] == state["run"]["steps"] == steps else None


class _Checkpoint:
    """Saves and restores everything that a step of a run depends on."""

    def __init__(self, path: Path | str | None, run: dict, module: nn.Module, optimiser, history: History):
        self.path = Path(path) if path else None
        self.run, self.module, self.optimiser, self.history = run, module, optimiser, history

    def resume(self) -> int:
        """Restore the last checkpoint and return the number of the next step: 0 without one."""
        if self.path is None or not self.path.exists():
            return 0
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        if state["run"] != self.run:
            raise ValueError(f"checkpoint {self.path} is of another run: got {state['run']}, wanted {self.run}")
        self.module.load_state_dict(state["module"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.history.terms = state["terms"]
        return state["next"]

    def write(self, following: int) -> None:
        if self.path is None or rank() != 0:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = io.BytesIO()
        torch.save(
            {
                "run": self.run,
                "next": following,
                "module": self.module.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "terms": self.history.terms,
            },
            file,
        )
        write_atomically(self.path, file.getvalue())


def _mix(seed: int, step: int) -> int:
    """One number from two, such that neighbouring seeds and steps share nothing."""
    state = (seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) & (2**64 - 1)
    state = ((state ^ (state >> 31)) * 0xD6E8FEB86659FD93) & (2**64 - 1)
    return (state ^ (state >> 32)) >> 2  # leaves room for + 1 + rank below 2**63


def _seed(number: int) -> None:
    """Seed PyTorch's generators. torch.manual_seed would format a stack trace at each call, a millisecond a step."""
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_available():
        torch.cuda.manual_seed(number)


def _log(history: History, step: int, terms: Terms, norm: Tensor) -> None:
    """Append one step's terms, or stop with the name of the first that is not a number."""
    names = [*terms, "gradient norm"]
    values = torch.stack([*(term.float().reshape(()) for term in terms.values()), norm.float().reshape(())]).tolist()
    for name, value in zip(names, values, strict=True):
        if not abs(value) < float("inf"):
            raise TrainingStopped(f"step {step}: {name} is {value}")
        history.terms.setdefault(name, []).append(value)


def _to(batch: object, device: torch.device) -> object:
    if isinstance(batch, dict):
        return {key: _to(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple | list):
        moved = [_to(value, device) for value in batch]
        named = hasattr(batch, "_fields")  # a named tuple takes its values singly
        return type(batch)(*moved) if named else type(batch)(moved)
    return batch.to(device, non_blocking=True)


def _progress(first: int, steps: int, title: str) -> Iterator[int]:
    """Count the steps under a progress bar; the build shows its own instead."""
    from tqdm.auto import tqdm

    quiet = rank() != 0 or "WM_RUN_DIR" in os.environ
    alive = sys.stderr.isatty() or "ipykernel" in sys.modules  # else it goes to a log, where a line a while is enough
    interval = 0.1 if alive else 30.0
    return iter(
        tqdm(range(first, steps), title, steps, initial=first, disable=quiet, leave=False, mininterval=interval)
    )
