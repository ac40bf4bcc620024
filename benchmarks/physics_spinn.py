"""Separable networks beside a JAX program in the manner of their authors' code, and beside the book's ordinary network, in one run.

Repeats are interleaved, so that whatever else the machine does hits both; what is reported is the median of the ratios. One thread each:
run it under ``taskset -c 0``, since XLA keeps a thread of its own. Memory is measured on the chapter's page.

Usage: python -m benchmarks.physics_spinn [--repeats 40] [--out FILE]
"""

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median

import torch
import torch.nn.functional as F
from scipy.stats import ttest_1samp
from torch import nn

from benchmarks.physics import Row
from wm_core.metrics.field import relative_l2
from wm_core.physics.grid_equations import Diffusion, Draw, GridEquation, Helmholtz, KleinGordon
from wm_core.physics.spinn import SPINN
from wm_core.physics.taylor import taylor

HELMHOLTZ = Helmholtz((4, 4, 3))
#: Of the authors' code: steps, and the relative L2 error that it reached on a machine like this.
OFFICIAL = {"Helmholtz": (2000, 0.066), "Klein-Gordon": (5000, 0.028), "diffusion": (5000, 0.031)}
SEEDS = 8  # of each training
TURN = 20  # steps in one turn


def draw(n: int) -> Draw:
    """Points for a step."""
    return HELMHOLTZ.draw(n, torch.Generator().manual_seed(n))


def step_of(net: nn.Module, loss: Callable) -> Callable[[], None]:
    """One update by Adam."""
    adam = torch.optim.Adam(net.parameters(), 1e-3, fused=True)

    def step() -> None:
        adam.zero_grad()
        loss().backward()
        adam.step()

    return step


def ours(n: int) -> Callable[[], None]:
    """A step of the separable network: four layers of 64, rank 32."""
    net, points = SPINN(), draw(n)
    return step_of(net, lambda: sum(HELMHOLTZ.loss(net, points).values()))


def plain(n: int, width: int = 128) -> Callable[[], None]:
    """A step of an ordinary network on the same points, four layers of 128 as the authors have it, derivatives by `taylor`."""
    layers = [layer for _ in range(3) for layer in (nn.Linear(width, width), nn.Tanh())]
    net = nn.Sequential(nn.Linear(3, width), nn.Tanh(), *layers, nn.Linear(width, 1))
    points = draw(n)
    grid = torch.cartesian_prod(*(x[:n] for x in points.points))
    walls = torch.cat([torch.cartesian_prod(*face) for face in HELMHOLTZ.faces_of(points.points, n)])

    def loss():
        u, _, (bend,) = taylor(net, grid, second=[[1, 1, 1]])
        residual = F.mse_loss((bend + u)[:, 0], points.source.flatten())
        return residual + HELMHOLTZ.weight * 6 * net(walls).square().mean()

    return step_of(net, loss)


def theirs(n: int) -> tuple[Callable[[], None], float]:
    """A step in JAX, and the seconds that its first call took."""
    from benchmarks import physics_spinn_jax as peer

    params = peer.networks(peer.jax.random.PRNGKey(0), 64, 4, 32)
    points = draw(n)
    data = tuple(peer.jnp.asarray(x[:n, None].numpy()) for x in points.points), peer.jnp.asarray(points.source.numpy())
    update = peer.trainer(peer.helmholtz_loss)
    held = [params, peer.fresh(params)]

    def step() -> None:
        new, state, _ = update(*held, data)
        peer.jax.block_until_ready(new)
        held[:] = new, state

    start = time.perf_counter()
    step()
    return step, time.perf_counter() - start


def beside(
    one: Callable[[], None], other: Callable[[], None], repeats: int, turn: tuple[int, int]
) -> tuple[float, ...]:
    """Median seconds of two steps, and the median of the ratios of the first to the second.

    They run in turns of some steps each, as in a training: the first small step after a large one of another program finds no
    memory of its own in the processor's caches, and takes half as long again.
    """
    times = []
    for _ in range(repeats + 1):
        pair = []
        for step, count in zip((one, other), turn, strict=True):
            start = time.perf_counter()
            for _ in range(count):
                step()
            pair.append((time.perf_counter() - start) / count)
        times.append(pair)
    times = times[1:]
    return *(median(column) for column in zip(*times, strict=True)), median(a / b for a, b in times)


def alike(params: list) -> SPINN:
    """Ours with the weights of the JAX program; all its biases are zero at first, as ours are."""
    net = SPINN()
    kernels = [torch.stack([torch.tensor(axis[k][0].tolist()) for axis in params]) for k in range(len(params[0]))]
    for mine, its in zip(net.weights, [torch.cat(kernels[:3], -1), *kernels[3:]], strict=True):
        mine.data.copy_(its)
    return net


def learned(equation: GridEquation, steps: int, seed: int) -> tuple[float, float]:
    """Relative L2 errors of ours and of the JAX program: the same first weights, points and number of steps, the authors' constant rate."""
    from benchmarks import physics_spinn_jax as peer

    losses = {Helmholtz: peer.helmholtz_loss, KleinGordon: peer.klein_gordon_loss, Diffusion: peer.diffusion_loss}
    params = peer.networks(peer.jax.random.PRNGKey(seed), 64, 4, 32)
    net = alike(params)
    adam = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    state, update = peer.fresh(params), peer.trainer(losses[type(equation)])
    for step in range(steps):
        if step % 100 == 0:
            points = equation.draw(32, torch.Generator().manual_seed(1000 * seed + step // 100), even=False)
            data = in_jax(equation, points, peer.jnp)
        adam.zero_grad()
        sum(equation.loss(net, points).values()).backward()
        adam.step()
        params, state, _ = update(params, state, data)
    even = [torch.linspace(a, b, 100) for a, b in zip(equation.low, equation.high, strict=True)]
    grid = peer.spinn(params, *(peer.jnp.asarray(x[:, None].numpy()) for x in even))
    return equation.error(net), relative_l2(torch.tensor(peer.jax.device_get(grid)), equation.solution(*even))


def in_jax(equation: GridEquation, draw: Draw, jnp) -> tuple:
    """The same points, and what the equation says of them, as the JAX program takes them."""
    inner = tuple(jnp.asarray(x[: draw.inner, None].numpy()) for x in draw.points)
    if isinstance(equation, Helmholtz):
        return inner, jnp.asarray(draw.source.numpy())
    t, x, y = inner
    ends = [jnp.array([[-1.0]]), jnp.array([[1.0]])]
    faces = [(t, end, y) for end in ends] + [(t, x, end) for end in ends]
    if isinstance(equation, Diffusion):
        return ((inner, jnp.asarray(draw.given[0].numpy()), faces),)
    start, along_x, along_y = (jnp.asarray(given.numpy()) for given in draw.given)
    edges = [along_x[:, :1], along_x[:, 1:], along_y[:, :, :1], along_y[:, :, 1:]]
    return ((inner, jnp.asarray(draw.source.numpy()), start, faces, edges),)


def row(topic: str, peer: str, pair: tuple, unit: str, ratio: float | None, bound: float, note: str = "") -> Row:
    """One row of the table; ``pair`` is (ours, theirs), and the ratio is ours over theirs."""
    return {
        "topic": topic, "peer": peer, "theirs": pair[1], "ours": pair[0], "unit": unit, "ratio": ratio, "target": limit(bound),
        "reached": None if ratio is None else ratio <= bound, "note": note,
    }  # fmt: skip


def limit(bound: float) -> str:
    """A largest ratio of ours to theirs, in words."""
    if bound == 1:
        return "no more than theirs"
    return f"at most 1/{1 / bound:.0f} of theirs" if bound < 1 else f"at most {bound:g} times theirs"


def measure(repeats: int = 40, shorten: int = 1) -> list[Row]:
    """The rows of the table; see `benchmarks.physics`.

    Args:
        repeats: of each step that is timed.
        shorten: divides the steps of the trainings, for a trial.
    """
    torch.set_num_threads(1)
    mine = "our plain network, 4 × 128"
    rows = []
    for n, factor in ((16, 40), (32, 300)):
        fast, slow, ratio = beside(ours(n), plain(n), max(5, repeats // 2), (TURN, 1))
        rows.append(row(f"SPINN, a step on {n}³ points", mine, (1e3 * fast, 1e3 * slow), "ms", ratio, 1 / factor,
                        f"{1 / ratio:.0f} times less; in turns of {TURN} steps of ours and one of the plain network's"))  # fmt: skip
    try:
        import jax
    except ImportError:
        return [*rows, row("SPINN, beside the authors' way", "JAX", ("not run", "not installed"), "", None, 1.25)]
    peer = f"JAX {jax.__version__}, in the manner of the authors' code"
    for n in (32, 64):
        other, compiling = theirs(n)
        fast, slow, ratio = beside(ours(n), other, max(5, repeats), (TURN, TURN))
        rows.append(row(f"SPINN, a step on {n}³ points", peer, (1e3 * fast, 1e3 * slow), "ms", ratio, 1.25,
                        f"in turns of {TURN} steps; theirs compiled for {compiling:.0f} s before the first, ours for none"))  # fmt: skip
    equations = {"Helmholtz": Helmholtz(), "Klein-Gordon": KleinGordon(), "diffusion": Diffusion()}
    for name, equation in equations.items():
        steps, official = OFFICIAL[name]
        each = [learned(equation, max(1, steps // shorten), seed) for seed in range(SEEDS)]
        mean, other = (fmean(column) for column in zip(*each, strict=True))
        topic = f"SPINN, {name}, relative L2 error after {steps} steps"
        how = f"mean of {SEEDS} seeds, 32³ points, a constant rate of 0.001"
        rows.append(
            row(topic, "the authors' code, measured once elsewhere", (mean, official), "", mean / official, 1, how)
        )
        rows.append(against(topic, peer, each, (mean, other), how))
    return rows


def against(topic: str, peer: str, each: list[tuple[float, float]], pair: tuple[float, float], how: str) -> Row:
    """The same training by both programs. The interval is Student's, of the mean of log(ours / theirs) over seeds."""
    logs = [math.log(one / other) for one, other in each]
    low, high = (math.exp(end) for end in ttest_1samp(logs, 0).confidence_interval())
    apart = f"geometric mean of ours over theirs {math.exp(fmean(logs)):.2f}, 95 % interval {low:.2f} to {high:.2f}"
    return row(topic, peer, pair, "", pair[0] / pair[1], 1, f"{how}, the same first weights and points; {apart}")


def main() -> None:
    """Print the rows, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--shorten", type=int, default=1)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rows = measure(args.repeats, args.shorten)
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
