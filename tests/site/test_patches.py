"""The figure of hidden patches expects what the chapter's network expects, and shows the nearest real patches."""

import json
from base64 import b64decode

import numpy as np
import onnxruntime
import pytest

from tools.lessons import Lesson

pytestmark = pytest.mark.site

LESSON = "jepa/i_jepa"


@pytest.fixture
def running(start):
    visited = start(f"lessons/{LESSON}.html", "patches")
    settings = json.loads(visited.page.locator(".wm-live[data-live=patches] script").text_content())
    pictures = np.frombuffer(b64decode(settings["pictures"]), np.uint8).reshape(-1, 3, 24, 24) / np.float32(255)
    return visited, settings, pictures


def network(name):
    session = onnxruntime.InferenceSession(Lesson(LESSON).run / "live" / f"patches-{name}.onnx")
    return lambda **inputs: session.run(None, inputs)[0]


def state(visited):
    return visited.figure("patches").evaluate("f => f.wm.el.wm.state()")


def words(visited):
    return visited.figure("patches").locator(".wm-live-stage p").inner_text()


def test_it_expects_what_the_network_expects(running):
    visited, settings, pictures = running
    hidden = np.zeros((1, 36), np.float32)
    hidden[0, settings["first"]] = 1
    expected = network("expect")(image=pictures[:1], hidden=hidden)
    np.testing.assert_allclose(state(visited)["expected"], expected.ravel(), atol=1e-4)


def test_it_shows_the_real_patch_whose_features_are_nearest(running):
    visited, settings, pictures = running
    bank = np.concatenate([network("look")(image=picture[None]) for picture in pictures[1:]])  # not the one on show
    got = state(visited)
    wanted = np.reshape(got["expected"], (36, -1))
    for token, chosen in got["nearest"]:
        assert token in settings["first"]
        distances = np.square(bank - wanted[token]).sum(-1)
        assert distances[chosen["picture"] - 1, chosen["token"]] <= distances.min() * (1 + 1e-4)


def test_the_keyboard_hides_and_shows_a_patch(running):
    visited, _, _ = running
    visited.figure("patches").locator("[tabindex='0']").first.focus()
    before = set(state(visited)["hidden"])
    visited.page.keyboard.press("ArrowRight")
    visited.page.keyboard.press(" ")
    visited.page.wait_for_timeout(300)
    after = set(state(visited)["hidden"])
    assert len(before ^ after) == 1
    visited.page.keyboard.press(" ")
    visited.page.wait_for_timeout(300)
    assert set(state(visited)["hidden"]) == before


def test_with_nothing_hidden_it_expects_nothing_and_with_all_only_places(running):
    visited, _, _ = running
    figure = visited.figure("patches")
    figure.get_by_role("button", name="Show all").press("Enter")
    visited.page.wait_for_timeout(300)
    assert "Nothing is hidden" in words(visited)
    figure.evaluate("f => { for (let token = 0; token < 36; token++) f.wm.el.wm.set(token, true); }")
    visited.page.wait_for_timeout(1500)
    assert "Everything is hidden" in words(visited)
    assert visited.faults == []
