"""BYOL: who learns, who follows, and what its loss does not forbid."""

import pytest
import torch
from torch import nn

from wm_core.jepa.byol import BYOL, byol_loss


@pytest.fixture
def model():
    torch.manual_seed(0)
    return BYOL(nn.Sequential(nn.Flatten(), nn.Linear(12, 10)), features=10, dim=6, hidden=16)


@pytest.fixture
def views():
    return torch.rand(32, 2, 3, 2, 2, generator=torch.Generator().manual_seed(1))


def test_the_loss_is_the_mean_over_ordered_pairs_of_views(model, views):
    model.eval()
    with torch.no_grad():
        z, target = model(views), model.teacher(views.flatten(0, 1)).unflatten(0, (32, 2))
        cosines = [torch.cosine_similarity(model.predict(z[:, v]), target[:, 1 - v]) for v in range(2)]
        expected = 2 - 2 * torch.stack(cosines).mean()
    torch.testing.assert_close(byol_loss(model, views)["prediction"].detach(), expected)


def test_only_the_online_half_learns(model, views):
    byol_loss(model, views)["prediction"].backward()
    for part in (model.encoder, model.project, model.predict):
        assert all(weight.grad is not None for weight in part.parameters())
    assert all(weight.grad is None and not weight.requires_grad for weight in model.teacher.parameters())


def test_the_teacher_starts_equal_follows_and_stands_still_at_the_end(model):
    online = nn.Sequential(model.encoder, model.project)
    pairs = list(zip(model.teacher.parameters(), online.parameters(), strict=True))
    assert all(torch.equal(slow, fast) for slow, fast in pairs)
    with torch.no_grad():
        for _, fast in pairs:
            fast.add_(1)
    model.follow(0.0)
    assert all(torch.allclose(slow, fast - 0.9, atol=1e-6) for slow, fast in pairs)
    model.follow(1.0)
    assert all(torch.allclose(slow, fast - 0.9, atol=1e-6) for slow, fast in pairs)


def test_a_constant_embedding_costs_nothing(model, views):
    with torch.no_grad():
        for part in (model.project, model.predict, model.teacher[1]):
            part[-1].weight.zero_()
            part[-1].bias.fill_(1.0)
    assert float(byol_loss(model, views)["prediction"].detach()) == pytest.approx(0, abs=1e-6)
