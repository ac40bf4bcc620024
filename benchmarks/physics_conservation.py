"""The Leray projection on a staggered grid beside PhiFlow's: what divergence is left, and how long it takes.

Both get the same white noise at the faces of the same box. PhiFlow chooses its solver of Poisson's equation itself ("auto"): at 128² it
takes a direct one, which is faster than its conjugate gradients and leaves less. Rows for what is left name both. Ours has no
tolerance to choose.
"""

import math
import statistics
import time
import warnings
from importlib.metadata import PackageNotFoundError, version

import torch

from benchmarks.physics import Row
from wm_core.physics.boxes import Box
from wm_core.physics.leray import leray, leray_faces
from wm_core.physics.operators import divergence, face_divergence

#: Relative tolerances that PhiFlow is given, for solvers that iterate.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


def noise(box: Box, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    """White noise at the faces; nothing flows through a wall."""
    generator, faces = torch.Generator().manual_seed(0), []
    for axis in range(box.dims):
        flow = torch.randn(box.faces(axis), generator=generator, dtype=torch.float64).to(dtype)
        if not box.periodic:
            flow.movedim(axis, -1)[..., [0, -1]] = 0
        faces.append(flow)
    return tuple(faces)


def phiflow(box: Box, faces: tuple[torch.Tensor, ...], solver: str = "auto"):
    """A function that projects these faces with one of PhiFlow's solvers and returns them as ours does."""
    from phi.torch import flow as phi
    from phiml import math as pm

    dtype = faces[0].dtype
    with pm.precision(64 if dtype == torch.float64 else 32):
        inner = faces if box.periodic else (faces[0][1:-1], faces[1][:, 1:-1])
        parts = {name: pm.wrap(flow, phi.spatial("x,y")) for name, flow in zip("xy", inner, strict=True)}
        grid = phi.StaggeredGrid(
            pm.stack(parts, phi.dual("vector")),
            phi.extrapolation.PERIODIC if box.periodic else 0,
            bounds=phi.Box(x=box.size[0], y=box.size[1]),
            x=box.cells[0],
            y=box.cells[1],
        )

    def run() -> tuple[torch.Tensor, ...]:
        with pm.precision(64 if dtype == torch.float64 else 32), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            solved, _ = phi.fluid.make_incompressible(grid, (), phi.Solve(solver, TOLERANCE[dtype], 0))
            x, y = (solved.values.vector.dual[name].native("x,y") for name in "xy")
        pad = torch.nn.functional.pad
        return (x, y) if box.periodic else (pad(x, (0, 0, 1, 1)), pad(y, (1, 1)))

    return run


def left_over(box: Box, faces: tuple[torch.Tensor, ...]) -> float:
    """h |div u| / |u|."""
    size = sum(float(flow.double().square().sum()) for flow in faces) ** 0.5
    double = tuple(flow.double() for flow in faces)
    return box.spacing[0] * float(face_divergence(double, box).norm()) / size


def timed(run) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - start)


def ours_alone() -> list[Row]:
    """What our spectral projection leaves and costs: rows without a peer."""
    worst, single, times = 0.0, 0.0, []
    for n in (32, 64, 128, 256):
        for periodic in (True, False):
            box = Box((n, n), periodic=periodic)
            x = torch.arange(box.nodes[0], dtype=torch.float64) * box.spacing[0]
            x, y = x[:, None], x[None]
            smooth = torch.stack([torch.sin(x + 2 * y) + torch.cos(3 * x), torch.cos(2 * x - y) * torch.sin(3 * y)])
            if not periodic:
                smooth = torch.stack(
                    [torch.sin(x) * torch.cos(1.5 * y), torch.cos(x) * torch.sin(y / 2) * torch.sin(y)]
                )
                smooth[0, [0, -1]] = smooth[1, :, [0, -1]] = 0
            worst = max(worst, float(divergence(leray(smooth, box), box).abs().max()))
            kept = leray(smooth.float(), box)
            single = max(single, box.spacing[0] * float(divergence(kept.double(), box).norm() / kept.norm()))
            if n == 128:
                times.append(statistics.median(timed(lambda: leray(smooth.float(), box)) for _ in range(15)))  # noqa: B023
    fixed = {"peer": "no peer", "theirs": None, "ratio": None}
    return [
        {"topic": "spectral projection, float64, 32² to 256²: largest divergence", "ours": worst, "unit": "1 / time",
         "target": "≤ 1e-13", "reached": worst <= 1e-13, "note": "smooth fields of size 1, periodic and closed", **fixed},
        {"topic": "spectral projection, float32, 32² to 256²: h |div| / |u|", "ours": single, "unit": "",
         "target": "≤ 1e-5", "reached": single <= 1e-5, **fixed},
        {"topic": "spectral projection, 128², float32: time", "ours": max(times), "unit": "ms", "target": "≤ 10 ms",
         "reached": max(times) <= 10, "note": "the slower of periodic and closed, one thread", **fixed},
    ]  # fmt: skip


def measure(repeats: int) -> list[Row]:
    """Rows for what is left and for time, each kind of box and precision."""
    try:
        peer = f"PhiFlow {version('phiflow')}"
    except PackageNotFoundError:
        peer = None
    found: list[Row] = ours_alone()
    for periodic in (True, False):
        for dtype in (torch.float64, torch.float32):
            box = Box((128, 128), 2 * math.pi, periodic)
            faces = noise(box, dtype)
            name = f"{'periodic' if periodic else 'closed'} box 128², {str(dtype).removeprefix('torch.')}"
            found += beside(box, faces, name, peer, repeats)
    return found


def beside(box: Box, faces: tuple[torch.Tensor, ...], name: str, peer: str | None, repeats: int) -> list[Row]:
    """What is left by either of PhiFlow's solvers and by ours, and the time of ours and of the faster of theirs."""
    ours, bound = left_over(box, leray_faces(faces, box)), 1e-13 if faces[0].dtype == torch.float64 else 1e-5
    rows: list[Row] = []
    for solver in ("auto", "CG"):
        theirs: float | str = "not installed"
        if peer:
            try:
                run = phiflow(box, faces, solver)
                theirs = left_over(box, run())
            except Exception as error:  # it stops with Diverged or NotConverged where it cannot reach its tolerance
                theirs = f"raises {type(error).__name__}"
        number = isinstance(theirs, float)
        rows.append(
            {"topic": f"staggered projection, {name}: h |div| / |u|", "peer": f"{peer or 'PhiFlow'}, {solver}", "theirs": theirs,
             "ours": ours, "unit": "", "ratio": ours / theirs if number else None, "target": f"≤ {bound:g}, never raises",
             "reached": ours <= bound, "note": f"white noise; relative tolerance of CG {TOLERANCE[faces[0].dtype]:g}"}
        )  # fmt: skip
        if solver == "auto":
            pairs = [(timed(lambda: leray_faces(faces, box)), timed(run)) for _ in range(repeats if number else 0)]
            mine = statistics.median(
                [a for a, _ in pairs] or [timed(lambda: leray_faces(faces, box)) for _ in range(5)]
            )
            rows.append(
                {"topic": f"staggered projection, {name}: time", "peer": f"{peer or 'PhiFlow'}, {solver}",
                 "theirs": statistics.median(b for _, b in pairs) if pairs else theirs, "ours": mine, "unit": "ms",
                 "ratio": statistics.median(a / b for a, b in pairs) if pairs else None,
                 "target": "≤ 10 ms, and less than theirs", "note": "one thread, interleaved",
                 "reached": mine <= 10 and all(a < b for a, b in pairs) if pairs else None}
            )  # fmt: skip
    return rows
