"""Planners in Two Rooms on published trials: floors, references that are told more, and learned models, read in the same ways.

A trial is 200 steps of at most 2.45 pixels, run to the end whether or not the goal is reached. Every arm has the same trials in the
same order, so two arms are compared trial by trial.

Without `--artefact` each trial is given to the kept models of its kind of layout, one arm for each of their seeds.

Usage: python -m benchmarks.two_rooms [--trials FILE] [--artefact NAME] [--planner NAME] [--seeds 0 1 2] [--only ARM ...] [--out FILE]
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Generator, Tensor

from wm_core.artefacts import provenance, write_atomically
from wm_core.jepa.two_rooms_kept import kept_costs, kept_models
from wm_core.metrics.intervals import mcnemar
from wm_core.metrics.navigation import Readings, read_trajectories
from wm_core.planning.cem import CEM
from wm_core.planning.costs import along_path
from wm_core.planning.drive import drive
from wm_core.planning.mppi import MPPI
from wm_core.planning.search import Cost, Imagines, Planner, within
from wm_core.worlds.true_model import TrueModel, way_left
from wm_core.worlds.two_rooms import Layout, TwoRooms
from wm_core.worlds.two_rooms_trials import FILE, Trials, in_fixed_layout, read_trials

WORLD = TwoRooms()
STEPS = 200
EVERY = 10  # of a plan's actions are done before the next look
#: Plans as long as a way through the door can be. With a third of that and the plain distance, 26 instead of 38 of the 100 trials in
#: the fixed layout succeed, so the arm that is a floor gets the longer ones.
PLANNERS: dict[str, Planner] = {
    "cem": CEM(horizon=60, samples=64, elites=8, iterations=8, spread=1.5, floor=0.1),
    "mppi": MPPI(horizon=60, samples=64, iterations=8),
}
#: What learned models are asked for: short plans, a look every few steps, and no step longer than those of the walks they know.
LEARNED_PLANNERS: dict[str, Planner] = {
    "cem": CEM(horizon=16, samples=64, elites=6, iterations=6, spread=1.5, floor=0.1),
    "mppi": MPPI(horizon=16, samples=64, iterations=6, spread=1.2),
}
LOOKS, LONGEST = 4, 1.8


class Run(NamedTuple):
    """What an arm did.

    Attributes:
        paths: (trials, 201, 2) positions, in pixels.
        plan_ms: processor milliseconds for one plan of one trial, all trials planned side by side; None where nothing is planned.
        alone_ms: for one plan of one trial by itself, which is what somebody waits for.
    """

    paths: Tensor
    plan_ms: float | None = None
    alone_ms: float | None = None


class Arm(NamedTuple):
    """One way to act.

    Attributes:
        run: from trials and a seed to what was done.
        role: "floor" for what a planner should beat, "reference" for what was told the way, or the rules and a cost that knows the
            way, "learned" for the rest.
    """

    run: Callable[[Trials, int], Run]
    role: Literal["floor", "reference", "learned"]


@dataclass
class Timed:
    """A planner with a watch."""

    planner: Planner
    seconds: float = 0.0
    plans: int = 0

    def plan(self, model: object, z: Tensor, cost: Cost, **settings: object) -> Tensor:
        begin = time.process_time()
        found = self.planner.plan(model, z, cost, **settings)
        self.seconds, self.plans = self.seconds + time.process_time() - begin, self.plans + len(z)
        return found

    @property
    def ms(self) -> float:
        """Processor milliseconds a plan."""
        return 1000 * self.seconds / self.plans


def seeded(seed: int) -> Generator:
    """A generator of its own for each seed."""
    return torch.Generator().manual_seed(seed)


def noise_of(seed: int) -> Generator:
    """What decides the nudges of collisions: the same for all arms, so that they differ by what they do alone."""
    return seeded(seed + 1000)


# ---- arms without a plan -------------------------------------------------------------------------------------------------------
def acting(policy: Callable[[Trials, Tensor, Generator], Tensor]) -> Callable[[Trials, int], Run]:
    """An arm that acts on where it is: from trials, positions (n, 2) and a generator to actions (n, 2)."""

    def run(trials: Trials, seed: int) -> Run:
        generator, noise, path = seeded(seed), noise_of(seed), [trials.start]
        for _ in range(STEPS):
            path.append(WORLD.step(trials.layout, path[-1], policy(trials, path[-1], generator), noise))
        return Run(torch.stack(path, 1))

    return run


def stay(trials: Trials, here: Tensor, generator: Generator) -> Tensor:
    """Nothing is done."""
    return torch.zeros_like(here)


def at_random(trials: Trials, here: Tensor, generator: Generator) -> Tensor:
    """A step of full length in any direction."""
    heading = torch.rand(len(here), generator=generator) * 2 * torch.pi
    return WORLD.reach * torch.stack([heading.cos(), heading.sin()], -1)


def straight(trials: Trials, here: Tensor, generator: Generator) -> Tensor:
    """Straight at the goal; the world shortens the step."""
    return trials.goal - here


def by_the_door(trials: Trials, here: Tensor, generator: Generator) -> Tensor:
    """Told where the door is: to the place before it, to the place behind it, then to the goal."""
    before, behind = WORLD.doorway(trials.layout, trials.start, generator)
    across = (behind - before).sign()[:, 0]
    beyond = across * (here[:, 0] - behind[:, 0]) > -0.5  # in the goal's room
    lined_up = (here[:, 1] - before[:, 1]).abs() < 0.5 * WORLD.door
    aim = torch.where(lined_up[:, None], behind, before)
    return torch.where(beyond[:, None], trials.goal, aim) - here


# ---- arms that plan ------------------------------------------------------------------------------------------------------------
def knowing_the_rules(cost: Callable[[Trials], Cost], planner: str = "cem") -> Callable[[Trials, int], Run]:
    """An arm that plans with the world itself, without the noise of collisions."""

    def run(trials: Trials, seed: int) -> Run:
        noise, watch = noise_of(seed), Timed(PLANNERS[planner])
        paths = drive(
            watch,
            TrueModel(WORLD, trials.layout),
            trials.start,
            [cost(trials)],
            see=lambda positions: positions,
            step=lambda positions, actions: WORLD.step(trials.layout, positions, actions, noise),
            bound=within(WORLD.reach),
            generator=seeded(seed),
            steps=STEPS,
            every=EVERY,
        )
        one = trials.some(slice(1))
        return Run(paths, watch.ms, alone(PLANNERS[planner], TrueModel(WORLD, one.layout), one.start, cost(one)))

    return run


def learned(systems: dict[str, str], planner: str = "cem") -> Arm:
    """An arm that sees pictures, imagines with kept models, and judges by kept costs: those of the training seed that is asked for.

    Args:
        systems: for each kind of layout, "fixed" and "random", whose models and costs its trials are given to.
        planner: which of `LEARNED_PLANNERS`.
    """

    def run(trials: Trials, seed: int) -> Run:
        paths = trials.start[:, None].repeat(1, STEPS + 1, 1)
        parts = [pursue(systems[kind], planner, trials.some(which), seed) for kind, which in kinds(trials).items()]
        for (path, _, _), which in zip(parts, kinds(trials).values(), strict=True):
            paths[which] = path
        plans = [int(which.sum()) for which in kinds(trials).values()]  # as many looks at each
        many = sum(ms * n for (_, ms, _), n in zip(parts, plans, strict=True)) / len(trials.start)
        return Run(paths, many, max(ms for _, _, ms in parts))

    return Arm(run, "learned")


@torch.no_grad()
def pursue(system: str, planner: str, trials: Trials, seed: int) -> tuple[Tensor, float, float]:
    """Where the dots go, and the processor milliseconds of a plan among many and alone."""
    model = kept_models(system)[0][seed]["model"]
    left = kept_costs()[0][system.removeprefix("two_rooms_")][seed].steps
    noise, watch = noise_of(seed), Timed(LEARNED_PLANNERS[planner])

    def see(layout: Layout, places: Tensor) -> Tensor:
        return model.encode(WORLD.draw(layout, places[:, None])[:, 0])

    goals = see(trials.layout, trials.goal)

    def cost(goals: Tensor) -> Cost:
        return along_path(lambda path: left(path[:, :, 3::4], goals[:, None, None]), "mean")

    paths = drive(
        watch,
        model,
        trials.start,
        [cost(goals)],
        see=lambda places: see(trials.layout, places),
        step=lambda places, actions: WORLD.step(trials.layout, places, actions, noise),
        bound=within(LONGEST),
        generator=seeded(seed),
        steps=STEPS,
        every=LOOKS,
    )
    one = trials.some(slice(1))
    return paths, watch.ms, alone(watch.planner, model, see(one.layout, one.start), cost(goals[:1]), LONGEST)


def alone(planner: Planner, model: Imagines, z: Tensor, cost: Cost, reach: float = WORLD.reach) -> float:
    """Processor milliseconds for one plan with nothing beside it: the least of three, behind one to warm up."""
    times = []
    for _ in range(4):
        watch = Timed(planner)
        watch.plan(model, z, cost, bound=within(reach), generator=seeded(0))
        times.append(watch.ms)
    return min(times[1:])


def distance(trials: Trials) -> Cost:
    """As the crow flies, at every sixth moment of a plan."""
    return along_path(lambda path: (path[:, :, 5::6] - trials.goal[:, None, None]).norm(dim=-1))


def way(trials: Trials) -> Cost:
    """The length of the shortest way, through the door where it has to be, at every sixth moment of a plan."""
    left = way_left(WORLD, trials.layout, trials.goal)
    return along_path(lambda path: left(path[:, :, 5::6]))


#: Every arm that needs no artefact, in the table's order.
ARMS = {
    "stay put": Arm(acting(stay), "floor"),
    "random": Arm(acting(at_random), "floor"),
    "straight line": Arm(acting(straight), "floor"),
    "scripted door": Arm(acting(by_the_door), "reference"),
    "true rules, distance": Arm(knowing_the_rules(distance), "floor"),
    "true rules, path length": Arm(knowing_the_rules(way), "reference"),
}

#: Learned models: from a name to a function that gives its arm for a planner. This is the one place to add one.
LEARNED: dict[str, Callable[[str], Arm]] = {
    "two_rooms": lambda planner: learned({"fixed": "two_rooms_fixed", "random": "two_rooms_random"}, planner),
    "two_rooms_fixed": lambda planner: learned(dict.fromkeys(("fixed", "random"), "two_rooms_fixed"), planner),
    "two_rooms_random": lambda planner: learned(dict.fromkeys(("fixed", "random"), "two_rooms_random"), planner),
}


# ---- the table -----------------------------------------------------------------------------------------------------------------
def measure(name: str, arm: Arm, trials: Trials, seed: int) -> tuple[dict, Readings]:
    """An arm's row of the file, and its readings."""
    run = arm.run(trials, seed)
    found = read_trajectories(WORLD, trials.layout, run.paths, trials.goal)
    row = {
        "name": name,
        "role": arm.role,
        "floor": arm.role != "learned",
        "seed": seed,
        "plan_ms": run.plan_ms,
        "alone_ms": run.alone_ms,
    }
    parts = {kind: found.some(which).summary() for kind, which in kinds(trials).items()}
    return {**row, **found.summary(), "layouts": parts, "trials": found.trials()}, found


def kinds(trials: Trials) -> dict[str, Tensor]:
    """Which trials are in the fixed layout and which in layouts of their own, where there are any."""
    fixed = in_fixed_layout(trials)
    return {kind: which for kind, which in (("fixed", fixed), ("random", ~fixed)) if which.any()}


def table(arms: list[dict]) -> str:
    """The rows as text, a block for each kind of layout. Shares are in percent, with their 95 % intervals by Wilson."""
    lines = []
    for kind in arms[0]["layouts"]:
        count = arms[0]["layouts"][kind]["count"]
        head = ("end", "ever", "1.41 ever", "crossed", "error px²", "steps*", "detour*", "ms of many", "ms alone")
        lines += ["", f"{kind} layout, {count} trials".ljust(34) + "".join(word.rjust(15) for word in head)]
        for arm in arms:
            found = arm["layouts"][kind]
            cells = [shares(found, name) for name in ("at_end", "ever", "hit", "crossed")]
            cells += [said(found["error"]), said(found["steps"]), said(found["detour"], 2)]
            cells += [said(arm["plan_ms"], 2), said(arm["alone_ms"])]
            lines.append(f"{arm['name']}, seed {arm['seed']}".ljust(34) + "".join(cell.rjust(15) for cell in cells))
    lines += ["", "* of the trials that arrived. A plan's time: among those of all trials side by side, and by itself."]
    return "\n".join(lines)


def together(arms: list[dict]) -> list[str]:
    """The learned arm's trials of all its seeds, counted together, for each kind of layout."""
    found = [arm for arm in arms if arm["role"] == "learned"]
    lines = [""] if found else []
    for kind in found[0]["layouts"] if found else ():
        parts = [arm["layouts"][kind] for arm in found]
        counts = {
            name: sum(round(part[name] * part["count"]) for part in parts)
            for name in ("at_end", "ever", "hit", "crossed")
        }
        of, error = sum(part["count"] for part in parts), sum(part["error"] for part in parts) / len(parts)
        lines.append(
            f"{found[0]['name']}, {kind} layout, {len(parts)} seeds: {counts['at_end']} of {of} at the end, {counts['ever']} ever,"
            f" {counts['hit']} nearer than 1.41 px, {counts['crossed']} crossed, error {error:.2f} px²"
        )
    return lines


def compared(measured: list[tuple[dict, Readings]], trials: Trials) -> list[str]:
    """Who arrives at the end where the other does not, by layout: learned arms against every other, or without one those that plan."""
    learned = any(row["role"] == "learned" for row, _ in measured)
    lines = []
    for kind, which in kinds(trials).items():
        for (one, first), (other, second) in combinations(measured, 2):
            if learned and (one["role"] == "learned") == (other["role"] == "learned"):
                continue
            if not learned and None in (one["plan_ms"], other["plan_ms"]):
                continue
            alone, rival, p = mcnemar(first.at_end[which].tolist(), second.at_end[which].tolist())
            lines.append(
                f"{kind} layout, {int(which.sum())} trials, at the end, {one['name']} against {other['name']}, seed {other['seed']}:"
                f" {alone} for the first alone, {rival} for the second, p = {p:.2g}"
            )
    if len(lines) > 1:
        lines.append(f"McNemar's exact test, not corrected for {len(lines)} comparisons.")
    return lines


def shares(found: dict, name: str) -> str:
    """A share and its interval, in percent."""
    low, high = found[f"{name}_interval"]
    return f"{100 * found[name]:.0f} ({100 * low:.0f}-{100 * high:.0f})"


def said(number: float | None, digits: int = 1) -> str:
    """A number, or a dash where there is none."""
    return "–" if number is None else f"{number:.{digits}f}"


def main() -> None:
    """Run what is asked for, print the table, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=Path, default=Path(str(FILE)))
    parser.add_argument("--artefact", choices=LEARNED, default="two_rooms", help="the learned models")
    parser.add_argument("--planner", choices=PLANNERS, default="cem", help="what plans with them")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], help="of training; the other arms have the first"
    )
    parser.add_argument("--only", nargs="*", choices=ARMS, help="these of the arms that need no artefact")
    parser.add_argument("--out", type=Path, help="write all trials there, as JSON")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    trials = read_trials(asked.trials)
    arms = {name: ARMS[name] for name in (ARMS if asked.only is None else asked.only)}
    measured = [measure(name, arm, trials, asked.seeds[0]) for name, arm in arms.items()]
    name, arm = f"{asked.artefact}, {asked.planner}", LEARNED[asked.artefact](asked.planner)
    measured += [measure(name, arm, trials, seed) for seed in asked.seeds]
    rows = [row for row, _ in measured]
    print(table(rows), *together(rows), *compared(measured, trials), sep="\n")
    if asked.out:
        about = {
            "trials": len(trials.start),
            "steps": STEPS,
            **provenance(),
        }
        found = {"about": about, "arms": rows}
        write_atomically(asked.out, json.dumps(found, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    main()
