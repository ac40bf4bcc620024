"""The figure of tubes expects what the chapter's network expects, and shows the nearest real pieces of other clips."""

import json
from base64 import b64decode

import numpy as np
import onnxruntime
import pytest

from tools.lessons import Lesson

pytestmark = pytest.mark.site

LESSON = "jepa/v_jepa"
TOKENS, PLACES = 64, 16


@pytest.fixture
def running(start):
    visited = start(f"lessons/{LESSON}.html", "tubes")
    settings = json.loads(visited.page.locator(".wm-live[data-live=tubes] script").text_content())
    scenes = np.frombuffer(b64decode(settings["scenes"]), np.uint8).reshape(-1, 8, 3, 24, 24) / np.float32(255)
    return visited, settings, scenes


def network(name):
    session = onnxruntime.InferenceSession(Lesson(LESSON).run / "live" / f"tubes-{name}.onnx")
    return lambda **inputs: session.run(None, inputs)


def state(visited):
    return visited.figure("tubes").evaluate("f => f.wm.el.wm.state()")


def words(visited):
    return visited.figure("tubes").locator(".wm-live-stage p").inner_text()


def masked(places):
    hidden = np.zeros((1, TOKENS // PLACES, PLACES), np.float32)
    hidden[..., places] = 1
    return hidden.reshape(1, TOKENS)


def test_the_clip_is_the_scene_in_the_order_of_its_motion_and_a_tube_hides_every_moment(running):
    visited, settings, scenes = running
    figure = visited.figure("tubes")
    for motion, order in enumerate(settings["orders"]):
        figure.evaluate("(f, motion) => f.wm.el.wm.setMotion(motion)", motion)
        visited.page.wait_for_timeout(300)
        clip = np.reshape(figure.evaluate("f => f.wm.el.wm.clip()"), (1, 8, 3, 24, 24)).astype(np.float32)
        np.testing.assert_allclose(clip[0], scenes[0][order], atol=1e-6)
        got = state(visited)
        expected, _ = network("expect")(clip=clip, hidden=masked(got["hidden"]))
        np.testing.assert_allclose(got["expected"], expected.ravel(), atol=1e-4)
        features, _, scores = network("look")(clip=clip)
        np.testing.assert_allclose(got["actual"], features.ravel(), atol=1e-4)
        assert f"the probe reads: {settings['motions'][scores.argmax()]}." in words(visited)


def test_it_shows_the_real_piece_of_another_scene_whose_features_are_nearest(running):
    visited, settings, scenes = running
    kept = [(s, order) for s in range(1, len(scenes)) for order in settings["orders"]]
    bank = np.concatenate([network("look")(clip=scenes[s][order][None])[0] for s, order in kept])
    got = state(visited)
    wanted = np.reshape(got["expected"], (TOKENS, -1))
    assert len(got["nearest"]) == len(settings["first"]) * TOKENS // PLACES
    for token, scene, order, other in got["nearest"]:
        assert token % PLACES in settings["first"]
        distances = np.abs(bank - wanted[token]).sum(-1)
        assert distances[kept.index((scene, order)), other] <= distances.min() * (1 + 1e-4)


def test_the_distance_in_words_is_that_of_the_hidden_features_in_spreads(running):
    visited, settings, _ = running
    got = state(visited)
    off = np.abs(np.subtract(got["expected"], got["actual"])).reshape(TOKENS, -1)
    distance = off[masked(settings["first"])[0] == 1].mean() / settings["spread"]
    assert got["distance"] == pytest.approx(distance, rel=1e-3)
    assert f"{distance:.2f} spreads" in words(visited)


def test_the_keyboard_hides_and_shows_a_tube_and_scrubs(running):
    visited, _, _ = running
    figure = visited.figure("tubes")
    figure.locator("[tabindex='0']").first.focus()
    before = set(state(visited)["hidden"])
    visited.page.keyboard.press("ArrowLeft")
    visited.page.keyboard.press(" ")
    visited.page.wait_for_timeout(300)
    after = set(state(visited)["hidden"])
    assert len(before ^ after) == 1
    visited.page.keyboard.press(" ")
    visited.page.wait_for_timeout(300)
    assert set(state(visited)["hidden"]) == before
    figure.locator("input[type=range]").focus()
    visited.page.keyboard.press("Home")
    visited.page.keyboard.press("ArrowRight")
    assert state(visited)["frame"] == 1
    assert visited.faults == []


def test_with_nothing_hidden_it_expects_nothing_and_one_place_always_shows(running):
    visited, _, _ = running
    figure = visited.figure("tubes")
    figure.get_by_role("button", name="Show all").press("Enter")
    visited.page.wait_for_timeout(300)
    assert "Nothing is hidden" in words(visited)
    figure.evaluate("f => { for (let place = 0; place < 16; place++) f.wm.el.wm.set(place, true); }")
    visited.page.wait_for_timeout(1500)
    assert "15 of 16 places hidden" in words(visited)
    assert visited.faults == []
