"""Put a state back where its energy, or whatever else a motion keeps, has the value that it should have.

A candidate x~, say a network's guess of the next state, is moved along the gradients of the invariants, taken at the candidate:
x = x~ + sum_k lambda_k grad H_k(x~), and Newton's method finds the lambda for which H_k(x) = c_k. Near the wanted level each iteration
squares the error. The result depends smoothly on x~ and c, so it can be a layer of a network.

Source: Hairer, Lubich & Wanner, *Geometric Numerical Integration* (2006), section IV.4; inside a network, Cardoso-Bihlo & Bihlo (2025).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wm_core.physics.checked import finite, transformed

State = Float[Tensor, "*batch state"]
Invariant = Callable[[Tensor], Tensor]

#: How far from its wanted value an invariant may stay, as a share of the larger of that value and 1.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


class Projection(NamedTuple):
    """What `project` found.

    Attributes:
        x: the projected states; those that could not be projected are as they came.
        done: which states have every invariant within the tolerance.
        iterations: Newton steps that were taken, for the slowest state.
        multipliers: lambda, how far each state went along each gradient.
    """

    x: State
    done: Bool[Tensor, "*batch"]
    iterations: int
    multipliers: Float[Tensor, "*batch invariants"]


def values(invariants: Sequence[Invariant], x: State) -> Float[Tensor, "*batch invariants"]:
    """What the invariants are at the states.

    Raises:
        ValueError: an invariant does not give one number for each state.
    """
    return torch.stack([_one_each(k, invariant(x), x) for k, invariant in enumerate(invariants)], -1)


def slopes(invariants: Sequence[Invariant], x: State) -> tuple[Tensor, Float[Tensor, "*batch invariants state"]]:
    """The invariants at the states, and their gradients: one backward pass each, for the whole batch."""
    found, gradients = [], []
    for k, invariant in enumerate(invariants):
        value, pull = torch.func.vjp(invariant, x)
        found.append(_one_each(k, value, x))
        gradients.append(pull(torch.ones_like(value))[0])
    return torch.stack(found, -1), torch.stack(gradients, -2)


def _one_each(k: int, value: Tensor, x: Tensor) -> Tensor:
    if value.shape != x.shape[:-1]:
        raise ValueError(
            f"invariants[{k}]: got values {tuple(value.shape)} for states {tuple(x.shape)}, wanted {tuple(x.shape[:-1])}, one for each"
        )
    return value


def newton(lam: Tensor, found: Tensor, gradient: Tensor, along: Tensor, c: Tensor, use: Tensor) -> Tensor:
    """One Newton step for the multipliers: how each value answers to each multiplier is a small matrix; solve for the change that is wanted."""
    matrix = gradient @ along.mT  # (..., invariants, invariants)
    matrix = torch.where(use[..., None, None], matrix, torch.eye(c.shape[-1], dtype=c.dtype, device=c.device))
    # An inverse, since in PyTorch 2.13 the forward derivative of a linear solve under vmap is wrong. It is one or two numbers a side.
    inverse = 1 / matrix if c.shape[-1] == 1 else torch.linalg.inv_ex(matrix)[0]
    return torch.where(use[..., None], lam - (inverse @ (found - c)[..., None])[..., 0], 0)


def moved(x: State, lam: Float[Tensor, "*batch invariants"], along: Float[Tensor, "*batch invariants state"]) -> State:
    """x + sum_k lambda_k grad H_k."""
    return x + (lam[..., None, :] @ along)[..., 0, :]


def project(
    x: Tensor,
    invariants: Sequence[Invariant],
    c: Tensor,
    *,
    iterations: int = 6,
    tolerance: float | None = None,
    flat: float = 1e-6,
    order: int = 1,
) -> Projection:
    """Move each state along the gradients of the invariants until they have the values ``c``.

    A state is left as it is where the gradients give no direction: one is shorter than ``flat`` (at rest a pendulum's energy has none), or
    several are as good as parallel (energy and angular momentum on a circular orbit). It is ``done`` only if it has the wanted values
    already. A state that Newton's method does not bring within the tolerance, for instance since no state has such an energy, is left as it
    is too, and not ``done``.

    The derivative is that of the solution, not of the search for it. The search runs without gradients; one more Newton step from where it
    ended has the solution's first derivative, by the implicit function theorem, and a further one its second. So where gradients are enabled
    the result is a little more exact than where they are not.

    Args:
        x: candidates ``(*batch, n)``, in float32 or float64.
        invariants: functions from states (..., n) to (...,), each state by itself.
        c: the wanted values ``(*batch, invariants)``, in the order of the invariants; it broadcasts against the batch.
        iterations: of Newton's method, at most. Six are enough for float64 from a candidate that is a few percent off.
        tolerance: largest error as a share of max(1, abs(c)). None: 1e-12 in float64, 1e-5 in float32.
        flat: gradients shorter than this, or gradients of length 1 whose Gram matrix has a determinant below its square (or as small as rounding), give no direction.
        order: up to which derivative the result's derivatives are right. A network trained on its own rates of change needs 2.

    Raises:
        ValueError: no invariant, or not one value for each and for each state; another dtype; NaN or infinite numbers; fewer than one
            iteration, or an order but 1 or 2.
    """
    if not invariants or c.shape[-1:] != (len(invariants),):
        raise ValueError(f"c: got shape {tuple(c.shape)}, wanted (..., {len(invariants)}), a value for each invariant")
    if x.dtype not in TOLERANCE:
        raise ValueError(f"x: got {x.dtype}, wanted float32 or float64")
    if x.ndim < 1 or x.numel() == 0:
        raise ValueError(f"x: got shape {tuple(x.shape)}, wanted (..., n) with at least one number")
    if iterations < 1 or order not in (1, 2):
        raise ValueError(f"iterations, order: got {iterations} and {order}, wanted at least 1, and 1 or 2")
    finite("x", x), finite("c", c)
    allowed = (TOLERANCE[x.dtype] if tolerance is None else tolerance) * c.detach().abs().clamp(min=1)
    if len(c.shape) > len(x.shape) or any(
        got not in (1, n) for got, n in zip(c.shape[-2::-1], x.shape[-2::-1], strict=False)
    ):
        raise ValueError(
            f"c: got shape {tuple(c.shape)}, wanted one that broadcasts to {(*x.shape[:-1], len(invariants))}"
        )
    c = c.to(x).expand(*x.shape[:-1], len(invariants))
    found, along = slopes(invariants, x)
    with torch.no_grad():
        gradient, lam = along, torch.zeros_like(c)
        use = _independent(along, flat)
        for taken in range(iterations + 1):
            done = ((found - c).abs() <= allowed).all(-1)
            if taken == iterations or (not transformed(done) and bool((done | ~use).all())):
                break
            lam = newton(lam, found, gradient, along, c, use)
            found, gradient = slopes(invariants, moved(x, lam, along))
        lam = torch.where(done[..., None], lam, 0)
    for _ in range(order if torch.is_grad_enabled() else 0):
        lam = newton(lam, *slopes(invariants, moved(x, lam, along)), along, c, done & use)
    return Projection(moved(x, lam, along), done, taken, lam)


def _independent(gradients: Tensor, flat: float) -> Tensor:
    """Where every gradient is long enough and none is a combination of the others."""
    lengths = gradients.norm(dim=-1)
    unit = gradients / lengths.clamp(min=flat)[..., None]
    parallel = max(flat**2, 64 * torch.finfo(gradients.dtype).eps)  # a determinant below this is rounding
    return (lengths > flat).all(-1) & (torch.linalg.det(unit @ unit.mT) > parallel)


class Kept(nn.Module):
    """A world model whose every prediction is projected on the invariants, in training as in imagination.

    A prediction that `project` cannot bring to its level is passed on as it came. Where that matters, call `project`, which says so.

    Args:
        model: has ``predict(z, a)``, or is called with a state and returns the next.
        invariants: functions from states (..., n) to (...,).
        options: of `project`.
    """

    def __init__(self, model: nn.Module, invariants: Sequence[Invariant], **options: float):
        super().__init__()
        self.model, self.invariants, self.options = model, tuple(invariants), options

    def encode(self, x: State) -> State:
        """The state is observed as it is."""
        return x

    def predict(self, z: State, a: Tensor | None = None, c: Tensor | None = None) -> State:
        """The next state, on the level ``c``; without one, on that of ``z``. An action that does work changes the level: say by how much."""
        candidate = self.model.predict(z, a) if hasattr(self.model, "predict") else self.model(z)
        return project(candidate, self.invariants, values(self.invariants, z) if c is None else c, **self.options).x

    def rollout(self, z: State, actions: Tensor, c: Tensor | None = None) -> Float[Tensor, "*batch horizon state"]:
        """The states after each action, all on the level of the first, or on ``c``."""
        c = values(self.invariants, z) if c is None else c
        path = []
        for a in actions.unbind(-2):
            z = self.predict(z, a, c)
            path.append(z)
        return torch.stack(path, -2)

    forward = predict
