"""The figure of *A distance that knows the walls*: it drives through doors wherever they are, and stays light."""

import pytest
import torch

from wm_core.worlds.two_rooms import TwoRooms

pytestmark = pytest.mark.site

PAGE = "lessons/planning/value_guided.html"

#: Look, plan, do four steps, look again, with the figure's own planner and its settings, until near or after a hundred steps.
DRIVE = """async (f, [wallX, doorY, begin, goals, cost]) => {
    const wm = f.wm.el.wm, settings = f.wm.model.get("world"), {chosen} = wm.state(), left = [], ms = [];
    let transitions = 0;
    const {generator, twoRooms} = await import("/_static/live/rooms_world.mjs");
    for (let i = 0; i < wallX.length; i++) {
      const world = twoRooms(settings, wallX[i], doorY[i]), goal = goals[i], random = generator(i);
      let at = begin[i], plan, far = Infinity;
      for (let k = 0; k < 100 && far >= 4.5; k++) {
        if (k % 4 === 0) {
          const start = plan?.actions.slice(8);
          plan = await wm.makePlan({world, at, goal, chosen: {...chosen, cost}, start, noise: generator(k)});
          ms.push(plan.ms);
          transitions = plan.transitions;
        }
        at = world.step(at, plan.actions.slice(2 * (k % 4), 2 * (k % 4) + 2), random);
        far = Math.hypot(at[0] - goal[0], at[1] - goal[1]);
      }
      left.push(far);
    }
    return [left, ms.sort((a, b) => a - b)[ms.length >> 1], chosen, transitions];
}"""


def tasks(n=6):
    """Starts and goals in opposite rooms, at least forty pixels apart on foot, each in a layout of its own."""
    world, generator = TwoRooms(), torch.Generator().manual_seed(1)
    where = world.layouts(40, generator)
    room = torch.arange(40) % 2
    begin, goal = (world.anywhere(where, generator, side) for side in (room, 1 - room))
    round_about = world.path_length(where, begin[:, None], goal)[:, 0] > 1.15 * (begin - goal).norm(dim=-1)
    return [each[round_about][:n].tolist() for each in (*where, begin, goal)]


@pytest.fixture(scope="module")
def visited(running):
    with running(PAGE, "rooms", reduced_motion="reduce") as visited:
        yield visited


def test_the_learned_cost_drives_through_doors_anywhere_and_the_distance_of_latents_does_not(visited):
    rooms = visited.figure("rooms")
    left, ms, chosen, transitions = rooms.evaluate(DRIVE, [*tasks(), "value"])
    assert (chosen["cost"], chosen["engine"]) == ("value", "network")
    assert sum(far < 4.5 for far in left) >= 5, left
    print(f"{ms:.0f} ms a plan")
    assert transitions == 16 * 64 * 6  # what a plan costs on any machine
    plain, *_ = rooms.evaluate(DRIVE, [*tasks(), "plain"])
    assert sum(far < 4.5 for far in plain) <= 2, plain
    assert visited.faults == []


def test_wall_and_door_can_be_moved_and_the_map_follows(visited):
    rooms = visited.figure("rooms")
    rooms.get_by_role("button", name="Cost map").press("Enter")
    maps = []
    for door in (16, 48):
        rooms.evaluate("(f, door) => f.wm.el.wm.put('door', [27, door])", door)
        rooms.evaluate("async (f) => { await f.wm.el.wm.settled(); await f.wm.el.wm.survey(); }")
        maps.append(rooms.evaluate("f => [...f.wm.el.wm.state().map.cost]"))
    moved = torch.tensor(maps[0]) - torch.tensor(maps[1])
    assert moved.abs().max() > 15  # far from one door is near the other
    rooms.get_by_role("button", name="Cost map").press("Enter")
    assert visited.faults == []


def test_it_weighs_no_more_than_it_should(visited):
    networks = [each for each in visited.answered if each.url.endswith(".onnx")]
    assert len(networks) == 3
    weight = sum(len(each.response().body()) for each in networks)
    assert weight < 4_000_000
