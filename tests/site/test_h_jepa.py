"""The figure of *Two clocks*: one level and two drive with the chapter's networks, at equal predictions, and the page stays usable."""

import pytest
import torch

from wm_core.worlds.two_rooms import TwoRooms

pytestmark = pytest.mark.site

PAGE = "lessons/planning/h_jepa.html"

#: Look, plan, do eight steps, look again, with the figure's own planner and its settings, until near or after 96 steps.
DRIVE = """async (f, [begin, goals, changes]) => {
    const wm = f.wm.el.wm, settings = f.wm.model.get("world"), {chosen} = wm.state(), left = [], ms = [];
    const {generator, twoRooms} = await import("/_static/live/rooms_world.mjs");
    const world = twoRooms(settings, 32, 10);
    let plan;
    for (let i = 0; i < begin.length; i++) {
      const goal = goals[i], random = generator(i);
      let at = begin[i], far = Infinity;
      plan = null;
      for (let k = 0; k < 96 && far >= 4.5; k++) {
        if (k % 8 === 0) {
          const start = plan ? plan.actions.slice(16) : null;
          plan = await wm.makePlan({world, at, goal, chosen: {...chosen, ...changes}, start, before: plan, noise: generator(k)});
          ms.push(plan.ms);
        }
        at = world.step(at, plan.actions.slice(2 * (k % 8), 2 * (k % 8) + 2), random);
        far = Math.hypot(at[0] - goal[0], at[1] - goal[1]);
      }
      left.push(far);
    }
    const {transitions, horizon, subgoals} = plan;
    return {left, ms: ms.sort((a, b) => a - b)[ms.length >> 1], transitions, horizon, subgoals, levels: chosen.levels};
}"""


def tasks(n: int = 5):
    """Starts and goals in opposite rooms of the one layout."""
    world, generator = TwoRooms(fixed=True), torch.Generator().manual_seed(2)
    where, room = world.layouts(n, generator), torch.arange(n) % 2
    return [world.anywhere(where, generator, side).tolist() for side in (room, 1 - room)]


@pytest.fixture(scope="module")
def visited(running):
    with running(PAGE, "rooms", reduced_motion="reduce") as visited:
        yield visited


def test_one_level_and_two_drive_at_equal_predictions(visited):
    rooms = visited.figure("rooms")
    two = rooms.evaluate(DRIVE, [*tasks(), {"levels": "two"}])
    assert two["levels"] == "two"  # as the reader finds it
    assert (two["transitions"], two["horizon"], len(two["subgoals"])) == (4096, 8, 4)
    assert sum(far < 4.5 for far in two["left"]) >= 2, two
    one = rooms.evaluate(DRIVE, [*tasks(), {"levels": "one"}])
    assert (one["transitions"], one["horizon"], one["subgoals"]) == (4096, 32, [])
    assert sum(far < 4.5 for far in one["left"]) >= 2, one
    print(f"{one['ms']:.0f} and {two['ms']:.0f} ms a plan")


def test_on_a_phone_nothing_is_wider_than_the_screen(opening):
    with opening(PAGE, viewport={"width": 375, "height": 740}, has_touch=True, is_mobile=True) as visited:
        assert visited.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert visited.faults == []
