import pytest
import torch

from wm_core.metrics.field import relative_l2


def test_the_error_is_a_share_of_the_field():
    wanted = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    assert relative_l2(wanted, wanted) == 0
    assert relative_l2(torch.zeros(2, 2), wanted) == 1
    assert relative_l2(wanted + torch.tensor([[0.0, 3.0], [4.0, 0.0]]), wanted) == 1
    assert relative_l2(1.1 * wanted, wanted) == pytest.approx(0.1, rel=1e-5)


@pytest.mark.parametrize(("got", "wanted"), [((3,), (3, 1)), ((1,), (3,))])
def test_what_would_be_stretched_to_fit_is_refused(got, wanted):
    with pytest.raises(ValueError, match="wanted that of the true field"):
        relative_l2(torch.ones(got), torch.ones(wanted))


def test_there_is_no_share_of_nothing():
    with pytest.raises(ValueError, match="zero everywhere"):
        relative_l2(torch.ones(3), torch.zeros(3))
