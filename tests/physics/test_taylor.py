"""Derivatives pushed forward: the same as autograd's, in training and inside transforms."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, grad, jacrev, vmap

from wm_core.nets.ensemble import EnsembleMLP
from wm_core.physics.taylor import Jet, Periodic, Sin, taylor

few = settings(deadline=None, max_examples=12)


def network(
    depth: int, width: int, d: int, out: int, activation=nn.Tanh, periodic: bool = False, seed: int = 0
) -> nn.Sequential:
    torch.manual_seed(seed)
    layers, before = [], d
    if periodic:
        layers.append(Periodic((None,) * (d - 1) + (2.0,), harmonics=2))
        before = layers[0].width
    for _ in range(depth):
        layers += [nn.Linear(before, width), activation()]
        before = width
    return nn.Sequential(*layers, nn.Linear(before, out)).double()


def by_autograd(net, x, directions, second=None) -> Jet:
    """Two passes backward for each output and direction."""
    x = x.detach().requires_grad_()
    value = net(x)
    first, last = [], []
    for e in directions:
        ones, twos = [], []
        for c in range(value.shape[-1]):
            flat = 0 * x.square().sum(-1)  # so that a linear network has a second derivative too
            slope = (torch.autograd.grad(value[..., c].sum(), x, create_graph=True)[0] * e).sum(-1) + flat
            ones.append(slope)
            twos.append((torch.autograd.grad(slope.sum(), x, create_graph=True)[0] * e).sum(-1))
        first.append(torch.stack(ones, -1))
        last.append(torch.stack(twos, -1))
    last = torch.stack(last)
    return Jet(
        value,
        torch.stack(first),
        last if second is None else torch.tensordot(last.new_tensor(second).reshape(-1, len(directions)), last, 1),
    )


def assert_same(got: Jet, wanted: Jet, tolerance: float = 1e-10):
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape
        torch.testing.assert_close(a, b, rtol=0, atol=tolerance * max([1.0, *b.detach().abs().flatten().tolist()]))


@few
@given(
    depth=st.integers(0, 3), d=st.integers(1, 3), out=st.integers(1, 3), sine=st.booleans(), periodic=st.booleans(),
    k=st.integers(1, 3), sums=st.sampled_from([None, 0, 2]), seed=st.integers(0, 99),
)  # fmt: skip
def test_value_slope_and_curvature_are_autograds(depth, d, out, sine, periodic, k, sums, seed):
    net = network(depth, 6, d, out, Sin if sine else nn.Tanh, periodic, seed)
    x, directions = torch.randn(5, d).double(), torch.randn(k, d).double()
    second = None if sums is None else torch.randn(sums, k).tolist()
    assert_same(taylor(net, x, directions, second), by_autograd(net, x, directions, second))


@few
@given(sine=st.booleans(), periodic=st.booleans(), mixed=st.booleans(), seed=st.integers(0, 99))
def test_the_gradient_of_a_loss_is_autograds(sine, periodic, mixed, seed):
    net = network(2, 7, 2, 3, Sin if sine else nn.Tanh, periodic, seed)
    x, directions = torch.randn(6, 2).double(), torch.eye(2).double()
    second = [[0.5, 2.0]] if mixed else None

    def gradient(jet):
        loss = sum(part.square().sum() for part in jet)
        return torch.autograd.grad(loss, list(net.parameters()))

    pairs = zip(
        gradient(taylor(net, x, directions, second)), gradient(by_autograd(net, x, directions, second)), strict=True
    )
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_the_gradient_can_be_differentiated_again():
    net = network(1, 4, 2, 1)
    x = torch.randn(3, 2).double()

    def loss(*weights):
        parts = dict(zip([name for name, _ in net.named_parameters()], weights, strict=True))
        for name, weight in parts.items():
            layer, what = name.split(".")
            net[int(layer)]._parameters[what] = weight
        return sum(part.square().sum() for part in taylor(net, x))

    weights = [weight.detach().clone().requires_grad_() for weight in net.parameters()]
    assert torch.autograd.gradcheck(loss, weights)
    assert torch.autograd.gradgradcheck(loss, weights)


def test_it_works_inside_transforms():
    net = network(2, 5, 2, 2)
    x = torch.randn(4, 2).double()
    weights = {name: weight.detach() for name, weight in net.named_parameters()}

    class Loss(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            jet = taylor(self.net, x)
            return (jet.value[..., 0] * jet.second[0, ..., 1]).sum() + jet.first.square().sum()

    model = Loss()
    named = {f"net.{name}": weight for name, weight in weights.items()}
    for parameter in net.parameters():
        parameter.grad = None
    model(x).backward()
    by_func = grad(lambda w: functional_call(model, w, (x,)))(named)
    for name, weight in net.named_parameters():
        torch.testing.assert_close(by_func[f"net.{name}"], weight.grad)
    one_by_one = vmap(lambda point: taylor(net, point[None]).second[:, 0])(x)
    torch.testing.assert_close(one_by_one.movedim(0, 1), taylor(net, x).second)
    slopes = vmap(jacrev(lambda point: taylor(net, point[None]).value[0]))(x)
    torch.testing.assert_close(slopes.permute(2, 0, 1), taylor(net, x).first)


def test_an_ensemble_is_its_members_side_by_side():
    ensemble = EnsembleMLP((1, 8, 8, 5), seeds=(0, 1, 2)).double()
    x = torch.randn(3, 7, 1).double()
    together = taylor(ensemble, x)
    assert together.first.shape == (1, 3, 7, 5)
    for i in range(3):
        alone = taylor(ensemble.member(i), x[i : i + 1])
        for a, b in zip(together, alone, strict=True):
            torch.testing.assert_close(a.select(-3, i), b.select(-3, 0))
    assert_same(together, by_autograd(ensemble, x, torch.eye(1).double()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_keeps_the_precision_of_its_input(dtype):
    net = network(2, 5, 2, 1, periodic=True).to(dtype)
    assert {part.dtype for part in taylor(net, torch.randn(3, 2, dtype=dtype))} == {dtype}


def test_periodic_features_repeat_exactly_as_promised():
    layer = Periodic((None, 2.0), harmonics=3)
    x = torch.randn(9, 2).double()
    assert layer(x).shape == (9, layer.width)
    torch.testing.assert_close(layer(x + torch.tensor([0.0, 2.0])), layer(x))
    assert not torch.allclose(layer(x + torch.tensor([0.0, 1.0])), layer(x))
    turned = torch.pi * x[:, 1:] * torch.arange(1, 4)
    torch.testing.assert_close(layer(x), torch.cat([x[:, :1], turned.sin(), turned.cos()], -1))


def test_what_comes_before_periodic_features_learns_too():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), Periodic((None, 2.0, 1.5)), nn.Linear(5, 1)).double()
    x, directions = torch.randn(6, 2).double(), torch.eye(2).double()
    for got, wanted in zip(
        *(
            torch.autograd.grad(sum(part.square().sum() for part in jet), list(net.parameters()))
            for jet in (taylor(net, x), by_autograd(net, x, directions))
        ),
        strict=True,
    ):
        torch.testing.assert_close(got, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (dict(x=torch.randn(4)), "x: got"),
        (dict(x=torch.ones(4, 2, dtype=torch.long)), "x: got"),
        (dict(x=torch.full((4, 2), torch.nan)), "x: got"),
        (dict(directions=torch.eye(3)), "directions: got"),
        (dict(second=[[1.0, 1.0, 1.0]]), "second: got"),
        (dict(net=nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))), "net: got a layer ReLU"),
    ],
)
def test_what_it_cannot_use_it_refuses_by_name(change, names):
    good = dict(net=network(1, 3, 2, 1).float(), x=torch.randn(4, 2), directions=torch.eye(2))
    with pytest.raises(ValueError, match=names):
        taylor(**(good | change))
