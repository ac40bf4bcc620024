"""The figure of walks that leak: it counts as Python does, and obeys the pointer, the keys and the chooser.

No chapter is needed: it stands on a page of its own, with one model that knows no walls and one that thinks that nothing ever moves.
"""

import math
import re
from dataclasses import asdict

import pytest
import torch
from torch import nn

from wm_core.artefacts import export_onnx
from wm_core.jepa.two_rooms_export import Imagine, room_networks
from wm_core.nets.world_model import WorldModel
from wm_core.worlds.two_rooms import Layout, TwoRooms

pytestmark = pytest.mark.site

WORLD, WALKS, STEPS, STRIDE, START = TwoRooms(fixed=True), 36, 12, 1.5, (24.0, 30.0)


class Crow(WorldModel):
    """Its latent is the place in units of ten pixels, and what it imagines knows no walls; ``pace`` 0 is one that never moves."""

    def __init__(self, pace: float):
        super().__init__(nn.Identity(), nn.Identity())
        self.pace = pace

    def encode(self, frames):
        dot, pixels = frames[:, 0], torch.arange(65.0)
        mass = dot.sum((1, 2))
        x, y = (dot.sum(1) * pixels).sum(1) / mass, (dot.sum(2) * pixels).sum(1) / mass
        return torch.stack([x, y], -1) / 10

    def rollout(self, z, actions):
        return z[:, None] + self.pace * actions.cumsum(1) / 10


def networks() -> dict:
    """Both models: they look alike, and imagine differently."""
    probe = nn.Linear(2, 2)
    probe.weight.data, probe.bias.data = 10 * torch.eye(2), torch.zeros(2)
    frame = WORLD.draw(WORLD.layouts(1, torch.Generator()), torch.tensor([[START]]))[0, 0]
    crow = room_networks(Crow(1.0), probe, frame, plans=WALKS, steps=STEPS)
    asked = {"z": torch.ones(WALKS, 2), "actions": torch.ones(WALKS, STEPS, 2)}
    still = export_onnx(Imagine(Crow(0.0), probe), asked, ["path", "places"])
    looks = {f"encode_{key}": crow["encode"] for key in ("crow", "still")}
    return looks | {"imagine_crow": crow["imagine"], "imagine_still": still}


@pytest.fixture(scope="module")
def site(tmp_path_factory, lay_out, serve):
    folder = tmp_path_factory.mktemp("walls")
    lay_out(
        folder, "page", "walls", model=networks(), world=asdict(WORLD), wall_x=32, door_y=10, start=START, stride=STRIDE,
        minds=[["crow", "no walls"], ["still", "nothing moves"]],
    )  # fmt: skip
    with serve(folder) as address:
        yield address


@pytest.fixture(scope="module")
def visited(running):
    with running("page.html", "walls", reduced_motion="reduce") as visited:
        yield visited


@pytest.fixture
def walls(visited):
    """The running figure as it is at first."""
    walls = visited.figure("walls")
    walls.get_by_role("combobox").select_option("crow")
    put(walls, START)
    yield walls
    assert visited.faults == []


def put(walls, place) -> None:
    walls.evaluate("(f, place) => f.wm.el.wm.put(place)", list(place))


def words(walls) -> str:
    walls.evaluate("f => f.wm.el.wm.settled()")
    return walls.get_by_text(re.compile("walks of")).inner_text()


def counted(place) -> tuple[int, int, float]:
    """In Python: how many walks go through the door, how many more a crow sends across the wall, and how far off its ends are."""
    angles = torch.arange(WALKS) * (2 * math.pi / WALKS)
    steps = STRIDE * torch.stack([angles.cos(), angles.sin()], -1)[:, None].expand(-1, STEPS, -1)
    layout, start = WORLD.layouts(WALKS, torch.Generator()), torch.tensor([place]).expand(WALKS, 2)
    actual, crow = WORLD.walk(Layout(*layout), start, steps)[:, 1:], start[:, None] + steps.cumsum(1)
    side = 1.0 if place[0] < 32 else -1.0
    across, flown = ((side * (path[..., 0] - 32) > WORLD.thick / 2).any(1) for path in (actual, crow))
    return int(across.sum()), int((flown & ~across).sum()), float((actual[:, -1] - crow[:, -1]).norm(dim=-1).mean())


@pytest.mark.parametrize("place", [START, (38.0, 44.0), (24.0, 10.0)])
def test_it_counts_what_python_counts(walls, place):
    put(walls, place)
    through, leaks, gap = counted(place)
    text = words(walls)
    assert f"36 walks of {STEPS} steps from ({place[0]:.0f}, {place[1]:.0f})" in text
    assert (f"{through} go" in text) if through else ("None goes through the door" in text)
    assert f"imagination sends {leaks} through the wall" in text
    assert float(re.search(r"end ([\d.]+) px", text)[1]) == pytest.approx(gap, abs=0.06)


def test_another_network_may_imagine(walls):
    before = words(walls)
    walls.get_by_role("combobox").select_option("still")
    after = words(walls)
    assert before != after
    assert "sends none through the wall" in after
    put(walls, (24.0, 10.0))
    assert re.search(r"(\d+) go through the door, \1 of them not in imagination", words(walls))


def test_the_arrow_keys_and_a_drag_move_the_dot(walls):
    pad = walls.get_by_role("application")
    for key in ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"):
        before = words(walls)
        pad.press(key)
        assert words(walls) != before, key
    at = walls.evaluate("f => f.wm.el.wm.state().at")
    assert at == list(START)
    box = walls.locator("canvas").first.bounding_box()
    page = walls.page
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 3 * box["width"] / 4, box["y"] + 3 * box["height"] / 4, steps=4)
    page.mouse.up()
    assert "(47, 47)" in words(walls)


def test_the_keys_take_the_dot_to_the_other_side_of_the_wall(walls):
    put(walls, (27.9, 40.0))
    walls.get_by_role("application").press("ArrowRight")
    assert walls.evaluate("f => f.wm.el.wm.state().at[0]") > 32
    walls.get_by_role("application").press("ArrowLeft")
    assert walls.evaluate("f => f.wm.el.wm.state().at[0]") < 32


def test_nothing_is_amiss_for_those_who_cannot_see_it(walls, objections):
    assert objections(walls.page, ".wm-live") == []
