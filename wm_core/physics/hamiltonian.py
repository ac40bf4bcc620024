"""Hamiltonian networks: learn one scalar, the energy, and let the equations of motion follow from its slopes.

Source: Greydanus, Dzamba & Yosinski, *Hamiltonian Neural Networks* (2019), equations 2 and 3.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

State = Float[Tensor, "*batch state"]


class HamiltonianNetwork(nn.Module):
    """dq/dt = ∂H/∂p and dp/dt = -∂H/∂q, H being a network; with friction and an external force where they are asked for.

    Args:
        net: from states (..., 2d) to (..., 1), the energy.
        damped: learn a friction r ≥ 0 that adds -r ∂H/∂p to dp/dt.
        driven: learn a gain g with which an external force u enters: + g u in dp/dt.
    """

    def __init__(self, net: nn.Module, *, damped: bool = False, driven: bool = False):
        super().__init__()
        self.net = net
        each = (net.members, 1, 1) if hasattr(net, "members") else ()  # an ensemble has one number a member
        self.raw_friction = nn.Parameter(torch.full(each, -2.0)) if damped else None
        self.gain = nn.Parameter(torch.zeros(each)) if driven else None

    def energy(self, x: State) -> Float[Tensor, "*batch"]:
        """The learned energy. Only its differences mean anything."""
        return self.net(x).squeeze(-1)

    def gradient(self, x: State) -> State:
        """∂H/∂x, by automatic differentiation; training differentiates it once more."""
        training = torch.is_grad_enabled()
        if not training and hasattr(self.net, "gradient"):
            return self.net.gradient(x)  # the same, written out: three times faster where nothing is trained
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_()
            return torch.autograd.grad(self.energy(x).sum(), x, create_graph=training)[0]

    def field(self, x: State, u: Tensor | None = None) -> State:
        """The time derivative of the state, under an external force ``u`` (..., d) if the network is driven."""
        slope_q, slope_p = self.gradient(x).chunk(2, -1)
        force = -slope_q
        if self.raw_friction is not None:
            force = force - self.friction * slope_p
        if u is not None:
            force = force + self.gain * u
        return torch.cat([slope_p, force], -1)

    @property
    def friction(self) -> Tensor:
        """The learned friction, kept above zero."""
        return functional.softplus(self.raw_friction)


class PlainField(nn.Module):
    """The baseline: a network of the same size that gives the time derivative directly.

    Args:
        net: from states (..., 2d), or states and forces (..., 3d), to (..., 2d).
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def field(self, x: State, u: Tensor | None = None) -> State:
        """The time derivative of the state."""
        return self.net(x if u is None else torch.cat([x, u], -1))


def field_loss(model: nn.Module, x: State, derivative: State, u: Tensor | None = None) -> dict[str, Tensor]:
    """Greydanus et al.'s loss: the mean squared error of the time derivative, summed over an ensemble's members.

    Their equation 3. Members share no weights, so a sum trains each as if it were alone.
    """
    error = (model.field(x, u) - derivative).square()
    return {"field": error.flatten(1).mean(1).sum() if error.ndim == 3 else error.mean()}


class ExportedField(nn.Module):
    """The field of one undamped, undriven network in operations that ONNX has: x (1, 2) -> dx (1, 2).

    Raises:
        ValueError: the network has a friction or a gain, which the exported field would lack.
    """

    def __init__(self, model: HamiltonianNetwork | PlainField, member: int = 0):
        super().__init__()
        self.hamiltonian = isinstance(model, HamiltonianNetwork)
        if self.hamiltonian and not (model.raw_friction is None and model.gain is None):
            raise ValueError("model: got a damped or driven network, wanted one that is neither")
        self.net = model.net.member(member)

    def forward(self, x: Tensor) -> Tensor:
        if not self.hamiltonian:
            return self.net(x[None])[0]
        slope_q, slope_p = self.net.gradient(x[None])[0].chunk(2, -1)
        return torch.cat([slope_p, -slope_q], -1)
