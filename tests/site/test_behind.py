"""The figure of what happens behind the occluder draws the chapter's world, and is as surprised as the chapter's networks."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from tools.lessons import Lesson
from wm_core.worlds.events import two_ways
from wm_core.worlds.film import film
from wm_core.worlds.stage import Script, Stage

pytestmark = pytest.mark.site

LESSON = "jepa/surprise"
WORLD = Stage(texture=0.05)


@pytest.fixture
def running(start):
    visited = start(f"lessons/{LESSON}.html", "behind")
    settings = json.loads(visited.page.locator(".wm-live[data-live=behind] script").text_content())
    if visited.figure("behind").get_by_role("button", name="Pause").count():
        visited.figure("behind").get_by_role("button", name="Pause").press("Enter")
    return visited, settings


def choose(visited, event, who="features"):
    visited.figure("behind").evaluate(
        "async (f, [event, who]) => { await f.wm.el.wm.setWho(who); await f.wm.el.wm.setEvent(event); }", [event, who]
    )
    return state(visited)


def state(visited):
    return visited.figure("behind").evaluate("f => f.wm.el.wm.state()")


def words(visited):
    return visited.figure("behind").locator(".wm-live-stage p").inner_text()


def network(name, clips):
    session = onnxruntime.InferenceSession(Lesson(LESSON).run / "live" / f"behind-{name}.onnx")
    return session.run(None, {"clips": np.asarray(clips, np.float32).reshape(2, 16, 3, 24, 24)})[0]


def drawn(scene, event, possible):
    """One clip of a scene by the library, (16, 3, 24, 24)."""
    numbers = {name: torch.tensor([scene[name]]) for name in Script._fields if name in scene}
    progress = numbers["speed"][:, None] * (torch.arange(16) - scene["crossing"])
    script = Script(progress=progress, **numbers)
    usual, unusual = two_ways(script, event)
    track = WORLD.track(script, **(usual if possible else usual | unusual))
    layers = WORLD.scenery(script, usual["hidden"], usual["walled"])[2]
    return film(WORLD, script.texture, track, None, layers)[0][0].numpy()


def test_both_clips_are_those_of_the_world_whatever_happens(running):
    visited, settings = running
    for number in range(2):
        for event in ("vanish", "appear", "shape", "colour", "pass_through", "teleport", "nothing"):
            got = choose(visited, event)
            scene = settings["scenes"]["walled" if event == "pass_through" else "open"][number]
            for clip, possible in zip(got["clips"], (True, event == "nothing"), strict=True):
                wanted = drawn(scene, event, possible)
                np.testing.assert_allclose(np.reshape(clip, wanted.shape), wanted, atol=2e-5, err_msg=event)
        visited.figure("behind").get_by_role("button", name="Other scene").press("Enter")
        visited.page.wait_for_timeout(300)


def test_the_surprise_is_the_networks_and_the_words_say_which_clip_surprises_more(running):
    visited, _ = running
    for who in ("features", "pixels"):
        got = choose(visited, "vanish", who)
        np.testing.assert_allclose(got["surprise"], network(who, got["clips"]), atol=1e-4)
        possible, other = np.mean(got["traces"], 1)
        more = f"{'more' if other > possible else 'less'}, by {abs(other / possible - 1) * 100:.1f} %"
        assert f"surprises {more}" in words(visited)


def test_with_nothing_special_both_surprise_alike_and_before_the_event_so_do_all(running):
    visited, _ = running
    got = choose(visited, "nothing")
    assert got["traces"][0] == got["traces"][1]
    assert "both surprise alike" in words(visited)
    got = choose(visited, "colour")
    clips = np.reshape(got["clips"], (2, 16, -1))
    first = int((np.abs(clips[0] - clips[1]).max(1) > 1e-6).argmax()) // 2
    assert first > 1
    np.testing.assert_allclose(got["traces"][0][: first - 1], got["traces"][1][: first - 1], atol=1e-6)
    assert abs(got["traces"][0][first] - got["traces"][1][first]) > 1e-4


def test_turning_back_without_a_wall_is_seen_to_come_back(running):
    visited, _ = running
    got = choose(visited, "turn")
    clips = np.reshape(got["clips"], (2, 16, 3, 24, 24))
    np.testing.assert_allclose(clips[0], drawn(got["scene"], "turn", True), atol=2e-5)
    assert np.abs(clips[0] - clips[1])[:5].max() < 1e-6
    assert np.abs(clips[0] - clips[1])[-1].max() > 0.1


def test_the_keyboard_steps_and_moves_the_path(running):
    visited, _ = running
    figure = visited.figure("behind")
    choose(visited, "vanish")
    figure.locator("[tabindex='0']").first.focus()
    for key, step in (("ArrowRight", 1), ("ArrowLeft", -1)):
        before = state(visited)["frame"]
        visited.page.keyboard.press(key)
        assert state(visited)["frame"] == (before + step) % 16
    level = state(visited)["scene"]["level"]
    for key, step in (("ArrowDown", 1), ("ArrowUp", -1)):
        before = words(visited)
        visited.page.keyboard.press(key)
        visited.page.wait_for_timeout(400)
        assert words(visited) != before
        level += 0.03 * step
        assert state(visited)["scene"]["level"] == pytest.approx(level, abs=1e-6)
    assert visited.faults == []
