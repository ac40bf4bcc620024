"""The benchmark compares equal with equal. How fast either is depends on the machine, and is not tested here."""

from types import SimpleNamespace

import pytest
import torch

from benchmarks import planners
from benchmarks.planners import compare, contestants, their_parts, world_model


def test_every_contestant_gives_a_plan_of_the_asked_length():
    for plan in contestants((3, 8, 4, 2)).values():
        assert plan().shape == (1, 3, 2)


def test_a_ratio_is_the_median_of_the_rounds_ratios(monkeypatch):
    """Three rounds by a clock that is given. The ratio of the medians, 8 / 2, would be another."""
    ours, theirs = (2.0, 1.0, 4.0), (6.0, 8.0, 20.0)
    ticks = iter([time for pair in zip(ours, theirs, strict=True) for took in pair for time in (0.0, 1e-3 * took)])
    monkeypatch.setattr(planners, "time", SimpleNamespace(process_time=lambda: next(ticks)))
    found = compare({"CEM": lambda: None, "CEM, theirs": lambda: None}, repeats=3)
    assert found == pytest.approx({"CEM": 2.0, "CEM, theirs": 8.0, "CEM, theirs / ours": 5.0})


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
