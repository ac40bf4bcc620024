"""One clock against two: the same data, the same size, the same number of imagined transitions for a step of the world.

A *drive* is a hundred trials (or fewer) of one arm: every arm has the same trials, and the same nudges at walls. What a planner may
choose freely, how far it looks and how smooth its noise is, is chosen for each arm from as many settings, on other trials. Two drives
are compared trial by trial (`wm_core.metrics.paired.pair`).

Usage: python -m benchmarks.two_clocks [--only NAME ...] [--out FILE]
A run that was cut off goes on where it stopped: drives that the file holds are not done again. It takes hours on a core.
"""

import argparse
import fcntl
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.two_clocks_models import ALL, COST, DIM, EVERY, KINDS, SLOW, WORLDS, Bench, bench, encode, part, seeded
from benchmarks.two_rooms import Timed, noise_of
from wm_core.artefacts import provenance, save, write_atomically
from wm_core.jepa.h_jepa_kept import shelf
from wm_core.metrics.intervals import mcnemar
from wm_core.metrics.navigation import read_trajectories
from wm_core.metrics.paired import chosen, share
from wm_core.metrics.reader import fit_reader
from wm_core.nets.slow_level import SlowLevel
from wm_core.planning.cem import CEM
from wm_core.planning.costs import along_path, squared_to_goal
from wm_core.planning.drive import drive
from wm_core.planning.levels import Held, SlowAlone, imagined_transitions, two_levels
from wm_core.planning.search import Cost, Planner, within
from wm_core.worlds.rooms import Rooms
from wm_core.worlds.true_model import TrueModel, way_left
from wm_core.worlds.two_rooms_trials import Trials, read_trials

OUT = Path(__file__).resolve().parent.parent / "book" / "_static" / "benchmarks" / "two_clocks.json"
KEPT = OUT.parent.parent / "models" / "h_jepa"

BUDGET = 256  # imagined transitions for a step of the world
STEPS = 80  # of a trial; the longest way in two rooms takes 45
INTERVALS = (1, 4, 16, 32)
SEEDS = (0, 1, 2)
SCARCE = (7, 56, 226)  # walks of 90 steps: 630, 5,040 and 20,340 transitions
LEARNED = ("flat", "level 1", "level 2's cost", "untrained cost", "sub-goals", "injection", "discrete")
RULES = ("flat", "slow alone", "sub-goals")


class Drive(NamedTuple):
    """Who drives, and how.

    Attributes:
        world: a key of `WORLDS`.
        model: "learned" or "rules", the true ones.
        cost: "latent" (squared distance of latents) or "ways" (learned); "distance" or "path" in pixels with the rules.
        arm: of `LEARNED` or `RULES`. "flat" is one clock with as many numbers as both levels have, "level 1" the lower level
            without the upper one, "level 2's cost" the same, which is told level 2's distance, "untrained cost" that of a level 2
            that has learned nothing. "slow alone" searches over macro-actions and does what they stand for.
        every: steps of the world from one look to the next.
        budget: imagined transitions for a step of the world, at most.
        walks: that the models have seen.
        seed: of the models, or of the search with the rules.
        trials: how many.
    """

    world: str
    model: str
    cost: str
    arm: str
    every: int = 16
    budget: int = BUDGET
    walks: int = ALL
    seed: int = 0
    trials: int = 50

    @property
    def family(self) -> str:
        """Which settings there are to choose from."""
        return {
            "level 1": "flat",
            "untrained cost": "level 2's cost",
            "injection": "flat",
            "discrete": "sub-goals",
        }.get(self.arm, self.arm)


# ---- trials ------------------------------------------------------------------------------------------------------------------
def trials_of(world: str, count: int, seed: int = 0) -> Trials:
    """The published ones of two rooms; in other worlds starts and goals in different rooms, at least 30 pixels apart on foot.

    Another seed gives others, to choose settings on. In "patrol", which has one room, the block's track is between the two.
    """
    it = WORLDS[world]
    if world == "two rooms" and not seed:
        return read_trials().some(slice(0, count))
    generator, many = seeded(100 + seed), 30 * count
    layout = it.layouts(many, generator)
    start, goal = it.anywhere(layout, generator), it.anywhere(layout, generator)
    if world == "patrol":
        side = torch.stack([start, goal])[..., 1] - layout.y
        apart = (side.prod(0) < 0) & (side.abs().amin(0) > it.block + it.margin)
    else:
        apart = it.room(layout, start[:, None])[:, 0] != it.room(layout, goal[:, None])[:, 0]
    apart &= it.path_length(layout, start[:, None], goal)[:, 0] >= 30
    some = apart.nonzero()[:count, 0]
    return Trials(part(layout, some), start[some], goal[some])


# ---- what there is to choose ---------------------------------------------------------------------------------------------------
def settings(family: str, every: int, model: str) -> list[dict]:
    """Six for every family, of which one is chosen on other trials: three lengths of plans, with independent and with smooth noise.

    Of two levels the noise is that of the macro-actions, and the high level has a quarter of the budget.
    """
    if family in ("flat", "level 2's cost"):
        return [
            {"horizon": h, "smooth": s} for h in ((16, 32, 64) if every <= 16 else (32, 48, 64)) for s in (0.0, 0.9)
        ]
    if model == "rules":
        return [{"tick": k, "macros": m, "smooth": s} for k, m in ((4, 8), (4, 16), (8, 8)) for s in (0.0, 0.6)]
    return [{"macros": m, "smooth": s} for m in (4, 8, 12) for s in (0.0, 0.6)]


def rounds(plans: float) -> dict[str, int]:
    """So many plans in all as rounds of samples: more of both where there are more, and at most eight rounds."""
    plans = int(plans)
    iterations = max(1 if plans < 8 else 2, min(8, plans // 16))
    samples = max(2, plans // iterations)
    return {"samples": samples, "iterations": iterations, "elites": max(2, samples // 8)}


def flat_planner(setting: dict, every: int, budget: int, more: float = 1.0) -> CEM:
    """One search over actions; ``more`` says how many predictions a step of a plan takes."""
    plans = budget * every / (setting["horizon"] * more)
    return CEM(setting["horizon"], spread=1.5, floor=0.1, smooth=setting["smooth"], **rounds(plans))


SHARE = 0.25  # of the budget for the high level


def two_level_planner(setting: dict, every: int, budget: int, above: object, spread: float = 1.0) -> Planner:
    """A search over macro-actions and one over actions. Where looks are frequent the high one is asked at every fourth."""
    looks, horizon = (4 if every == 1 else 1), max(every, above.every)
    high = rounds(SHARE * budget * every * looks / setting["macros"])
    low = rounds((1 - SHARE) * budget * every / horizon)
    return two_levels(
        above, CEM(setting["macros"], spread=spread, floor=0.05, smooth=setting["smooth"], **high),
        CEM(horizon, spread=1.5, floor=0.1, **low),
        steps=every, along="sum", looks=looks,
    )  # fmt: skip


# ---- with the true rules -------------------------------------------------------------------------------------------------------
def rules_cost(world: Rooms, trials: Trials, name: str, every: int) -> Cost:
    """Distance as the crow flies, or on foot, at every so-manieth moment of a plan, on the average."""
    if name == "distance":
        far: Callable[[Tensor], Tensor] = lambda path: (path - trials.goal[:, None, None])[..., :2].norm(dim=-1)  # noqa: E731
    else:
        far = way_left(world, trials.layout, trials.goal)
    cost = along_path(far, "mean")
    return lambda path, actions: cost(path[:, :, every - 1 :: every], actions)


def rules_arm(it: Drive, trials: Trials, setting: dict) -> tuple[Planner, object, Cost, Callable, float]:
    """Planner, model, cost, eyes, and predictions a step of the world, with the true rules."""
    world = WORLDS[it.world]
    model = TrueModel(world, trials.layout)
    above = Held(model, world.reach, setting.get("tick", 1))
    thin = 1 if it.arm != "flat" else 4  # moments of a plan at which its cost is asked
    cost = rules_cost(world, trials, it.cost, thin)
    if it.arm == "flat":
        planner: Planner = flat_planner(setting, it.every, it.budget)
        count = imagined_transitions(planner, every=it.every)
    elif it.arm == "slow alone":
        plans = it.budget * it.every / setting["macros"]
        planner = SlowAlone(
            CEM(setting["macros"], spread=1.5, floor=0.1, smooth=setting["smooth"], **rounds(plans)), above
        )
        count = imagined_transitions(planner, every=it.every)
    else:
        planner = two_level_planner(setting, it.every, it.budget, above, spread=1.5)
        count = imagined_transitions(planner, every=it.every)
    return planner, model, cost, lambda states: states, count


# ---- with what was learned -----------------------------------------------------------------------------------------------------
def learned_arm(it: Drive, trials: Trials, setting: dict) -> tuple[Planner, object, Cost, Callable, float]:
    """The same with a learned model."""
    minds, world = bench(it.world, it.seed, it.walks), WORLDS[it.world]
    model = minds.model("level 1" if it.family == "level 2's cost" else it.arm)

    def see(states: Tensor) -> Tensor:
        return model.encode(world.draw(trials.layout, states[:, None]))[:, 0]

    with torch.no_grad():
        cost = latent_cost(minds, it, see(trials.goal))
    if it.family == "sub-goals":
        planner: Planner = two_level_planner(setting, it.every, it.budget, model.above)
        return planner, model, cost, see, imagined_transitions(planner, model, it.every)
    more = getattr(model, "transitions", int)(setting["horizon"]) / setting["horizon"]
    planner = flat_planner(setting, it.every, it.budget, more)
    return planner, model, cost, see, imagined_transitions(planner, model, it.every)


def untrained(seed: int) -> SlowLevel:
    """A level 2 that has learned nothing."""
    torch.manual_seed(seed)
    return SlowLevel(DIM, **SLOW).requires_grad_(False)


def latent_cost(minds: Bench, it: Drive, goal: Tensor) -> Cost:
    """Squared distance to the goal's latent all along the plan, or the learned way: at every fourth moment, or at every tick."""
    if it.family == "level 2's cost":
        above = minds.model("sub-goals").above if it.arm == it.family else untrained(it.seed)
        if it.cost == "latent":
            at_goal = above.encode(goal)
            near = squared_to_goal(at_goal)
        else:
            near = latent_cost(minds, it._replace(arm="sub-goals"), goal)
        return lambda path, actions: near(above.encode(path[:, :, 3::4]), actions)
    lifted = it.family == "sub-goals"
    goal = minds.model(it.arm).above.encode(goal) if lifted else goal
    if it.cost == "latent":
        return squared_to_goal(goal)
    ways, at_goal, thin = minds.cost(it.arm), goal[:, None, None], 1 if lifted else 4
    cost = along_path(lambda path: ways.steps(path, at_goal), "mean")
    return lambda path, actions: cost(path[:, :, thin - 1 :: thin], actions)


# ---- a drive -------------------------------------------------------------------------------------------------------------------
def run(it: Drive, setting: dict, trials: Trials | None = None, steps: int = STEPS) -> dict:
    """What came of a drive: for each trial a 1 or a 0, means, predictions and processor milliseconds for a step of the world."""
    world = WORLDS[it.world]
    trials = trials or trials_of(it.world, it.trials)
    arm = rules_arm if it.model == "rules" else learned_arm
    planner, model, cost, see, count = arm(it, trials, setting)
    watch, noise = Timed(planner), noise_of(it.seed)
    paths = drive(
        watch, model, trials.start, [cost], see=see, bound=within(world.reach), generator=seeded(it.seed), steps=steps,
        step=lambda states, actions: world.step(trials.layout, states, actions, noise), every=it.every,
    )  # fmt: skip
    found = read_trajectories(world, trials.layout, paths, trials.goal)
    means = {name: found.summary()[name] for name in ("error", "steps", "detour")}
    row = it._asdict() | {
        "setting": setting,
        "predictions": round(count, 1),
        "ms": 1e3 * watch.seconds / len(trials.start) / steps,
    }
    return row | {name: bits(getattr(found, name)) for name in ("at_end", "ever", "crossed")} | means


def bits(yes: Tensor) -> str:
    """One character a trial."""
    return "".join(str(int(each)) for each in yes)


# ---- the file: what it holds, and how it is read -------------------------------------------------------------------------------
def read(out: Path = OUT) -> dict:
    """The file, or an empty one."""
    if out.exists():
        return json.loads(out.read_text())
    return {"about": {}, "drives": [], "tuning": [], "levels": [], "sizes": {}, "published": {}}


def add(out: Path, part_: str, row: dict) -> None:
    """Add a row; several processes may do so."""
    out.parent.mkdir(parents=True, exist_ok=True)
    lock = Path("/tmp") / f"{out.name}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found = read(out)
        if isinstance(found[part_], dict):
            found[part_] |= row
        elif part_ != "drives" or missing(found, Drive(**{name: row[name] for name in Drive._fields})):
            found[part_].append(row)  # another process may have done this drive meanwhile
        found["about"] = {"budget": BUDGET, "steps": STEPS, "every": EVERY, "walks": ALL} | provenance()
        write_atomically(out, as_text(found).encode())


def as_text(found: dict) -> str:
    """JSON with a line a row."""

    def lines(value: object) -> str:
        if isinstance(value, list):
            return "[\n" + ",\n".join(json.dumps(row) for row in value) + "\n]"
        return json.dumps(value)

    return "{\n" + ",\n".join(f"{json.dumps(name)}: {lines(value)}" for name, value in found.items()) + "\n}\n"


# ---- settings chosen -----------------------------------------------------------------------------------------------------------
CHOOSING, CHOOSING_STEPS = 16, 64  # trials that settings are chosen on, and their steps


def chosen_for(it: Drive, out: Path) -> dict:
    """The setting of its family that arrives most often on trials of their own, with the first seed's models and all walks.

    Where two arrive as often, the one whose dots end nearer. What was chosen is in the file.
    """
    at = {"world": it.world, "model": it.model, "cost": it.cost, "family": it.family, "every": it.every}
    for row in read(out)["tuning"]:
        if all(row[name] == value for name, value in at.items()):
            return row["setting"]
    trials = trials_of(it.world, CHOOSING, seed=77)
    tried = []
    for setting in settings(it.family, it.every, it.model):
        row = run(
            it._replace(
                arm=it.family, seed=0, walks=ALL, budget=it.budget if it.model == "rules" else BUDGET, trials=CHOOSING
            ),
            setting,
            trials,
            CHOOSING_STEPS,
        )
        tried.append((row["at_end"].count("1"), -row["error"], setting))
    best = max(tried, key=lambda each: each[:2])
    add(
        out,
        "tuning",
        at | {"setting": best[2], "arrived": best[0], "of": CHOOSING, "tried": [[t[2], t[0], -t[1]] for t in tried]},
    )
    return best[2]


# ---- how good the levels are ---------------------------------------------------------------------------------------------------
def between(world: Rooms, layout: tuple, here: Tensor, there: Tensor) -> Tensor:
    """Whether a wall is between two places (n, 2): the way from one to the other is 8 pixels longer than the distance."""
    here = here.clamp(world.low + 0.1, world.high - 0.1)
    way = world.path_length(layout, here[:, None], there, imagined=True)[:, 0]
    return way > (here - there).norm(dim=-1) + 8


@torch.no_grad()
def pushes(minds: Bench, kind: str, count: int = 2000, ticks: int = 2, stride: float = 1.5) -> dict[str, float]:
    """Straight walks of two ticks from anywhere, imagined by each level: how far off they end, and how many leak.

    Those that walls stop count for the leaks: without walls they would end where a wall is between that place and the actual one. One
    leaks if a wall is between where it is imagined to end and where it does. Each level is read from its own latent.
    """
    world, generator = minds.world, seeded(9)
    layout = world.layouts(count, generator)
    start = world.anywhere(layout, generator)
    angle = math.tau * torch.rand(count, generator=generator)
    step = stride * torch.stack([angle.cos(), angle.sin()], -1)
    actions = step[:, None].expand(-1, ticks * EVERY, -1).contiguous()
    true = world.walk(layout, start, actions)[:, -1, :2]
    stopped = between(world, layout, start[:, :2] + ticks * EVERY * step, true)
    model = minds.model(kind)
    z = encode(model, world, layout, start[:, None])[:, 0]
    places = {1: minds.reader(model.rollout(z, actions)[:, -1])}
    if kind in ("sub-goals", "discrete"):
        seen, known = minds.seen(1000, 3)
        with torch.enable_grad():
            reader = fit_reader(model.above.encode(seen), known)
        places[2] = reader(model.above.foresee(model.above.encode(z), model.above.codes(actions))[:, -1])
    found = {"stopped": int(stopped.sum())}
    for level, place in places.items():
        leaks = between(world, layout, place, true)[stopped]
        found |= {
            f"level {level}, px off": float((place - true).norm(dim=-1).mean()),
            f"level {level}, leaks": float(leaks.float().mean()),
        }
    return found


def ways_known(minds: Bench, kind: str, learned: bool = True) -> float:
    """The correlation of learned ways, or of plain distances of latents, with shortest ways, between places of fresh walks.

    Of "sub-goals" the latents are level 2's, of all others level 1's.
    """
    z, places = minds.seen(60, 4)
    with torch.no_grad():
        seen = minds.model(kind).above.encode(z) if kind in ("sub-goals", "discrete") else z
        here, there = seen[:90, None], seen[None, 90:]
        said = minds.cost(kind).steps(here, there) if learned else (here - there).norm(dim=-1)
    layout = minds.world.layouts(90, seeded(0))
    ways = [minds.world.path_length(layout, places[:90, None], goal.expand(90, 2))[:, 0] for goal in places[90:]]
    return float(torch.corrcoef(torch.stack([said.flatten(), torch.stack(ways, 1).flatten()]))[0, 1])


def levels(world: str, walks: int, seed: int, kinds: tuple[str, ...], ways: bool = True) -> Iterator[dict]:
    """A row for each kind of model."""
    minds = bench(world, seed, walks)
    for kind in kinds:
        known = {}
        if ways and kind in ("level 1", "sub-goals"):
            known = {"ways": ways_known(minds, kind), "distance": ways_known(minds, kind, learned=False)}
        yield {"world": world, "walks": walks, "seed": seed, "kind": kind, **pushes(minds, kind), **known}


# ---- the published result ------------------------------------------------------------------------------------------------------
#: Of a published two-level PLDM, "wall medium": dots of 100 that end on the goal's side, and the error, with and without level 2.
PUBLISHED = {"one level": {"crossed": 32, "error": 528}, "two levels": {"crossed": 42, "error": 405}, "of": 100}


def fisher(first: int, second: int, of: int) -> float:
    """Fisher's exact test, two-sided, of two shares of as many trials each: the chance of a split at least as unlikely."""
    total = first + second
    chance = {k: math.comb(of, k) * math.comb(of, total - k) for k in range(max(0, total - of), min(of, total) + 1)}
    whole, limit = sum(chance.values()), chance[first]
    return sum(value for value in chance.values() if value <= limit) / whole


def mcnemar_range(first: int, second: int, of: int) -> tuple[float, float]:
    """The least and the greatest p of McNemar's test that two shares allow, if the trials were the same: nobody published which
    trials both passed."""
    both_at_most, both_at_least = min(first, second), max(0, first + second - of)
    ps = []
    for both in range(both_at_least, both_at_most + 1):
        one, other = first - both, second - both
        ps.append(mcnemar([True] * one + [False] * other, [False] * one + [True] * other)[2])
    return min(ps), max(ps)


def published() -> dict:
    """The test, and the floors on our trials of the fixed layout, 200 steps."""
    from benchmarks.two_rooms import ARMS

    trials = read_trials().some(slice(0, 100))
    floors = {}
    for name in ("stay put", "random", "straight line", "scripted door"):
        got = [
            read_trajectories(WORLDS["two rooms"], trials.layout, ARMS[name].run(trials, seed).paths, trials.goal)
            for seed in SEEDS
        ]
        floors[name] = {"crossed": [int(r.crossed.sum()) for r in got], "error": [float(r.error.mean()) for r in got]}
    one, two = (PUBLISHED[name]["crossed"] for name in ("one level", "two levels"))
    return PUBLISHED | {"fisher": fisher(one, two, 100), "mcnemar": mcnemar_range(one, two, 100), "floors": floors}


# ---- the run -------------------------------------------------------------------------------------------------------------------
def with_learned(**what: object) -> Drive:
    return Drive(**{"world": "two rooms", "model": "learned", "cost": "latent", "arm": "flat"} | what)


def intervals() -> Iterator[Drive]:
    """1. Two rooms, both costs, looks at every 1, 4, 16 and 32 steps."""
    for seed in SEEDS:
        for every in (16, 4, 32, 1):
            for cost in ("latent", "ways"):
                for arm in ("sub-goals", "level 1", "flat", *(("level 2's cost",) if every == 16 else ())):
                    yield with_learned(cost=cost, every=every, arm=arm, seed=seed)


def headline() -> Iterator[Drive]:
    """1. All published trials, looks at every 16 steps."""
    for arms in (("level 2's cost", "sub-goals", "level 1"), ("flat",)):
        for cost in ("latent", "ways"):
            for seed in SEEDS:
                for arm in arms:
                    yield with_learned(cost=cost, arm=arm, seed=seed, trials=100)
    for seed in SEEDS:
        yield with_learned(arm="untrained cost", seed=seed, trials=100)


def scarce() -> Iterator[Drive]:
    """2. Few walks."""
    for seed in SEEDS:
        for walks in SCARCE:
            for cost in ("latent", "ways"):
                for arm in ("flat", "sub-goals", *(("level 2's cost",) if cost == "latent" else ())):
                    yield with_learned(walks=walks, cost=cost, arm=arm, seed=seed)


def ways_down() -> Iterator[Drive]:
    """3. What level 2 does for level 1: a sub-goal, what is injected, classes."""
    for seed in SEEDS:
        for cost in ("latent", "ways"):
            for arm in LEARNED:
                if (arm, cost) != ("untrained cost", "ways"):  # ways are taught on trained latents only
                    yield with_learned(cost=cost, arm=arm, seed=seed)


def true_rules() -> Iterator[Drive]:
    """4. All worlds with the true rules, and then two of them with other intervals."""
    for seed in SEEDS:
        for world, cost, every in (
            *((world, "distance", 16) for world in WORLDS),
            *((world, "path", 16) for world in ("two rooms", "maze", "four rooms", "sliding door")),
            *((world, "distance", every) for world in ("maze", "two rooms") for every in (32, 4)),
        ):
            for arm in RULES:
                yield Drive(world, "rules", cost, arm, every, BUDGET // 2, seed=seed)


def harder() -> Iterator[Drive]:
    """4. Harder worlds with learned models."""
    for seed in SEEDS:
        for world in list(WORLDS)[1:]:
            for cost in ("latent", "ways") if world in ("four rooms", "maze") else ("latent",):
                for arm in ("flat", "sub-goals", *(("level 2's cost",) if cost == "latent" else ())):
                    yield with_learned(world=world, cost=cost, arm=arm, seed=seed)


def budgets() -> Iterator[Drive]:
    """5. Less to imagine."""
    for cost in ("latent", "ways"):
        for seed in SEEDS:
            for budget in (64, 16, BUDGET):
                for arm in ("level 1", "sub-goals", *(("level 2's cost",) if cost == "latent" else ())):
                    yield with_learned(cost=cost, budget=budget, arm=arm, seed=seed)


EXPERIMENTS = {
    "intervals": intervals, "headline": headline, "rules": true_rules, "ways down": ways_down, "budgets": budgets,
    "scarce": scarce, "harder": harder,
}  # fmt: skip


def missing(found: dict, it: Drive) -> bool:
    return not chosen(found["drives"], **it._asdict())


def keep(folder: Path) -> None:
    """Save level 2 and the costs of all seeds as the artefact ``h_jepa``, with what was measured on them."""
    minds, claims = [bench("two rooms", seed) for seed in SEEDS], {}
    parts = shelf(len(SEEDS), SLOW, COST)
    for seed, (mind, room) in enumerate(zip(minds, parts, strict=True)):
        room["above"].load_state_dict(mind.model("sub-goals").above.state_dict())
        room["cost"].load_state_dict(mind.cost("level 1").state_dict())
        room["cost_above"].load_state_dict(mind.cost("sub-goals").state_dict())
        found = pushes(mind, "sub-goals")
        claims |= {
            f"{name}, seed {seed}": found[name] for name in ("level 2, px off", "level 2, leaks", "level 1, leaks")
        }
        for kind, level in (("level 1", 1), ("sub-goals", 2)):
            claims[f"level {level}, learned ways and true ones, seed {seed}"] = ways_known(mind, kind)
            claims[f"level {level}, distance and way, seed {seed}"] = ways_known(mind, kind, learned=False)
    config = {"seeds": len(SEEDS), "slow": SLOW, "cost": COST, "walks": ALL, "schedule": minds[0].steps._asdict()}
    save(folder, parts.half(), system="h_jepa", config=config, seed=0, claims=claims)


def main() -> None:
    """Do what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="*", choices=[*EXPERIMENTS, "published", "levels", "keep"], help="these experiments"
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    names = asked.only or [*EXPERIMENTS, "published", "levels", "keep"]
    if "published" in names and not read(asked.out)["published"]:
        add(asked.out, "published", published())
    for name in names:
        for it in EXPERIMENTS[name]() if name in EXPERIMENTS else ():
            if it.seed in asked.seeds and missing(read(asked.out), it):
                begin, row = time.time(), run(it, chosen_for(it, asked.out))
                add(asked.out, "drives", row)
                print(
                    f"{time.time() - begin:5.0f}s", *it, row["setting"], f"{row['predictions']:.0f}", f"{row['ms']:.2f} ms",
                    "arrived {:.2f} ({:.2f}-{:.2f})".format(*share([row])), f"error {row['error']:.0f}", flush=True,
                )  # fmt: skip
    if "keep" in names:
        keep(KEPT)
    if "levels" in names:
        measure_levels(asked.out, asked.seeds)


def measure_levels(out: Path, seeds: list[int]) -> None:
    """How good the levels are, of every model that drives."""
    wanted = [("two rooms", ALL, KINDS), *((("two rooms", n, ("flat", "level 1", "sub-goals"))) for n in SCARCE)]
    wanted += [(world, ALL, ("flat", "level 1", "sub-goals")) for world in list(WORLDS)[1:]]
    for seed in seeds:
        for world, walks, kinds in wanted:
            have = {
                row["kind"]
                for row in read(out)["levels"]
                if (row["world"], row["walks"], row["seed"]) == (world, walks, seed)
            }
            for row in levels(
                world,
                walks,
                seed,
                tuple(k for k in kinds if k not in have),
                world in ("two rooms", "four rooms", "maze"),
            ):
                add(out, "levels", row)
                print(row, flush=True)


if __name__ == "__main__":
    main()
