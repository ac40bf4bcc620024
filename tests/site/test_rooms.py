"""The figure of the two rooms: its world, its planners and its arithmetic are Python's, and the dot gets where it should.

No chapter is needed: the figure stands on a page of its own, with small networks that are exact but for the walls, which they ignore.
"""

import functools
import re
import threading
from dataclasses import asdict
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
import torch

from tools.paths import HTML, ROOT
from wm_core.artefacts import Exported
from wm_core.lesson.figures import figure
from wm_core.lesson.live_figure import FOLDER, live, module
from wm_core.planning.cem import CEM
from wm_core.planning.mppi import MPPI
from wm_core.planning.search import within
from wm_core.worlds.two_rooms import Layout, TwoRooms

pytestmark = pytest.mark.site

SEARCH = {"share": 0.125, "iterations": 6, "spread": 1.5, "floor": 0.1, "momentum": 0.1, "temperature": 0.5,
          "shrink": 0.9, "smooth": 0.0}  # fmt: skip
STATE = {
    "world": asdict(TwoRooms()), "wall_x": 32, "door_y": 20, "start": [14.0, 46.0], "goal": [50.0, 44.0],
    "costs": ["plain", "value", "path"], "planners": ["cem", "mppi"], "engines": ["true", "network"],
    "intervals": [1, 4, 16], "samples": [64, 16, 256], "horizons": [16, 4, 48], "along": "sum", "search": SEARCH,
    "high": {**SEARCH, "samples": 32, "spread": 0.5, "reach": 1.5}, "steps": 200, "near": 4.5,
}  # fmt: skip


PIXELS = ", ".join(map(str, range(65)))

#: Networks as text, in ONNX's own language. A latent is the place in units of ten pixels, and the share of pixels that are wall.
NETWORKS = {
    "encode": f"""encode (float[1,2,65,65] frame) => (float[1,3] z, float[1,2] place)
        <int64[1] rows = {{2}}, int64[1] columns = {{3}}, int64[1] last = {{2}}, int64[2] all = {{2, 3}},
         float[65] pixels = {{{PIXELS}}}, float ten = {{10}}>
        {{
            dot, wall = Split <axis = 1, num_outputs = 2> (frame)
            mass = ReduceSum <keepdims = 0> (dot, all)
            across = ReduceSum <keepdims = 0> (dot, rows)
            down = ReduceSum <keepdims = 0> (dot, columns)
            x_mass = Mul(across, pixels)
            x_sum = ReduceSum <keepdims = 0> (x_mass, last)
            y_mass = Mul(down, pixels)
            y_sum = ReduceSum <keepdims = 0> (y_mass, last)
            xy = Concat <axis = 1> (x_sum, y_sum)
            place = Div(xy, mass)
            near = Div(place, ten)
            share = ReduceMean <keepdims = 0> (wall, all)
            z = Concat <axis = 1> (near, share)
        }}""",
    "imagine": """imagine (float[48,3] z, float[48,6,2] actions) => (float[48,6,3] path, float[48,6,2] places)
        <int64[1] time = {1}, int64 along = {1}, float ten = {10}, int64[6] third = {0, 0, 0, 0, 0, 1}, int64[3] from = {0, 0, 0},
         int64[3] to = {48, 6, 2}>
        {
            start = Unsqueeze(z, time)
            gone = CumSum(actions, along)
            small = Div(gone, ten)
            wide = Pad(small, third)
            path = Add(start, wide)
            front = Slice(path, from, to)
            places = Mul(front, ten)
        }""",
    "value": """value (float[100,3] z, float[1,3] goal) => (float[100] cost)
        <int64[1] rows = {1}>
        {
            off = Sub(z, goal)
            size = Abs(off)
            cost = ReduceSum <keepdims = 0> (size, rows)
        }""",
    "propose": """propose (float[32,3] z, float[32,4,3] actions) => (float[32,4,3] path, float[32,4,2] places)
        <int64[1] time = {1}, int64 along = {1}, float ten = {10}, float[3] flat = {1, 1, 0}, int64[3] from = {0, 0, 0},
         int64[3] to = {32, 4, 2}>
        {
            start = Unsqueeze(z, time)
            gone = CumSum(actions, along)
            seen = Mul(gone, flat)
            path = Add(start, seen)
            front = Slice(path, from, to)
            places = Mul(front, ten)
        }""",
}  # fmt: skip


def networks() -> dict[str, Exported]:
    head = '<ir_version: 8, opset_import: ["" : 18]>'
    return {
        name: Exported(onnx.parser.parse_model(head + text).SerializeToString(), {}) for name, text in NETWORKS.items()
    }


def lay_out(folder: Path, name: str, model: dict, **state: object) -> None:
    """A page NAME.html in ``folder`` that holds the figure and nothing else, with what it needs beside it."""
    static, bundles = folder / "_static", []
    if not static.exists():
        (static / "live").mkdir(parents=True)
        for source, target in (
            (HTML / "_static" / "vendor", "vendor"),
            *((f, f"live/{f.name}") for f in FOLDER.iterdir()),
        ):
            (static / target).symlink_to(source)
        for file in ("wm.css", "wm.mjs"):
            (static / file).symlink_to(ROOT / "book" / "_theme" / "wm" / "static" / file)
    fig, _ = figure()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WM_RUN_DIR", str(folder / name))
        patch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
        (folder / name).mkdir()
        live("rooms", model=model, poster=fig, caption="Drag the goal.", alt="Two rooms.", **state)
    (static / "live" / name).symlink_to(folder / name / "live")
    html = bundles[0]["text/html"].replace("<figure", f'<figure data-lesson="{name}"', 1)
    (folder / f"{name}.html").write_text(
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Rooms</title><link rel="icon" href="data:,">'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="_static/wm.css">'
        '<body class="is-lesson"><button class="bar-theme" hidden></button><main class="text"><h1>Two rooms</h1>'
        f'{html}</main><script type="module" src="_static/wm.mjs"></script></body></html>'
    )


class Quietly(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory, needs):
    """The pages of this file, served as the book's site is."""
    needs((HTML / "_static" / "vendor" / "onnxruntime").exists(), f"{HTML} holds no site: run make book")
    folder = tmp_path_factory.mktemp("rooms")
    lay_out(folder, "all", networks(), **STATE)
    lay_out(folder, "true", {}, **{**STATE, "costs": ["plain", "path"], "engines": ["true"], "intervals": [1]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quietly, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def visited(opening):
    """One page for all tests that do not need their own."""
    with opening("all.html", reduced_motion="reduce") as visited:
        visited.figure("rooms").get_by_role("button", name="Run").press("Enter")
        visited.page.locator(".wm-live[data-state=running]").wait_for()
        yield visited


@pytest.fixture
def rooms(visited):
    """The running figure as it is at first."""
    rooms = visited.figure("rooms")
    rooms.evaluate(
        """(f, {wall_x, door_y, start, goal}) => {
          for (const select of f.querySelectorAll("select")) {
            select.selectedIndex = 0;
            select.dispatchEvent(new Event("change"));
          }
          const {put, settled} = f.wm.el.wm;
          put("wall", [wall_x, door_y]);
          put("door", [wall_x, door_y]);
          put("dot", start);
          put("goal", goal);
          return settled();
        }""",
        STATE,
    )
    yield rooms
    assert visited.faults == []


def choose(rooms, label: str, value: str) -> None:
    rooms.get_by_role("combobox", name=label).select_option(value)


def state(rooms) -> dict:
    rooms.evaluate("f => f.wm.el.wm.settled()")
    return rooms.evaluate(
        "f => { const s = f.wm.el.wm.state(); return {...s, plan: {...s.plan, rounds: [], actions: [...s.plan.actions]}}; }"
    )


def ask(rooms, code: str, *given):
    """Run code in the page, where `settings` are the world's, `wm` is what the figure shows of itself, and `given` is given."""
    return rooms.evaluate(
        "async (f, given) => { const wm = f.wm.el.wm, settings = f.wm.model.get('world'),"
        " {generator, search, twoRooms} = await import('/_static/live/rooms_world.mjs'); " + code + "}",
        list(given),
    )


def layouts():
    torch.manual_seed(0)
    return Layout(torch.randint(20, 45, (12,)).double(), torch.randint(10, 55, (12,)).double())


def test_its_world_is_pythons(rooms):
    world, where = TwoRooms(), layouts()
    generator = torch.Generator().manual_seed(0)
    begin, goal = (world.anywhere(where, generator).double() for _ in range(2))
    actions = 2 * torch.randn(12, 80, 2, generator=generator, dtype=torch.float64)
    given = [each.tolist() for each in (torch.stack(where, 1), begin, actions, goal)]
    walked, lengths, drawn = ask(
        rooms,
        """const [where, begin, actions, goal] = given, worlds = where.map(([x, y]) => twoRooms(settings, x, y));
        const walked = worlds.map((world, i) => { let at = begin[i]; return actions[i].map((a) => (at = world.step(at, a))); });
        return [walked, worlds.map((world, i) => walked[i].map(world.pathLength(goal[i]))),
          worlds.slice(0, 3).map((world, i) => [...world.draw(walked[i][40])])];""",
        *given,
    )
    path = world.walk(where, begin, actions)[:, 1:]
    assert ((path[:, 1:] - path[:, :-1]).norm(dim=-1) < 0.01).any()  # some ran into a wall
    assert ((path[:, 0, 0] > where.wall_x) != (path[:, -1, 0] > where.wall_x)).any()  # some went through the door
    torch.testing.assert_close(torch.tensor(walked, dtype=torch.float64), path, atol=1e-6, rtol=0)
    expected = world.path_length(where, path, goal)
    torch.testing.assert_close(torch.tensor(lengths).double(), expected, atol=1e-4, rtol=0)
    assert (expected > (path - goal[:, None]).norm(dim=-1) + 5).any()  # some ways go round
    frames = world.draw(Layout(*(each[:3] for each in where)), path[:3, 40:41])[:, 0]
    torch.testing.assert_close(torch.tensor(drawn).view(3, 2, 65, 65).double(), frames.double(), atol=1e-5, rtol=0)


def test_nothing_goes_through_the_wall_but_through_the_door(rooms):
    way = ask(
        rooms,
        """const world = twoRooms(settings, 32, 20), random = generator(5), way = [[20, 20]];
        let heading = 0;
        for (let i = 0; i < 2000; i++) {
          heading += 0.6 * random();
          way.push(world.step(way.at(-1), [4 * Math.cos(heading), 4 * Math.sin(heading)], random));
        }
        return way;""",
    )
    x, y = np.transpose(way)
    assert ((x >= 4.5) & (x <= 59.5) & (y >= 4.5) & (y <= 59.5)).all()
    beyond = (np.abs(x - 32) < 1.5) & (np.abs(y - 20) > 4)
    assert not beyond.any()
    changes = np.flatnonzero(np.sign(x[1:] - 32) != np.sign(x[:-1] - 32))
    assert len(changes) > 3
    assert (
        np.abs(y[changes] - 20) <= 4 + 2.45
    ).all()  # a step that passes the middle begins in the door, or a step before it
    lengths = np.hypot(np.diff(x), np.diff(y))
    assert np.quantile(lengths, 0.9) <= 2.4501  # the rest were nudged
    assert lengths.max() < 2.45 + 5 * 0.5


def pairs_across():
    """Ten starts and goals in opposite rooms, five of them with the wall and the door of the fixed layout."""
    generator, world = torch.Generator().manual_seed(1), TwoRooms()
    where = world.layouts(10, generator)
    where.wall_x[:5], where.door_y[:5] = 32.0, 10.0
    room = torch.arange(10) % 2
    begin, goal = (world.anywhere(where, generator, side) for side in (room, 1 - room))
    return [each.tolist() for each in (*where, begin, goal)]


def test_the_path_length_leads_through_the_door_and_the_plain_distance_gets_stuck(rooms):
    """In true dynamics; a drive ends at the goal or after 200 steps."""
    left = ask(
        rooms,
        """const [wallX, doorY, begin, goals] = given, {plan: _, chosen} = wm.state(), left = {path: [], plain: []};
        for (const cost in left) for (let i = 0; i < wallX.length; i++) {
          const world = twoRooms(settings, wallX[i], doorY[i]), goal = goals[i], random = generator(i), every = cost === "path" ? 2 : 8;
          let at = begin[i], plan, far = Infinity;
          for (let k = 0; k < 200 && far >= 4.5; k++) {
            const start = plan?.actions.slice(2 * every);
            if (k % every === 0) plan = await wm.makePlan({world, at, goal, chosen: {...chosen, cost}, start, seed: k});
            at = world.step(at, plan.actions.slice(2 * (k % every), 2 * (k % every) + 2), random);
            far = Math.hypot(at[0] - goal[0], at[1] - goal[1]);
          }
          left[cost].push(far);
        }
        return left;""",
        *pairs_across(),
    )
    assert sum(far < 4.5 for far in left["path"]) >= 9
    assert sum(far >= 4.5 for far in left["plain"]) >= 4


class Cumulated:
    """Where the actions would lead if nothing were in the way."""

    def rollout(self, z, actions):
        return z[:, None] + actions.cumsum(1)


@pytest.mark.parametrize("smooth", [0.0, 0.7])
@pytest.mark.parametrize("name", ["cem", "mppi"])
def test_its_searches_are_pythons(rooms, name, smooth):
    shared = {"horizon": 6, "samples": 40, "iterations": 4, "spread": 1.5, "smooth": smooth}
    own = {"elites": 5, "floor": 0.05, "momentum": 0.1} if name == "cem" else {"temperature": 0.5, "shrink": 0.9}
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(4, 40, 6, 2, generator=generator)
    begin = torch.tensor([3.0, 0.0, 0.2, 0.3, 0, 0, 0, 0, 1, 1, 0, 0])  # the first is longer than a step may be
    goal = torch.tensor([9.0, 4.0])
    got = ask(
        rooms,
        """const [asked, noise, start, goal] = given;
        return [...await search({...asked, reach: 2.45}, {start, noise: (i) => noise[i], ask(plans) {
          return {cost: Float64Array.from({length: asked.samples}, (_, s) => {
            let [x, y, cost] = [0, 0, 0];
            for (let i = s * asked.horizon; i < (s + 1) * asked.horizon; i++) {
              x += plans[2 * i];
              y += plans[2 * i + 1];
              cost += (x - goal[0]) ** 2 + (y - goal[1]) ** 2;
            }
            return cost; })}; }})];""",
        {**shared, **own, "planner": name},
        noise.flatten().tolist(),
        begin.tolist(),
        goal.tolist(),
    )
    expected = (CEM if name == "cem" else MPPI)(**shared, **own).plan(
        Cumulated(),
        torch.zeros(1, 2),
        lambda path, actions: (path - goal).square().sum((2, 3)),
        bound=within(2.45),
        generator=torch.Generator().manual_seed(3),
        start=begin.view(1, 6, 2),
    )
    np.testing.assert_allclose(np.reshape(got, (6, 2)), expected[0], atol=1e-4)


def test_it_asks_its_networks_in_pieces_and_adds_up_what_they_answer(rooms):
    """64 plans of 16 steps through a network that was exported for 48 plans of 6."""
    world = TwoRooms()
    for cost in ("plain", "value", "path"):
        plan = ask(
            rooms,
            """const world = twoRooms(settings, 32, 20), {chosen} = wm.state();
            const plan = await wm.makePlan({world, at: [14, 46], goal: [50, 44], start: null, seed: 1,
              chosen: {...chosen, engine: "network", cost: given[0]}});
            return {...plan, actions: [...plan.actions], places: plan.places,
              rounds: plan.rounds.map(({cost, places}) => [[...cost], [...places]])};""",
            cost,
        )
        assert plan["transitions"] == 6 * 64 * 16
        np.testing.assert_allclose(plan["from"], [14, 46], atol=1e-3)
        walked = np.array(plan["from"]) + np.reshape(plan["actions"], (16, 2)).cumsum(0)
        np.testing.assert_allclose(plan["places"], walked, atol=1e-3)
        costs, places = (torch.tensor(each) for each in plan["rounds"][0])
        places = places.view(64, 16, 2)
        steps = places.diff(dim=1, prepend=torch.tensor(plan["from"]).expand(64, 1, 2)).norm(dim=-1)
        assert steps.max() < 2.46
        assert steps[1:].min() > 0  # every plan but the first, which begins as nothing, moves
        off = places - torch.tensor([50.0, 44.0])
        where = Layout(torch.tensor([32.0]), torch.tensor([20.0]))
        expected = {
            "plain": (off / 10).square().sum((1, 2)),
            "value": (off / 10).abs().sum((1, 2)),
            "path": world.path_length(where, places.view(1, -1, 2), torch.tensor([[50.0, 44.0]])).view(64, 16).sum(1),
        }
        torch.testing.assert_close(costs, expected[cost], rtol=1e-3, atol=1e-2)


def test_the_map_shows_the_cost_of_every_place(rooms):
    """Left of the wall, right of it, and by either engine; the second network knows places exactly."""
    world, where = TwoRooms(), Layout(torch.tensor([32.0]), torch.tensor([20.0]))
    goal = torch.tensor([[50.0, 44.0]])
    rooms.get_by_role("button", name="Cost map").press("Enter")
    for engine, cost, side in (
        ("true", "plain", 56), ("true", "path", 56), ("network", "plain", 15), ("network", "value", 15),
    ):  # fmt: skip
        choose(rooms, "Cost", cost)
        choose(rooms, "Imagines", engine)
        got = ask(rooms, "await wm.survey(); const {map} = wm.state(); return [map.side, [...map.cost]];")
        assert got[0] == side
        line = torch.linspace(world.low, world.high, side)
        free = (line - 32).abs() > 1.6
        places = torch.cartesian_prod(line, line)[:, [1, 0]]
        off = places - goal
        expected = {
            ("true", "plain"): off.norm(dim=1), ("true", "path"): world.path_length(where, places[None], goal)[0],
            ("network", "plain"): off.norm(dim=1) / 10, ("network", "value"): off.abs().sum(1) / 10,
        }[engine, cost]  # fmt: skip
        off = (torch.tensor(got[1]) - expected).view(side, side)[:, free]
        assert off.abs().max() < 0.05, (engine, cost)
    button = rooms.get_by_role("button", name="Cost map")
    assert button.get_attribute("aria-pressed") == "true"
    button.press("Enter")
    assert ask(rooms, "await wm.survey(); return wm.state().map;") is None


def test_it_drives_to_the_goal_and_says_so(rooms):
    ask(rooms, "wm.put('dot', [10, 40]); await wm.put('goal', [24, 48]);")
    rooms.get_by_role("button", name="Drive").press("Enter")
    rooms.get_by_text("At the goal after").wait_for()
    now = state(rooms)
    assert now["event"] == f"At the goal after {len(now['trail']) - 1} steps."
    assert np.hypot(*np.subtract(now["at"], now["goal"])) < 4.5
    assert not now["driving"]
    assert max(now["gaps"]) < 1e-3  # nothing was in the way, and the true world imagines
    rooms.get_by_role("button", name="Put back").press("Enter")
    now = state(rooms)
    assert now["at"] == [10, 40]
    assert now["trail"] == [[10, 40]]


def test_a_network_that_does_not_know_the_wall_is_found_out(rooms):
    choose(rooms, "Imagines", "network")
    choose(rooms, "Plans anew", "16")
    ask(rooms, "wm.put('wall', [32, 20]); wm.put('dot', [20, 46]); await wm.put('goal', [50, 44]);")
    ask(rooms, "for (let i = 0; i < 12; i++) await wm.act();")
    now = state(rooms)
    assert now["at"][0] < 31
    assert max(now["gaps"]) > 5  # imagined beyond the wall
    mean = np.mean(now["gaps"])
    assert (
        f"Over 12 steps the imagined places were {mean:.1f} px from the actual ones"
        in rooms.locator("p").first.inner_text()
    )
    assert now["plan"]["age"] == 12  # and it has not looked since


def test_the_second_level_gives_the_first_a_goal_on_the_way(rooms):
    choose(rooms, "Levels", "two")
    now = state(rooms)
    assert now["chosen"]["engine"] == "network"
    assert "The network imagines now" in now["event"]
    assert now["plan"]["transitions"] == 6 * 64 * 16 + 6 * 32 * 4
    assert len(now["plan"]["subgoals"]) == 4
    np.testing.assert_allclose(now["plan"]["places"][-1], now["plan"]["subgoals"][0], atol=2)
    choose(rooms, "Imagines", "true")
    now = state(rooms)
    assert now["chosen"]["levels"] == rooms.get_by_role("combobox", name="Levels").input_value() == "one"
    assert "no use for the second level" in now["event"]
    assert now["plan"]["subgoals"] == []


def test_what_is_dragged_moves_and_stays_in_a_room(rooms):
    box = rooms.locator("canvas").first.bounding_box()
    pixel = box["width"] / (55 + 2 * 1.6)
    mouse = rooms.page.mouse

    def at(x, y):
        return box["x"] + (x - 2.9) * pixel, box["y"] + (y - 2.9) * pixel

    for what, key, place, to, expected in (
        ("goal", "goal", (50, 44), (54, 30), (54, 30)),
        ("dot", "at", (14, 46), (10, 80), (10, 56.9)),
        ("wall", "wallX", (32, 40), (40, 12), 40),
        ("door", "doorY", (40, 20), (10, 30), 30),
        ("goal, by empty ground", "goal", (20, 12), (39, 12), (35.9, 12)),
    ):
        mouse.move(*at(*place))
        mouse.down()
        mouse.move(*at(*to), steps=3)
        mouse.up()
        np.testing.assert_allclose(state(rooms)[key], expected, atol=0.2, err_msg=what)
    assert state(rooms)["trail"] == [state(rooms)["at"]]


def test_the_arrow_keys_move_what_is_chosen_and_the_words_follow(rooms):
    pad, words = rooms.locator("[tabindex='0']").first, rooms.locator("p").first

    def numbers():
        return re.findall(r"\d+(?:\.\d+)?", words.inner_text())

    for what in ("goal", "dot", "wall"):
        choose(rooms, "Arrow keys", what)
        for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"):
            before = numbers()
            pad.press(key)
            state(rooms)
            assert numbers() != before, (what, key)


def test_where_only_the_true_world_imagines_no_network_is_loaded_and_no_empty_choice_is_shown(start):
    visited = start("true.html", "rooms")
    rooms = visited.figure("rooms")
    labels = [label.inner_text().split("\n")[0] for label in rooms.locator("label").all()]
    assert labels == ["Cost", "Planner", "Samples", "Horizon", "Arrow keys"]
    assert rooms.get_by_role("combobox", name="Cost").locator("option").all_inner_texts() == [
        "distance",
        "path length",
    ]
    rooms.get_by_role("button", name="One step").press("Enter")
    rooms.get_by_text("1 step done.").wait_for()
    assert not [each.url for each in visited.answered if each.url.endswith((".onnx", ".wasm"))]
    assert visited.faults == []


def test_axe_objects_to_nothing(rooms, objections):
    for scheme in ("light", "dark"):
        rooms.page.emulate_media(color_scheme=scheme)
        assert objections(rooms.page, ".wm-live") == [], scheme


def test_a_finger_moves_the_goal_on_a_phone(start):
    page, faults, _ = visited = start(
        "true.html", "rooms", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    rooms = visited.figure("rooms")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    before = state(rooms)["goal"]
    rooms.locator("canvas").first.tap(position={"x": 60, "y": 60})
    assert state(rooms)["goal"] != before
    assert faults == []


def test_as_a_notebook_has_it_it_is_one_module(visited):
    parts = visited.page.evaluate(
        "async (code) => Object.keys((await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})))).default)",
        module("rooms"),
    )
    assert parts == ["render"]
