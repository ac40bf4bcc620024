"""The published trials are those that the seeds give, and their starts and goals are as promised."""

import json

import pytest
import torch

from wm_core.worlds.two_rooms import TwoRooms
from wm_core.worlds.two_rooms_trials import FILE, draw_trials, in_fixed_layout, published_trials, read_trials, to_rows


def test_the_file_is_what_its_seeds_give():
    published = json.loads(FILE.read_text(encoding="utf-8"))
    expected = published_trials()
    assert len(published) == len(expected) == 200
    for row, again in zip(published, expected, strict=True):
        assert row["layout"] == again["layout"]
        assert row["start"] == pytest.approx(again["start"], abs=0.0011)  # another machine may round otherwise
        assert row["goal"] == pytest.approx(again["goal"], abs=0.0011)


def test_the_first_hundred_are_in_the_fixed_layout_and_the_others_are_not():
    trials = read_trials()
    assert in_fixed_layout(trials).tolist() == [True] * 100 + [False] * 100
    assert trials.some(in_fixed_layout(trials)).start.shape == (100, 2)
    assert torch.equal(trials.some(slice(3, 5)).layout.door_y, torch.tensor([10.0, 10.0]))
    assert len(set(trials.layout.wall_x[100:].tolist())) > 15


@pytest.mark.parametrize("world", [TwoRooms(fixed=True), TwoRooms()], ids=["fixed", "random"])
def test_start_and_goal_are_in_opposite_rooms_at_a_margin_from_all_walls(world):
    trials = draw_trials(world, 3000, 5)
    rooms = [world.room(trials.layout, place[:, None])[:, 0] for place in (trials.start, trials.goal)]
    assert (rooms[0] + rooms[1] == 1).all()
    assert float(rooms[0].float().mean()) == pytest.approx(0.5, abs=0.03)
    for place in (trials.start, trials.goal):
        assert ((place[:, 0] - trials.layout.wall_x).abs() >= 1.5 + 2.6 - 1e-4).all()
        assert place.min() >= 4.5 + 2.6 - 1e-4
        assert place.max() <= 59.5 - 2.6 + 1e-4
    assert float(trials.goal[:, 1].var()) == pytest.approx((55 - 5.2) ** 2 / 12, rel=0.06)


def test_other_seeds_give_other_trials():
    one, again, other = (to_rows(draw_trials(TwoRooms(), 5, seed)) for seed in (3, 3, 4))
    assert one == again
    assert all(a != b for a, b in zip(one, other, strict=True))


def test_a_file_comes_back_as_it_was_written(tmp_path):
    trials = draw_trials(TwoRooms(), 20, 7)
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(to_rows(trials)))
    again = read_trials(file)
    for written, read in zip((*trials.layout, *trials[1:]), (*again.layout, *again[1:]), strict=True):
        torch.testing.assert_close(read, written, atol=0.0006, rtol=0)


@pytest.mark.parametrize(
    "rows",
    [
        '[{"start": [1, 2], "goal": [3, 4]}]',
        "[]",
        '[{"layout": {"wall_x": 1, "door_y": 2}, "start": [1], "goal": [3, 4]}]',
        '{"a": 1}',
    ],
)
def test_a_file_that_holds_no_trials_is_refused(tmp_path, rows):
    file = tmp_path / "wrong.json"
    file.write_text(rows)
    with pytest.raises(ValueError, match=r"file: got .*wrong\.json"):
        read_trials(file)
