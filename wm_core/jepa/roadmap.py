"""Ways that no walk has gone: a graph of latents that were seen, its edges imagined, and a distance that learns its shortest ways.

Distances learned from walks alone, as in `value`, are guesses about ways that nobody walked, and a guess that is too low teaches
its neighbours. Searching the walks for a way instead (Eysenbach et al., 2019) needs to know which latents are neighbours, and two
sides of a wall look like it. Here the model is asked: from each latent it imagines short straight pushes, and what they reach is a
neighbour. A push into a wall reaches nothing behind it. Then

* `imagined_edges` says how long the way from each latent to its neighbours is,
* `shortest_ways` adds edges up to ways between all latents of a world,
* `learn_ways` teaches them to a `Cost`, which then knows ways between latents that it has not seen, in worlds that it has not seen.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from wm_core.jepa.value import Cost
from wm_core.training import History, fit


@torch.no_grad()
def imagined_edges(
    rollout: Callable[[Tensor, Tensor], Tensor],
    z: Float[Tensor, "worlds nodes dim"],
    *,
    stride: float,
    unit: float,
    directions: int = 16,
    steps: int = 4,
    tolerance: float = 1.0,
    both_ways: bool = True,
) -> Float[Tensor, "worlds nodes nodes"]:
    """The length of the way from each latent to each that a short straight push reaches; infinite to all others.

    It counts the push, and what is left between where the push ends and the neighbour. A `tolerance` as wide as a wall is thick
    would find ways through it.

    Args:
        rollout: of the model, which imagines the pushes: latents (batch, dim) and actions (batch, steps, 2) to latents after each.
        z: latents of the same world in each row.
        stride: length of a step of a push, in pixels: one that the model has seen in training.
        unit: by how much a latent changes where the world moves by a pixel; see `latent_unit`.
        directions: of pushes, evenly round the circle.
        steps: of a push at most.
        tolerance: how far from where a push leads a neighbour may be, in pixels.
        both_ways: whether what can be done can be undone, so that an edge found in one direction counts in both.
    """
    angles = torch.arange(directions, device=z.device) * (2 * math.pi / directions)
    push = stride * torch.stack([angles.cos(), angles.sin()], -1)
    nodes = z.shape[1]
    pushes = push[:, None].expand(-1, steps, -1).repeat(nodes, 1, 1)  # (nodes * directions, steps, 2)
    gone = (stride * torch.arange(1, steps + 1, device=z.device)).repeat(directions)
    found = []
    for seen in z:
        reached = rollout(seen.repeat_interleave(directions, 0), pushes).flatten(0, 1)
        left = (torch.cdist(reached, seen) / unit).unflatten(0, (nodes, -1))  # (nodes, directions * steps, nodes)
        edges = (gone[:, None] + left).masked_fill(left > tolerance, math.inf).amin(1)
        found.append(edges.fill_diagonal_(0))
    edges = torch.stack(found)
    return torch.minimum(edges, edges.mT) if both_ways else edges


def latent_unit(z: Float[Tensor, "walks time dim"], actions: Float[Tensor, "walks time-1 2"]) -> float:
    """By how much a latent changes for each pixel of a step: the median over the steps of walks.

    A median, because the few steps that a wall cuts short would drag a mean down.
    """
    return float(((z[:, 1:] - z[:, :-1]).norm(dim=-1) / actions.norm(dim=-1)).median())


@torch.no_grad()
def shortest_ways(edges: Float[Tensor, "worlds nodes nodes"]) -> Float[Tensor, "worlds nodes nodes"]:
    """From edges to ways (Floyd, 1962; Warshall, 1962), in a time that grows as nodes³. Infinite where there is none."""
    ways = edges.clone()
    for k in range(ways.shape[-1]):
        torch.minimum(ways, ways[:, :, k : k + 1] + ways[:, k : k + 1], out=ways)
    return ways


def ways_loss(
    cost: Cost,
    z: Float[Tensor, "worlds nodes dim"],
    ways: Float[Tensor, "worlds nodes nodes"],
    near: float = 5.0,
) -> dict[str, Tensor]:
    """The mean squared error of a cost's `steps` between all latents of a world, as a share of the way and ``near``.

    A share, because a planner that stands before the goal asks for finer differences than one that is rooms away.

    Args:
        cost: whose steps are to be as long as ways.
        z: latents.
        ways: between them. Where there is none, nothing is asked.
        near: pixels that are added to the way, so that the nearest neighbours do not outweigh all else.
    """
    known = ways.isfinite()
    ways = ways.where(known, 0.0)
    off = (cost.steps(z[:, :, None], z[:, None]) - ways) / (ways + near)
    return {"ways": off.square().where(known, 0.0).sum() / known.sum()}


def learn_ways(
    cost: Cost,
    z: Float[Tensor, "worlds nodes dim"],
    ways: Float[Tensor, "worlds nodes nodes"],
    *,
    steps: int,
    worlds: int = 24,
    nodes: int = 24,
    learning_rate: float = 2e-3,
    **settings,
) -> History:
    """Train a cost in place until its steps are the ways, in pixels.

    Args:
        cost: a `CostMetric`, of which every latent of a batch goes through the network once, or another cost.
        z: latents of many worlds; nothing is trained but the cost.
        ways: from `shortest_ways`.
        steps: updates.
        worlds: in a batch.
        nodes: of each world in a batch. All their pairs are compared.
        learning_rate: see `fit`.
        **settings: further ones of `fit`. Precision is ``float32`` unless they say else.
    """
    settings.setdefault("precision", "float32")

    def batch(step: int, generator: Generator) -> tuple[Tensor, Tensor]:
        which = torch.randint(len(z), (worlds, 1), generator=generator)
        some = torch.randint(z.shape[1], (worlds, nodes), generator=generator)
        return z[which, some], ways[which[..., None], some[:, :, None], some[:, None]]

    return fit(
        cost, lambda cost, seen: ways_loss(cost, *seen), batch, steps=steps, learning_rate=learning_rate, **settings
    )
