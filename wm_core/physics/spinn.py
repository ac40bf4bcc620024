"""Separable networks: one small network per axis, whose outputs are multiplied and summed, R times over.

u(x_1, ..., x_d) = Σ_r f_r^1(x_1) ··· f_r^d(x_d). On a grid with n points an axis the networks see d·n numbers and not n^d points, and
a derivative along an axis is the same sum with one factor replaced by its own derivative.

Source: Cho, Nam, Yang, Yun, Hong & Park, *Separable Physics-Informed Neural Networks* (2023), section 4. The gates between layers are
those of Wang, Teng & Perdikaris, *Understanding and mitigating gradient pathologies in physics-informed neural networks* (2021).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.physics.checked import finite, transformed


class Factors(NamedTuple):
    """What one axis' network says at n points of its axis, for each of the R terms of the sum.

    Attributes:
        value, first, second: (n, R), the outputs and their derivatives along the axis.
    """

    value: Tensor
    first: Tensor
    second: Tensor

    def at(self, rows: slice) -> "Factors":
        """The same at some of the points."""
        return Factors(*(order[rows] for order in self))


class SPINN(nn.Module):
    """A separable network.

    Args:
        axes: d, the number of coordinates.
        rank: R, the number of products that are summed. The authors' code has 32 for its equations in three coordinates.
        width, layers: of each axis' network, the last linear layer not counted; 64 and 4 in the authors' code.
        gated: each hidden layer h becomes (1 - h) U + h V with two further encodings U and V of the coordinate, as in the authors'
            code; otherwise the networks are plain.
        seed: of the weights, which are normal with variance 2 / (in + out); biases are 0. So they are in the authors' code, where the
            normal's tails are cut off.
    """

    def __init__(
        self, axes: int = 3, rank: int = 32, width: int = 64, layers: int = 4, gated: bool = True, seed: int = 0
    ):
        super().__init__()
        for name, value in (("axes", axes), ("rank", rank), ("width", width), ("layers", layers)):
            if value < 1:
                raise ValueError(f"{name}: got {value}, wanted at least 1")
        self.axes, self.rank, self.gated = axes, rank, gated
        generator = torch.Generator().manual_seed(seed)

        def glorot(before: int, after: int) -> Tensor:
            return (2 / (before + after)) ** 0.5 * torch.randn(axes, before, after, generator=generator)

        entry = torch.cat([glorot(1, width) for _ in range(3 if gated else 1)], -1)  # U and V beside the first layer
        weights = [entry, *(glorot(width, width) for _ in range(layers - 1)), glorot(width, rank)]
        self.weights = nn.ParameterList(weights)  # each (axes, in, out)
        self.biases = nn.ParameterList([torch.zeros(axes, 1, weight.shape[-1]) for weight in weights])

    def factors(self, *points: Float[Tensor, " _"]) -> list[Factors]:
        """The factors of every axis, with derivatives, in one pass through all the networks.

        Args:
            points: one tensor per axis, (n_i,); they may differ in length.

        Raises:
            ValueError: not one tensor per axis, an empty one, or a value that is NaN or infinite.
        """
        if len(points) != self.axes or any(x.ndim != 1 or not len(x) for x in points):
            got = [tuple(x.shape) for x in points]
            raise ValueError(f"points: got shapes {got}, wanted {self.axes} tensors (n,) with n at least 1")
        longest = max(len(x) for x in points)
        x = torch.stack([nn.functional.pad(x, (0, longest - len(x))) if len(x) < longest else x for x in points])
        orders = self.propagate(finite("points", x)).flatten(0, 1).unbind()  # their gradient is put together at once
        by_axis = [Factors(*orders[i : i + 3]) for i in range(0, len(orders), 3)]
        return [f if len(x) == longest else f.at(slice(len(x))) for f, x in zip(by_axis, points, strict=True)]

    def propagate(self, x: Float[Tensor, "axes n"]) -> Float[Tensor, "axes 3 n rank"]:
        """Values, slopes and curvatures of all axes' networks: a layer is one batched product for all of them."""
        stack = torch.stack([x, torch.ones_like(x), torch.zeros_like(x)], 1).unsqueeze(-1)  # x itself: slope 1
        stack = layer(stack, self.weights[0], self.biases[0])
        low = gap = None
        if self.gated:
            low, high, stack = stack.chunk(3, -1)
            gap = high - low
        between = list(zip(self.weights, self.biases, strict=True))[1:-1]  # a slice of a ParameterList would be a copy
        for weight, bias in between:
            stack = layer(stack, weight, bias, low, gap)
        out = (stack.flatten(1, 2) @ self.weights[-1]).unflatten(1, (3, -1))
        return torch.cat([out[:, :1] + self.biases[-1].unsqueeze(1), out[:, 1:]], 1)

    def forward(self, *points: Float[Tensor, " _"]) -> Tensor:
        """The values on the grid that the points of the axes span: (n_1, ..., n_d)."""
        return combine([f.value for f in self.factors(*points)])


def combine(factors: Sequence[Float[Tensor, "_ rank"]]) -> Tensor:
    """Σ_r of the outer products of the columns: (n_1, R), ..., (n_d, R) to (n_1, ..., n_d).

    All axes but the last are multiplied out, (n_1 ··· n_{d-1}, R), and the sum over r is a matrix product with the last. This is the
    only place where a number for each point of the grid comes up.
    """
    left = factors[0]
    for factor in factors[1:-1]:
        left = (left[:, None] * factor).flatten(0, 1)
    grid = left @ factors[-1].mT if len(factors) > 1 else left.sum(-1)
    return grid.view([len(factor) for factor in factors])


def laplacian(factors: Sequence[Factors], weights: Sequence[float], shift: float = 0.0) -> Tensor:
    """Σ_i w_i ∂²u/∂x_i² + shift · u on the grid.

    Terms that share the last axis' factor are added before the sum over r, so the grid is met in two matrix products, whatever the
    number of axes. For each r, bent and plain are the terms with and without a second derivative among the axes so far.
    """
    first, *middle, last = factors
    bent, plain = weights[0] * first.second + shift * first.value, first.value  # (n_1, R)
    for factor, weight in zip(middle, weights[1:-1], strict=True):
        carried = bent[:, None] * factor.value
        bent = torch.addcmul(carried, plain[:, None], factor.second, value=weight).flatten(0, 1)
        plain = (plain[:, None] * factor.value).flatten(0, 1)
    grid = torch.addmm(plain @ (weights[-1] * last.second).mT, bent, last.value.mT)
    return grid.view([len(factor.value) for factor in factors])


def layer(stack: Tensor, weight: Tensor, bias: Tensor, low: Tensor | None = None, gap: Tensor | None = None) -> Tensor:
    """tanh of an affine map, of values, slopes and curvatures together; then the gate, if there is one.

    Args:
        stack: (axes, 3, n, in).
        weight, bias: (axes, in, out) and (axes, 1, out).
        low, gap: U and V - U of the gate U + tanh(·) (V - U), both (axes, 3, n, out).
    """
    if any(transformed(x) for x in (stack, weight, bias)):
        return layer_by_formula(stack, weight, bias, low, gap)
    return _Layer.apply(stack, weight, bias, low, gap)


def layer_by_formula(
    stack: Tensor, weight: Tensor, bias: Tensor, low: Tensor | None = None, gap: Tensor | None = None
) -> Tensor:
    """`layer` as a formula, for transforms and for derivatives of derivatives."""
    z, z1, z2 = (stack.flatten(1, 2) @ weight).unflatten(1, (3, -1)).unbind(1)
    s = torch.tanh(z + bias)
    d = 1 - s * s  # tanh' = 1 - tanh², tanh'' = -2 tanh tanh'
    h, h1, h2 = s, d * z1, d * (z2 - 2 * s * z1 * z1)
    if gap is not None:
        g, g1, g2 = gap.unbind(1)
        return low + torch.stack([h * g, h1 * g + h * g1, h2 * g + 2 * h1 * g1 + h * g2], 1)
    return torch.stack([h, h1, h2], 1)


class _Layer(torch.autograd.Function):
    """The same with its gradient written out, which takes a third of the operations and keeps fewer tensors."""

    @staticmethod
    def forward(ctx, stack, weight, bias, low, gap):
        z = torch.bmm(stack.flatten(1, 2), weight).unflatten(1, (3, -1))
        y = torch.empty_like(z)
        (z0, z1, z2), (s, y1, y2) = z.unbind(1), y.unbind(1)
        torch.tanh(z0.add_(bias), out=s)
        d = 1 - s * s
        t = s * z1
        q = torch.addcmul(z2, t, z1, value=-2)
        torch.mul(d, z1, out=y1)
        torch.mul(d, q, out=y2)
        ctx.save_for_backward(stack, weight, bias, low, gap, z1, y, d, t, q)
        return y if gap is None else _times(y, gap, low)

    @staticmethod
    def backward(ctx, g):
        stack, weight, bias, low, gap, z1, y, d, t, q = ctx.saved_tensors
        if torch.is_grad_enabled():  # somebody wants the gradient's own gradient
            inputs = (stack, weight, bias, low, gap)
            needed = [x is not None and x.requires_grad for x in inputs]
            alone = [x.view_as(x) if need else x for x, need in zip(inputs, needed, strict=True)]  # gap depends on low
            asked = [x for x, need in zip(alone, needed, strict=True) if need]
            grads = iter(torch.autograd.grad(layer_by_formula(*alone), asked, g, create_graph=True))
            return tuple(next(grads) if need else None for need in needed)
        gate = None if gap is None else _pulled(g, y)
        gy = g.clone() if gap is None else _pulled(g, gap)
        (g0, g1, g2), (s, y1, _) = gy.unbind(1), y.unbind(1)
        bend = (z1 * y1).addcmul_(s, q)
        g0.addcmul_(t, g1, value=-2).addcmul_(bend, g2, value=-2)
        g1.addcmul_(t, g2, value=-4)
        flat = gy.mul_(d.unsqueeze(1)).flatten(1, 2)
        down = torch.bmm(flat, weight.mT).view_as(stack) if ctx.needs_input_grad[0] else None
        return (
            down,
            torch.bmm(stack.flatten(1, 2).mT, flat),
            g0.sum(1, keepdim=True),
            None if gap is None else g,
            gate,
        )


def _times(a: Tensor, b: Tensor, plus: Tensor) -> Tensor:
    """plus + a b, in value, slope and curvature."""
    y = torch.addcmul(plus, a, b.narrow(1, 0, 1))
    y.narrow(1, 1, 2).addcmul_(a.narrow(1, 0, 1), b.narrow(1, 1, 2))
    y.select(1, 2).addcmul_(a.select(1, 1), b.select(1, 1), value=2)
    return y


def _pulled(g: Tensor, b: Tensor) -> Tensor:
    """What the gradient g of a b is for a."""
    back = g * b.narrow(1, 0, 1)
    (back0, back1, _), (_, g1, g2), (_, b1, b2) = back.unbind(1), g.unbind(1), b.unbind(1)
    back0.addcmul_(g1, b1).addcmul_(g2, b2)
    back1.addcmul_(g2, b1, value=2)
    return back
