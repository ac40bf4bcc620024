"""What `wm_core.physics.checked` promises."""

import pytest
import torch

from wm_core.physics.checked import finite


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_no_number_is_refused_by_name(value):
    x = torch.zeros(2, 3)
    x[1, 2] = value
    with pytest.raises(ValueError, match="field: got 1 of 6"):
        finite("field", x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
def test_numbers_pass_as_they_are(dtype):
    x = torch.ones(3, dtype=dtype)
    assert finite("field", x) is x


def test_inside_a_transform_nothing_is_asked():
    x = torch.linspace(0, 1, 4, dtype=torch.float64)
    square = lambda v: finite("v", v).square().sum()  # noqa: E731
    assert torch.allclose(torch.func.grad(square)(x), 2 * x)
    assert torch.allclose(torch.func.vmap(square)(x[:, None]), x.square())
    assert torch.allclose(torch.func.jacrev(lambda v: finite("v", v).square())(x), torch.diag(2 * x))
    with torch.autograd.forward_ad.dual_level():
        finite("v", torch.autograd.forward_ad.make_dual(x, x))


def test_it_can_be_compiled():
    compiled = torch.compile(lambda v: finite("v", v) * 2, backend="eager", fullgraph=True)
    assert torch.equal(compiled(torch.ones(2)), 2 * torch.ones(2))
