"""What the part's library computes, it computes where its input lies.

PyTorch's ``meta`` device stands for a GPU: it computes shapes only, and objects where tensors of two devices meet. It has no values, so
whatever looks at them runs inside ``vmap``, where nobody may.
"""

import pytest
import torch
from torch import Tensor, nn
from torch.func import vmap

from wm_core.nets.mlp import mlp
from wm_core.physics import integrators
from wm_core.physics.boxes import Box
from wm_core.physics.graph_network import force_loss, untrained
from wm_core.physics.grid_equations import Diffusion, Heat, Helmholtz, KleinGordon
from wm_core.physics.invariants import project
from wm_core.physics.leray import MatrixLeray, leray, leray_faces, solve_poisson
from wm_core.physics.operators import curl, divergence, face_divergence, face_gradient, gradient, kinetic_energy
from wm_core.physics.particles import System, fly
from wm_core.physics.pinn import burgers, navier_stokes
from wm_core.physics.ranks import RankLadder, Ridge, TwoWaves
from wm_core.physics.smoke import advect
from wm_core.physics.spinn import SPINN
from wm_core.physics.taylor import Periodic, taylor
from wm_core.physics.vortex import VortexProblem
from wm_core.worlds.kepler import Kepler
from wm_core.worlds.oscillators import Pendulum
from wm_core.worlds.particles import Bodies, Particles, angular_momentum, momentum
from wm_core.worlds.vortices import Vortices

OPEN, SHUT = Box((8, 6)), Box((8, 6), periodic=False)
dtypes = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])


def there(tree, dtype: torch.dtype) -> bool:
    """Whether every floating-point tensor in a nest of them is on the device and of the kind that was put in."""
    if isinstance(tree, Tensor):
        return tree.device.type == "meta" and (not tree.is_floating_point() or tree.dtype == dtype)
    return all(there(part, dtype) for part in tree)


def on(*shape: int, dtype: torch.dtype) -> Tensor:
    return torch.empty(3, *shape, dtype=dtype, device="meta")


FIELDS = {
    "spectral projection": (lambda u: leray(u, OPEN), OPEN),
    "projection by central differences": (lambda u: leray(u, OPEN, "central"), OPEN),
    "projection in a closed box": (lambda u: leray(u, SHUT), SHUT),
    "divergence": (lambda u: divergence(u, OPEN), OPEN),
    "divergence in a closed box": (lambda u: divergence(u, SHUT, "central"), SHUT),
    "curl": (lambda u: curl(u, OPEN), OPEN),
    "gradient": (lambda u: gradient(u[0], OPEN), OPEN),
    "Poisson's equation": (lambda u: solve_poisson(u[0], OPEN), OPEN),
    "energy": (lambda u: kinetic_energy(u, OPEN), OPEN),
    "smoke": (lambda u: advect(u[0], u, 0.1, OPEN), OPEN),
    "smoke in a closed box": (lambda u: advect(u[0], u, 0.1, SHUT), SHUT),
}


@dtypes
@pytest.mark.parametrize("name", FIELDS)
def test_fields(name, dtype):
    compute, box = FIELDS[name]
    assert there(vmap(compute)(on(2, *box.nodes, dtype=dtype)), dtype)


@dtypes
@pytest.mark.parametrize("box", [OPEN, SHUT], ids=["periodic", "closed"])
def test_faces(box, dtype):
    faces = tuple(on(*box.faces(axis), dtype=dtype) for axis in range(2))
    assert there(vmap(lambda *f: leray_faces(f, box))(*faces), dtype)
    assert there(vmap(lambda *f: face_divergence(f, box))(*faces), dtype)
    assert there(vmap(lambda s: face_gradient(s, box))(on(8, 6, dtype=dtype)), dtype)


@dtypes
def test_projection_as_matrices(dtype):
    assert there(MatrixLeray(OPEN).to("meta", dtype)(on(2, *OPEN.nodes, dtype=dtype)), dtype)


@dtypes
def test_flow_without_sources(dtype):
    world = Vortices(8)
    assert there(world.film(on(2, 8, 8, dtype=dtype), 3), dtype)


@dtypes
@pytest.mark.parametrize(
    "step", [integrators.rk4, integrators.yoshida4, integrators.leapfrog, integrators.symplectic_euler]
)
def test_steps_in_time(step, dtype):
    assert there(step(Pendulum(), on(2, dtype=dtype), 0.1), dtype)
    assert there(step(Kepler(), on(4, dtype=dtype), 0.1), dtype)


@dtypes
def test_states_put_back(dtype):
    sun = Kepler()
    found = vmap(lambda x, c: project(x, [sun.energy, sun.spin], c).x)
    assert there(found(on(4, dtype=dtype), on(2, dtype=dtype)), dtype)


@dtypes
@pytest.mark.parametrize("kind", ["plain", "answering", "antisymmetric", "central"])
def test_bodies(kind, dtype):
    world, model = Particles(), untrained(kind, (0, 1, 2)).to("meta", dtype)
    q, flat = on(7, 4, 2, dtype=dtype), on(7, 4, dtype=dtype)
    assert there(force_loss(model, q, q, flat, flat)["force"], dtype)
    bodies = Bodies(flat[0, 0], flat[0, 0])
    x = on(3, 5, 4, 4, dtype=dtype)
    assert there(vmap(lambda x: fly(System(model, bodies), x, 0.1, 3))(x), dtype)
    assert there([world.energy(x, bodies), world.force(x[..., :2], bodies), momentum(x), angular_momentum(x)], dtype)


@pytest.fixture
def unseen(monkeypatch):
    """Nobody asks for values."""
    for module in ("taylor", "spinn"):
        monkeypatch.setattr(f"wm_core.physics.{module}.finite", lambda name, x: x)


@dtypes
def test_derivatives_of_a_network(unseen, dtype):
    net = nn.Sequential(Periodic((None, 2.0, 2.0)), mlp(5, 8, 8, 3, activation=nn.Tanh)).to("meta", dtype)
    points = torch.empty(6, 3, dtype=dtype, device="meta")
    assert there(taylor(net, points), dtype)
    assert there(navier_stokes(net, points, 0.1), dtype)
    plain = mlp(2, 8, 8, 1, activation=nn.Tanh).to("meta", dtype)
    assert there(burgers(plain, points[:, :2], 0.1), dtype)
    sum(part.sum() for part in navier_stokes(net, points, 0.1)).backward()
    assert there([weight.grad for weight in net.parameters()], dtype)


def test_the_vortex(unseen):
    problem = VortexProblem(low=0.02, high=0.2)
    inside, start = (problem.draw(9, torch.Generator(), t=t).to("meta") for t in (None, 0.0))
    terms = problem.terms(problem.network().to("meta"), inside, start)
    assert there(terms.values(), torch.float32)


@pytest.mark.parametrize("equation", [Helmholtz(), Helmholtz((1, 2)), KleinGordon(velocity=True), Diffusion(), Heat()])
def test_separable_networks(unseen, equation):
    net = SPINN(len(equation.low), rank=4, width=8, layers=2).to("meta")
    terms = equation.loss(net, equation.draw(5, torch.Generator(), device="meta"))
    assert there(terms.values(), torch.float32)
    sum(terms.values()).backward()
    assert there([weight.grad for weight in net.parameters()], torch.float32)


def test_a_ladder_of_ranks(unseen):
    ladder = RankLadder((Ridge(30.0), TwoWaves()), (1, 2), width=6, layers=2).to("meta")
    x = torch.empty(7, device="meta")
    assert there([ladder(x, x), ladder.errors()], torch.float32)
