"""What each member of the JEPA family buys: one world, one reader, one predictor, one planner, and eleven encoders.

Each encoder of `benchmarks.members` is trained on the same films of the robot's table, without actions, and frozen. The same small
reader of places is then taught on its tokens, again without actions, and the same predictor on what the reader says, with actions.
What is measured is what comes out at the end: what a probe reads, how far imagination drifts, what surprises it, and whether it gets
the robot where a picture says. Two rows begin behind the encoder: they are told where the discs are.

Usage: python -m benchmarks.jepa_family [--steps 500] [--seeds 3] [--out FILE]
A run that was cut off goes on where it stopped. It takes about half an hour on two cores.
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.members import DIM, FRAMES, MEMBERS, SIZE, tokens_of
from wm_core.artefacts import provenance, write_atomically
from wm_core.jepa.causal_jepa import CausalJEPA, causal_jepa_loss, hide_objects
from wm_core.jepa.v_jepa_2_ac import ActionPredictor, Watcher, acting_loss, watching_loss
from wm_core.metrics.horizon import prediction_horizon
from wm_core.metrics.probe import LinearProbe
from wm_core.nets.places import TokenPlaces
from wm_core.nets.world_model import WorldModel
from wm_core.planning.cem import CEM
from wm_core.planning.costs import to_goal
from wm_core.planning.drive import drive
from wm_core.planning.search import within
from wm_core.training import fit
from wm_core.worlds.robot import Episodes, RobotTable
from wm_core.worlds.robot_tasks import reaching

OUT = Path(__file__).resolve().parent.parent / "book" / "_static" / "benchmarks" / "jepa_family.json"
PARTS = Path(__file__).resolve().parent.parent / "_build" / "checkpoints" / "jepa_family"

WORLD = RobotTable()
RATES = (5e-4, 2e-3)  # each member's is chosen on its first seed
ACTING, LONGER = (
    500,
    2000,
)  # steps of the predictor, and a second number of them for what is also measured `AFTER_LONGER`
AFTER_LONGER = ("horizon", "surprise, puck stands firm", "reached")
PLACES, UNIT = 16, 4.0  # numbers that the reader gives; pixels to one of them
LOST = 2.0  # pixels, the robot's radius: further off, an imagined robot is lost
NEAR = 1.5  # pixels: so near to its goal the robot has arrived
HISTORY = 3  # moments that Causal-JEPA sees
SURPRISES = ("robot jumps", "puck goes alone", "puck stands firm")


class Data(NamedTuple):
    """The films of all members: to watch, to fit probes on, to choose a rate by, to test on, and the few with actions to use."""

    watch: Episodes
    held: Episodes
    choose: Episodes
    test: Episodes
    act: Episodes


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def films() -> Data:
    """2,000 films without use of their actions, and 200 with."""
    counts = {1: 2000, 2: 300, 4: 100, 3: 200, 11: 200}
    return Data(*(WORLD.episodes(count, 15, seeded(seed)) for seed, count in counts.items()))


# ---- what is trained -----------------------------------------------------------------------------------------------------------
def train(name: str, data: Data, steps: int, rate: float, seed: int) -> tuple[nn.Module, float]:
    """A member's encoder, and the CPU milliseconds of a step."""
    torch.manual_seed(seed)
    member = MEMBERS[name]
    encoder = member.encoder()
    if member.training is None:
        return encoder.eval(), 0.0
    model, loss, draw = member.training(encoder, data.watch)
    begin = time.process_time()
    fit(
        model, loss, lambda step, generator: draw(generator), steps=steps, learning_rate=rate, weight_decay=0.05, warmup=0.1,
        seed=seed, title=name, after_step=getattr(type(model), "follow", None),
    )  # fmt: skip
    return encoder.cpu().eval(), 1e3 * (time.process_time() - begin) / steps


class Reader(nn.Module):
    """Frozen tokens to sixteen numbers: the places that eight queries look at, each number of mean 0 and deviation 1 on the films."""

    def __init__(self, sample: Tensor):
        super().__init__()
        flat = sample.flatten(0, -2)
        self.register_buffer("token_mean", flat.mean(0))
        self.register_buffer("token_std", flat.std(0) + 1e-6)
        self.places = TokenPlaces(sample.shape[-1])
        self.register_buffer("mean", torch.zeros(PLACES))
        self.register_buffer("std", torch.ones(PLACES))

    def forward(self, tokens: Tensor) -> Tensor:
        return (self.places((tokens - self.token_mean) / self.token_std) - self.mean) / self.std

    def settle(self, sample: Tensor) -> None:
        """Take mean and deviation from these tokens."""
        with torch.no_grad():
            z = self(sample).flatten(0, -2)
            self.mean, self.std = z.mean(0), z.std(0) + 1e-6


def teach_reader(tokens: Tensor, steps: int, seed: int) -> Reader:
    """On tokens (films, time, 36, dim): what follows should be guessed from what was, and the numbers should not collapse."""
    torch.manual_seed(seed)
    reader = Reader(tokens[:100])
    watcher = Watcher(reader, PLACES)

    def draw(step, generator):
        film = torch.randint(len(tokens), (32, 1), generator=generator)
        start = torch.randint(tokens.shape[1] - FRAMES + 1, (32, 1), generator=generator)
        return tokens[film, start + torch.arange(FRAMES)]

    fit(
        watcher, lambda model, batch: watching_loss(model, batch), draw, steps=steps, learning_rate=3e-3,
        weight_decay=1e-4, warmup=0.1, clip=2.0, seed=seed, title="reader",
    )  # fmt: skip
    reader.cpu().eval().settle(tokens[:100])
    return reader


def teach_actions(z: Tensor, actions: Tensor, steps: int, seed: int) -> WorldModel:
    """A predictor of latents (films, time, dim) given actions, by teacher forcing and rollouts of four steps."""
    torch.manual_seed(seed)
    model = WorldModel(nn.Identity(), ActionPredictor(z.shape[-1], WORLD.reach, (64, 64)))

    def draw(step, generator):
        film = torch.randint(len(z), (64,), generator=generator)
        return z[film], actions[film]

    fit(
        model, lambda model, batch: acting_loss(model, *batch, rollout=4), draw, steps=steps, learning_rate=5e-3,
        weight_decay=1e-4, clip=2.0, seed=seed, title="actions",
    )  # fmt: skip
    return model.cpu()


# ---- what is measured ----------------------------------------------------------------------------------------------------------
def look(states: Tensor, wallpaper: Tensor) -> Tensor:
    """One frame of each table."""
    return WORLD.draw(states[:, None], wallpaper)[:, 0]


def probed(encoder: nn.Module, fit_on: Episodes, test: Episodes) -> dict[str, float]:
    """R² of linear maps from the mean over tokens to the discs' places and the wallpaper's grey at sixteen points."""
    z, fresh = (tokens_of(encoder, films.frames[:, ::4]).mean(2).flatten(0, 1) for films in (fit_on, test))
    found = {}
    for name, part in (("robot", slice(0, 2)), ("puck", slice(2, 4))):
        known, truth = (films.states[:, ::4, part].flatten(0, 1) for films in (fit_on, test))
        found[f"mean token, {name}"] = LinearProbe(z, known).r2(fresh, truth)
    known, truth = (
        films.wallpaper[:, None, ::6, ::6].expand(-1, 4, -1, -1).reshape(-1, 16) for films in (fit_on, test)
    )
    found["mean token, wallpaper"] = LinearProbe(z, known).r2(fresh, truth)
    return found


def drifted(rolled: Tensor, z: Tensor, ruler: LinearProbe, states: Tensor) -> dict[str, float]:
    """How wrong imagined latents (films, steps, dim) are, against the actual ones, which begin a frame earlier.

    Errors are shares of the latents' variance over all films and frames. The horizon counts the steps before the imagined robot is
    `LOST`, as the ruler reads it.
    """
    variance = z.flatten(0, 1).var(0).mean()
    error = (rolled - z[:, 1:]).square().mean((0, 2)) / variance
    off = (ruler(rolled) - states[:, 1:])[..., :2].norm(dim=-1)
    return {
        "error after 1": float(error[0]),
        "error after 8": float(error[7]),
        "horizon": float(prediction_horizon(off, LOST).double().mean()),
    }


def impossible(test: Episodes, kind: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """What cannot follow from each moment of the films, but the last: states (films, steps, 4), and where that makes sense.

    "robot jumps": three pixels beside where the action takes it. "puck goes alone": by two, untouched. "puck stands firm": it was
    pushed, and is where it was; the robot is half in it.
    """
    before, after = test.states[:, :-1], test.states[:, 1:]
    pushed = (after - before)[..., 2:].norm(dim=-1) > 0.3
    angle = 2 * math.pi * torch.rand(pushed.shape, generator=generator)
    way = torch.stack([angle.cos(), angle.sin()], -1)
    robot, puck = after.split(2, -1)
    if kind == "puck stands firm":
        return torch.cat([robot, before[..., 2:]], -1), pushed
    if kind == "robot jumps":
        robot = robot + 3 * way
    else:
        puck = puck + 2 * way
    apart = (robot - puck).norm(dim=-1) > WORLD.robot + WORLD.puck
    inside = _inside(robot, WORLD.robot) & _inside(puck, WORLD.puck)
    return torch.cat([robot, puck], -1), inside & apart & (~pushed if kind == "puck goes alone" else pushed | ~pushed)


def _inside(at: Tensor, radius: float) -> Tensor:
    return ((at >= radius) & (at <= SIZE - radius)).all(-1)


def surprised(see, guess: Tensor, z: Tensor, test: Episodes) -> dict[str, float]:
    """How often what cannot follow is further from the guess than what did follow, in 400 moments of each kind. Chance is 0.5.

    Args:
        see: states (n, 4) and wallpaper to latents.
        guess: of each next latent, (films, steps, dim).
        z: the actual latents (films, steps + 1, dim).
    """
    usual = (guess - z[:, 1:]).abs().mean(-1)
    paper = test.wallpaper[:, None].expand(-1, guess.shape[1], -1, -1)
    found = {}
    for seed, kind in enumerate(SURPRISES):
        states, sensible = impossible(test, kind, seeded(7 + seed))
        chosen = sensible.nonzero()
        film, step = chosen[torch.randperm(len(chosen), generator=seeded(70 + seed))[:400]].unbind(1)
        unusual = (guess[film, step] - see(states[film, step], paper[film, step])).abs().mean(-1)
        found[f"surprise, {kind}"] = float((unusual > usual[film, step]).double().mean())
    return found


def reached(model, see, start, step, places, goals: Tensor, cost) -> float:
    """The share of fifty tasks in which the robot ends within `NEAR` of where the picture has it, after sixteen actions."""
    planner = CEM(horizon=2, samples=128, elites=12, iterations=5, spread=1.5)
    path = drive(
        planner, model, start, [cost], see=see, step=step, bound=within(WORLD.reach), generator=seeded(0), steps=16
    )
    return float(((places(path[:, -1]) - goals)[:, :2].norm(dim=1) < NEAR).double().mean())


@torch.no_grad()
def judge(see, model: WorldModel, ruler: LinearProbe, z: Tensor, test: Episodes, tasks) -> dict[str, float]:
    """Drift, surprise and reaching of one model of latents."""
    start, goals, papers = tasks
    goal = see(goals[:, 0], papers)
    here = lambda states: see(states, papers)  # noqa: E731
    return {
        **drifted(model.rollout(z[:, 0], test.actions), z, ruler, test.states),
        **surprised(see, model.predict(z[:, :-1], test.actions), z, test),
        "reached": reached(model, here, start, WORLD.step, lambda states: states, goals[:, 0], to_goal(goal)),
    }


def measure(
    encoder: nn.Module, data: Data, steps: int, acting: int, seed: int, choosing: bool = False
) -> dict[str, float]:
    """Everything about one frozen encoder, or only the horizon on the films by which a rate is chosen."""
    reader = teach_reader(tokens_of(encoder, data.watch.frames[:500]), steps, seed)

    def see(states, wallpaper):
        return reader(tokens_of(encoder, look(states, wallpaper)))

    test = data.choose if choosing else data.test
    with torch.no_grad():
        held, fresh, moves = (reader(tokens_of(encoder, part.frames)) for part in (data.held, test, data.act))
    ruler = LinearProbe(held.flatten(0, 1), data.held.states.flatten(0, 1))
    model = teach_actions(moves, data.act.actions, acting, seed)
    if choosing:
        with torch.no_grad():
            return drifted(model.rollout(fresh[:, 0], test.actions), fresh, ruler, test.states)
    return {
        **probed(encoder, data.held, test),
        "reader, robot": _read(held, fresh, data.held, test, slice(0, 2)),
        "reader, puck": _read(held, fresh, data.held, test, slice(2, 4)),
        **judge(see, model, ruler, fresh, test, reaching(WORLD, 50, seeded(21))),
    }


def _read(held: Tensor, fresh: Tensor, fit_on: Episodes, test: Episodes, part: slice) -> float:
    probe = LinearProbe(held.flatten(0, 1), fit_on.states[..., part].flatten(0, 1))
    return probe.r2(fresh.flatten(0, 1), test.states[..., part].flatten(0, 1))


# ---- two rows that are told where the discs are --------------------------------------------------------------------------------
def coordinates(states: Tensor) -> Tensor:
    """Places in units of the latent."""
    return (states - SIZE / 2) / UNIT


def told(data: Data, acting: int, seed: int) -> dict[str, float]:
    """The same predictor on the true places: how good it would be behind a perfect encoder."""
    see = lambda states, wallpaper: coordinates(states)  # noqa: E731
    z = coordinates(data.test.states)
    ruler = LinearProbe(*(part.flatten(0, 1) for part in (coordinates(data.held.states), data.held.states)))
    model = teach_actions(coordinates(data.act.states), data.act.actions, acting, seed)
    return judge(see, model, ruler, z, data.test, reaching(WORLD, 50, seeded(21)))


class Slots:
    """Causal-JEPA as a model to plan with. A moment is three slots, robot, puck and what is done; the state is a short history.

    A slot holds two numbers and which of the three it is.
    """

    def __init__(self, model: CausalJEPA):
        self.model = model

    @staticmethod
    def fill(states: Tensor, actions: Tensor) -> Tensor:
        """States (..., 4) and the actions done in them (..., 2) to slots (..., 3, 5)."""
        numbers = torch.stack([*coordinates(states).split(2, -1), actions / WORLD.reach], -2)
        return torch.cat([numbers, torch.eye(3).expand(*numbers.shape[:-1], 3)], -1)

    @classmethod
    def histories(cls, states: Tensor, actions: Tensor) -> Tensor:
        """Every moment of films with those before it, (films, steps, HISTORY, 3, 5). Before the first, nothing moved."""
        rest = HISTORY - 1
        states = torch.cat([states[:, :1].expand(-1, rest, -1), states], 1)
        actions = torch.cat([torch.zeros_like(actions[:, :1]).expand(-1, rest, -1), actions], 1)
        slots = cls.fill(states[:, : actions.shape[1]], actions)
        return slots.unfold(1, HISTORY, 1).permute(0, 1, 4, 2, 3)

    def after(self, history: Tensor) -> Tensor:
        """Coordinates (n, 4) after the last moment of histories (n, HISTORY, 3, 5)."""
        nothing = torch.zeros(history.shape[:3], dtype=torch.bool)
        return self.model(history, nothing)[:, HISTORY, :2, :2].flatten(1)

    def rollout(self, history: Tensor, actions: Tensor) -> Tensor:
        """Coordinates (n, steps, 4); in the last moment of the history what is done is not yet filled in."""
        path = []
        for action in actions.unbind(1):
            history = history.clone()
            history[:, -1, 2, :2] = action / WORLD.reach
            path.append(self.after(history))
            history = self.shift(history, path[-1] * UNIT + SIZE / 2)
        return torch.stack(path, 1)

    @classmethod
    def shift(cls, history: Tensor, states: Tensor) -> Tensor:
        """The history one moment on, with these states last."""
        return torch.cat([history[:, 1:], cls.fill(states, torch.zeros_like(states[:, :2]))[:, None]], 1)


def causal(data: Data, acting: int, seed: int) -> dict[str, float]:
    """Causal-JEPA on the true places, the past of robot or puck hidden in training."""
    torch.manual_seed(seed)
    model = CausalJEPA(5, HISTORY, 1, dim=DIM, depth=2, heads=2)
    films = data.act
    past, after = Slots.histories(films.states, films.actions), Slots.fill(films.states[:, 1:], 0 * films.actions)
    windows = torch.cat([past, after[:, :, None]], 2).flatten(0, 1)  # (films * steps, HISTORY + 1, 3, 5)

    def draw(step, generator):
        hidden = hide_objects(256, HISTORY, 3, 1, generator)
        hidden[..., 2] = False  # what is done is never hidden
        return windows[torch.randint(len(windows), (256,), generator=generator)], hidden

    def loss(model, batch):
        slots, hidden = batch
        slots = slots.clone()
        slots[:, -1, 2] = model(slots[:, :HISTORY], hidden)[:, -1, 2].detach()  # what will be done is not asked for
        return causal_jepa_loss(model, slots, hidden)

    fit(model, loss, draw, steps=acting, learning_rate=3e-3, weight_decay=1e-4, clip=2.0, seed=seed, title="slots")
    return judge_slots(Slots(model.cpu()), data.test, data.held)


@torch.no_grad()
def judge_slots(model: Slots, test: Episodes, held: Episodes) -> dict[str, float]:
    """The measures of `judge`, for a model whose state is a history."""
    z, (start, goals, _) = coordinates(test.states), reaching(WORLD, 50, seeded(21))
    ruler = LinearProbe(*(part.flatten(0, 1) for part in (coordinates(held.states), held.states)))
    histories = model.histories(test.states, test.actions)
    guess = model.after(histories.flatten(0, 1)).view(*histories.shape[:2], 4)
    first = model.histories(start[:, None].expand(-1, 2, -1), torch.zeros(len(start), 1, 2))[:, 0]
    place = lambda history: history[:, -1, :2, :2].flatten(1) * UNIT + SIZE / 2  # noqa: E731

    def step(history, actions):
        done = history.clone()
        done[:, -1, 2, :2] = actions / WORLD.reach
        return model.shift(done, WORLD.step(place(history), actions))

    goal = to_goal(coordinates(goals[:, 0]))
    return {
        **drifted(model.rollout(histories[:, 0], test.actions), z, ruler, test.states),
        **surprised(lambda states, wallpaper: coordinates(states), guess, z, test),
        "reached": reached(model, lambda history: history, first, step, place, goals[:, 0], goal),
    }


#: Rows without an encoder: their predictor is told where the discs are.
TOLD = {"places given": told, "objects given (Causal-JEPA)": causal}


# ---- the run -------------------------------------------------------------------------------------------------------------------
def kept(name: str, work) -> dict:
    """What ``work()`` returns, from a file of this name if it was done before."""
    file = PARTS / f"{name}.json"
    if not file.exists():
        found = work()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps(found).encode())
    return json.loads(file.read_text())


def trained(name: str, data: Data, steps: int, rate: float, seed: int) -> tuple[nn.Module, float]:
    """What `train` returns, from a file if it was done before."""
    file = PARTS / f"{name} {steps} {rate} {seed}.pt"
    if not file.exists():
        encoder, milliseconds = train(name, data, steps, rate, seed)
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"encoder": encoder.state_dict(), "milliseconds": milliseconds}, file)
    state = torch.load(file, weights_only=True)
    encoder = MEMBERS[name].encoder()
    encoder.load_state_dict(state["encoder"])
    return encoder.eval(), state["milliseconds"]


def one(
    name: str, data: Data, steps: int, acting: int, rate: float, seed: int, choosing: bool = False
) -> dict[str, float]:
    """Train a member and measure it."""
    encoder, milliseconds = trained(name, data, steps, rate, seed)
    found = measure(encoder, data, steps, acting, seed, choosing)
    return found | {"rate": rate, "ms a step": milliseconds, "parameters": sum(w.numel() for w in encoder.parameters())}


def row(name: str, data: Data, steps: int, acting: int, rate: float, seed: int) -> dict[str, float]:
    """What one seed of a row measures with a predictor of so many steps, from a file if it was done before."""
    if name in TOLD:
        return kept(f"{name} {acting} {seed}", lambda: TOLD[name](data, acting, seed))
    return kept(f"{name} {steps} {acting} {rate} {seed}", lambda: one(name, data, steps, acting, rate, seed))


def chosen_rate(name: str, data: Data, steps: int) -> float:
    """The rate with which the first seed's predictor sees further on the films kept for that."""
    if name in TOLD or MEMBERS[name].training is None:
        return RATES[0]

    def horizon(rate: float) -> float:
        found = kept(f"{name} {steps} {rate} choosing", lambda: one(name, data, steps, ACTING, rate, 0, choosing=True))
        return found["horizon"]

    return max(RATES, key=horizon)


def run(names: list[str], steps: int, seeds: int) -> dict[str, list[dict]]:
    """All rows: for each seed of each member what was measured."""
    data, rows = films(), {}
    for name in names:
        rate, rows[name] = chosen_rate(name, data, steps), []
        for seed in range(seeds):
            usual, longer = (row(name, data, steps, acting, rate, seed) for acting in (ACTING, LONGER))
            rows[name].append(usual | {f"{key}, longer": longer[key] for key in AFTER_LONGER})
        print(f"{name}: " + ", ".join(f"{key} {value:.3g}" for key, value in rows[name][0].items()), flush=True)
    return rows


def main() -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="these members, without writing the table")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    names = asked.only or [*MEMBERS, *TOLD]
    rows = run(names, asked.steps, asked.seeds)
    if asked.only:
        return
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "steps": asked.steps,
        "acting": [ACTING, LONGER],
        "seeds": asked.seeds,
        **provenance(),
    }
    write_atomically(asked.out, json.dumps({"about": about, "rows": rows}, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
