"""The figure of the ranks: its sums are those of the network's factors, its truths are the library's, and its errors both together."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from tools.lessons import Lesson
from wm_core.physics.ranks import Ridge, TwoWaves, best_error

pytestmark = pytest.mark.site

LESSON = "physics/spinn"
PAGE = f"lessons/{LESSON}.html"


@pytest.fixture
def rank(start):
    visited = start(PAGE, "rank")
    yield visited.figure("rank")
    assert visited.faults == []


@pytest.fixture
def settings(rank):
    return json.loads(rank.locator("script").first.text_content())


def held(figure, picture: int, step: int) -> dict:
    """What the figure holds at this picture and rank."""
    return figure.evaluate(
        "(f, [p, s]) => { const wm = f.wm.el.wm; wm.set(p, s); return wm.state(); }", [picture, step]
    )


def test_every_sum_is_the_networks_and_every_truth_the_librarys(rank, settings):
    even = np.linspace(-1, 1, 64, dtype=np.float32)
    session = onnxruntime.InferenceSession(Lesson(LESSON).run / "live" / "rank-factors.onnx")
    (factors,) = session.run(None, {"x": even})
    x = torch.linspace(-1, 1, 64)
    pictures = [*(Ridge(a, settings["length"], settings["width"]) for a in settings["angles"]), TwoWaves()]
    assert len(pictures) == len(settings["names"])
    for p, picture in enumerate(pictures):
        truth = picture.value(x, x)
        for s, columns in enumerate(settings["ranks"]):
            f, g = factors[p * len(settings["ranks"]) + s]
            state = held(rank, p, s)
            assert state["rank"] == columns
            assert not f[:, columns:].any()
            np.testing.assert_allclose(np.reshape(state["sum"], (64, 64)), f @ g.T, atol=1e-4)
            np.testing.assert_allclose(np.reshape(state["target"], (64, 64)), truth, atol=1e-5)
            miss = np.linalg.norm(f @ g.T - truth.numpy()) / float(truth.norm())
            assert state["miss"] == pytest.approx(miss, abs=1e-4)
            least = best_error(truth, columns)
            assert settings["best"][p][s] == pytest.approx(least, abs=1e-5)
            assert state["miss"] >= least - 1e-4


def test_the_words_say_the_error_and_the_least_possible_one(rank, settings):
    state = held(rank, 3, 0)
    words = rank.locator(".wm-live-stage p").inner_text()
    assert f"error {100 * state['miss']:.1f} %" in words
    assert f"least possible {100 * settings['best'][3][0]:.1f} %" in words


def test_the_slider_and_the_arrows_choose_the_rank(rank):
    held(rank, 0, 0)
    rank.locator("input[type=range]").press("ArrowRight")
    assert rank.evaluate("f => f.wm.el.wm.state().rank") == 2
    rank.locator("canvas").first.press("ArrowRight")
    assert rank.evaluate("f => f.wm.el.wm.state().rank") == 4
    rank.locator("canvas").first.press("ArrowUp")
    assert rank.evaluate("f => f.wm.el.wm.state().picture") == 1
