"""Derivatives of a network by its inputs, pushed forward together with its value.

Along a line x + s e a network is a curve in s. Each layer takes a curve's value, slope and curvature to those of the next, by
the chain rule, so one pass forward gives what two nested passes backward would. The curves in all directions share their value, and
are stacked, so that a linear layer is one matrix product.

Source: Griewank & Walther, *Evaluating Derivatives* (2008), chapter 13, Taylor arithmetic. Sums of curvatures that are carried as
one quantity: Li et al., *A computational framework for neural network-based variational Monte Carlo with Forward Laplacian* (2024).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wm_core.nets.ensemble import EnsembleMLP
from wm_core.physics.checked import finite, transformed

Rule = Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]]  # of a, and f(a) if it is known: f(a) and three derivatives
Mix = Sequence[Sequence[float | int]]


class Jet(NamedTuple):
    """A network's value, and its derivatives along k directions.

    Attributes:
        value: (n, out).
        first: (k, n, out), the slopes along the directions.
        second: (m, n, out), the curvatures along the same directions (m = k), or the sums of them that were asked for.
    """

    value: Tensor
    first: Tensor
    second: Tensor


class Sin(nn.Module):
    """The sine of each input."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x)


class Periodic(nn.Module):
    """Replaces coordinates by sines and cosines, so that whatever follows is periodic in them, exactly.

    The outputs are the other coordinates in their order, then the sines, then the cosines.

    Args:
        periods: of each coordinate, or None for one that stays as it is: ``(None, 2 * pi, 2 * pi)``.
        harmonics: sines and cosines of 1 to this many times the basic frequency.
    """

    def __init__(self, periods: tuple[float | None, ...], harmonics: int = 1):
        super().__init__()
        turning = [(i, h) for h in range(1, harmonics + 1) for i, period in enumerate(periods) if period is not None]
        self.kept = [i for i, period in enumerate(periods) if period is None]
        self.turned = [i for i, _ in turning]
        self.rates = [2 * torch.pi * h / periods[i] for i, h in turning]
        self.width = len(self.kept) + 2 * len(turning)

    def forward(self, x: Tensor) -> Tensor:
        angle = x[..., self.turned] * x.new_tensor(self.rates)
        return torch.cat([x[..., self.kept], torch.sin(angle), torch.cos(angle)], -1)


def taylor(net: nn.Module, x: Tensor, directions: Tensor | None = None, second: Mix | None = None) -> Jet:
    """Value, first and second derivatives of ``net`` at the points ``x``, in one pass.

    Args:
        net: `nn.Linear`, `nn.Tanh`, `Sin` and `Periodic` layers in an `nn.Sequential` (nested as you like), or an `EnsembleMLP`.
        x: points (n, d); for an ensemble (members, n, d), and then what is returned has that axis before n too.
        directions: (k, d), along which to differentiate; None for the coordinates themselves.
        second: which sums of the k curvatures to return, m rows of k weights; None for each of them, ``[]`` for none.
            ``[[0, 1, 1]]`` is the Laplacian in the last two of (t, x, y), and costs less than the three curvatures.

    Raises:
        ValueError: a layer without a rule, shapes that do not fit, or a value that is NaN or infinite.
    """
    if x.ndim < 2 or not x.is_floating_point():
        raise ValueError(f"x: got {x.dtype} of shape {tuple(x.shape)}, wanted floating-point points (n, d)")
    lines = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device) if directions is None else directions.to(x)
    if lines.ndim != 2 or lines.shape[1] != x.shape[-1]:
        raise ValueError(f"directions: got shape {tuple(lines.shape)}, wanted (k, {x.shape[-1]})")
    k = len(lines)
    mix = [[float(i == j) for j in range(k)] for i in range(k)] if second is None else second
    if any(len(weights) != k for weights in mix):
        raise ValueError(f"second: got {second}, wanted rows of {k} weights, one for each direction")

    lines = finite("directions", lines).expand(*x.shape[:-2], *lines.shape)
    curves = _Curves(finite("x", x), lines)
    for layer in _layers(net):
        if isinstance(layer, nn.Linear | _Member):
            curves = _linear(layer, curves)
        elif type(layer) in RULES:
            curves = _bent(RULES[type(layer)], curves, mix)
        elif isinstance(layer, Periodic):
            curves = _periodic(layer, curves, mix)
        else:
            raise ValueError(f"net: got a layer {type(layer).__name__}, wanted Linear, Tanh, Sin or Periodic")
    value, first, last = _stacked(curves, len(mix)).split([1, k, len(mix)], -3)
    return Jet(value.squeeze(-3), first.movedim(-3, 0), last.movedim(-3, 0))


class _Curves(NamedTuple):
    """What travels through the layers: straight lines until the first activation, then stacks.

    Attributes:
        z: values (..., n, width) of the lines; or (..., 1 + k + m, n, width), values, then slopes, then curvatures.
        slopes: (..., k, width) of the lines, the same at each point; None once they are in the stack.
        bias: still to be added to the stack's values.
    """

    z: Tensor
    slopes: Tensor | None
    bias: Tensor | None = None


def _linear(layer: "nn.Linear | _Member", curves: _Curves) -> _Curves:
    """One product for the whole stack. Slopes and curvatures do not see the bias."""
    turned = layer.weight.mT
    if curves.slopes is not None:
        z = curves.z @ turned
        return _Curves(z if layer.bias is None else z + layer.bias, curves.slopes @ turned)
    z = _with_bias(curves)
    return _Curves((z.flatten(-3, -2) @ turned).unflatten(-2, z.shape[-3:-1]), None, layer.bias)


def _bent(rule: Rule, curves: _Curves, mix: Mix) -> _Curves:
    """The chain rule through an activation f: f(a), f'(a) a1 and f'(a) a2 + f''(a) a1²."""
    z, slopes, bias = curves
    if slopes is not None:
        plain = transformed(z) or transformed(slopes)
        return _Curves(_bend_lines(rule, z, slopes, mix) if plain else _BendLines.apply(z, slopes, rule, mix), None)
    bias = z.new_zeros(z.shape[-1]) if bias is None else bias
    plain = transformed(z) or transformed(bias)
    return _Curves(_bend(rule, z, bias, mix) if plain else _Bend.apply(z, bias, rule, mix), None)


def _bend(rule: Rule, z: Tensor, bias: Tensor, mix: Mix) -> Tensor:
    """The rule as a formula, for transforms and for derivatives of derivatives."""
    k = z.shape[-3] - 1 - len(mix)
    a, a1, a2 = z.split([1, k, len(mix)], -3)
    f, d, dd, _ = rule(a.squeeze(-3) + bias)
    f, d, dd = f.unsqueeze(-3), d.unsqueeze(-3), dd.unsqueeze(-3)
    bends = torch.einsum("mk,...knw->...mnw", _matrix(mix, z, k), a1 * a1)
    return torch.cat([f, d * a1, d * a2 + dd * bends], -3)


def _bend_lines(rule: Rule, a: Tensor, slopes: Tensor, mix: Mix) -> Tensor:
    """The same for lines: slopes without curvature that are the same at each point."""
    f, d, dd, _ = rule(a)
    f, d, dd = f.unsqueeze(-3), d.unsqueeze(-3), dd.unsqueeze(-3)
    bends = _matrix(mix, a, slopes.shape[-2]) @ (slopes * slopes)
    return torch.cat([f, d * slopes.unsqueeze(-2), dd * bends.unsqueeze(-2)], -3)


class _Bend(torch.autograd.Function):
    """The same with its gradient written out: nothing kept but what goes in and out, and row by row, so that it stays in cache."""

    @staticmethod
    def forward(ctx, z, bias, rule, mix):
        k, rows = z.shape[-3] - 1 - len(mix), z.unbind(-3)
        f, d, dd, _ = rule(rows[0] + bias)
        y = torch.empty_like(z)
        out = y.unbind(-3)
        out[0].copy_(f)
        torch.mul(z[..., 1:, :, :], d.unsqueeze(-3), out=y[..., 1:, :, :])
        part = torch.empty_like(d)
        for j, i, weight in _pairs(mix):
            torch.mul(rows[1 + i], rows[1 + i], out=part)
            out[1 + k + j].addcmul_(part, dd, value=weight)
        ctx.save_for_backward(z, bias, y)
        ctx.rule, ctx.mix = rule, mix
        return y

    @staticmethod
    def backward(ctx, g):
        (z, bias, y), rule, mix = ctx.saved_tensors, ctx.rule, ctx.mix
        if torch.is_grad_enabled():  # somebody wants the gradient's own gradient
            return *torch.autograd.grad(_bend(rule, z, bias, mix), (z, bias), g, create_graph=True), None, None
        k, rows, gs = z.shape[-3] - 1 - len(mix), z.unbind(-3), g.unbind(-3)
        _, d, dd, ddd = rule(rows[0] + bias, y.select(-3, 0))
        gz = g * d.unsqueeze(-3)
        out = gz.unbind(-3)
        slope, bend, part = torch.zeros_like(d), torch.zeros_like(d), torch.empty_like(d)
        for a, b in zip(gs[1:], rows[1:], strict=True):
            slope.addcmul_(a, b)
        for j, i, weight in _pairs(mix):
            torch.mul(gs[1 + k + j], rows[1 + i], out=part)
            out[1 + i].addcmul_(part, dd, value=2 * weight)
            bend.addcmul_(part, rows[1 + i], value=weight)
        out[0].addcmul_(slope, dd).addcmul_(bend, ddd)
        return gz, out[0].sum_to_size(bias.shape), None, None


class _BendLines(torch.autograd.Function):
    """The same for lines."""

    @staticmethod
    def forward(ctx, a, slopes, rule, mix):
        k, (f, d, dd, _) = slopes.shape[-2], rule(a)
        y = a.new_empty(*a.shape[:-2], 1 + k + len(mix), *a.shape[-2:])
        y.select(-3, 0).copy_(f)
        torch.mul(d.unsqueeze(-3), slopes.unsqueeze(-2), out=y[..., 1 : 1 + k, :, :])
        bends = _matrix(mix, a, k) @ (slopes * slopes)
        torch.mul(dd.unsqueeze(-3), bends.unsqueeze(-2), out=y[..., 1 + k :, :, :])
        ctx.save_for_backward(a, slopes, y)
        ctx.rule, ctx.mix = rule, mix
        return y

    @staticmethod
    def backward(ctx, g):
        (a, slopes, y), rule, mix = ctx.saved_tensors, ctx.rule, ctx.mix
        if torch.is_grad_enabled():
            return (
                *torch.autograd.grad(_bend_lines(rule, a, slopes, mix), (a, slopes), g, create_graph=True),
                None,
                None,
            )
        k, gs = slopes.shape[-2], g.unbind(-3)
        weights = _matrix(mix, a, k)
        _, d, dd, ddd = rule(a, y.select(-3, 0))
        bends = weights @ (slopes * slopes)
        slope, bend = torch.zeros_like(d), torch.zeros_like(d)
        for i in range(k):
            slope.addcmul_(gs[1 + i], slopes[..., i : i + 1, :])
        for j in range(len(mix)):
            bend.addcmul_(gs[1 + k + j], bends[..., j : j + 1, :])
        ga = torch.mul(gs[0], d).addcmul_(slope, dd).addcmul_(bend, ddd)
        if not ctx.needs_input_grad[1]:
            return ga, None, None, None
        first = torch.stack([(gs[1 + i] * d).sum(-2) for i in range(k)], -2)
        if mix:
            last = torch.stack([(gs[1 + k + j] * dd).sum(-2) for j in range(len(mix))], -2)
            first = first + 2 * slopes * (weights.mT @ last)
        return ga, first, None, None


def _tanh(a: Tensor, s: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One tanh serves all four: its first derivative is d = 1 - s², the second -2 s d, the third d (4 - 6 d)."""
    known, s = s is not None, torch.tanh(a) if s is None else s
    d = 1 - s * s
    return s, d, -2 * s * d, d * (4 - 6 * d) if known else d  # the third is wanted on the way back alone


def _sin(a: Tensor, s: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    s, c = torch.sin(a) if s is None else s, torch.cos(a)
    return s, c, -s, -c


def _cos(a: Tensor, c: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    s, c = torch.sin(a), torch.cos(a) if c is None else c
    return c, -s, -c, s


RULES: dict[type[nn.Module], Rule] = {nn.Tanh: _tanh, Sin: _sin}


def _periodic(layer: Periodic, curves: _Curves, mix: Mix) -> _Curves:
    """Some coordinates as they are, the others through a sine and a cosine."""
    z = curves.z if curves.slopes is not None else _with_bias(curves)
    rates = z.new_tensor(layer.rates)

    def chosen(columns: list[int], scale: Tensor | float) -> _Curves:
        slopes = None if curves.slopes is None else curves.slopes[..., columns] * scale
        return _Curves(z[..., columns] * scale, slopes)

    waves = [_bent(rule, chosen(layer.turned, rates), mix).z for rule in (_sin, _cos)]
    return _Curves(torch.cat([_stacked(chosen(layer.kept, 1.0), len(mix)), *waves], -1), None)


def _matrix(mix: Mix, like: Tensor, k: int) -> Tensor:
    """The weights as (m, k), also where m is 0."""
    return like.new_tensor(mix).reshape(-1, k)


def _pairs(mix: Mix) -> list[tuple[int, int, float]]:
    """(sum, direction, weight) where the weight is not zero."""
    return [(j, i, float(weight)) for j, row in enumerate(mix) for i, weight in enumerate(row) if weight]


def _with_bias(curves: _Curves) -> Tensor:
    """The stack, its values with their bias."""
    z, _, bias = curves
    if bias is None:
        return z
    return torch.cat([(z.select(-3, 0) + bias).unsqueeze(-3), z[..., 1:, :, :]], -3)


def _stacked(curves: _Curves, sums: int) -> Tensor:
    """Whatever there is as a stack."""
    z, slopes, _ = curves
    if slopes is None:
        return _with_bias(curves)
    n, width = z.shape[-2:]
    spread = slopes.unsqueeze(-2).expand(*slopes.shape[:-1], n, width)
    return torch.cat([z.unsqueeze(-3), spread, z.new_zeros(*slopes.shape[:-2], sums, n, width)], -3)


class _Member(NamedTuple):
    """One linear layer of an ensemble."""

    weight: Tensor
    bias: Tensor | None


def _layers(net: nn.Module) -> Iterator:
    """The layers in the order in which they are applied."""
    if isinstance(net, nn.Sequential):
        for layer in net:
            yield from _layers(layer)
    elif isinstance(net, EnsembleMLP):
        for weight, bias in zip(net.weights, net.biases, strict=False):
            yield _Member(weight, bias)
            yield nn.Tanh()
        yield _Member(net.weights[-1], None)
    else:
        yield net
