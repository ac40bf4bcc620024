"""Physics-informed networks: by how much a network misses an equation, and the rest of what picks out one solution.

Source: Raissi, Perdikaris & Karniadakis, *Physics-informed neural networks* (2019). Causal weights: Wang, Sankaran & Perdikaris,
*Respecting causality is all you need for training physics-informed neural networks* (2022). Derivatives: `wm_core.physics.taylor`.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.physics.taylor import taylor

Points = Float[Tensor, "n d"]


def burgers(net: nn.Module, points: Float[Tensor, "*members n 2"], viscosity: float) -> Float[Tensor, "*members n 1"]:
    """The residual u_t + u u_x - ν u_xx of a network (t, x) -> u, or of an ensemble of them."""
    u, (u_t, u_x), (u_xx,) = taylor(net, points, second=[[0, 1]])
    return u_t + u * u_x - viscosity * u_xx


def advection(net: nn.Module, points: Points, speed: float) -> Float[Tensor, "n 1"]:
    """The residual u_t + c u_x of a network (t, x) -> u."""
    _, (u_t, u_x), _ = taylor(net, points, second=[])
    return u_t + speed * u_x


def navier_stokes(net: nn.Module, points: Points, viscosity: Tensor | float) -> tuple[Tensor, Tensor]:
    """The residuals of incompressible flow for a network (t, x, y, ...) -> (u, v, p).

    Args:
        net: further inputs, such as a viscosity, are not differentiated.
        points: (n, 3 or more).
        viscosity: one number, or (n, 1).

    Returns:
        Of momentum (n, 2), ∂u/∂t + (u·∇)u + ∇p - νΔu; and of mass (n,), ∇·u.
    """
    along = torch.eye(3, points.shape[-1], dtype=points.dtype, device=points.device)  # t, x and y
    value, (d_t, d_x, d_y), (laplacian,) = taylor(net, points, along, second=[[0, 1, 1]])
    return _flow(value, d_t, d_x, d_y, laplacian, viscosity)


def kovasznay(net: nn.Module, points: Points, viscosity: Tensor | float) -> tuple[Tensor, Tensor]:
    """The same for a steady flow, of a network (x, y) -> (u, v, p)."""
    value, (d_x, d_y), (laplacian,) = taylor(net, points, second=[[1, 1]])
    return _flow(value, torch.zeros_like(value), d_x, d_y, laplacian, viscosity)


def _flow(value, d_t, d_x, d_y, laplacian, viscosity) -> tuple[Tensor, Tensor]:
    """Both residuals from the derivatives, each (n, 3) for u, v and p."""
    u, v = value[:, 0:1], value[:, 1:2]
    carried = (u * d_x + v * d_y)[:, :2]  # (u·∇) of u and of v
    pressure = torch.stack([d_x[:, 2], d_y[:, 2]], -1)
    momentum = d_t[:, :2] + carried + pressure - viscosity * laplacian[:, :2]
    return momentum, d_x[:, 0] + d_y[:, 1]


def mean_square(residual: Tensor) -> Tensor:
    """Mean over points of the squared length of a residual (n, ...), a scalar."""
    return residual.flatten(1).square().sum(1).mean() if residual.ndim > 1 else residual.square().mean()


def causal_weights(losses: Float[Tensor, " slices"], tolerance: float) -> Float[Tensor, " slices"]:
    """Each time slice's weight: one at first, and small until all the slices before it are solved.

    Wang et al.'s equation 3.13: w_i = exp(-ε Σ_{j<i} L_j), through which no gradient flows.

    Args:
        losses: the mean squared residual in each slice of time, earliest first.
        tolerance: ε. Large is strict.
    """
    return torch.exp(-tolerance * (losses.cumsum(0) - losses)).detach()


def gradient_norms(terms: dict[str, Tensor], net: nn.Module) -> dict[str, float]:
    """How hard each loss term pulls: the norm of its gradient by the network's parameters."""
    norms = {}
    for name, term in terms.items():
        pulls = torch.autograd.grad(term, list(net.parameters()), retain_graph=True, allow_unused=True)
        norms[name] = float(torch.stack([pull.square().sum() for pull in pulls if pull is not None]).sum().sqrt())
    return norms


def lbfgs(net: nn.Module, loss, iterations: int, *, history: int = 50) -> list[float]:
    """Follow on with L-BFGS: the loss's curvature is estimated from its last gradients, on points that stay the same.

    Args:
        net: trained in place.
        loss: called without arguments, returns the loss; it must give the same number for the same weights.
        iterations: at most this many; fewer where the line search can no longer descend.
        history: how many gradients it remembers.

    Returns:
        The loss at each evaluation.
    """
    optimiser = torch.optim.LBFGS(
        net.parameters(), max_iter=iterations, max_eval=2 * iterations, history_size=history,
        tolerance_grad=0.0, tolerance_change=0.0, line_search_fn="strong_wolfe",
    )  # fmt: skip
    seen = []

    def closure():
        optimiser.zero_grad()
        value = loss()
        value.backward()
        seen.append(float(value.detach()))
        return value

    optimiser.step(closure)
    return seen


def kept_energy(energies: Float[Tensor, "*batch steps"]) -> Tensor:
    """The conservation loss that is often proposed for a world model: the mean squared change of energy from step to step.

    Right where the energy is the true one and nothing pushes or rubs. A learned energy makes it zero by being constant.

    Args:
        energies: ``(*batch, steps)``, at least two steps.
    """
    return energies.diff(dim=-1).square().mean()


def balanced_energy(energies: Float[Tensor, "*batch steps"], work: Tensor, losses: Tensor) -> Tensor:
    """The books kept in full: mean squared change of energy, less the work done, plus what friction took.

    Args:
        energies: ``(*batch, steps)``, at each step.
        work: ``(*batch, steps - 1)``, done by the actions from each step to the next.
        losses: ``(*batch, steps - 1)``, dissipated from each step to the next, never negative.

    Raises:
        ValueError: not one move for each pair of neighbouring steps.
    """
    moves = energies.shape[-1] - 1
    if work.shape[-1] != moves or losses.shape[-1] != moves:
        raise ValueError(f"work and losses: got {work.shape[-1]} and {losses.shape[-1]} moves, wanted {moves}")
    return (energies.diff(dim=-1) - work + losses).square().mean()
