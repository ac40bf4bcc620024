"""The figure of the vortex: its network answers as it does elsewhere, its exact flow is the library's, and it takes pointer, keys and sliders."""

import numpy as np
import onnxruntime
import pytest
import torch

from tools.lessons import Lesson
from wm_core.worlds.flows import TaylorGreen

pytestmark = pytest.mark.site

LESSON = "physics/pinn"
CELLS, SIDE = 30, 2 * np.pi
LOW, HIGH = 0.02, 0.2


@pytest.fixture
def vortex(start):
    visited = start(f"lessons/{LESSON}.html", "vortex")
    yield visited.figure("vortex")
    assert visited.faults == []


def state(figure) -> dict:
    return figure.evaluate(
        "f => { const s = f.wm.el.wm.state(); return {...s, flow: [...s.flow], residual: [...s.residual]} }"
    )


def until(figure, condition: str) -> None:
    """Wait for a sentence about the figure's state ``s``."""
    figure.page.wait_for_function(
        f"() => {{ const s = document.querySelector('[data-live=vortex]').wm.el.wm.state(); return {condition} }}"
    )


def slide(figure, label: str, value: float) -> None:
    figure.get_by_role("slider", name=label).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', {bubbles: true})) }",
        str(value),
    )


def viscosity(s: float) -> float:
    return LOW * (HIGH / LOW) ** ((s + 1) / 2)


def answers(t: float, s: float) -> list[np.ndarray]:
    """The exported network at the middles of the map's cells: flow and residual."""
    middles = (np.arange(CELLS) + 0.5) / CELLS * SIDE
    y, x = np.meshgrid(middles, middles, indexing="ij")
    points = np.zeros((1024, 4), np.float32)
    points[: CELLS**2] = np.stack([np.full(CELLS**2, t), x.ravel(), y.ravel(), np.full(CELLS**2, s)], -1)
    session = onnxruntime.InferenceSession(Lesson(LESSON).run / "live" / "vortex-map.onnx")
    return [out[: CELLS**2] for out in session.run(["flow", "residual"], {"points": points})]


def test_nothing_moves_before_it_is_asked_to(vortex):
    found = state(vortex)
    assert (found["t"], found["pairs"], found["playing"]) == (0, [], False)


def test_the_map_is_the_networks_at_the_sliders_time_and_viscosity(vortex):
    before = state(vortex)["missed"]
    slide(vortex, "viscosity", 0.5)
    slide(vortex, "time", 2)
    until(vortex, f"s.t === 2 && s.s === 0.5 && s.missed !== {before}")
    flow, residual = answers(2.0, 0.5)
    vortex.page.wait_for_function(
        "v => Math.abs(document.querySelector('[data-live=vortex]').wm.el.wm.state().flow[0] - v) < 1e-4",
        arg=float(flow[0, 0]),
    )
    found = state(vortex)
    np.testing.assert_allclose(np.reshape(found["flow"], (-1, 3))[: CELLS**2], flow, atol=1e-4)
    np.testing.assert_allclose(found["residual"][: CELLS**2], residual, atol=1e-4)
    assert f"viscosity {viscosity(0.5):.3f}" in vortex.locator(".wm-live-stage p").inner_text()


def test_a_click_drops_particles_where_it_is(vortex):
    board = vortex.locator("canvas").first
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    board.click(position={"x": 0.25 * box["width"], "y": 0.25 * box["height"]})
    until(vortex, "s.pairs.length === 7")
    pairs = state(vortex)["pairs"]
    assert all(pair["actual"] == pair["imagined"] for pair in pairs)
    np.testing.assert_allclose(np.mean([pair["actual"] for pair in pairs], 0), [0.25 * SIDE, 0.75 * SIDE], atol=0.05)
    assert "7 particles" in vortex.locator(".wm-live-stage p").inner_text()
    vortex.get_by_role("button", name="Clear").click()
    until(vortex, "s.pairs.length === 0")


def test_the_keys_drop_them_too_and_there_is_room_for_120(vortex):
    pad = vortex.locator("canvas").first
    for _ in range(6):
        pad.press("ArrowRight")
    pad.press("Enter")
    until(vortex, "s.pairs.length === 7")
    centre = np.mean([pair["actual"] for pair in state(vortex)["pairs"]], 0)
    np.testing.assert_allclose(centre, [0.75 * SIDE, 0.5 * SIDE], atol=1e-5)
    for _ in range(20):
        pad.press(" ")
    until(vortex, "s.pairs.length === 120")


def test_both_kinds_are_carried_each_by_its_own_flow(vortex):
    vortex.locator("canvas").first.press("Enter")
    until(vortex, "s.pairs.length === 7")
    begin = state(vortex)
    vortex.evaluate("async f => { for (let k = 0; k < 20; k++) await f.wm.el.wm.advance(0.05) }")
    end = state(vortex)
    assert end["t"] == pytest.approx(1)
    nu, h = viscosity(begin["s"]), 0.05
    assert nu == pytest.approx(0.1)

    def flow(at, t):
        points = torch.tensor([[t, *place] for place in at], dtype=torch.float64)
        return TaylorGreen(nu)(points)[:, :2].numpy()

    place = np.array([pair["actual"] for pair in begin["pairs"]])
    for k in range(20):
        place = place + h * flow(place + h / 2 * flow(place, k * h), (k + 0.5) * h)
    np.testing.assert_allclose([pair["actual"] for pair in end["pairs"]], place, atol=1e-6)
    assert 0 < end["apart"] < 0.1


def test_time_runs_and_stops_at_the_end_and_a_jump_in_time_takes_the_particles_away(vortex):
    vortex.get_by_role("button", name="Let time run").click()
    until(vortex, "s.playing && s.t > 0.1 && s.pairs.length > 0")
    vortex.get_by_role("button", name="Pause").click()
    until(vortex, "!s.playing")
    slide(vortex, "time", 2.9)
    until(vortex, "s.t === 2.9 && s.pairs.length === 0")
    vortex.get_by_role("button", name="Let time run").click()
    until(vortex, "!s.playing && s.t > 2.999")


def test_axe_and_reduced_motion(start, objections):
    visited = start(f"lessons/{LESSON}.html", "vortex", reduced_motion="reduce")
    assert objections(visited.page, ".wm-live") == []
    assert not state(visited.figure("vortex"))["playing"]
    assert visited.faults == []
