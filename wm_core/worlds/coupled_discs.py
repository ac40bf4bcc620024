"""Discs that slide in a shallow bowl, two of them joined by a spring: a world in which it is known who moves whom.

Seen from above. The discs lie on sheets of their own and pass over one another, so nothing but the spring joins them. The
bowl pulls each disc to its middle, in proportion to the distance; the spring pulls its two discs together, in proportion to
theirs. Every mass is 1. Now and then a disc is *flicked*: its velocity jumps. Lengths are in disc paths of about 1, time is in
seconds; x runs to the right and y down, (0, 0) is the middle.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wm_core.worlds.drawing import coverage, paint, rgb


class Episodes(NamedTuple):
    """A batch of episodes of one length.

    Attributes:
        states: (n, steps + 1, discs, 4) position and velocity (x, y, vx, vy) of each disc.
        pairs: (n, 2) the two discs that are joined; in a world with ``shared`` flicks the two that share them.
        flicks: (n, steps, discs, 2) jumps of velocity; the one of step t comes right after frame t.
    """

    states: Tensor
    pairs: Tensor
    flicks: Tensor


@dataclass(frozen=True)
class CoupledDiscs:
    """The world.

    Attributes:
        discs: how many.
        bowl: the bowl's pull in 1/s²: at 1 a free disc swings once in 2π seconds.
        spring: the spring's pull in 1/s². The distance of two joined discs swings at the frequency √(bowl + 2 spring).
        dt: seconds between two frames.
        substeps: steps of the integrator in one ``dt``. With 8 steps of 0.05 s the energy stays within 0.5 %.
        rate: the share of (disc, step) with a flick.
        strength: standard deviation of a flick along each axis, in lengths per second.
        shared: the two discs of a pair get the same flicks. With ``spring=0`` they have a common cause and no link.
    """

    discs: int = 4
    bowl: float = 1.0
    spring: float = 3.0
    dt: float = 0.4
    substeps: int = 8
    rate: float = 0.1
    strength: float = 0.7
    shared: bool = False

    def episodes(self, n: int, steps: int, generator: torch.Generator) -> Episodes:
        """Random starts, a random pair and random flicks. Which two discs are joined is drawn anew for each episode."""
        states = 2 * torch.rand(n, self.discs, 4, generator=generator) - 1
        pairs = torch.rand(n, self.discs, generator=generator).argsort(1)[:, :2].sort(1).values
        happens = torch.rand(n, steps, self.discs, 1, generator=generator) < self.rate
        flicks = happens * self.strength * torch.randn(n, steps, self.discs, 2, generator=generator)
        if self.shared:
            each = torch.arange(n)
            flicks[each, :, pairs[:, 1]] = flicks[each, :, pairs[:, 0]]
        return Episodes(self.play(states, pairs, flicks), pairs, flicks)

    def play(
        self, start: Float[Tensor, "n discs 4"], pairs: Int[Tensor, "n 2"], flicks: Float[Tensor, "n steps discs 2"]
    ) -> Float[Tensor, "n steps+1 discs 4"]:
        """What follows from given starts, pairs and flicks: edit a flick and play again, and that is a counterfactual.

        Each substep is half a kick, a drift and half a kick (leapfrog), of second order.
        """
        x, v = start.split(2, -1)
        pull, h = self.pull(pairs).to(start), self.dt / self.substeps
        path = [start]
        for flick in flicks.unbind(1):
            v = v + flick
            for _ in range(self.substeps):
                v = v + h / 2 * (pull @ x)
                x = x + h * v
                v = v + h / 2 * (pull @ x)
            path.append(torch.cat([x, v], -1))
        return torch.stack(path, 1)

    def pull(self, pairs: Int[Tensor, "n 2"]) -> Float[Tensor, "n discs discs"]:
        """The matrix that takes positions to accelerations: every force here is linear."""
        ends = torch.zeros(len(pairs), self.discs)
        ends[torch.arange(len(pairs))[:, None], pairs] = torch.tensor([1.0, -1.0])
        return -self.bowl * torch.eye(self.discs) - self.spring * ends[:, :, None] * ends[:, None, :]

    def energy(self, states: Float[Tensor, "n time discs 4"], pairs: Int[Tensor, "n 2"]) -> Float[Tensor, "n time"]:
        """Kinetic energy, height in the bowl and tension of the spring: constant between flicks."""
        x, v = states.split(2, -1)
        potential = -(x * (self.pull(pairs).to(x)[:, None] @ x)).sum((-1, -2))
        return (v.square().sum((-1, -2)) + potential) / 2

    def slots(
        self, states: Float[Tensor, "n time discs 4"], pairs: Int[Tensor, "n 2"]
    ) -> Float[Tensor, "n time discs slot"]:
        """What a perfect encoder would make of a film: each disc's state, whether it has a hook, and its colour.

        The two discs of the pair have hooks, which says that a spring joins them. The colour is one of ``discs`` in one-hot
        form; it is the same in every frame, so that a disc can be told from the others, and says nothing of the pair.
        """
        hooked = torch.zeros(len(pairs), self.discs).scatter_(1, pairs, 1.0)
        look = torch.cat([hooked[..., None], torch.eye(self.discs).expand(len(pairs), -1, -1)], -1)
        return torch.cat([states, look.to(states)[:, None].expand(-1, states.shape[1], -1, -1)], -1)

    def draw(
        self, states: Float[Tensor, "*batch discs _"], size: int = 24, reach: float = 2.2, radius: float = 0.4
    ) -> Float[Tensor, "*batch 3 size size"]:
        """The bowl from above: a dark ground, each disc in a colour of its own, later ones over earlier ones.

        Args:
            states: positions in the first two numbers; what follows them is not looked at.
            size: pixels along a side.
            reach: the distance from the middle to the picture's edge.
            radius: of a disc, as a length of the world.
        """
        where = (states[..., :2] / reach + 1) / 2
        circle = torch.full(where.shape[:-1], radius / (2 * reach))
        cover = coverage(torch.zeros_like(circle, dtype=torch.long), where, circle, torch.zeros_like(circle), size)
        canvas = torch.full((*where.shape[:-2], 3, size, size), 0.1)
        for disc in range(self.discs):
            hue = torch.full(where.shape[:-2], disc / self.discs)
            canvas = paint(canvas, cover[..., disc, :, :], rgb(hue))
        return canvas


def apart(pairs: Int[Tensor, "n 2"], discs: int = 4) -> Int[Tensor, "n discs"]:
    """The discs of each episode in a fixed order of roles: the two of the pair, then the others."""
    joined = torch.zeros(len(pairs), discs).scatter_(1, pairs, torch.tensor([2.0, 1.0]).expand(len(pairs), 2))
    return joined.argsort(dim=1, descending=True, stable=True)


def with_hands(
    world: CoupledDiscs, n: int, steps: int, generator: torch.Generator
) -> tuple[Episodes, Float[Tensor, "n steps discs 2"]]:
    """Episodes in which, in half of the steps, hands push single discs in place of the world's own flicks.

    Hands push each disc by itself, as often and as hard as the world flicks, so what one does to A says nothing of B.

    Returns:
        the episodes, with whatever happened as their flicks, and what the hands did of it, 0 in the other steps.
    """
    drawn = world.episodes(n, steps, generator)
    single = replace(world, shared=False).episodes(n, steps, generator).flicks
    hand = torch.rand(n, steps, 1, 1, generator=generator) < 0.5
    flicks = torch.where(hand, single, drawn.flicks)
    return Episodes(world.play(drawn.states[:, 0], drawn.pairs, flicks), drawn.pairs, flicks), hand * single
