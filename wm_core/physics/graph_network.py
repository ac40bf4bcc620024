"""Three graph networks for the forces between bodies: one promises nothing, in one they come in opposite pairs, and in one
they come in opposite pairs along the line from body to body.

Each takes places (members, ..., n, 2), a member being one network of an ensemble, with the bodies' masses and charges
(..., n), and returns the force on each body. All see the same numbers of a pair: the way from one body to the other, its
length, and both masses and charges. No network sees where a body is, so all are indifferent to a shift of everything.

Sources: messages between bodies as in Sanchez-Gonzalez et al. (2020); forces in opposite pairs as in Prantl et al. (2022), there
for continuous convolutions; both momenta kept on a graph: Sharma & Fink (2025), who use frames on the edges.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.ensemble import EnsembleMLP
from wm_core.worlds.particles import Bodies, paired, pairs

Places = Float[Tensor, "members *batch n xy"]
Pulls = Float[Tensor, "members *batch pairs 2"]


class Edges(NamedTuple):
    """What the networks see of every pair i < j.

    Attributes:
        way: (members, ..., pairs, 2) from the first body to the second.
        length: (members, ..., pairs, 1) of it.
        both: (members, 2, ..., pairs, 7) the way, its length, and mass and charge of this body and of the other, as the first
            of the two sees it and as the second does.
        there: (..., pairs, 1) whether both bodies exist.
    """

    way: Tensor
    length: Tensor
    both: Tensor
    there: Tensor


def edges(q: Places, bodies: Bodies) -> Edges:
    """Every pair once.

    Raises:
        ValueError: there are not as many places as bodies.
    """
    n = q.shape[-2]
    if q.shape[-1] != 2 or bodies.mass.shape[-1] != n:
        raise ValueError(
            f"q: got {tuple(q.shape)} for bodies {tuple(bodies.mass.shape)}, wanted (..., n, 2) and (..., n)"
        )
    i, j = pairs(n, q.device)
    what = torch.stack(bodies, -1)
    there = ((bodies.mass[..., i] > 0) & (bodies.mass[..., j] > 0))[..., None]
    way = torch.where(there, q[..., j, :] - q[..., i, :], 1.0)  # no body, no division by zero
    length = way.norm(dim=-1, keepdim=True)
    one, other = (what[..., end, :].expand(way.shape) for end in (i, j))
    seen = [torch.cat([way, length, one, other], -1), torch.cat([-way, length, other, one], -1)]
    return Edges(way, length, torch.stack(seen, 1), there)


def rows(net: EnsembleMLP, x: Tensor) -> Tensor:
    """``net`` on inputs (members, ..., in) of any shape."""
    return net(x.flatten(1, -2)).unflatten(1, x.shape[1:-1])


class PlainGraph(nn.Module):
    """Message passing: every body hears a message from every other and adds them up.

    Nothing ties what acts on one body to what acts on another.

    Args:
        net: g, from the 7 numbers of a directed edge to a message, the first two numbers of which are a force.
        answer: if given, a second network that is told the sum of the messages, the mass and the charge, and adds to the force.
    """

    def __init__(self, net: EnsembleMLP, answer: EnsembleMLP | None = None):
        super().__init__()
        self.net, self.answer = net, answer

    def force(self, q: Places, bodies: Bodies) -> Places:
        """The force on each body: F_i is the sum of g(e_ij) over j."""
        edge, (i, j) = edges(q, bodies), pairs(q.shape[-2], q.device)
        to_first, to_second = (message * edge.there for message in rows(self.net, edge.both).unbind(1))
        silence = q.new_zeros(*q.shape[:-1], to_first.shape[-1])
        heard = silence.index_add(-2, i, to_first).index_add(-2, j, to_second)
        force = heard[..., :2]
        if self.answer is not None:
            what = torch.stack(bodies, -1).expand(q.shape)
            force = force + rows(self.answer, torch.cat([heard, what], -1)) * (bodies.mass > 0)[..., None]
        return force

    def member(self, index: int) -> "PlainGraph":
        """One network alone."""
        return PlainGraph(self.net.member(index), self.answer and self.answer.member(index))


class AntisymmetricGraph(nn.Module):
    """Newton's third law by shared weights: F_ij = (g(e_ij) - g(e_ji)) / 2 acts on i, and its opposite on j.

    Args:
        net: g, from the 7 numbers of a directed edge to 2.
    """

    def __init__(self, net: EnsembleMLP):
        super().__init__()
        self.net = net

    def pull(self, q: Places, bodies: Bodies) -> Pulls:
        """The force on the first body of every pair."""
        edge = edges(q, bodies)
        there, back = rows(self.net, edge.both).unbind(1)
        return (there - back) / 2 * edge.there

    def force(self, q: Places, bodies: Bodies) -> Places:
        """The force on each body: each pair is computed once and counted with both signs."""
        return paired(self.pull(q, bodies), q.shape[-2])

    def member(self, index: int) -> "AntisymmetricGraph":
        """One network alone."""
        return type(self)(self.net.member(index))


class CentralGraph(AntisymmetricGraph):
    """Newton's third law along the line: F_ij = f r_ij / |r_ij|, with f the same for both bodies.

    f = (g(d, i, j) + g(d, j, i)) / 2 sees the distance d and not the direction.

    Args:
        net: g, from the distance and two masses and charges, 5 numbers, to 1.
    """

    def pull(self, q: Places, bodies: Bodies) -> Pulls:
        """The force on the first body of every pair."""
        edge = edges(q, bodies)
        there, back = rows(self.net, edge.both[..., 2:]).unbind(1)
        return (there + back) / 2 * edge.way / edge.length * edge.there


class WithOutside(nn.Module):
    """Any of the three, and a force on each body that depends on where it is: walls, a slope, a hand.

    Args:
        inside: what the bodies do to each other.
        net: from place, mass and charge, 4 numbers, to 2.
    """

    def __init__(self, inside: nn.Module, net: EnsembleMLP):
        super().__init__()
        self.inside, self.net = inside, net

    def outside(self, q: Places, bodies: Bodies) -> Places:
        """What acts on each body from outside."""
        what = torch.stack(bodies, -1).expand(q.shape)
        return rows(self.net, torch.cat([q, what], -1)) * (bodies.mass > 0)[..., None]

    def force(self, q: Places, bodies: Bodies) -> Places:
        """Both together."""
        return self.inside.force(q, bodies) + self.outside(q, bodies)


def untrained(kind: str, seeds: tuple[int, ...] = (0,), width: int = 48) -> nn.Module:
    """A network of one of four kinds, one member per seed, all of nearly the same size.

    Args:
        kind: *plain*, *answering* (plain, with a second network behind the sum), *antisymmetric* or *central*.
        width: of the two hidden layers of g; of *central* and *answering* those that give as many weights.

    Raises:
        ValueError: there is no such kind.
    """
    if kind == "plain":
        return PlainGraph(weak(EnsembleMLP((7, width, width, 2), seeds)))
    if kind == "answering":
        less, few = round(0.8 * width), width // 2
        return PlainGraph(weak(EnsembleMLP((7, less, less, 16), seeds)), weak(EnsembleMLP((18, few, 2), seeds)))
    if kind == "antisymmetric":
        return AntisymmetricGraph(weak(EnsembleMLP((7, width, width, 2), seeds)))
    if kind == "central":
        return CentralGraph(weak(EnsembleMLP((5, width + 1, width + 1, 1), seeds)))
    raise ValueError(f"kind: got {kind!r}, wanted 'plain', 'answering', 'antisymmetric' or 'central'")


def weak(net: EnsembleMLP, share: float = 0.05) -> EnsembleMLP:
    """``net`` with its last layer made smaller: forces that are nearly none are a better first guess than arbitrary ones."""
    with torch.no_grad():
        net.weights[-1].mul_(share)
    return net


def force_loss(model: nn.Module, q: Tensor, force: Tensor, mass: Tensor, charge: Tensor) -> dict[str, Tensor]:
    """The mean squared error of the force on a body, summed over an ensemble's members, which share no weights.

    Args:
        q: (members, rows, n, 2), like the others a batch of a film.
    """
    error = (model.force(q, Bodies(mass, charge)) - force).square()
    return {"force": error.flatten(1).mean(1).sum()}


class ExportedForces(nn.Module):
    """One network for the browser: q (n, 2), mass (n), charge (n) -> force (n, 2). Bodies of mass 0 are not there."""

    def __init__(self, model: nn.Module, member: int = 0):
        super().__init__()
        self.model = model.member(member)

    def forward(self, q: Tensor, mass: Tensor, charge: Tensor) -> Tensor:
        return self.model.force(q[None], Bodies(mass, charge))[0]
