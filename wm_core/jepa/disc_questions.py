"""What a network that fills in slots is asked about coupled discs: a hidden past, the future, and what a push would do.

The measures of the chapter on Causal-JEPA. In each film the discs have roles: A and B are the two of the pair, which a spring
joins or a common gust hits; C and D have nothing to do with them. B is the one whose past is hidden, A the one that is pushed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wm_core.jepa.causal_jepa import CausalJEPA, influence, whole_past
from wm_core.nets.slots import SlotAutoencoder
from wm_core.worlds.coupled_discs import CoupledDiscs, Episodes, apart

Network = Callable[[Tensor, Tensor], Tensor]  # (history, hidden) to all frames, as `CausalJEPA` does


def off(guess: Float[Tensor, "*batch _"], actual: Float[Tensor, "*batch _"]) -> float:
    """Root mean square distance of places, the first two numbers of each slot, in lengths."""
    return float((guess[..., :2] - actual[..., :2]).square().sum(-1).mean().sqrt())


def missed(true: Float[Tensor, "*shape"], guess: Float[Tensor, "*shape"]) -> float:
    """The part of a change that was not foreseen: 0 is all right, 1 is no better than saying that nothing moves."""
    return float(((guess - true).square().sum() / true.square().sum()).sqrt())


@dataclass(frozen=True)
class DiscQuestions:
    """Questions about some films, and their answers in truth.

    Attributes:
        world: what the films were played in.
        test: the films.
        push: ``(n, 2)`` what a hand adds to A's velocity in each film, in lengths per second.
        history: frames that are shown; the later ones are the future.
    """

    world: CoupledDiscs
    test: Episodes
    push: Tensor
    history: int = 4

    @cached_property
    def slots(self) -> Float[Tensor, "n time discs slot"]:
        """The films as a perfect encoder would see them."""
        return self.world.slots(self.test.states, self.test.pairs)

    @cached_property
    def nothing(self) -> Bool[Tensor, "n history discs"]:
        """All of the history is shown."""
        return torch.zeros(len(self.push), self.history, self.world.discs, dtype=torch.bool)

    @cached_property
    def best_future(self) -> Float[Tensor, "n future discs 4"]:
        """What follows if nobody is flicked any more. Flicks are 0 on average and every force is linear, so no guess is better."""
        flicks = self.test.flicks.clone()
        flicks[:, self.history - 1 :] = 0
        return self.world.play(self.test.states[:, 0], self.test.pairs, flicks)[:, self.history :]

    def disc(self, role: str) -> Tensor:
        """The number of the disc with this role, "A" to "D", in each film."""
        return apart(self.test.pairs, self.world.discs)[:, "ABCD".index(role)]

    def of(self, x: Float[Tensor, "n time discs *rest"], role: str) -> Float[Tensor, "n time *rest"]:
        """One disc of each film."""
        return x[torch.arange(len(x)), :, self.disc(role)]

    def covering(self, role: str) -> Bool[Tensor, "n history discs"]:
        """Hide the past of one disc in each film."""
        return whole_past(nn.functional.one_hot(self.disc(role), self.world.discs).bool(), self.history)

    @torch.no_grad()
    def imagine(
        self,
        model: Network,
        hidden: Bool[Tensor, "n history discs"],
        seen: Tensor | None = None,
    ) -> Float[Tensor, "n time discs slot"]:
        """All frames from the history, a few hundred films at a time; ``seen`` in place of the perfect slots."""
        seen = self.slots if seen is None else seen
        parts = zip(seen[:, : self.history].split(250), hidden.split(250), strict=True)
        return torch.cat([model(*part) for part in parts])

    def errors(self, model: Network, seen: Tensor | None = None) -> dict[str, float]:
        """How far off a hidden past is, of B and of C, and everybody's future when nothing is hidden, in lengths."""
        found = {}
        for name, role in (("joined", "B"), ("on its own", "C")):
            guess = self.of(self.imagine(model, self.covering(role), seen), role)
            found[f"hidden past, {name}"] = off(
                guess[:, 1 : self.history], self.of(self.slots, role)[:, 1 : self.history]
            )
        future = self.imagine(model, self.nothing, seen)[:, self.history :]
        return found | {"future": off(future, self.slots[:, self.history :])}

    def dependence(self, model: CausalJEPA, hidden: Bool[Tensor, "n history discs"], count: int = 200) -> float:
        """How many times more B's imagined future hangs on A's past than on that of C and D, over the first films."""
        history, (a, b, c, d) = self.slots[:count, : self.history], (self.disc(role)[:count] for role in "ABCD")
        felt = influence(model, history, hidden[:count], b, 4).gather(1, torch.stack([a, c, d], 1)).mean(0)
        return float(felt[0] / felt[1:].mean())

    def pushed(self, when: int) -> tuple[Float[Tensor, "n time discs 4"], Float[Tensor, "n time discs slot"]]:
        """Push A right after frame ``when``: what really follows, and the slots that show it.

        A push right after the last frame of the history shows there, as the velocity that A has then.
        """
        each, a, flicks = torch.arange(len(self.push)), self.disc("A"), self.test.flicks.clone()
        flicks[each, when, a] += self.push
        really = self.world.play(self.test.states[:, 0], self.test.pairs, flicks)
        seen = self.world.slots(really, self.test.pairs)
        if when == self.history - 1:
            seen[each, when, a, 2:4] += self.push
        return really, seen

    def moved(
        self,
        model: Network,
        hidden: Bool[Tensor, "n history discs"],
        when: int,
        told: bool = False,
    ) -> dict[str, tuple[Float[Tensor, "n future 2"], Float[Tensor, "n future 2"]]]:
        """How far the push carries A, B and C in the future: really, and as imagined.

        Args:
            hidden: what is hidden of the history.
            when: the frame right after which A is pushed.
            told: two more numbers in each slot say what a hand did to the disc since the frame before.
        """
        really, seen = self.pushed(when)
        calm = self.slots
        if told:
            calm, seen = (nn.functional.pad(slots, (0, 2)) for slots in (calm, seen))
            seen[torch.arange(len(seen)), when + 1, self.disc("A"), -2:] = self.push
        changes = really - self.test.states, self.imagine(model, hidden, seen) - self.imagine(model, hidden, calm)
        return {role: tuple(self.of(change, role)[:, self.history :, :2] for change in changes) for role in "ABC"}

    def measures(self, model: CausalJEPA) -> dict[str, float]:
        """The errors, their distance from the best future, the dependence, and what is missed when A is pushed."""
        last, before = self.history - 1, self.history - 2
        late, early = (self.moved(model, self.nothing, when) for when in (last, before))
        unseen = self.moved(model, self.covering("B"), before)
        return self.errors(model) | {
            "future, from the best answer": off(self.imagine(model, self.nothing)[:, self.history :], self.best_future),
            "partner over others": self.dependence(model, self.nothing),
            "push of A: A missed": missed(*late["A"]),
            "push of A: B missed": missed(*late["B"]),
            "push of A a frame earlier: B missed": missed(*early["B"]),
            "push of A, B hidden: B missed": missed(*unseen["B"]),
        }

    def carried(self, model: Network, told: bool = False) -> dict[str, float]:
        """Push A a frame before the last: how far this moves the imagined B, as a share of A's true way."""
        found = {}
        for how, hidden in (("seen", self.nothing), ("hidden", self.covering("B"))):
            moved = self.moved(model, hidden, self.history - 2, told)
            found[f"B {how}"] = float((moved["B"][1].square().sum() / moved["A"][0].square().sum()).sqrt())
        return found

    def worked_out(self) -> Float[Tensor, "n past 4"]:
        """B's hidden path from its first frame and A's path: two unknown flicks, two equations on each axis and in each frame.

        A's place and velocity tell the flicks of both, since every force is linear and B pulls at A before the next frame.
        """
        each, a, b = torch.arange(len(self.push)), self.disc("A"), self.disc("B")
        pairs, still = self.test.pairs, torch.zeros_like(self.test.flicks[:, :1])
        now, effects, path = self.test.states[:, 0], [], []
        for disc in (a, b):  # what a flick of one does to A's place and velocity, a step later
            unit = still.clone()
            unit[each, 0, disc] = 1
            effects.append(self.world.play(torch.zeros_like(now), pairs, unit)[each, 1, a][:, [0, 2]])
        for t in range(1, self.history):
            rest = self.test.states[each, t, a] - self.world.play(now, pairs, still)[each, 1, a]
            solved, flicks = torch.linalg.solve(torch.stack(effects, -1), rest.view(-1, 2, 2)), still.clone()
            flicks[each, 0, a], flicks[each, 0, b] = solved.unbind(1)
            now = self.world.play(now, pairs, flicks)[:, 1]
            path.append(now[each, b])
        return torch.stack(path, 1)


@torch.no_grad()
def slots_from_films(eyes: SlotAutoencoder, world: CoupledDiscs, films: Episodes, reach: float = 2.2) -> Tensor:
    """Slots from pictures: ``(n, time, discs, 3 + dim)``, place in lengths, what was found, and the hook, which is added.

    Args:
        eyes: finds slots in frames, from hints where each disc is in the first.
        films: what is drawn for it.
        reach: from the middle of a picture to its edge, in lengths, as `CoupledDiscs.draw` has it.
    """
    parts = []
    for states in films.states.split(250):
        slots = eyes.encode(world.draw(states, eyes.size, reach), states[:, 0, :, :2] / reach)
        parts.append(torch.cat([reach * slots.where, slots.what], -1))
    return torch.cat([torch.cat(parts), world.slots(films.states, films.pairs)[..., 4:5]], -1)
