"""The figure of the robot: its world and its search are Python's, its map is the network's, and the robot gets where it should."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from tools.lessons import Lesson
from wm_core.planning.cem import CEM
from wm_core.planning.costs import to_goal
from wm_core.planning.search import within
from wm_core.worlds.robot import RobotTable

pytestmark = pytest.mark.site

LESSON = "jepa/v_jepa_2_ac"


@pytest.fixture
def visited(start):
    visited = start(f"lessons/{LESSON}.html", "reach", reduced_motion="reduce")
    yield visited
    assert visited.faults == []


@pytest.fixture
def reach(visited):
    return visited.figure("reach")


@pytest.fixture
def settings(reach):
    return json.loads(reach.locator("script").first.text_content())


def state(reach) -> dict:
    return reach.evaluate("f => f.wm.el.wm.state()")


def network(name):
    session = onnxruntime.InferenceSession(Lesson(LESSON).run / "live" / f"reach-{name}.onnx")
    return lambda **inputs: session.run(None, {key: np.asarray(x, np.float32) for key, x in inputs.items()})


def test_its_world_is_pythons(reach, settings):
    world = RobotTable()
    assert all(settings[key] == getattr(world, key) for key in ("size", "robot", "puck", "reach", "parts"))
    generator = torch.Generator().manual_seed(0)
    near = torch.tensor(
        [[12.0, 8.0, 12.3, 12.8], [3.0, 12.0, 8.0, 12.5], [14.0, 21.0, 18.5, 21.0], [4.0, 4.0, 20.0, 20.0]]
    )
    states = torch.cat([near, world.anywhere(20, generator)])
    actions = 1.5 * torch.randn(24, 6, 2, generator=generator)
    walked, drawn = reach.evaluate(
        """(f, [states, actions]) => { const { step, draw } = f.wm.el.wm;
        return [states.map((state, i) => actions[i].map((action) => (state = step(state, action)))),
          [0, 1, 2].map((paper) => [...draw(states[paper], paper)])]; }""",
        [states.tolist(), actions.tolist()],
    )
    expected = world.walk(states, actions)
    assert (expected[:, -1, 2:] != states[:, 2:]).any()  # a puck was pushed
    torch.testing.assert_close(torch.tensor(walked), expected[:, 1:], atol=1e-4, rtol=0)
    papers = torch.tensor(settings["papers"]).view(-1, 24, 24)
    torch.testing.assert_close(
        torch.tensor(drawn).view(3, 24, 24), world.draw(states[:3, None], papers)[:, 0], atol=1e-5, rtol=0
    )


def test_the_map_is_the_networks_and_its_first_row_is_up(reach):
    now = state(reach)
    (energy,) = network("landscape")(z=[now["z"]], goal=[now["wanted"]])
    np.testing.assert_allclose(now["energy"], energy[0], atol=1e-4)
    x, y = now["state"][:2]
    for by, side in (((0, -2), slice(0, 5)), ((0, 2), slice(6, 11))):  # a goal straight above, straight below
        reach.evaluate("(f, at) => f.wm.el.wm.want('robot', at)", [x + by[0], y + by[1]])
        reach.page.wait_for_timeout(400)
        row = np.reshape(state(reach)["energy"], (11, 11)).argmin() // 11
        assert row in range(11)[side]


class Imagined:
    """The exported network as the planner's model: it gives costs, and the planner's cost passes them on."""

    def __init__(self, goal):
        self.ask, self.goal = network("imagine"), goal

    def rollout(self, z, actions):
        cost, _ = self.ask(z=z[:1].numpy(), actions=actions.numpy(), goal=self.goal)
        return torch.tensor(cost)[:, None, None]


def test_its_search_is_pythons(reach, settings):
    planner = CEM(
        *(settings[key] for key in ("horizon", "samples", "elites", "iterations", "spread", "floor", "momentum"))
    )
    now = state(reach)
    generator = torch.Generator().manual_seed(3)
    noise = [
        torch.randn(1, planner.samples, planner.horizon, 2, generator=generator) for _ in range(planner.iterations)
    ]
    start = [0.5, 0.0, 3.0, 4.0]  # the second is longer than the robot's reach
    got = reach.evaluate(
        """async (f, [noise, start]) => { const { search, state } = f.wm.el.wm, { z, wanted } = state();
        return search(Float32Array.from(z), Float32Array.from(wanted), start, { noise: (round) => noise[round] }); }""",
        [[round.flatten().tolist() for round in noise], start],
    )
    expected = planner.plan(
        Imagined([now["wanted"]]),
        torch.tensor([now["z"]]),
        to_goal(torch.zeros(1, 1)),  # of what the model gives, which is the cost
        bound=within(settings["reach"]),
        generator=torch.Generator().manual_seed(3),
        start=torch.tensor([start]).view(1, 2, 2),
    )
    np.testing.assert_allclose(got, expected.flatten(), atol=2e-3)


def test_the_robot_walks_to_where_the_picture_has_it(reach, settings):
    reach.get_by_role("button", name="Go").press("Enter")
    for _ in range(200):
        reach.page.wait_for_timeout(100)
        if state(reach)["done"] == settings["actions"]:
            break
    now = state(reach)
    assert not now["going"]
    assert np.hypot(*np.subtract(now["state"], now["goal"])[:2]) < 1.5
    assert now["off"] < 1.0
    assert "After 16 actions" in reach.locator(".wm-live-stage p").inner_text()


def test_the_arrows_move_what_is_chosen_and_discs_never_overlap(reach):
    pad = reach.locator("[tabindex='0']").first
    reach.evaluate("f => { f.wm.el.wm.want('robot', [18, 18]); f.wm.el.wm.want('puck', [8, 8]); }")
    before = state(reach)["goal"]
    pad.press("ArrowUp")
    reach.get_by_label("Arrow keys move").select_option("puck")
    pad.press("ArrowRight")
    after = state(reach)["goal"]
    np.testing.assert_allclose(np.subtract(after, before), [0, -1, 1, 0], atol=1e-9)
    for x in np.linspace(-3, 27, 16):
        for y in (0, after[1], 12.0, 30):
            reach.evaluate("(f, at) => f.wm.el.wm.want('puck', at)", [x, y])
            goal = np.array(state(reach)["goal"])
            assert np.hypot(*(goal[:2] - goal[2:])) > 4.499
            assert (goal[2:] >= 2.5).all()
            assert (goal[2:] <= 21.5).all()


def test_a_new_table_ends_the_walk_on_the_old_one(reach):
    reach.get_by_role("button", name="Go").press("Enter")
    reach.page.wait_for_timeout(150)
    reach.get_by_role("button", name="New table").press("Enter")
    begin = state(reach)["state"]
    reach.page.wait_for_timeout(800)
    now = state(reach)
    assert now["state"] == begin
    assert not now["going"]
    assert "After 0 actions" in reach.locator(".wm-live-stage p").inner_text()
