"""Momentum of three graph networks over a thousand steps, and our fourth-order step beside torchdiffeq's.

No graph simulator that one can install pairs its forces, so theirs is a plain network of our own, of the same size and with the same films.
"""

import statistics
import time

import torch

from benchmarks.physics import Row
from wm_core.metrics.energy import worst_energy_error
from wm_core.metrics.momentum import angular_momentum_error, momentum_error
from wm_core.physics.graph_network import force_loss, untrained
from wm_core.physics.integrators import simulate, yoshida4
from wm_core.physics.particles import System, film, fly
from wm_core.training import Shuffled, fit
from wm_core.worlds.oscillators import Pendulum
from wm_core.worlds.particles import Bodies, Particles

SEEDS, H, STEPS = (0, 1, 2), 0.05, 1000

#: The largest momentum error that is asked for, as a share of the sum of the bodies' momenta at first.
BOUNDS = {torch.float32: 1e-6, torch.float64: 1e-13}


def networks(steps: int = 600) -> dict[tuple[str, str], torch.nn.Module]:
    """Three kinds, untrained and trained as the chapter trains them."""
    world = Particles()
    films = [film(world, 20, 5, torch.Generator().manual_seed(seed), h=H, frames=40) for seed in SEEDS]
    data = [torch.stack(part) for part in zip(*((each.q, each.force, *each.bodies) for each in films), strict=True)]
    found = {}
    for kind in ("plain", "antisymmetric", "central"):
        model = untrained(kind, SEEDS)
        rate = 0.08 if kind == "central" else 0.04  # as in the chapter
        fit(model, lambda m, batch: force_loss(m, *batch), Shuffled(*data, size=64, dim=1), steps=steps, learning_rate=rate,
            optimiser=torch.optim.Adam, clip=None, precision="float32", title=kind)  # fmt: skip
        found |= {(kind, "untrained"): untrained(kind, SEEDS), (kind, "trained"): model.cpu()}
    return found


@torch.no_grad()
def errors(model: torch.nn.Module, dtype: torch.dtype) -> tuple[float, float]:
    """The largest errors of momentum and of angular momentum over 1000 steps of 16 swarms and three members."""
    x, bodies = Particles().start(16, 5, torch.Generator().manual_seed(99))
    bodies = Bodies(*(part.to(dtype) for part in bodies))
    path = fly(System(model.to(dtype), bodies), x.to(dtype).expand(len(SEEDS), *x.shape), H, STEPS).double()
    return float(momentum_error(path).max()), float(angular_momentum_error(path).max())


def momentum_rows() -> list[Row]:
    """A row for each network that promises, state and precision, with the plain network as theirs."""
    models, rows = networks(), []
    for dtype, bound in BOUNDS.items():
        found = {key: errors(model, dtype) for key, model in models.items()}
        for kind in ("antisymmetric", "central"):
            for state in ("untrained", "trained"):
                plain, (ours, turned) = found["plain", state][0], found[kind, state]
                rows.append({
                    "topic": f"momentum error over {STEPS} steps, {kind}, {state}, {str(dtype).removeprefix('torch.')}",
                    "peer": "our plain graph network, of the same size", "theirs": plain, "ours": ours,
                    "unit": "of the sum of the first momenta", "ratio": ours / plain, "target": f"at most {bound:.0e}",
                    "reached": ours <= bound, "note": f"largest of 16 swarms and 3 seeds; angular momentum {turned:.1e}",
                })  # fmt: skip
    return rows


def pendulum_row(repeats: int, h: float = 0.05, seconds: float = 1000.0) -> Row:
    """The largest error of a pendulum's energy, by Yoshida's step and by torchdiffeq's rk4 with the same step."""
    system, x = Pendulum(), torch.tensor([[torch.pi / 4, 0.0]], dtype=torch.float64)
    steps = round(seconds / h)

    def error(path: torch.Tensor) -> float:
        return float(worst_energy_error(system.energy(path))[0])

    ours = simulate(yoshida4, system, x, h, steps)
    row: Row = {
        "topic": f"energy of a pendulum dropped from 45°, h = {h} s, {seconds:.0f} s: largest error", "peer": "torchdiffeq rk4",
        "theirs": "not installed", "ours": error(ours), "unit": "of the initial energy", "ratio": None,
        "target": "at most 2e-5, bounded", "reached": None,
    }  # fmt: skip
    try:
        from importlib.metadata import version

        from torchdiffeq import odeint
    except ImportError:
        return row
    at = torch.arange(steps + 1, dtype=torch.float64) * h
    theirs = odeint(lambda t, state: system.field(state), x, at, method="rk4")
    half = steps // 2
    short, clocks = at[:501], []
    for _ in range(repeats):  # interleaved, so that both meet the same machine
        begin = time.perf_counter()
        simulate(yoshida4, system, x, h, 500)
        middle = time.perf_counter()
        odeint(lambda t, state: system.field(state), x, short, method="rk4")
        clocks.append((middle - begin) / (time.perf_counter() - middle))
    grows = {name: error(path) / error(path[: half + 1]) for name, path in (("ours", ours), ("theirs", theirs))}
    return row | {
        "peer": f"torchdiffeq {version('torchdiffeq')} rk4", "theirs": error(theirs), "ratio": row["ours"] / error(theirs),
        "reached": row["ours"] <= 2e-5 and grows["ours"] < 1.05,
        "note": f"from the first half to the whole theirs grows {grows['theirs']:.2f}-fold, ours {grows['ours']:.2f}-fold; "
                f"time of a step, ours over theirs: {statistics.median(clocks):.2f}",
    }  # fmt: skip


def measure(repeats: int) -> list[Row]:
    """All rows; ``repeats`` is for the times of the steps."""
    return [*momentum_rows(), pendulum_row(repeats)]
