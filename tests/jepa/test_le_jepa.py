"""LeJEPA's loss: its two terms, their weights, and that nothing in it stops a gradient or draws a line twice."""

import pytest
import torch
from torch import nn

from wm_core.jepa.le_jepa import LeJEPA, agreement, le_jepa_loss
from wm_core.objectives.sigreg import sigreg


@pytest.fixture
def model():
    torch.manual_seed(0)
    return LeJEPA(nn.Sequential(nn.Flatten(), nn.Linear(12, 10)), features=10, dim=6, hidden=32)


@pytest.fixture
def views():
    return torch.rand(64, 3, 3, 2, 2, generator=torch.Generator().manual_seed(1))


def test_an_embedding_for_each_view_of_each_picture(model, views):
    z = model(views)
    assert z.shape == (64, 3, 6)
    model.eval()
    torch.testing.assert_close(model(views)[5, 2], model(views[5:6, 2:])[0, 0])


def test_agreement_is_the_mean_squared_distance_to_the_centre():
    z = torch.tensor([[[0.0, 1.0], [2.0, 1.0]]])
    assert float(agreement(z)) == pytest.approx((1 + 1 + 0 + 0) / 4)
    assert float(agreement(z, centres=1)) == pytest.approx((0 + 4 + 0 + 0) / 4)


def test_the_loss_is_the_weighted_pair_of_terms(model, views):
    model.eval()
    torch.manual_seed(3)
    terms = le_jepa_loss(model, views, weight=0.2, slices=32)
    torch.manual_seed(3)
    z = model(views)
    expected = torch.stack([sigreg(z[:, v], along=_lines()) for v in range(3)]).mean()
    assert terms["agreement"].item() == pytest.approx(0.8 * float(agreement(z).detach()), rel=1e-5)
    assert terms["sigreg"].item() == pytest.approx(0.2 * expected.item(), rel=1e-4)


def _lines():
    """The lines that a seed of 3 gives."""
    drawn = torch.randn(6, 32, generator=torch.Generator().manual_seed(3))
    return drawn / drawn.norm(dim=0)


def test_gradients_reach_every_view_and_every_weight(model, views):
    z = model(views).detach().requires_grad_()
    (slope,) = torch.autograd.grad(agreement(z), z)
    assert (slope.abs().amax((0, 2)) > 0).all()
    sum(le_jepa_loss(model, views).values()).backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in model.parameters())


def test_lines_are_new_at_every_call(model, views):
    model.eval()
    first, second = (float(le_jepa_loss(model, views, slices=4)["sigreg"]) for _ in range(2))
    assert first != second


@pytest.mark.slow
def test_a_few_steps_open_an_encoder_that_began_nearly_collapsed(model, views):
    with torch.no_grad():
        model.project[-1].weight.mul_(1e-2)
    before = float(model(views)[:, 0].std(0).min())
    updates = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(150):
        updates.zero_grad()
        sum(le_jepa_loss(model, views, slices=16).values()).backward()
        updates.step()
    assert before < 0.05
    assert float(model(views)[:, 0].std(0).min()) > 10 * before
