"""Who keeps what: seven ways to learn five bodies on springs, from the same films, judged by the same measures.

All are told that places change by momentum over mass, and learn what acts on each body. All are followed by the same leapfrog
steps. They differ in what they cannot do: a network of all places at once can do anything, one that is the slope of an energy
cannot gain any, one whose forces come in opposite pairs cannot move the whole, and so on. The last arm is the first with each
state put back to the true energy, momentum and angular momentum of its start, which it has to be told.

Each arm has about as many weights, the same steps, and the learning rate that leaves it the least error on films held out.
"""

import copy

import torch
from torch import Tensor, nn

from wm_core.metrics.energy import worst_energy_error
from wm_core.metrics.horizon import prediction_horizon
from wm_core.metrics.intervals import mean_and_range
from wm_core.metrics.momentum import angular_momentum_error, momentum_error
from wm_core.nets.ensemble import EnsembleMLP
from wm_core.nets.size import parameters
from wm_core.physics.graph_network import AntisymmetricGraph, CentralGraph, PlainGraph, edges, force_loss, rows, weak
from wm_core.physics.invariants import project
from wm_core.physics.particles import System, film, fly
from wm_core.training import Shuffled, fit
from wm_core.worlds.particles import Bodies, Particles, angular_momentum, momentum

SEEDS = (0, 1, 2)
N, H, STEPS = 5, 0.05, 400  # bodies, seconds a step, steps a flight: 20 s
FILMS, FRAMES = 200, 10
TRAINING, BATCH = 3000, 128
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
FAR = 0.2  # mean distance from the true places, in lengths of a spring, at which a prediction has lost them


class Whole(nn.Module):
    """One network of all places and masses at once: the forces, or with ``potential`` the energy whose slopes they are."""

    def __init__(self, width: int, potential: bool):
        super().__init__()
        self.potential = potential
        self.net = weak(EnsembleMLP((3 * N, width, width, 1 if potential else 2 * N), SEEDS))

    def force(self, q: Tensor, bodies: Bodies) -> Tensor:
        """The force on each body; shapes as in `wm_core.physics.graph_network`."""
        mass = bodies.mass.expand(q.shape[:-1])
        if not self.potential:
            return rows(self.net, torch.cat([q.flatten(-2), mass], -1)).unflatten(-1, (N, 2))
        return -slope(lambda at: rows(self.net, torch.cat([at.flatten(-2), mass], -1)), q)


class PairEnergy(CentralGraph):
    """An energy for each pair, of its distance and both masses: the forces are its slopes, so they are central, and keep it."""

    def force(self, q: Tensor, bodies: Bodies) -> Tensor:
        """The force on each body."""

        def energy(at: Tensor) -> Tensor:
            return rows(self.net, edges(at, bodies).both[..., 2:]).mean(1)  # without the way: of its length alone

        return -slope(energy, q)


def slope(energy, q: Tensor) -> Tensor:
    """The gradient of an energy by the places; training differentiates it once more."""
    training = torch.is_grad_enabled()
    with torch.enable_grad():
        at = q if q.requires_grad else q.detach().requires_grad_()
        return torch.autograd.grad(energy(at).sum(), at, create_graph=training)[0]


def arms() -> dict[str, nn.Module]:
    """Untrained, an ensemble of all seeds each."""
    ensemble = lambda *widths: weak(EnsembleMLP(widths, SEEDS))  # noqa: E731
    return {
        "one network for all": Whole(56, potential=False),
        "slopes of one energy": Whole(60, potential=True),
        "plain graph": PlainGraph(ensemble(7, 50, 50, 16), ensemble(18, 50, 2)),
        "opposite pairs": AntisymmetricGraph(ensemble(7, 62, 62, 2)),
        "central pairs": CentralGraph(ensemble(5, 64, 64, 1)),
        "slopes of pair energies": PairEnergy(ensemble(5, 64, 64, 1)),
    }


PROJECTED = "one network for all, projected"
TRUE = "the true forces, by the same steps"


def trained(world: Particles, steps: int = TRAINING) -> tuple[dict[str, nn.Module], dict[str, float], dict[str, float]]:
    """Every arm at its best learning rate, that rate, and the share of the forces' variance left on films held out."""

    def filmed(seed: int) -> tuple[Tensor, ...]:
        seen = film(world, FILMS, N, torch.Generator().manual_seed(seed), h=H, frames=FRAMES)
        each = (seen.q, seen.force, *seen.bodies)
        return tuple(part.expand(len(SEEDS), *part.shape) for part in each)

    data, held = filmed(0), filmed(1)
    found, rates, left = {}, {}, {}
    for name, start in arms().items():
        for rate in RATES:
            model = copy.deepcopy(start)
            fit(model, lambda m, batch: force_loss(m, *batch), Shuffled(*data, size=BATCH, dim=1), steps=steps,
                learning_rate=rate, optimiser=torch.optim.Adam, clip=None, precision="float32", title=f"{name}, {rate}")  # fmt: skip
            model = model.cpu()
            q, force, mass, charge = held
            with torch.no_grad():
                error = float((model.force(q, Bodies(mass[0], charge[0])) - force).square().mean() / force.var())
            if name not in left or error < left[name]:
                found[name], rates[name], left[name] = model.double(), rate, error
    return found, rates, left


def flown(world: Particles, forces, x: Tensor, bodies: Bodies, projected: bool = False) -> Tensor:
    """The paths (time, members, starts, n, 4), by leapfrog; with ``projected`` each state is put back to what its start has."""
    system, x = System(forces, bodies), x.expand(len(SEEDS), *x.shape)
    if not projected:
        return fly(system, x, H, STEPS)
    whole = lambda f: lambda z: f(z.unflatten(-1, (N, 4)))  # noqa: E731
    invariants = [whole(f) for f in (lambda s: world.energy(s, bodies), lambda s: momentum(s)[..., 0],
                                     lambda s: momentum(s)[..., 1], angular_momentum)]  # fmt: skip
    wanted = torch.stack([f(x.flatten(-2)) for f in invariants], -1)
    path = [x]
    for _ in range(STEPS):
        after = fly(system, path[-1], H, 1)[-1]
        path.append(project(after.flatten(-2), invariants, wanted).x.unflatten(-1, (N, 4)))
    return torch.stack(path)


@torch.no_grad()
def judged(world: Particles, path: Tensor, truth: Tensor, bodies: Bodies) -> dict[str, list[float]]:
    """Each measure for each seed: the median over starts, so that one flight that bursts does not speak for all."""
    middle = lambda error: error.median(-1).values.tolist()  # noqa: E731
    off = (path[..., :2] - truth[..., :2]).norm(dim=-1).mean(-1)  # (time, members, starts)
    return {
        "energy": middle(worst_energy_error(world.energy(path, bodies))),
        "momentum": middle(momentum_error(path)),
        "angular momentum": middle(angular_momentum_error(path)),
        "horizon": [H * float(prediction_horizon(member.T, FAR).double().median()) for member in off.unbind(1)],
    }


def compare(steps: int = TRAINING, starts: int = 20) -> dict:
    """All arms: weights, learning rate, error of the forces, and the measures with their range over seeds."""
    world = Particles("springs")
    models, rates, left = trained(world, steps)
    x, bodies = world.start(starts, N, torch.Generator().manual_seed(2))
    truth = fly(System(world, bodies), x.expand(1, *x.shape), H / 8, 8 * STEPS, every=8)
    found = []
    for name in (*models, PROJECTED):
        source = next(iter(models)) if name == PROJECTED else name
        path = flown(world, models[source], x, bodies, projected=name == PROJECTED)
        found.append({
            "name": name, "weights": parameters(models[source]) // len(SEEDS), "rate": rates[source],
            "error of forces": left[source], **judged(world, path, truth, bodies),
        })  # fmt: skip
        horizon, least, most = mean_and_range(found[-1]["horizon"])
        print(f"{name}: horizon {horizon:.1f} s ({least:.1f} to {most:.1f})", flush=True)
    exact = judged(world, flown(world, world, x, bodies), truth, bodies)
    found.append({"name": TRUE, "error of forces": 0.0, **exact})
    still = judged(world, x.expand(STEPS + 1, 1, *x.shape), truth, bodies)
    found.append({"name": "nothing moves", "horizon": still["horizon"]})
    return {
        "rows": found,
        "bodies": N,
        "seconds": H * STEPS,
        "step": H,
        "starts": starts,
        "far": FAR,
        "training": steps,
        "seeds": len(SEEDS),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    compare()
