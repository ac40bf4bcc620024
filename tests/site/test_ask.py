"""The figure that answers in meaning: it draws as Python draws, expects and writes what the networks do, knows what is true, and
speaks when the meaning has moved."""

import json
from base64 import b64decode

import numpy as np
import onnxruntime
import pytest
import torch

from tools.lessons import Lesson
from wm_core.worlds.captions import truth
from wm_core.worlds.drawing import coverage, paint, rgb
from wm_core.worlds.language import QUESTIONS, VOCABULARY

pytestmark = pytest.mark.site

LESSON = "jepa/vl_jepa"
SCENES = [
    {"kind": 2, "colour": 4, "x": 0.31, "y": 0.66, "radius": 0.19, "angle": 1.0},
    {"kind": 3, "colour": 0, "x": 0.5, "y": 0.42, "radius": 0.13, "angle": -0.6},
    {"kind": 1, "colour": 5, "x": 0.72, "y": 0.25, "radius": 0.17, "angle": 0.3},
]


@pytest.fixture
def running(start):
    visited = start(f"lessons/{LESSON}.html", "ask")
    settings = json.loads(visited.page.locator(".wm-live[data-live=ask] script").text_content())
    return visited, visited.figure("ask"), settings


def network(name):
    session = onnxruntime.InferenceSession(Lesson(LESSON).run / "live" / f"ask-{name}.onnx")
    return lambda **inputs: session.run(None, {key: np.asarray(value, np.float32) for key, value in inputs.items()})[0]


def state(figure):
    return figure.evaluate("f => f.wm.el.wm.state()")


def put(figure, scene):
    figure.evaluate("(f, scene) => f.wm.el.wm.set(scene)", scene)
    return state(figure)


def asked(figure, question):
    figure.evaluate("(f, name) => f.wm.el.wm.ask(name)", question)
    return state(figure)


def test_it_draws_the_shape_as_python_does(running):
    _, figure, _ = running
    for scene in SCENES:
        image = torch.tensor(put(figure, scene)["image"]).view(3, 24, 24)
        at = torch.tensor([[scene["x"], scene["y"]]])
        cover = coverage(
            torch.tensor([scene["kind"]]), at, torch.tensor([scene["radius"]]), torch.tensor([scene["angle"]]), 24
        )
        painted = paint(torch.zeros(1, 3, 24, 24), cover, rgb(torch.tensor([scene["colour"] / 6])))[0]
        inside = (cover[0] == 1).expand(3, -1, -1)
        assert inside.sum() > 30
        torch.testing.assert_close(image[inside], painted[inside], atol=1e-4, rtol=0)
        outside = (cover[0] == 0).expand(3, -1, -1)
        assert abs(float(image[outside].mean()) - 0.35) < 0.15  # wallpaper


def test_it_knows_what_is_true_as_python_does(running):
    _, figure, _ = running
    for number, question in enumerate(QUESTIONS):
        asked(figure, question)
        for scene in SCENES:
            got = put(figure, scene)["truth"]
            tensors = [torch.tensor([scene[key]]) for key in ("kind", "colour")]
            place, radius = torch.tensor([[scene["x"], scene["y"]]]), torch.tensor([scene["radius"]])
            assert got == int(truth(torch.tensor([number]), *tensors, place, radius)), (question, scene)


def test_it_expects_ranks_and_writes_what_the_networks_do(running):
    _, figure, settings = running
    bank = np.frombuffer(b64decode(settings["bank"]), np.float32).reshape(len(settings["names"]), -1)
    tokens = dict((name, wordings[0]) for name, _, wordings in settings["questions"])
    for question, scene in zip(("scene", "colour", "kind"), SCENES, strict=True):
        asked(figure, question)
        figure.evaluate("f => f.wm.el.wm.set({kind: 0, colour: 1, x: 0.2, y: 0.8})")  # so that it has to speak
        got = put(figure, scene)
        image = np.reshape(got["image"], (1, 3, 24, 24))
        z = network("meaning")(image=image, question=[tokens[question]])
        np.testing.assert_allclose(got["z"], z[0], atol=1e-4)
        assert [each["meaning"] for each in got["ranked"]] == list(np.argsort(-(bank @ z[0]))[:4])
        said = got["spoken"][0]
        if said["frame"] != got["frame"]:
            continue  # it found nothing new to say
        written = np.zeros((1, settings["length"]), np.float32)
        for place in range(settings["length"]):
            best = int(network("write")(z=z, tokens=written)[0, place].argmax())
            if best == settings["end"]:
                break
            written[0, place] = best
        assert said["words"] == VOCABULARY.decode(torch.tensor(written).long())[0]


def test_it_speaks_where_the_meaning_has_moved_and_nowhere_else(running):
    visited, figure, _ = running
    asked(figure, "colour")
    before = put(figure, {"kind": 0, "colour": 0, "x": 0.5, "y": 0.5, "radius": 0.18})
    for x in (0.45, 0.55, 0.5):  # the place is not what is asked for
        put(figure, {"x": x})
    still = state(figure)
    assert still["speeches"] == before["speeches"]
    after = put(figure, {"colour": 3})
    assert after["speeches"] == before["speeches"] + 1
    for each in after["frames"]:
        if each["moved"] is not None:  # the first has nothing to move from
            assert each["speak"] == (each["moved"] > after["threshold"])
    assert visited.faults == []


def test_a_film_runs_sixty_frames_in_which_six_things_happen(running):
    visited, figure, _ = running
    first = state(figure)["frame"]
    figure.get_by_role("button", name="Run a film").press("Enter")
    visited.page.wait_for_function(
        "first => document.querySelector('[data-live=ask]').wm.el.wm.state().frame >= first + 60", arg=first
    )
    got = state(figure)
    assert sum(each["event"] for each in got["frames"]) == 6
    assert 1 <= sum(each["speak"] for each in got["frames"]) < 30
    assert visited.faults == []
