"""The figure of the smoke: it projects as PyTorch does, blows as the library does, and takes pointer, keys and both signs."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from tools.lessons import Lesson
from wm_core.physics.boxes import Box
from wm_core.physics.leray import leray
from wm_core.physics.operators import divergence
from wm_core.physics.smoke import advect

pytestmark = pytest.mark.site

LESSON = "physics/conservation"
N = 32
BOX = Box((N, N))


@pytest.fixture
def smoke(start):
    visited = start(f"lessons/{LESSON}.html", "smoke", reduced_motion="reduce")
    yield visited.figure("smoke")
    assert visited.faults == []


def state(figure) -> dict:
    found = figure.evaluate("f => f.wm.el.wm.state()")
    return {name: np.array(value) for name, value in found.items()}


def wind(figure) -> torch.Tensor:
    return torch.tensor(state(figure)["u"], dtype=torch.float64).view(2, N, N)


def project(figure, way="right"):
    figure.evaluate("async (f, way) => { f.wm.el.wm.way(way); await f.wm.el.wm.project(); }", way)


def test_nothing_moves_by_itself_for_a_reader_who_wants_less_motion(smoke):
    assert not state(smoke)["playing"]
    assert state(smoke)["time"] == 0


def test_what_it_measures_is_the_librarys_divergence(smoke):
    u, found = wind(smoke), state(smoke)
    for name in ("spectral", "central"):
        np.testing.assert_allclose(found[name].reshape(N, N), divergence(u, BOX, name), atol=1e-4)
    assert found["largest"] > 1


@pytest.mark.parametrize("begin", [0, 1])
def test_the_projection_is_pytorchs(smoke, begin):
    smoke.evaluate("(f, k) => f.wm.el.wm.begin(k)", begin)
    before = wind(smoke)
    project(smoke)
    np.testing.assert_allclose(wind(smoke), leray(before, BOX), atol=1e-4)
    assert state(smoke)["largest"] < 1e-4


def test_the_wrong_sign_doubles_and_the_wrong_operator_leaves_some(smoke):
    before = state(smoke)["largest"]
    project(smoke, "wrong")
    assert state(smoke)["largest"] / before == pytest.approx(2, abs=1e-4)
    smoke.evaluate("f => f.wm.el.wm.begin(0)")
    project(smoke, "central")
    found = state(smoke)
    assert np.abs(found["central"]).max() < 1e-4
    assert found["largest"] > 1e-3


def test_the_network_imagines_as_it_does_elsewhere(smoke):
    smoke.evaluate("f => f.wm.el.wm.begin(1)")
    before = wind(smoke).numpy().astype(np.float32)[None]
    session = onnxruntime.InferenceSession(Lesson(LESSON).run / "live" / "smoke-step.onnx")
    (expected,) = session.run(None, {"u": before})
    smoke.evaluate("f => f.wm.el.wm.imagine()")
    np.testing.assert_allclose(wind(smoke), expected[0], atol=1e-4)


def test_smoke_is_carried_as_the_library_carries_it(smoke):
    generator = torch.Generator().manual_seed(0)
    s = torch.rand(N, N, generator=generator, dtype=torch.float64)
    u = torch.randn(2, N, N, generator=generator, dtype=torch.float64)
    got = smoke.evaluate(
        "(f, [s, u, n, dt, side]) => [...f.wm.el.wm.carry(Float64Array.from(s), n, Float64Array.from(u), n, dt, side)]",
        [s.flatten().tolist(), u.flatten().tolist(), N, 0.4, BOX.size[0]],
    )
    np.testing.assert_allclose(np.reshape(got, (N, N)), advect(s, u, 0.4, BOX, "linear"), atol=1e-5)


def test_the_pointer_pushes_the_air(smoke):
    smoke.evaluate("f => f.wm.el.wm.begin(2)")
    board = smoke.locator("canvas").first
    board.scroll_into_view_if_needed()
    box, mouse = board.bounding_box(), smoke.page.mouse
    mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    mouse.down()
    mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=8)
    mouse.up()
    smoke.page.wait_for_function("() => document.querySelector('[data-live=smoke]').wm.el.wm.state().largest > 0.1")
    u = wind(smoke)
    assert u[0].max() > 0.5  # to the right
    assert u[1].abs().max() < 0.1 * u[0].max()
    across = u[0].abs().sum(0).argmax()
    assert abs(int(across) - N // 2) <= 2  # in the middle


def test_the_keys_push_and_project(smoke):
    smoke.evaluate("f => f.wm.el.wm.begin(2)")
    board = smoke.locator("canvas").first
    board.focus()
    for _ in range(4):
        smoke.page.keyboard.press("ArrowUp")
    smoke.page.wait_for_function("() => document.querySelector('[data-live=smoke]').wm.el.wm.state().largest > 0.1")
    assert wind(smoke)[1].max() > 0.3
    smoke.page.keyboard.press("Enter")
    smoke.page.wait_for_function("() => document.querySelector('[data-live=smoke]').wm.el.wm.state().largest < 1e-4")
    assert "spectral, right sign" in smoke.locator(".wm-live-stage p").inner_text()


def test_its_winds_are_what_the_page_says(smoke):
    settings = json.loads(smoke.locator("script").first.text_content())
    push, network, none = (np.reshape(values, (2, N, N)) for _, values in settings["winds"])
    assert np.abs(none).max() == 0
    assert np.abs(push[1]).max() == 0
    assert 1e-3 < float(divergence(torch.tensor(network), BOX).abs().max()) < 5
