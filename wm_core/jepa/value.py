"""What is left to go: the number of steps to a goal, learned in latent space from walks that had no goal.

Destrade et al. (2026) plan with a JEPA whose latent distances are costs, and HILP (Park et al., 2024) shapes such distances with
the loss of implicit Q-learning (Kostrikov et al., 2022). Here the latents are given and stay as they are; a cost is learned on top.

A cost counts steps: d of them. What is trained is the discounted cost c = 1 + γ + … + γ^(d-1) = (1 - γ^d) / (1 - γ), which is -V of
the papers, because the discount makes the update a contraction and bounds c by 1 / (1 - γ). What is planned with is d, in steps of
the walks: where a planner may step farther than they did, it needs fewer.

Where chance moves things, the cheapest pieces of walks are also the lucky ones, and costs come out too low: a bias of every
expectile above one half, and of goals chosen in hindsight, which luck had a part in reaching. In our rooms chance is a nudge of half
a pixel at walls, so that grazing them looks a little faster than it is.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from wm_core.nets.ema import slow_copy, update_ema
from wm_core.nets.mlp import mlp
from wm_core.objectives.expectile import expectile_loss
from wm_core.training import History, fit


class Cost(nn.Module):
    """What it costs to get from one latent to another. A kind of cost says how many steps it takes; see `steps`.

    Args:
        gamma: the discount. Distances well beyond 1 / (1 - γ) steps are hard to tell apart. HILP takes 0.99.

    Raises:
        ValueError: ``gamma`` is not between 0 and 1.
    """

    def __init__(self, gamma: float):
        super().__init__()
        if not 0 < gamma < 1:
            raise ValueError(f"gamma: got {gamma}, wanted a number between 0 and 1")
        self.gamma = gamma

    def steps(self, z: Float[Tensor, "*#batch dim"], goal: Float[Tensor, "*#batch dim"]) -> Float[Tensor, "*#batch"]:
        """The number of steps d from each latent to its goal, at least 0."""
        raise NotImplementedError

    def forward(self, z: Float[Tensor, "*#batch dim"], goal: Float[Tensor, "*#batch dim"]) -> Float[Tensor, "*#batch"]:
        """The discounted cost (1 - γ^d) / (1 - γ)."""
        return -torch.expm1(math.log(self.gamma) * self.steps(z, goal)) / (1 - self.gamma)


class Steps(nn.Module):
    """What a planner asks of a cost, as a network: `export_onnx` exports ``forward``, and that of a cost is discounted."""

    def __init__(self, cost: Cost):
        super().__init__()
        self.cost = cost

    def forward(self, z: Float[Tensor, "*#batch dim"], goal: Float[Tensor, "*#batch dim"]) -> Float[Tensor, "*#batch"]:
        return self.cost.steps(z, goal)


class CostToGo(Cost):
    """A network that reads latent, goal and their difference. It can say any cost, also one that no map of places could show.

    Args:
        dim: width of a latent, of numbers of order 1.
        gamma: the discount.
        hidden: width of each hidden layer.
        depth: how many there are. HILP has three of 512, with layer norm.
    """

    def __init__(self, dim: int, gamma: float = 0.98, hidden: int = 256, depth: int = 2):
        super().__init__(gamma)
        self.net = mlp(3 * dim, *(hidden,) * depth, 1)

    def steps(self, z: Float[Tensor, "*#batch dim"], goal: Float[Tensor, "*#batch dim"]) -> Float[Tensor, "*#batch"]:
        """softplus(net) / -log γ, so that γ^d is one sigmoid of the network: never above 1, never quite 0."""
        z, goal = torch.broadcast_tensors(z, goal)
        return F.softplus(self.net(torch.cat([z, goal, z - goal], -1))[..., 0]) / -math.log(self.gamma)


class CostMetric(Cost):
    """A map φ of latents on which distance is the way: d = Σ_k ‖φ_k(z) - φ_k(g)‖, over parts φ_k of φ.

    The ways to a door and on from it add up. With one part, as in HILP, two such ways are sides of a triangle and d its third
    side: what a wall adds to d then begins with slope 0, and training that sets out from a map without walls finds them late.
    Distances of parts add up too.

    It takes no step to stay, as many to go as to come back, and never more to go straight than by a third place. HILP and Destrade
    et al. let the distance be the discounted cost, c = ‖φ(z) - φ(g)‖; ``discounted`` does so, and all this then holds of c. But c
    bends: 40 steps cost less than twice 20. An empty room is flat, and there their φ has to be curved where ours is straight.

    Where going back takes longer, as uphill, ``one_way`` adds the greatest rise of a second map: max over its numbers of
    max(0, ψ(g) - ψ(z)). The sum is a quasimetric; its two parts are those of metric residual networks (Liu et al., 2023).

    Args:
        dim: width of a latent, of numbers of order 1.
        gamma: the discount.
        hidden: width of each hidden layer.
        depth: how many there are. Walls are sharp and latents are smooth: a deep map learns them sooner. HILP has three of 512, with
            layer norm.
        out: width of φ (32 in HILP).
        parts: how many parts of equal width φ has (1 in HILP).
        one_way: whether there is a ψ.
        discounted: whether the distance is c instead of d.

    Raises:
        ValueError: ``parts`` do not share ``out`` evenly.
    """

    def __init__(
        self,
        dim: int,
        gamma: float = 0.98,
        hidden: int = 256,
        depth: int = 4,
        out: int = 32,
        parts: int = 8,
        one_way: bool = False,
        discounted: bool = False,
    ):
        super().__init__(gamma)
        if parts < 1 or out % parts:
            raise ValueError(f"parts: got {parts} for {out} numbers, wanted a divisor of that")
        self.discounted, self.parts = discounted, parts
        self.map = mlp(dim, *(hidden,) * depth, out)
        self.rise = mlp(dim, *(hidden,) * depth, out) if one_way else None

    def steps(self, z: Float[Tensor, "*#batch dim"], goal: Float[Tensor, "*#batch dim"]) -> Float[Tensor, "*#batch"]:
        """The distance, or what it stands for where that is a discounted cost.

        Then it is at most what γ^d = 1e-4 gives, 456 steps at γ = 0.98, and flat beyond: no direction for a planner by gradient.
        """
        if not self.discounted:
            return self.distance(z, goal)
        left = 1 - (1 - self.gamma) * self.distance(z, goal)
        return left.clamp_min(1e-4).log() / math.log(self.gamma)

    def forward(self, z: Float[Tensor, "*#batch dim"], goal: Float[Tensor, "*#batch dim"]) -> Float[Tensor, "*#batch"]:
        return self.distance(z, goal) if self.discounted else super().forward(z, goal)

    def distance(self, z: Float[Tensor, "*#batch dim"], goal: Float[Tensor, "*#batch dim"]) -> Float[Tensor, "*#batch"]:
        """Σ_k ‖φ_k(z) - φ_k(g)‖, and what ψ adds."""
        apart = (self.map(z) - self.map(goal)).unflatten(-1, (self.parts, -1)).square().sum(-1)
        distance = (apart / ((apart + 1e-6).sqrt() + 1e-3)).sum(
            -1
        )  # √(apart + 1e-6) - 1e-3: 0 at 0, with a finite slope
        if self.rise is not None:
            distance = distance + (self.rise(goal) - self.rise(z)).relu().amax(-1)
        return distance


class Goals(NamedTuple):
    """Pieces of walks, each with a goal that it was given afterwards.

    Attributes:
        z: (batch, dim) where a piece begins.
        after: (batch, dim) where it ends.
        goal: (batch, dim)
        steps: (batch,) how many steps it has; 0 where z is the goal.
        done: (batch,) whether it ends at the goal.
    """

    z: Tensor
    after: Tensor
    goal: Tensor
    steps: Tensor
    done: Tensor


@dataclass(frozen=True)
class Mix:
    """Where goals come from: shares that sum to 1.

    Attributes:
        near: the end of the piece itself: what its own steps cost.
        future: a later moment of the same walk.
        any: any moment of any walk in the same world.

    Raises:
        ValueError: they do not, or one is negative.
    """

    near: float = 0.2
    future: float = 0.4
    any: float = 0.4

    def __post_init__(self):
        shares = (self.near, self.future, self.any)
        if abs(sum(shares) - 1) > 1e-6 or min(shares) < 0:
            raise ValueError(f"mix: got {shares}, wanted shares that sum to 1")


def sample_goals(
    latents: Float[Tensor, "episodes time dim"],
    size: int,
    generator: Generator,
    mix: Mix = Mix(),
    longest: int = 64,
    group: Int[Tensor, "episodes"] | None = None,
) -> Goals:
    """A batch of pieces of walks with goals, chosen in hindsight (Andrychowicz et al., 2017).

    Args:
        latents: of walks.
        size: of the batch.
        generator: decides.
        mix: where goals come from.
        longest: pieces have 1, 2, 4, … steps up to this; those that would pass their goal, or the end of their walk, end
            there. In a world without chance what a walk did is at least as costly as the best way: a long piece is a bound, and
            carries costs far in one update. A loose one: with τ below 1 many loose bounds make costs too high, nearby ones most.
            1 is the one-step update of the papers.
        group: the world of each walk, on the CPU. A goal in another layout cannot be reached, so goals come from walks of the same group
            only; with ``torch.arange(episodes)`` from the same walk, past and future. Without it all walks are in one world.

    Raises:
        ValueError: ``longest`` is below 1, or a walk has no step.
    """
    episodes, time, _ = latents.shape
    if longest < 1:
        raise ValueError(f"longest: got {longest}, wanted at least 1")
    if time < 2:
        raise ValueError(f"latents: got walks of {time} moments, wanted at least 2")

    def below(limit: Tensor) -> Tensor:  # whole numbers from 0 to limit - 1
        return (torch.rand(size, generator=generator) * limit).long().minimum(limit - 1)

    walk = torch.randint(episodes, (size,), generator=generator)
    first = torch.randint(time - 1, (size,), generator=generator)
    left = time - 1 - first  # steps until the walk ends
    steps = 2 ** torch.randint(int(math.log2(longest)) + 1, (size,), generator=generator)
    steps = steps.minimum(left)
    kind = torch.rand(size, generator=generator)
    near, same = kind < mix.near, kind < mix.near + mix.future
    other = torch.where(same, walk, _companion(walk, group, episodes, below))
    when = torch.where(same, first + 1 + below(left), below(torch.full_like(left, time)))
    when = torch.where(near, first + steps, when)
    ahead = torch.where(other == walk, when - first, time)  # steps to a goal in the same walk, if it is ahead
    steps = torch.where(ahead >= 0, steps.minimum(ahead), steps)
    done = steps == ahead
    z, after, goal = latents[walk, first], latents[walk, first + steps], latents[other, when]
    return Goals(z, after, goal, steps.to(z), done.to(z.device))


def cost_loss(learner: "CostLearner", goals: Goals, expectile: float = 0.9) -> dict[str, Tensor]:
    """Pull each cost towards what its piece says: the piece's own steps, and the slow copy's cost from where it ends.

    A cost above what is said counts τ, one below 1 - τ: the cost becomes a low expectile of what is said. So with τ near 1 the
    cheapest pieces decide, and walks that wandered teach the shortest way (implicit Q-learning). τ = 0.5 with one-step pieces gives
    what the walks cost on average. The loss is times 1 - γ, so that it does not grow with the horizon.

    Args:
        learner: holds the cost and its slow copy.
        goals: from `sample_goals`.
        expectile: τ, 0.95 in HILP.
    """
    cost = learner.cost
    passed = cost.gamma**goals.steps
    with torch.no_grad():
        rest = torch.where(goals.done, 0.0, learner.slow(goals.after, goals.goal))
        said = (1 - passed) / (1 - cost.gamma) + passed * rest
    above = cost(goals.z, goals.goal) - said  # as V's error said - V, with V = -cost: one that asks too much counts τ
    return {"cost": (1 - cost.gamma) * expectile_loss(above, expectile).mean()}


class CostLearner(nn.Module):
    """A cost in training, and the slow copy that says what is left behind each piece.

    Args:
        cost: what is trained.
        decay: of the slow copy (0.995 in HILP).
    """

    def __init__(self, cost: Cost, decay: float = 0.95):
        super().__init__()
        self.cost, self.decay = cost, decay
        self.slow = slow_copy(cost)

    def follow(self) -> None:
        """Move the slow copy towards the cost."""
        update_ema(self.slow, self.cost, self.decay)


def learn_cost(
    cost: Cost,
    latents: Float[Tensor, "episodes time dim"],
    *,
    steps: int,
    group: Int[Tensor, "episodes"] | None = None,
    mix: Mix = Mix(),
    longest: int = 64,
    expectile: float = 0.9,
    size: int = 512,
    learning_rate: float = 1e-3,
    decay: float = 0.95,
    **settings,
) -> History:
    """Train a cost in place on the latents of walks.

    Args:
        cost: a `CostToGo` or a `CostMetric`.
        latents: of walks; nothing is trained but the cost.
        steps: updates.
        group, mix, longest: see `sample_goals`.
        expectile: τ, see `cost_loss`.
        size: of a batch.
        learning_rate: see `fit`.
        decay: of the slow copy.
        **settings: further ones of `fit`, such as ``seed`` and ``checkpoint``. Precision is ``float32`` unless they say else:
            half of it would round away what one step changes.
    """
    settings.setdefault("precision", "float32")
    return fit(
        CostLearner(cost, decay),
        lambda learner, goals: cost_loss(learner, goals, expectile),
        lambda step, generator: sample_goals(latents, size, generator, mix, longest, group),
        steps=steps,
        learning_rate=learning_rate,
        after_step=lambda learner, share: learner.follow(),
        **settings,
    )


def _companion(walk: Tensor, group: Tensor | None, episodes: int, below) -> Tensor:
    """For each walk another of its group, or itself."""
    if group is None:
        return below(torch.full_like(walk, episodes))
    order = group.argsort()
    _, which, counts = group.unique(return_inverse=True, return_counts=True)
    starts = counts.cumsum(0) - counts
    mine = which[walk]
    return order[starts[mine] + below(counts[mine])]
