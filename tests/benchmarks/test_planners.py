"""The benchmark compares equal with equal. How fast either is depends on the machine, and is not tested here."""

import pytest
import torch

from benchmarks import planners
from benchmarks.planners import compare, contestants, their_parts, world_model


def test_every_contestant_gives_a_plan_of_the_asked_length():
    for plan in contestants((3, 8, 4, 2)).values():
        assert plan().shape == (1, 3, 2)


def test_a_ratio_is_of_times():
    found = compare({"CEM": lambda: sum(range(20_000)), "CEM, theirs": lambda: sum(range(80_000))}, repeats=5)
    assert found["CEM, theirs / ours"] == pytest.approx(found["CEM, theirs"] / found["CEM"], rel=0.3)


def test_where_theirs_are_missing_only_ours_run(monkeypatch):
    monkeypatch.setattr(planners, "their_parts", lambda: None)
    assert list(contestants((3, 8, 4, 2))) == ["CEM", "MPPI", "MPPI with elites"]


def test_their_model_imagines_what_ours_does():
    """The same network inside both: LeWM's cost of plans is ours."""
    parts = their_parts()
    if not parts:
        pytest.skip("stable-worldmodel is not installed")
    model, goal = world_model(), torch.randn(1, 64)
    inside = parts[2](planners.AsEncoder(), planners.AsPredictor(model.dynamics), torch.nn.Identity())
    z, actions = torch.randn(1, 6, 1, 64)[:, :1].expand(1, 6, 1, 64), torch.randn(1, 6, 4, 2)
    info = {"pixels": z, "goal": goal[:, None, None].expand(1, 6, 1, 64), "action": torch.zeros(1, 6, 1, 2)}
    with torch.no_grad():
        theirs, same = inside.get_cost(dict(info), actions), planners.OurCost(model, goal).get_cost(info, actions)
    torch.testing.assert_close(theirs, same, rtol=1e-4, atol=1e-3)
