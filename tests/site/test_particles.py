"""The figure of thrown bodies: its worlds move as Python's do, and it obeys the pointer, the keys and the buttons.

No chapter is needed: it stands on a page of its own, with networks that know the springs, that know none, and that push everything aside.
"""

import pytest
import torch
from torch import nn

from wm_core.artefacts import export_onnx
from wm_core.physics.particles import System, fly
from wm_core.worlds.particles import Particles

pytestmark = pytest.mark.site

WORLD, MOST, REACH, H, WIND = Particles(), 10, 2.6, 0.05, 0.3
START, BODIES = WORLD.start(1, 5, torch.Generator().manual_seed(3))
FIRST = torch.cat([START[0], BODIES.mass[0][:, None]], -1)


class Springs(nn.Module):
    """The world's own forces, as a network of the figure that knows no charge but 1: films show 1 and -1, and never 0."""

    def __init__(self, wind: float = 0.0):
        super().__init__()
        self.wind = wind

    def forward(self, q, mass, charge):
        there = (mass > 0)[:, None]
        apart = q[None] - q[:, None]
        pull = 1 - WORLD.rest / (apart.square().sum(-1, keepdim=True) + WORLD.softening**2).sqrt()
        both = (there * there.mT * charge[:, None] * charge)[..., None]
        return (pull * apart * both).sum(1) + self.wind * there * torch.tensor([1.0, 0.0])


def networks() -> dict:
    slots = {"q": torch.randn(MOST, 2), "mass": torch.ones(MOST), "charge": torch.zeros(MOST)}
    kinds = {"central": 0.0, "antisymmetric": 0.0, "plain": WIND}
    return {kind: export_onnx(Springs(wind), slots, ["force"]) for kind, wind in kinds.items()}


@pytest.fixture(scope="module")
def site(tmp_path_factory, lay_out, serve):
    folder = tmp_path_factory.mktemp("bodies")
    lay_out(
        folder, "page", "bodies", model=networks(), strength=WORLD.strength, rest=WORLD.rest, softening=WORLD.softening, h=H,
        bodies=FIRST.tolist(), most=MOST, reach=REACH,
        names={"imagined": "central", "third": "antisymmetric", "rival": "plain"},
    )  # fmt: skip
    with serve(folder) as address:
        yield address


@pytest.fixture(scope="module")
def visited(running):
    with running("page.html", "bodies") as visited:
        yield visited


@pytest.fixture
def bodies(visited):
    """The running figure, begun anew."""
    bodies = visited.figure("bodies")
    if not state(bodies, "running"):
        bodies.get_by_role("button", name="Go on").click()
    bodies.get_by_role("button", name="Start again").click()
    until(bodies, "s.left === 0 && s.time < 0.5 && s.mass.length === 5")
    yield bodies
    assert visited.faults == []


def state(bodies, what: str):
    return bodies.evaluate(f"f => f.wm.el.wm.state().{what}")


def until(bodies, condition: str) -> None:
    """Wait for a sentence about the figure's state ``s``."""
    bodies.page.wait_for_function(
        f"() => {{ const s = document.querySelector('.wm-live').wm.el.wm.state(); return {condition} }}"
    )


def stopped(bodies) -> None:
    bodies.get_by_role("button", name="Stop", exact=True).click()
    until(bodies, "!s.running")


def test_its_worlds_move_as_pythons_do(bodies):
    until(bodies, "s.time > 1")
    stopped(bodies)
    found = bodies.evaluate(
        "f => { const s = f.wm.el.wm.state(); return {time: s.time, q: s.worlds.actual.q, near: s.worlds.imagined.q} }"
    )
    steps = round(found["time"] / H)
    path = fly(System(WORLD, BODIES), START, H / 5, 5 * steps)[-1, 0, :, :2]
    torch.testing.assert_close(torch.tensor(found["q"], dtype=torch.float64), path, atol=1e-6, rtol=0)
    coarse = fly(System(WORLD, BODIES), START, H, steps)[-1, 0, :, :2]
    torch.testing.assert_close(torch.tensor(found["near"], dtype=torch.float64), coarse, atol=1e-4, rtol=0)


def test_it_tells_momentum_that_came_from_nowhere(bodies):
    until(bodies, "s.time > 1")
    stopped(bodies)
    scale = START[0, :, 2:].norm(dim=-1).sum()
    astray, time = state(bodies, "astray"), state(bodies, "time")
    assert astray["rival"] == pytest.approx(float(5 * WIND * time / scale), rel=1e-4)
    assert max(astray["actual"], astray["imagined"], astray["third"]) < 1e-6


def test_what_is_thrown_in_brings_its_momentum_and_is_no_error(bodies):
    bodies.get_by_role("combobox", name="mass").select_option("2")
    bodies.get_by_role("button", name="Throw one in").click()
    until(bodies, "s.mass.length === 6")
    stopped(bodies)
    assert state(bodies, "mass.at(-1)") == 2
    assert state(bodies, "astray.actual") < 1e-6
    total = bodies.evaluate(
        "f => f.wm.el.wm.state().worlds.actual.p.reduce(([a, b], [x, y]) => [a + x, b + y], [0, 0])"
    )
    assert torch.tensor(total).norm() == pytest.approx(1.6, rel=1e-4)  # 2 at 0.8
    bodies.get_by_role("combobox", name="mass").select_option("1")


def test_a_drag_says_from_where_and_how_fast(bodies):
    box = bodies.locator("canvas").first.bounding_box()
    middle, unit = (box["x"] + box["width"] / 2, box["y"] + box["width"] / 2), box["width"] / 2 / REACH
    mouse = bodies.page.mouse
    bodies.locator("canvas").first.scroll_into_view_if_needed()
    box = bodies.locator("canvas").first.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["width"] / 2)
    mouse.move(middle[0] - 2 * unit, middle[1] - 2 * unit)
    mouse.down()
    mouse.move(middle[0] - 1 * unit, middle[1] - 2 * unit, steps=3)
    before = state(bodies, "time")
    mouse.up()
    until(bodies, f"s.mass.length === 6 && s.time > {before}")
    stopped(bodies)
    place = state(bodies, "worlds.actual.q[5]")
    since = state(bodies, "time") - before
    assert place[0] == pytest.approx(-2 + since, abs=0.15 + 4 * since**2)
    assert place[1] == pytest.approx(2, abs=0.15 + 4 * since**2)


def test_the_view_goes_where_the_world_goes(bodies):
    """Whoever throws in a body sets the whole in motion; a drag then starts where the reader sees it start."""
    bodies.get_by_role("button", name="Throw one in").click()
    until(bodies, "Math.hypot(...s.eye) > 0.3")
    stopped(bodies)
    eye = torch.tensor(state(bodies, "eye"))
    q, mass = (torch.tensor(state(bodies, what)) for what in ("worlds.actual.q", "mass"))
    torch.testing.assert_close(eye, (mass[:, None] * q).sum(0) / mass.sum(), atol=1e-5, rtol=0)
    panel = bodies.locator("canvas").first
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    x, y, unit = box["x"] + box["width"] / 2, box["y"] + box["width"] / 2, box["width"] / 2 / REACH
    mouse = bodies.page.mouse
    mouse.move(x + unit, y - 2 * unit)
    mouse.down()
    mouse.up()
    until(bodies, "s.mass.length === 7")
    torch.testing.assert_close(
        torch.tensor(state(bodies, "worlds.actual.q[6]")), eye + torch.tensor([1.0, 2.0]), atol=0.1, rtol=0
    )


def test_the_keys_throw_too_and_ten_is_all_that_it_holds(bodies):
    pad = bodies.get_by_role("application")
    for _ in range(7):
        for key in ("ArrowRight", "ArrowDown", "Enter"):
            pad.press(key)
    until(bodies, "s.left === 0 && s.mass.length === 10")
    assert "no room for more" in bodies.locator("p").first.inner_text() or "no room for more" in bodies.inner_text()
    pad.press(" ")
    until(bodies, "!s.running")
    pad.press(" ")
    until(bodies, "s.running")


def test_nothing_is_amiss_for_those_who_cannot_see_it(bodies, objections):
    stopped(bodies)
    assert objections(bodies.page, ".wm-live") == []
