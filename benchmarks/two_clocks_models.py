"""What `benchmarks.two_clocks` compares: models of one clock and of two, of one encoder, one set of walks and one size.

For each world, number of walks and seed there is one encoder, trained as in the chapter on Two Rooms and then at rest. Behind it
stand a wide predictor (one clock), and a narrower one with a `SlowLevel` above it (two clocks), whose latent is a sub-goal, is
injected, or is made of classes. All of them learn from the same latents, and have as many numbers to learn within 2 %.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from wm_core.artefacts import write_atomically
from wm_core.jepa.h_jepa import HJEPA, slow_loss
from wm_core.jepa.h_jepa_kept import Clocks
from wm_core.jepa.pldm import PLDM, pldm_loss, predictor_loss
from wm_core.jepa.roadmap import imagined_edges, latent_unit, learn_ways, shortest_ways
from wm_core.jepa.two_rooms_kept import kept_models, rounded
from wm_core.jepa.value import CostMetric
from wm_core.metrics.reader import Reader, fit_reader
from wm_core.nets.size import parameters, width_for
from wm_core.nets.slow_level import SlowLevel
from wm_core.training import fit
from wm_core.worlds.four_rooms import FourRooms
from wm_core.worlds.mazes import Mazes
from wm_core.worlds.moving_walls import Patrol, SlidingDoor
from wm_core.worlds.rooms import Rooms
from wm_core.worlds.two_rooms import TwoRooms

PARTS = Path(__file__).resolve().parent.parent / "_build" / "checkpoints" / "two_clocks"

#: One layout of each.
WORLDS: dict[str, Rooms] = {
    "two rooms": TwoRooms(fixed=True),
    "four rooms": FourRooms(fixed=True),
    "maze": Mazes(fixed=True),
    "sliding door": SlidingDoor(fixed=True),
    "patrol": Patrol(fixed=True),
}
DIM, EVERY, ALL = 64, 8, 2000  # numbers in a latent; steps to a tick; walks where data is not scarce
SLOW = {"every": EVERY, "macro_dim": 4, "width": 32, "deter": 64, "stoch": 16, "hidden": 96}
DISCRETE = SLOW | {"stoch": 8, "classes": 8}
COST = {"hidden": 128, "depth": 3}
#: The kinds of model that are compared.
KINDS = ("flat", "level 1", "sub-goals", "injection", "discrete")


class Walks(NamedTuple):
    """Where the walls are, the steps asked for (n, 90, 2), and where the dot was (n, 91, state)."""

    layout: tuple
    actions: Tensor
    places: Tensor


def seeded(seed: int) -> Generator:
    return torch.Generator().manual_seed(seed)


# ---- models of equal size, untrained -----------------------------------------------------------------------------------------
def size() -> int:
    """How many numbers each model learns: those of level 1 and of a level 2 whose latent is a sub-goal."""
    return parameters(PLDM(dim=DIM)) + parameters(SlowLevel(DIM, **SLOW))


def flat_width() -> int:
    """Of the hidden layers of a flat model's predictor."""
    return width_for(lambda width: PLDM(dim=DIM, hidden=width), size())


def slow_level(kind: str) -> SlowLevel:
    """Level 2 of "sub-goals", or of "discrete"."""
    if kind != "discrete":
        return SlowLevel(DIM, **SLOW)
    wanted = parameters(SlowLevel(DIM, **SLOW))
    return SlowLevel(
        DIM,
        **DISCRETE | {"hidden": width_for(lambda width: SlowLevel(DIM, **DISCRETE | {"hidden": width}), wanted, 512)},
    )


def injected() -> HJEPA:
    """Both levels, with level 2's latent injected into level 1."""

    def build(hidden: int) -> HJEPA:
        return HJEPA(PLDM(dim=DIM, hidden=hidden, context=SLOW["width"]), SlowLevel(DIM, **SLOW))

    return build(width_for(build, size(), 512))


def part(layout: tuple, which: slice | Tensor) -> tuple:
    """The layouts of some worlds."""
    return type(layout)(*(each[which] for each in layout))


def gather(world: Rooms, n: int, seed: int) -> Walks:
    """n aimless walks."""
    generator = seeded(seed)
    layout = world.layouts(n, generator)
    return Walks(layout, *world.wander(layout, 90, generator))


def windows(walks: Walks, count: int, steps: int, frames: Callable[[Tensor, Tensor], Tensor]) -> Callable:
    """Draws ``count`` pieces of ``steps`` actions, and what ``frames(walk, moment)`` gives for their moments."""

    def draw(step: int, generator: Generator) -> tuple[Tensor, Tensor]:
        i = torch.randint(len(walks.actions), (count, 1), generator=generator)
        t = torch.randint(91 - steps, (count, 1), generator=generator) + torch.arange(steps + 1)
        return frames(i, t), walks.actions[i, t[:, :-1]]

    return draw


@torch.no_grad()
def encode(model: nn.Module, world: Rooms, layout: tuple, places: Tensor) -> Tensor:
    """Latents of places (n, time, state), some walks at a time."""
    pieces = [slice(i, i + 32) for i in range(0, len(places), 32)]
    return torch.cat([model.encode(world.draw(part(layout, some), places[some])) for some in pieces])


def kept(name: str, empty: Callable[[], nn.Module], train: Callable[[nn.Module], object]) -> nn.Module:
    """A trained module, from a file if it was trained before, with its weights rounded to two bytes, as artefacts keep them."""
    file, module = PARTS / f"{name}.pt", empty()
    if not file.exists():
        train(module)
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".part")
        torch.save({key: value.cpu() for key, value in module.state_dict().items()}, temporary)
        write_atomically(file, temporary.read_bytes())
        temporary.unlink()
    module.load_state_dict(torch.load(file, weights_only=True))
    return rounded(module).eval().requires_grad_(False)


class Schedule(NamedTuple):
    """How long each part is trained: steps."""

    encoder: int
    predictor: int
    slow: int
    both: int
    ways: int


def schedule(world: str, walks: int) -> Schedule:
    """In the layout of two rooms the encoder and the narrow predictor are those kept by its chapter: 1000 and 3000 steps."""
    if world == "two rooms" and walks == ALL:
        return Schedule(1000, 3000, 3000, 2000, 1500)
    return Schedule(400, 1000, 1500, 1000, 800)


class Bench:
    """The models of one world, number of walks and seed; each is trained when it is first asked for.

    Args:
        world: its name.
        seed: of walks and training.
        walks: how many walks of 90 steps there are. Encoder and predictors learn from the same ones.
    """

    def __init__(self, world: str, seed: int = 0, walks: int = ALL):
        self.world, self.name, self.seed, self.count = WORLDS[world], f"{world} {walks} {seed}", seed, walks
        self.steps, self._made = schedule(world, walks), {}
        self.given = kept_models()[0][seed] if world == "two rooms" and walks == ALL else None

    # ---- what all share ----------------------------------------------------------------------------------------------------
    @property
    def walks(self) -> Walks:
        return self._once("walks", lambda: gather(self.world, self.count, 2000 + self.seed))

    @property
    def z(self) -> Tensor:
        """Latents of all walks, (walks, 91, dim)."""
        return self._once("z", lambda: encode(self.base, self.world, self.walks.layout, self.walks.places))

    @property
    def spread(self) -> Tensor:
        """The standard deviation of each number of a latent."""
        return self._once("spread", lambda: self.z.std((0, 1)))

    @property
    def base(self) -> PLDM:
        """Encoder and narrow predictor after the training on pictures."""
        return self._once("base", lambda: self.given.model if self.given else self._together())

    def _together(self) -> PLDM:
        def pictures(i: Tensor, t: Tensor) -> Tensor:
            return self.world.draw(part(self.walks.layout, i[:, 0]), self.walks.places[i, t])

        def train(model: PLDM) -> None:
            fit(
                model, lambda m, seen: pldm_loss(m, *seen), windows(self.walks, 64, 8, pictures), steps=self.steps.encoder,
                learning_rate=2e-3, clip=2.0, precision="float32", seed=self.seed, title=f"{self.name} encoder",
            )  # fmt: skip

        return kept(f"{self.name} encoder", self._seeded(lambda: PLDM(dim=DIM)), train)

    @property
    def reader(self) -> Reader:
        """Reads the dot's place from level 1's latent."""
        return self._once("reader", self._reader)

    def _reader(self) -> Reader:
        if self.given:
            return self.given.reader
        z, places = self.seen(1000, 3)
        return fit_reader(z, places)

    def seen(self, n: int, seed: int) -> tuple[Tensor, Tensor]:
        """Latents and places of moments of fresh walks, three of each."""
        layout, _, places = gather(self.world, n, seed)
        at = places[:, [30, 60, 90]]
        return encode(self.base, self.world, layout, at).flatten(0, 1), at[..., :2].flatten(0, 1)

    # ---- the models --------------------------------------------------------------------------------------------------------
    def model(self, kind: str) -> PLDM | HJEPA:
        """One of `KINDS`: a model whose encoder is `base`'s."""
        return self._once(
            kind,
            {"flat": self._flat, "level 1": lambda: self.narrow, "injection": self._injected}.get(
                kind, lambda: self._two(kind)
            ),
        )

    def _flat(self) -> PLDM:
        return self._predictor("flat", flat_width())

    @property
    def narrow(self) -> PLDM:
        """Level 1 where level 2's latent is a sub-goal: it is as it would be alone."""
        return self._once("narrow", lambda: self.given.model if self.given else self._predictor("narrow", 192))

    def _predictor(self, name: str, hidden: int) -> PLDM:
        def train(model: PLDM) -> None:
            model.encoder.requires_grad_(False)
            draw = windows(self.walks, 128 if self.given else 64, 16, lambda i, t: self.z[i, t])
            fit(
                model, lambda m, seen: predictor_loss(m, *seen, self.spread), draw, steps=self.steps.predictor,
                learning_rate=2e-3, clip=1.0, precision="float32", seed=self.seed, title=f"{self.name} {name}",
            )  # fmt: skip

        return kept(f"{self.name} {name}", self._with_encoder(lambda: PLDM(dim=DIM, hidden=hidden)), train)

    def _two(self, kind: str) -> HJEPA:
        def train(level: SlowLevel) -> None:
            draw = windows(self.walks, 128, 48, lambda i, t: self.z[i, t])
            fit(
                level, lambda m, seen: slow_loss(m, *seen), draw, steps=self.steps.slow, learning_rate=2e-3, clip=1.0,
                precision="float32", seed=self.seed, title=f"{self.name} {kind}",
            )  # fmt: skip
            level.measure(self.walks.actions[:, : 90 // EVERY * EVERY])

        above = kept(f"{self.name} {kind}", self._seeded(lambda: slow_level(kind)), train)
        return HJEPA(self.narrow, above).eval()

    def _injected(self) -> HJEPA:
        def loss(model: HJEPA, seen: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            return predictor_loss(model, *seen, self.spread) | {
                f"2 {name}": term for name, term in slow_loss(model.above, *seen).items()
            }

        def train(model: HJEPA) -> None:
            model.encoder.requires_grad_(False)
            draw = windows(self.walks, 64, 24, lambda i, t: self.z[i, t])
            fit(
                model, loss, draw, steps=self.steps.both, learning_rate=2e-3, clip=1.0, precision="float32",
                seed=self.seed, title=f"{self.name} injection",
            )  # fmt: skip
            model.above.measure(self.walks.actions[:, : 90 // EVERY * EVERY])

        return kept(f"{self.name} injection", self._with_encoder(injected), train)

    # ---- costs -------------------------------------------------------------------------------------------------------------
    def cost(self, kind: str) -> CostMetric:
        """Ways learned on the latents that a kind of model is asked about: level 1's, or level 2's (of sub-goals and discrete).

        The ways are the same for all: those that the narrow predictor imagines between places of the walks.
        """
        lifted = kind in ("sub-goals", "discrete")
        encode_ = self.model(kind).above.encode if lifted else lambda z: z
        width = SLOW["width"] if lifted else DIM

        def train(cost: CostMetric) -> None:
            nodes, ways = self._once("ways", self._ways)
            with torch.no_grad():
                seen = encode_(nodes)
            learn_ways(
                cost, seen, ways, steps=self.steps.ways, worlds=1, nodes=96, seed=self.seed, title=f"{self.name} cost"
            )

        name = f"{self.name} cost {kind if lifted else 'level 1'}"
        return self._once(name, lambda: kept(name, self._seeded(lambda: CostMetric(width, **COST)), train))

    def _ways(self) -> tuple[Tensor, Tensor]:
        z = self.z.flatten(0, 1)
        nodes = torch.stack([z[torch.randperm(len(z), generator=seeded(s))[:700]] for s in range(2)])
        unit = latent_unit(self.z, self.walks.actions)
        edges = imagined_edges(self.narrow.rollout, nodes, stride=1.5, unit=unit, tolerance=1.2)
        return nodes, shortest_ways(edges)

    # ---- helpers -----------------------------------------------------------------------------------------------------------
    def _once(self, name: str, make: Callable[[], object]) -> object:
        if name not in self._made:
            with torch.enable_grad():  # whoever measures may have switched gradients off
                self._made[name] = make()
        return self._made[name]

    def _seeded(self, build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        def empty() -> nn.Module:
            torch.manual_seed(self.seed)
            return build()

        return empty

    def _with_encoder(self, build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        def empty() -> nn.Module:
            model = self._seeded(build)()
            model.encoder.load_state_dict(self.base.encoder.state_dict())
            return model

        return empty


@cache
def bench(world: str, seed: int = 0, walks: int = ALL) -> Bench:
    """The models of a world, number of walks and seed."""
    return Bench(world, seed, walks)


def of_artefact(clocks: Clocks, seed: int) -> Bench:
    """The models of a seed in the layout of two rooms, with level 2 and the costs as they are kept; the others are not there."""
    found = Bench("two rooms", seed)
    found._made = {
        "sub-goals": clocks.model,
        f"{found.name} cost level 1": clocks.cost,
        f"{found.name} cost sub-goals": clocks.cost_above,
    }
    return found
