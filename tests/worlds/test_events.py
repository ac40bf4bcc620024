"""Events: pairs agree until they part, part where they should, and no single frame says which is impossible."""

import pytest
import torch

from wm_core.worlds.events import EVENTS, pairs
from wm_core.worlds.film import film
from wm_core.worlds.stage import Stage

STAGE = Stage()
every_event = pytest.mark.parametrize("event", EVENTS)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def before(found):
    """(n, T) the frames before the event."""
    return torch.arange(found.possible.shape[1]) < found.event[:, None]


@every_event
@pytest.mark.parametrize("over", ["background", "all"])
def test_a_pair_is_identical_to_the_last_pixel_and_its_noise_until_the_event_and_differs_there(event, over):
    found = pairs(Stage(detail=0.2, detail_over=over), 100, seeded(0), event)
    same = (found.possible == found.impossible).flatten(2).all(2)
    assert same[before(found)].all()
    assert not same[torch.arange(100), found.event].any()
    assert found.event.min() >= 2
    assert found.event.max() <= 13
    apart = (found.possible - found.impossible).abs().flatten(2).amax(2)
    assert apart.amax(1).min() > 0.05


@every_event
def test_noise_is_the_same_in_both_clips_after_the_event_as_well(event):
    found = pairs(Stage(detail=0.3), 50, seeded(0), event)
    untouched = (found.possible == found.impossible).flatten(3).all(2)
    assert untouched.float().mean(2).min() > 0.7


@every_event
def test_pairs_have_as_many_frames_as_asked_for(event):
    for frames in (8, 24):
        found = pairs(STAGE, 100, seeded(0), event, frames=frames)
        assert found.possible.shape == found.impossible.shape == (100, frames, 3, 24, 24)
        assert not (found.possible == found.impossible).flatten(1).all(1).any()
        assert found.event.min() >= 1


#: The script of a possible clip that shows, from the event on, what the impossible clip shows.
ELSEWHERE = {
    "vanish": lambda script: script,
    "appear": lambda script: script,
    "shape": lambda script: script._replace(kinds=script.kinds.flip(1)),
    "colour": lambda script: script._replace(hues=script.hues.flip(1)),
    "pass_through": lambda script: script._replace(direction=-script.direction, progress=-script.progress),
    "teleport": lambda script: script._replace(heights=script.heights.flip(1)),
}


@every_event
def test_every_frame_of_an_impossible_clip_is_a_frame_of_a_possible_one(event):
    """Of one whose chance draws are as likely: the other kind first, the other direction, and so on."""
    found = pairs(STAGE, 200, seeded(0), event)
    walled = torch.full((200,), event == "pass_through")
    script = STAGE.script(200, seeded(0), walled)
    hidden, present = torch.full((200,), event != "teleport"), torch.full((200, 16), event != "vanish")
    other = ELSEWHERE[event](script)
    layers = STAGE.scenery(other, hidden, walled)[2]
    elsewhere, _ = film(STAGE, other.texture, STAGE.track(other, hidden, walled, present), layers=layers)
    empty, _ = film(STAGE, other.texture, STAGE.track(other, hidden, walled, present & False), layers=layers)
    apart = (elsewhere - found.impossible).abs().flatten(2).amax(2)
    if event == "pass_through":  # in between it is hidden, as a shape that touches the wall is
        apart = apart.minimum((empty - found.impossible).abs().flatten(2).amax(2))
    assert apart[~before(found)].max() < 2e-5


@pytest.mark.parametrize(("event", "factor"), [("shape", "kind"), ("colour", "hue")])
def test_what_comes_out_is_as_evenly_drawn_as_what_went_in(event, factor):
    found = pairs(STAGE, 800, seeded(0), event, frames=8)
    number = {"kind": 4, "hue": 6}[factor]
    tracks = found.possible_track, found.impossible_track
    first, last = ([getattr(track, factor)[:, t] for track in tracks] for t in (0, -1))
    if factor == "hue":
        first, last = ([(6 * hue).round().long() % 6 for hue in hues] for hues in (first, last))
    assert torch.equal(first[0], first[1])
    assert torch.equal(first[0], last[0])
    assert (first[1] != last[1]).all()
    for drawn in (*first, *last):
        assert (torch.bincount(drawn, minlength=number) / 800 - 1 / number).abs().max() < 0.05
    crossed = torch.bincount(first[1] * number + last[1], minlength=number**2).view(number, number) / 800
    assert (crossed - crossed.T).abs().max() < 0.04


def test_heights_after_a_teleport_are_spread_like_heights_before():
    found = pairs(STAGE, 800, seeded(0), "teleport", frames=8)
    height = found.impossible_track.position[..., 1]
    below = [(height[:, t, None] < torch.linspace(0.2, 0.8, 13)).float().mean(0) for t in (0, -1)]
    torch.testing.assert_close(*below, atol=0.12, rtol=0)
    assert ((height[:, 0] - height[:, -1]).abs() >= 0.2 - 1e-6).all()


def test_a_teleport_is_in_plain_sight():
    found = pairs(STAGE, 200, seeded(0), "teleport")
    rows = torch.arange(200)
    for seen in (found.possible_seen, found.impossible_seen):
        assert seen[rows, found.event].min() > 0.85
        assert seen[rows, found.event - 1].min() > 0.85
    assert (found.occluder == 0).all()


@pytest.mark.parametrize("event", ["vanish", "appear", "shape", "colour"])
def test_what_was_changed_behind_the_occluder_is_first_seen_as_it_comes_out(event):
    found = pairs(STAGE, 200, seeded(0), event)
    rows = torch.arange(200)
    for seen in (found.possible_seen, found.impossible_seen):
        assert seen[rows, found.event - 1].max() < 0.05  # what is hidden or just a sliver cannot be told
    x, velocity = (part[rows, found.event, 0] for part in found.impossible_track[4:6])
    assert ((x - found.occluder[:, ::2].mean(1)) * velocity > 0).all()


def test_what_vanished_is_gone_and_what_appeared_was_not_there():
    gone, came = (pairs(STAGE, 200, seeded(0), event) for event in ("vanish", "appear"))
    after = ~before(gone)
    assert (gone.impossible_seen[after] == 0).all()
    assert (gone.possible_seen * after).amax(1).min() > 0.3
    assert (came.possible_seen == 0).all()
    assert torch.equal(came.impossible_seen * ~after, came.impossible_seen * 0)
    torch.testing.assert_close(came.impossible_seen[after], gone.possible_seen[after])


def test_a_wall_turns_the_shape_back_in_one_clip_and_not_in_the_other():
    found = pairs(STAGE, 200, seeded(0), "pass_through")
    for track, side in ((found.possible_track, 1), (found.impossible_track, -1)):
        ends = track.position[:, [0, -1], 0] - found.wall[:, ::2].mean(1, keepdim=True)
        assert (ends.sign().prod(1) == side).all()
    rows = torch.arange(200)
    assert found.possible_seen[rows, found.event - 1].max() < 0.05
    assert (found.impossible_seen * ~before(found)).amax(1).min() > 0.3
    assert (found.possible_seen * ~before(found)).amax(1).min() > 0.3


def test_after_passing_through_shapes_are_on_either_side_as_often():
    found = pairs(STAGE, 700, seeded(0), "pass_through", frames=8)
    for track in (found.possible_track, found.impossible_track):
        assert 0.43 < (track.position[:, -1, 0] > 0.5).float().mean() < 0.57


def test_the_same_seed_gives_the_same_pairs_and_the_generator_moves_on():
    generator = seeded(0)
    noisy = Stage(detail=0.2)
    first, second = pairs(noisy, 8, generator, "shape"), pairs(noisy, 8, generator, "shape")
    assert torch.equal(first.possible, pairs(noisy, 8, seeded(0), "shape").possible)
    assert not torch.equal(first.possible, second.possible)


def test_an_event_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="event is 'levitate'; wanted one of vanish"):
        pairs(STAGE, 2, seeded(0), "levitate")
