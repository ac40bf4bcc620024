"""The figure of the discs plays the book's world, asks the chapter's networks, and shows who moves."""

import json
from itertools import pairwise

import numpy as np
import onnxruntime
import pytest
import torch

from tools.lessons import Lesson
from wm_core.worlds.coupled_discs import CoupledDiscs

pytestmark = pytest.mark.site

LESSON = "jepa/causal_jepa"


@pytest.fixture
def running(start):
    visited = start(f"lessons/{LESSON}.html", "discs")
    settings = json.loads(visited.page.locator(".wm-live[data-live=discs] script").text_content())
    return visited, settings


def state(visited):
    return visited.figure("discs").evaluate("f => f.wm.el.wm.state()")


def ask(visited, **settings):
    visited.figure("discs").evaluate("(f, settings) => f.wm.el.wm.ask(settings)", settings)
    return state(visited)


def words(visited):
    return visited.figure("discs").locator(".wm-live-stage p").inner_text()


NUDGE = [[0.5, 0.0], [0.0, 0.0], [0.0, -0.3], [0.0, 0.0]]


@pytest.mark.parametrize("world", [0, 1])
def test_the_discs_move_as_in_the_books_world(running, world):
    visited, settings = running
    got = ask(visited, world=world, shown=1, nudge=NUDGE)
    film, spring = settings["worlds"][world]["films"][1], settings["worlds"][world]["spring"]
    flicks = torch.tensor(film["flicks"])
    start, pair = torch.tensor(film["start"])[None], torch.tensor(film["pair"])[None]
    calm = CoupledDiscs(spring=spring).play(start, pair, flicks[None])[0]
    flicks[settings["worlds"][world]["when"]] += torch.tensor(NUDGE)
    pushed = CoupledDiscs(spring=spring).play(start, pair, flicks[None])[0]
    np.testing.assert_allclose(got["before"], calm, atol=1e-4)
    np.testing.assert_allclose(got["truth"], pushed, atol=1e-4)


@pytest.mark.parametrize("world", [0, 1])
def test_it_asks_the_chapters_network_with_the_nudge_and_what_is_hidden(running, world):
    visited, settings = running
    got = ask(visited, world=world, mind="objects", shown=0, nudge=NUDGE, hidden=[1])
    slots = np.zeros((9, 4, 4, 9), np.float32)
    slots[..., :4] = np.array(got["truth"])[:4]
    if settings["worlds"][world]["when"] == 3:
        slots[:, 3, :, 2:4] += np.array(NUDGE)
    slots[..., settings["worlds"][world]["films"][0]["pair"], 4] = 1
    slots[..., 5:] = np.eye(4)
    hidden = np.zeros((9, 4), np.float32)
    hidden[:, 1] = 1
    session = onnxruntime.InferenceSession(Lesson(LESSON).run / "live" / f"discs-objects{world}.onnx")
    wanted = session.run(None, {"history": slots, "hidden": hidden})[0][0, ..., :4]
    np.testing.assert_allclose(np.array(got["imagined"])[4:], wanted[4:], atol=1e-4)
    np.testing.assert_allclose(np.array(got["imagined"])[1:4, 1], wanted[1:4, 1], atol=1e-4)


def test_in_truth_a_nudge_moves_the_partner_where_there_is_a_spring_and_nobody_where_there_is_none(running):
    visited, settings = running
    for world, partner_moves in ((0, True), (1, False)):
        one, other = settings["worlds"][world]["films"][0]["pair"]
        nudge = [[0.0, 0.0] for _ in range(4)]
        nudge[one] = [0.6, 0.0]
        got = ask(visited, world=world, shown=0, nudge=nudge, hidden=[])
        change = np.abs(np.subtract(got["truth"], got["before"]))[-1].max(-1)
        assert change[one] > 0.1
        assert (change[other] > 0.05) == partner_moves
        assert all(change[disc] == 0 for disc in range(4) if disc not in (one, other))


def test_what_is_hidden_does_not_matter_to_anybody(running):
    visited, _ = running
    pull = np.array(ask(visited, world=0, shown=0, nudge=NUDGE, hidden=[2])["pull"])
    assert pull[2].max() == 0
    assert pull[0].max() > 0


def test_keys_choose_hide_and_nudge(running):
    visited, settings = running
    visited.figure("discs").locator("[data-focus]").focus()
    seen = [words(visited)]
    for key in ("c", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", " "):
        visited.page.keyboard.press(key)
        visited.page.wait_for_timeout(250)
        seen.append(words(visited))
    assert all(before != after for before, after in pairwise(seen))
    got = state(visited)
    apart = [disc for disc in range(4) if disc not in settings["worlds"][0]["films"][0]["pair"]]
    assert got["chosen"] == apart[0]  # A and B are the two that are joined
    assert got["hidden"] == apart[:1]
    assert got["nudge"][apart[0]] == [0, 0]
    assert visited.faults == []


def test_a_drag_nudges_no_further_than_allowed(running):
    visited, _ = running
    box = visited.figure("discs").locator("canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    visited.page.mouse.move(x, y)
    visited.page.mouse.down()
    visited.page.mouse.move(x + box["width"], y, steps=4)
    visited.page.mouse.up()
    visited.page.wait_for_timeout(300)
    assert np.linalg.norm(state(visited)["nudge"], axis=-1).max() == pytest.approx(1.2, abs=1e-6)
    assert "nudged by 1.20" in words(visited)
