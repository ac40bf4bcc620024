"""The book's planners beside those of stable-worldmodel (Maes and others), in one run: the same network, samples, rounds and horizon.

Theirs are asked twice: about their own model class, LeWM, with this network inside, and about our rollout and our cost, so that
only the search differs. Repeats are interleaved, so that whatever else the machine does hits all; what is reported is the median
of the ratios. Ours also keep every action within a bound, which theirs do not.

Usage: python -m benchmarks.planners [--repeats 15] [--out FILE]
Theirs need `pip install -r benchmarks/requirements-planning.txt`; where that is missing, only ours are timed, and it is said.
"""

import argparse
import contextlib
import functools
import importlib.metadata
import importlib.util
import io
import json
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from wm_core.artefacts import provenance, write_atomically
from wm_core.nets.dynamics import ResidualDynamics
from wm_core.nets.world_model import WorldModel
from wm_core.planning.cem import CEM
from wm_core.planning.costs import squared_to_goal
from wm_core.planning.mppi import MPPI, EliteMPPI
from wm_core.planning.search import Planner, within

OUT = Path(__file__).resolve().parent.parent / "book" / "_static" / "benchmarks" / "planners.json"
DIM, ACTION, REACH = 64, 2, 2.45

#: Settings to be timed: horizon, samples, elites, rounds; and the network's hidden layers, their width and number. The first is
#: stable-worldmodel's usual one, the second plans far, and the third does so with the predictor of `wm_core.jepa.pldm.PLDM`.
SETTINGS = {
    "5 steps, 300 samples, 30 rounds": ((5, 300, 30, 30), (256, 1)),
    "60 steps, 64 samples, 8 rounds": ((60, 64, 8, 8), (256, 1)),
    "60 steps, 64 samples, 8 rounds, PLDM's predictor": ((60, 64, 8, 8), (192, 3)),
}

#: Found where it is installed: what to import of it, without its simulators and data formats.
THEIRS = "stable_worldmodel"


def world_model(hidden: int = 256, depth: int = 1) -> WorldModel:
    """A network of no training: what it says does not matter to how long it takes."""
    torch.manual_seed(0)
    return WorldModel(nn.Identity(), ResidualDynamics(DIM, ACTION, REACH, hidden, depth)).eval()


def ours(planner: Planner, model: WorldModel, z: Tensor, goal: Tensor) -> Callable[[], Tensor]:
    """One plan of ours, to be timed."""
    cost, bound, generator = squared_to_goal(goal, "last"), within(REACH), torch.Generator().manual_seed(0)
    return lambda: planner.plan(model, z, cost, bound=bound, generator=generator)


# ---- theirs --------------------------------------------------------------------------------------------------------------------
@functools.cache
def their_parts() -> tuple[type, type, type] | None:
    """Their CEM, MPPI and LeWM, or None where they are not installed. Only the files that these need are run."""
    found = importlib.util.find_spec(THEIRS)
    if found is None:
        return None
    for name in ("", ".wm", ".wm.lewm"):
        if THEIRS + name not in sys.modules:
            package = types.ModuleType(THEIRS + name)
            package.__path__ = [str(Path(found.origin).parent.joinpath(*name.split(".")))]
            sys.modules[THEIRS + name] = package
    solvers = importlib.import_module(f"{THEIRS}.solver")
    return solvers.CEMSolver, solvers.MPPISolver, importlib.import_module(f"{THEIRS}.wm.lewm.lewm").LeWM


class AsEncoder(nn.Module):
    """A latent in place of an image, in the form in which LeWM wants its encoder's answer."""

    def __init__(self):
        super().__init__()
        self.none = nn.Parameter(torch.zeros(1))

    def forward(self, pixels: Tensor, **_) -> types.SimpleNamespace:
        return types.SimpleNamespace(last_hidden_state=pixels[:, None])


class AsPredictor(nn.Module):
    """Our dynamics as LeWM's predictor, which sees one moment."""

    num_frames = 1

    def __init__(self, dynamics: nn.Module):
        super().__init__()
        self.dynamics = dynamics

    def forward(self, latents: Tensor, actions: Tensor) -> Tensor:
        return self.dynamics(latents, actions)


class OurCost(nn.Module):
    """Our rollout and cost where theirs ask a model for its cost."""

    def __init__(self, model: WorldModel, goal: Tensor):
        super().__init__()
        self.model, self.cost = model, squared_to_goal(goal, "last")

    def get_cost(self, info: dict[str, Tensor], actions: Tensor) -> Tensor:
        z = info["pixels"][:, :, 0].flatten(0, 1)
        path = self.model.rollout(z, actions.flatten(0, 1)).unflatten(0, actions.shape[:2])
        return self.cost(path, actions)


def theirs(solver: type, model: nn.Module, z: Tensor, goal: Tensor, setting: tuple[int, ...]) -> Callable[[], Tensor]:
    """One plan of theirs, to be timed."""
    from gymnasium.spaces import Box

    horizon, samples, elites, rounds = setting
    made = solver(model, num_samples=samples, n_steps=rounds, topk=elites)
    config = types.SimpleNamespace(horizon=horizon, action_block=1)
    made.configure(action_space=Box(-1, 1, (1, ACTION)), n_envs=1, config=config)

    def plan() -> Tensor:
        info = {"pixels": z[:, None], "goal": goal[:, None], "action": torch.zeros(1, 1, ACTION)}
        with contextlib.redirect_stdout(io.StringIO()):  # it prints the time of each plan
            return made.solve(info)["actions"]

    return plan


# ---- the run -------------------------------------------------------------------------------------------------------------------
def contestants(setting: tuple[int, ...], network: tuple[int, int] = (256, 1)) -> dict[str, Callable[[], Tensor]]:
    """All plans of one setting, each by its name."""
    horizon, samples, elites, rounds = setting
    model, generator = world_model(*network), torch.Generator().manual_seed(1)
    z, goal = torch.randn(1, DIM, generator=generator), torch.randn(1, DIM, generator=generator)
    found = {
        "CEM": ours(CEM(horizon, samples, elites, rounds, floor=0.0, momentum=0.0, momentum_std=0.0), model, z, goal),
        "MPPI": ours(MPPI(horizon, samples, rounds), model, z, goal),
        "MPPI with elites": ours(EliteMPPI(horizon, samples, elites, rounds, floor=0.0), model, z, goal),
    }
    parts = their_parts()
    if parts:
        cem, mppi, lewm = parts
        inside = lewm(AsEncoder(), AsPredictor(model.dynamics), nn.Identity()).eval()
        for name, solver in (("CEM", cem), ("MPPI with elites", mppi)):
            found[f"{name}, theirs"] = theirs(solver, inside, z, goal, setting)
            found[f"{name}, their search alone"] = theirs(solver, OurCost(model, goal), z, goal, setting)
    return found


def compare(plans: dict[str, Callable[[], Tensor]], repeats: int) -> dict[str, float]:
    """Median processor milliseconds of each plan, and of each of theirs the median of its time over ours."""
    times: dict[str, list[float]] = {name: [] for name in plans}
    for plan in plans.values():
        plan()  # warm up
    for _ in range(repeats):
        for name, plan in plans.items():
            start = time.process_time()
            plan()
            times[name].append(1e3 * (time.process_time() - start))
    found = {name: median(values) for name, values in times.items()}
    for name in plans:
        if ", their" in name:
            pairs = zip(times[name], times[name.split(", ")[0]], strict=True)
            found[f"{name} / ours"] = median(a / b for a, b in pairs)
    return found


def main() -> None:
    """Print and write the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = {name: compare(contestants(*setting), options.repeats) for name, setting in SETTINGS.items()}
    for name, row in rows.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.2f}" for key, value in row.items()))
    if their_parts() is None:
        print("stable-worldmodel is not installed: see benchmarks/requirements-planning.txt. Nothing is written.")
        return
    about = {
        "repeats": options.repeats,
        "unit": "processor milliseconds a plan, one thread",
        "theirs": f"stable-worldmodel {importlib.metadata.version('stable-worldmodel')}",
        **provenance(),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(options.out, json.dumps({"about": about, "rows": rows}, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
