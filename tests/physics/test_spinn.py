"""Separable networks: their derivatives are autograd's, their sums are the sums written out, and they refuse what makes no sense."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call, grad, jacrev, vmap

from wm_core.physics.spinn import SPINN, Factors, combine, laplacian

float64 = torch.float64
few = settings(deadline=None, max_examples=15)
sizes = st.integers(1, 5)


def lively(**options) -> SPINN:
    """A network in float64 whose biases are not zero."""
    model = SPINN(**options).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for bias in model.biases:
            bias.copy_(torch.randn(bias.shape, generator=generator, dtype=float64))
    return model


def points(*lengths: int, seed: int = 0) -> list:
    generator = torch.Generator().manual_seed(seed)
    return [2 * torch.rand(n, generator=generator, dtype=float64) - 1 for n in lengths]


@few
@given(axes=st.integers(1, 4), rank=sizes, layers=st.integers(1, 3), gated=st.booleans(), seed=st.integers(0, 99))
def test_derivatives_are_autograds(axes, rank, layers, gated, seed):
    model = lively(axes=axes, rank=rank, width=6, layers=layers, gated=gated, seed=seed)
    axis = seed % axes
    coordinates = points(*[3] * axes, seed=seed)
    got = model.factors(*coordinates)[axis]

    def value(s):
        return model.factors(*[s[None] if i == axis else x for i, x in enumerate(coordinates)])[axis].value[0]

    slope = jacrev(value)
    for order, along in zip(got, (value, slope, jacrev(slope)), strict=True):
        expected = torch.stack([along(s) for s in coordinates[axis]])
        torch.testing.assert_close(order, expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("gated", [True, False])
def test_an_axis_network_is_the_formula_of_its_layers(gated):
    model = lively(axes=1, rank=3, width=4, layers=3, gated=gated)
    x = points(5)[0]
    heard = [(weight[0], bias[0]) for weight, bias in zip(model.weights, model.biases, strict=True)]
    h = torch.tanh(x[:, None] @ heard[0][0] + heard[0][1])
    if gated:
        low, high, h = h.chunk(3, -1)
    for weight, bias in heard[1:-1]:
        z = torch.tanh(h @ weight + bias)
        h = (1 - z) * low + z * high if gated else z
    torch.testing.assert_close(model.factors(x)[0].value, h @ heard[-1][0] + heard[-1][1])


def test_weights_are_as_wide_as_promised_and_biases_are_zero():
    model = SPINN(axes=2, rank=50, width=200, layers=2)
    for weight, wanted in zip(model.weights, (2 / 201, 2 / 400, 2 / 250), strict=True):
        assert weight.var().item() == pytest.approx(wanted, rel=0.1)
    assert not any(bias.any() for bias in model.biases)


@pytest.mark.parametrize("gated", [True, False])
def test_the_gradient_of_a_second_derivative_by_the_weights_is_autograds(gated):
    model = lively(axes=2, rank=3, width=5, layers=3, gated=gated)
    x, y = points(4, 3)

    def bend(weights, x):
        return functional_call(model, dict(weights), (x, y)).sum()

    weights = dict(model.named_parameters())
    # by autograd alone: the curvature along x summed over the grid is the second derivative of a shift of all x together
    second = grad(grad(lambda s, w: bend(w, x + s)))

    def curvature(w):
        return second(torch.zeros((), dtype=float64), w)

    expected = grad(curvature)(weights)
    fx, fy = model.factors(x, y)
    got = torch.autograd.grad(combine([fx.second, fy.value]).sum(), list(weights.values()), allow_unused=True)
    for name, mine in zip(weights, got, strict=True):
        torch.testing.assert_close(
            torch.zeros_like(weights[name]) if mine is None else mine, expected[name], atol=1e-10, rtol=1e-10
        )


@pytest.mark.parametrize("gated", [True, False])
def test_gradients_have_gradients(gated):
    model = lively(axes=2, rank=2, width=3, layers=3, gated=gated)
    x, y = points(2, 3)
    weights = dict(model.named_parameters())

    def values(x, *given):
        return functional_call(model, dict(zip(weights, given, strict=True)), (x, y))

    inputs = [v.detach().clone().requires_grad_() for v in (x, *weights.values())]
    assert torch.autograd.gradcheck(values, inputs)
    assert torch.autograd.gradgradcheck(values, inputs)


@few
@given(st.lists(sizes, min_size=1, max_size=4), sizes, st.integers(0, 99))
def test_combine_is_the_sum_of_products(lengths, rank, seed):
    generator = torch.Generator().manual_seed(seed)
    factors = [torch.randn(n, rank, generator=generator, dtype=float64) for n in lengths]
    letters = "abcd"[: len(lengths)]
    expected = torch.einsum(f"{','.join(letter + 'r' for letter in letters)}->{letters}", *factors)
    torch.testing.assert_close(combine(factors), expected, atol=1e-12, rtol=1e-12)


@few
@given(st.lists(sizes, min_size=2, max_size=4), sizes, st.floats(-2, 2), st.integers(0, 99))
def test_the_laplacian_is_the_sum_of_its_terms(lengths, rank, shift, seed):
    generator = torch.Generator().manual_seed(seed)
    factors = [Factors(*torch.randn(3, n, rank, generator=generator, dtype=float64)) for n in lengths]
    weights = torch.randn(len(lengths), generator=generator, dtype=float64).tolist()
    values = [f.value for f in factors]
    expected = shift * combine(values)
    for i, weight in enumerate(weights):
        expected = expected + weight * combine([*values[:i], factors[i].second, *values[i + 1 :]])
    torch.testing.assert_close(laplacian(factors, weights, shift), expected, atol=1e-11, rtol=1e-11)


def test_axes_of_different_lengths_do_not_touch_each_other():
    model = lively(rank=4, width=8, layers=2)
    coordinates = points(2, 5, 3)
    whole = model(*coordinates)
    assert whole.shape == (2, 5, 3)
    torch.testing.assert_close(
        whole[:1, 2:4], model(coordinates[0][:1], coordinates[1][2:4], coordinates[2]), atol=1e-13, rtol=0
    )


def test_it_works_inside_transforms():
    model = lively(axes=2, rank=3, width=4, layers=2)
    many = torch.stack([points(3, seed=k)[0] for k in range(4)])
    other = points(2)[0]
    together = vmap(lambda x: model(x, other))(many)
    torch.testing.assert_close(together, torch.stack([model(x, other) for x in many]), atol=1e-13, rtol=0)


@pytest.mark.parametrize("gated", [True, False])
def test_slopes_and_curvatures_are_the_same_inside_transforms(gated):
    model = lively(axes=2, rank=3, width=4, layers=3, gated=gated)
    many = torch.stack([points(3, seed=k)[0] for k in range(4)])
    other = points(2)[0]
    together = vmap(lambda x: model.factors(x, other)[0])(many)
    for order, name in zip(together, Factors._fields, strict=True):
        alone = torch.stack([getattr(model.factors(x, other)[0], name) for x in many])
        torch.testing.assert_close(order, alone, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, float64])
def test_it_keeps_its_precision(dtype):
    model = SPINN(axes=2, rank=2, width=4).to(dtype)
    x, y = (p.to(dtype) for p in points(3, 3))
    model(x, y).sum().backward()
    assert model(x, y).dtype == model.weights[0].grad.dtype == dtype


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda m: m(torch.rand(3)), "points: got shapes"),
        (lambda m: m(torch.rand(3), torch.rand(0)), "points: got shapes"),
        (lambda m: m(torch.rand(3), torch.tensor([0.0, float("nan")])), "points: got 1"),
        (lambda m: SPINN(rank=0), "rank: got 0"),
        (lambda m: SPINN(layers=-1), "layers: got -1"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong(SPINN(axes=2, rank=2, width=4))
