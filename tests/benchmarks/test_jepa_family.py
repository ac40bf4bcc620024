"""The comparison compares equal with equal: same films, same reader, and nobody is told what others are not."""

import json

import pytest
import torch

from benchmarks.jepa_family import (
    OUT,
    SURPRISES,
    TOLD,
    WORLD,
    Slots,
    coordinates,
    drifted,
    impossible,
    judge_slots,
    seeded,
    surprised,
    train,
)
from benchmarks.members import MEMBERS, tokens_of
from wm_core.metrics.probe import LinearProbe

TOLD_MORE = {"told in words", "told the places"}


@pytest.fixture(scope="module")
def films():
    return WORLD.episodes(12, 15, seeded(3))


class Only:
    """Data of which nothing but the films to watch is there."""

    def __init__(self, watch):
        self.watch = watch


@pytest.mark.slow
@pytest.mark.parametrize("name", MEMBERS)
def test_every_member_makes_a_token_of_each_patch_after_training(films, name):
    encoder, _ = train(name, Only(films), 2, 1e-3, 0)
    tokens = tokens_of(encoder, films.frames[:2, :3])
    assert tokens.shape[:3] == (2, 3, 36)
    assert tokens.isfinite().all()
    assert not torch.allclose(tokens[0, 0], tokens[1, 0])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MEMBERS if name not in TOLD_MORE])
def test_no_other_member_looks_at_actions_or_places(films, name):
    """Films whose actions and places are not even numbers teach it the same."""
    blank = films._replace(actions=films.actions * float("nan"), states=films.states * float("nan"))
    one, other = (train(name, Only(each), 2, 1e-3, 0)[0] for each in (films, blank))
    assert torch.equal(tokens_of(one, films.frames[:2]), tokens_of(other, films.frames[:2]))


def test_an_impossible_moment_differs_in_what_it_is_named_after(films):
    after, before = films.states[:, 1:], films.states[:, :-1]
    for kind in SURPRISES:
        states, sensible = impossible(films, kind, seeded(0))
        moved = (states - after)[sensible].split(2, -1)
        robot, puck = (part.norm(dim=-1) for part in moved)
        if kind == "robot jumps":
            torch.testing.assert_close(robot, torch.full_like(robot, 3.0))
            assert not puck.any()
        else:
            assert not robot.any()
            assert (puck > 0.29).all()
    assert torch.equal(states[..., 2:], before[..., 2:])  # the puck that stands firm


def test_perfect_imagination_does_not_drift_and_finds_every_impossible_moment_odd(films):
    z = coordinates(films.states)
    ruler = LinearProbe(z.flatten(0, 1), films.states.flatten(0, 1))
    found = drifted(z[:, 1:], z, ruler, films.states)
    assert found["error after 8"] == 0
    assert found["horizon"] == 15
    odd = surprised(lambda states, wallpaper: coordinates(states), z[:, 1:], z, films)
    assert set(odd.values()) == {1.0}


def test_imagination_that_stands_still_is_as_wrong_as_things_have_moved(films):
    z = coordinates(films.states)
    ruler = LinearProbe(z.flatten(0, 1), films.states.flatten(0, 1))
    found = drifted(z[:, :1].expand(-1, 15, -1), z, ruler, films.states)
    expected = (z[:, 0] - z[:, 8]).square().mean() / z.flatten(0, 1).var(0).mean()
    assert found["error after 8"] == pytest.approx(float(expected), rel=1e-5)
    assert found["horizon"] < 15


def test_a_history_holds_the_moments_before_and_begins_at_rest(films):
    histories = Slots.histories(films.states, films.actions)
    assert histories.shape == (12, 15, 3, 3, 5)
    torch.testing.assert_close(histories[:, 5, 2, :2, :2].flatten(1), coordinates(films.states[:, 5]))
    torch.testing.assert_close(histories[:, 5, 1, 2, :2], films.actions[:, 4] / WORLD.reach)
    torch.testing.assert_close(histories[:, 0, 0, :2], histories[:, 0, 2, :2])
    assert not histories[:, 0, :2, 2, :2].any()
    shifted = Slots.shift(histories[:, 4], films.states[:, 5])
    torch.testing.assert_close(shifted[:, :2], histories[:, 5, :2])
    torch.testing.assert_close(shifted[:, 2, :2], histories[:, 5, 2, :2])


def test_a_model_of_slots_that_knows_the_world_reaches_every_goal(films):
    class Knows(Slots):
        def __init__(self):
            super().__init__(None)

        def after(self, history):
            states = history[:, -1, :2, :2].flatten(1) * 4 + 12
            return coordinates(WORLD.step(states, history[:, -1, 2, :2] * WORLD.reach))

    found = judge_slots(Knows(), films, films)
    assert found["reached"] > 0.9
    assert found["horizon"] == 15
    assert found["surprise, robot jumps"] == 1


def test_the_published_results_are_of_all_members_and_of_three_seeds():
    found = json.loads(OUT.read_text())
    assert list(found["rows"]) == [*MEMBERS, *TOLD]
    assert found["about"]["seeds"] == 3
    assert len(found["about"]["commit"]) == 40
    for name, runs in found["rows"].items():
        assert len(runs) == 3
        assert all(0 <= run["reached"] <= 1 and 0 <= run["horizon"] <= 15 for run in runs)
        assert all(("mean token, robot" in run) == (name in MEMBERS) for run in runs)
