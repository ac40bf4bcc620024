"""How many numbers a network learns, and networks of the same size."""

import pytest
from torch import nn

from wm_core.nets.mlp import mlp
from wm_core.nets.size import parameters, width_for


def test_what_is_held_fast_is_not_counted():
    net = nn.ModuleList([nn.Linear(3, 4), nn.Linear(3, 4).requires_grad_(False)])
    assert parameters(net) == 3 * 4 + 4


@pytest.mark.parametrize("wanted", [1, 1000, 9_321])
def test_no_other_width_comes_nearer(wanted):
    found = width_for(lambda width: mlp(2, width, width, 3), wanted, most=200)
    apart = [abs(parameters(mlp(2, width, width, 3)) - wanted) for width in range(1, 129)]
    assert apart[found - 1] == min(apart)


def test_a_size_that_no_width_gives_is_refused():
    with pytest.raises(ValueError, match="wanted: got 1000, more than the 37 parameters at a width of 4"):
        width_for(lambda width: mlp(2, width, width, 1), 1000, most=4)
