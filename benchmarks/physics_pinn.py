"""Physics-informed networks beside DeepXDE (PyPI, PyTorch backend): time per iteration, and error at equal iterations.

Both train the same network on the same points with the same optimiser, one after the other in short turns, so that a busy machine
slows both. DeepXDE differentiates backwards twice; ours pushes value, slope and curvature forward (`wm_core.physics.taylor`).
"""

import math
import os
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.physics import Row
from wm_core.metrics.field import relative_l2
from wm_core.physics.pinn import burgers, kovasznay, mean_square
from wm_core.worlds.flows import Burgers, Kovasznay

TURN = 40  # iterations in one turn


def measure(repeats: int) -> list[Row]:
    """Rows of the benchmark; a ratio is ours over theirs, the median over turns."""
    os.environ.setdefault("DDE_BACKEND", "pytorch")
    try:
        import deepxde as dde
    except ImportError:
        return [{"topic": "PINN", "peer": "DeepXDE", "theirs": "not installed", "ours": "not run", "unit": "", "ratio": None,
                 "target": "", "reached": None}]  # fmt: skip
    torch.set_num_threads(1)
    peer, rows = f"DeepXDE {dde.__version__}", []
    for name, build, target in (("Burgers", _burgers, 1.0), ("Kovasznay flow", _kovasznay, 0.5)):
        model, net, loss, ask, grid, exact = build(dde)
        theirs, ours = _turns(model, net, loss, repeats + 1)
        ratio = float(np.median([b / a for a, b in zip(theirs, ours, strict=True)]))
        rows.append({
            "topic": f"PINN, {name}: time per iteration", "peer": peer, "theirs": 1e3 * float(np.median(theirs)),
            "ours": 1e3 * float(np.median(ours)), "unit": "ms", "ratio": ratio,
            "target": "no more than theirs" if target == 1 else f"at most {target:g} of theirs", "reached": ratio <= target,
            "note": f"{repeats} turns of {TURN} iterations each, processor time",
        })  # fmt: skip
        with torch.no_grad():
            errors = relative_l2(torch.from_numpy(model.predict(ask.numpy())), exact), relative_l2(net(grid), exact)
        rows.append({
            "topic": f"PINN, {name}: relative L2 error", "peer": peer, "theirs": errors[0], "ours": errors[1],
            "unit": "of the solution", "ratio": errors[1] / errors[0], "target": "no more than theirs",
            "reached": errors[1] <= errors[0] * (1 + 1e-3),  # the same up to rounding
            "note": f"after {TURN * (repeats + 1)} iterations of Adam from the same weights, same points",
        })  # fmt: skip
    return rows


def _turns(model, net: nn.Module, loss: Callable[[], Tensor], turns: int) -> tuple[list[float], list[float]]:
    """Seconds of processor time per iteration of both, turn about; the first turn of each warms up and is left out."""
    optimiser = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    theirs, ours = [], []
    for _ in range(turns):
        start = time.process_time()
        model.train(iterations=TURN, display_every=10**9, verbose=0)
        theirs.append((time.process_time() - start) / TURN)
        start = time.process_time()
        for _ in range(TURN):
            optimiser.zero_grad()
            loss().backward()
            optimiser.step()
        ours.append((time.process_time() - start) / TURN)
    return theirs[1:], ours[1:]


def _copy(theirs: nn.Module, *, turned: bool) -> nn.Sequential:
    """The same network with the same weights in layers that `taylor` knows; ``turned``: with its two inputs swapped."""
    layers: list[nn.Module] = []
    for linear in theirs.linears:
        mine = nn.Linear(linear.in_features, linear.out_features)
        mine.load_state_dict(linear.state_dict())
        layers += [mine, nn.Tanh()]
    if turned:
        layers[0].weight.data = layers[0].weight.data.flip(1).contiguous()
    return nn.Sequential(*layers[:-1])


def _points(data, *, turned: bool) -> list[Tensor]:
    """All points at which the equation is asked for, then those of each condition."""
    ends = np.cumsum(data.num_bcs)
    parts = [data.train_x_all, *np.split(data.train_x[: ends[-1]], ends[:-1])]
    return [torch.from_numpy(np.ascontiguousarray(part[:, ::-1] if turned else part)).float() for part in parts]


def _burgers(dde):
    """DeepXDE's own example: 2540 points inside, 80 at the walls, 160 at the start; 2-20-20-20-1 tanh."""
    dde.config.set_random_seed(0)
    box = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 0.99))

    def equation(x, y):
        u_x, u_t = dde.grad.jacobian(y, x, i=0, j=0), dde.grad.jacobian(y, x, i=0, j=1)
        return u_t + y * u_x - 0.01 / np.pi * dde.grad.hessian(y, x, i=0, j=0)

    walls = dde.icbc.DirichletBC(box, lambda x: 0, lambda _, on: on)
    start = dde.icbc.IC(box, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on: on)
    data = dde.data.TimePDE(box, equation, [walls, start], num_domain=2540, num_boundary=80, num_initial=160)
    theirs = dde.nn.FNN([2, 20, 20, 20, 1], "tanh", "Glorot normal")
    net = _copy(theirs, turned=True)  # ours puts time first
    model = dde.Model(data, theirs)
    model.compile("adam", lr=1e-3, verbose=0)
    inside, on_walls, at_start = _points(data, turned=True)
    wanted = -torch.sin(math.pi * at_start[:, 1:])

    def loss() -> Tensor:
        edges, law = net(torch.cat([on_walls, at_start])), mean_square(burgers(net, inside, 0.01 / math.pi))
        return law + mean_square(edges[: len(on_walls)]) + mean_square(edges[len(on_walls) :] - wanted)

    grid = torch.cartesian_prod(torch.linspace(0, 0.99, 60), torch.linspace(-1, 1, 201))
    return model, net, loss, grid.flip(1).contiguous(), grid, Burgers()(grid)


def _kovasznay(dde):
    """DeepXDE's own example: 2601 points inside and 400 on the edge; 2-50-50-50-50-3 tanh; u and v on the edge, p on the right."""
    dde.config.set_random_seed(0)
    flow = Kovasznay(20.0)
    box = dde.geometry.Rectangle(xmin=[-0.5, -0.5], xmax=[1, 1.5])

    def equation(x, y):
        u, v = y[:, 0:1], y[:, 1:2]
        d = {(i, j): dde.grad.jacobian(y, x, i=i, j=j) for i in range(3) for j in range(2)}
        bent = {(i, j): dde.grad.hessian(y, x, component=i, i=j, j=j) for i in range(2) for j in range(2)}
        momentum = [u * d[i, 0] + v * d[i, 1] + d[2, i] - 1 / 20 * (bent[i, 0] + bent[i, 1]) for i in range(2)]
        return [*momentum, d[0, 0] + d[1, 1]]

    def exact(column):
        return lambda x: flow(torch.from_numpy(x))[:, column : column + 1].numpy()

    edge = [dde.icbc.DirichletBC(box, exact(i), lambda _, on: on, component=i) for i in range(2)]
    right = dde.icbc.DirichletBC(box, exact(2), lambda x, on: on and dde.utils.isclose(x[0], 1), component=2)
    data = dde.data.PDE(box, equation, [*edge, right], num_domain=2601, num_boundary=400)
    theirs = dde.nn.FNN([2, 50, 50, 50, 50, 3], "tanh", "Glorot normal")
    net = _copy(theirs, turned=False)
    model = dde.Model(data, theirs)
    model.compile("adam", lr=1e-3, verbose=0)
    inside, on_u, _, on_p = _points(data, turned=False)
    edges = torch.cat([on_u, on_p])
    wanted = flow(edges)

    def loss() -> Tensor:
        momentum, mass = kovasznay(net, inside, 1 / 20)
        missed = net(edges) - wanted
        return (
            mean_square(momentum) + mean_square(mass)
            + mean_square(missed[: len(on_u), :2]) + mean_square(missed[len(on_u) :, 2:])
        )  # fmt: skip

    grid = torch.cartesian_prod(torch.linspace(-0.5, 1, 60), torch.linspace(-0.5, 1.5, 60))
    return model, net, loss, grid, grid, flow(grid)
