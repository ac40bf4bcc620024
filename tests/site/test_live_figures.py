"""Live figures: started and driven by keyboard, pointer and touch; what they do when a model is missing; what they compute.

The numbers are the figure's own: its drawing and its moves are held to Python's, its imagination to the lesson's networks.
"""

import json
import re

import numpy as np
import onnxruntime
import pytest
import torch

from tools.lessons import Lesson, all_lessons
from tools.paths import HTML
from wm_core.physics.integrators import rk4, simulate
from wm_core.worlds.dot_room import DotRoom
from wm_core.worlds.oscillators import Pendulum

pytestmark = pytest.mark.site

CALLED = re.compile(r'^live\(\s*"(\w+)"', re.MULTILINE)
OPENING = re.compile(r'<figure[^>]*\bdata-live="(\w+)"')
FIGURES = [
    (page.relative_to(HTML).as_posix(), name)
    for page in sorted(HTML.rglob("*.html"))
    for name in OPENING.findall(page.read_text(encoding="utf-8"))
]
LESSON = {name: path.removesuffix(".html") for path, name in FIGURES if path.startswith("lessons/")}
HOME = {name: path for path, name in reversed(FIGURES)}  # one page of each, the opening page if it is there
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}

every_figure = pytest.mark.parametrize(("path", "name"), FIGURES)
each_kind = pytest.mark.parametrize(("name", "path"), HOME.items())


def numbers(figure) -> list[str]:
    """The numbers that a running figure says in words."""
    return re.findall(r"-?\d+(?:\.\d+)?", figure.locator(".wm-live-stage p").inner_text())


def wait_for_other(figure, before: list[str]) -> list[str]:
    """The figure's numbers once they differ from those before; fails after twenty seconds."""
    for _ in range(400):
        now = numbers(figure)
        if now != before:
            return now
        figure.page.wait_for_timeout(50)
    pytest.fail(f"the numbers stay {before}")


def middle(figure) -> tuple[float, float, float]:
    """Where to touch: the middle of the figure's first canvas, and its height."""
    canvas = figure.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return box["x"] + box["height"] / 2, box["y"] + box["height"] / 2, box["height"]


def test_every_live_figure_is_on_a_page(site):
    shown = [name for lesson in all_lessons() for name in CALLED.findall(lesson.text)]
    assert shown
    assert set(LESSON) == set(shown)


@every_figure
def test_the_keyboard_reaches_run_starts_the_figure_and_drives_it(visit, path, name):
    page, faults, _ = visited = visit(path)
    figure = visited.figure(name)
    figure.evaluate("""f => { f.states = [f.dataset.state];
        new MutationObserver(() => f.states.push(f.dataset.state)).observe(f, {attributeFilter: ["data-state"]}); }""")
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "wm-live-run":
            break
    page.keyboard.press("Enter")
    page.locator(f".wm-live[data-live={name}][data-state=running]").wait_for()
    assert figure.evaluate("f => f.states") == ["idle", "loading", "running"]
    assert figure.evaluate("f => f.contains(document.activeElement)")  # the focus stays where the reader is
    figure.locator("[tabindex='0']").first.focus()
    seen = numbers(figure)
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
        seen = wait_for_other(figure, seen)
    assert faults == []


@each_kind
@pytest.mark.parametrize("finger", [False, True], ids=["mouse", "touch"])
def test_a_drag_drives_it(start, path, name, finger):
    page, faults, _ = started = start(path, name, **(PHONE if finger else {}))
    figure = started.figure(name)
    before = numbers(figure)
    x, y, side = middle(figure)
    way = [(x, y), (x + side / 8, y - side / 8), (x + side / 4, y - side / 4)]
    if finger:
        touch(page, way)
    else:
        page.mouse.move(*way[0])
        page.mouse.down()
        for at in way:
            page.mouse.move(*at)
            page.wait_for_timeout(150)
        page.mouse.up()
    wait_for_other(figure, before)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults == []


def touch(page, way: list[tuple[float, float]]) -> None:
    """Draw a finger along a way, as a phone reports it."""
    phone = page.context.new_cdp_session(page)
    for kind, points in [("touchStart", way[:1]), *(("touchMove", [at]) for at in way[1:]), ("touchEnd", [])]:
        phone.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})
        page.wait_for_timeout(150)


def looks(figure) -> tuple[str, str]:
    """The words of a running figure, and its picture."""
    picture = figure.locator("canvas").first.evaluate("c => c.toDataURL()")
    return figure.locator(".wm-live-stage").inner_text(), picture


@each_kind
def test_every_button_and_choice_works(start, path, name):
    page, faults, _ = started = start(path, name)
    figure = started.figure(name)
    for button in figure.locator("button").all():
        before = looks(figure)
        button.press("Enter")
        page.wait_for_timeout(250)
        for _ in range(20):  # a busy machine may take longer to imagine
            if looks(figure) != before:
                break
            page.wait_for_timeout(250)
        assert looks(figure) != before
    for choice in figure.locator("select").all():
        for option in choice.locator("option").all():
            choice.select_option(option.get_attribute("value"))
    page.wait_for_timeout(250)
    assert faults == []


@each_kind
def test_axe_finds_no_serious_violation_in_a_running_figure(start, objections, path, name):
    page, *_ = start(path, name)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert objections(page, f".wm-live[data-live={name}]") == [], scheme


@each_kind
def test_a_figure_whose_model_is_missing_says_so_and_tries_again(visit, path, name):
    page, *_ = visited = visit(path)
    figure = visited.figure(name)
    if not json.loads(figure.locator("script").first.text_content())["models"]:
        pytest.skip("it runs no network on this page")
    failed = page.locator(f".wm-live[data-live={name}][data-state=error]")
    page.route("**/*.onnx", lambda route: route.abort())
    figure.get_by_role("button", name="Run").press("Enter")
    failed.wait_for()
    assert re.search(r"could not .*\w", figure.locator(".wm-live-status").inner_text())
    assert figure.locator(".wm-live-poster svg").is_visible()
    page.unroute("**/*.onnx")
    figure.get_by_role("button", name="Try again").press("Enter")
    page.locator(f".wm-live[data-live={name}][data-state=running]").wait_for()
    assert figure.locator(".wm-live-status").text_content() == ""


def network(path: str, name: str):
    """A network of a lesson's run as a function from named arrays to a list of arrays."""
    lesson = Lesson(path.removeprefix("lessons/"))
    session = onnxruntime.InferenceSession(lesson.run / "live" / f"{name}.onnx")
    return lambda **inputs: session.run(None, {key: np.asarray(value, np.float32) for key, value in inputs.items()})


def test_the_figure_draws_and_moves_the_dot_as_python_does(start):
    room, starts = DotRoom(), [(0.5, 0.5), (0.1, 0.9), (0.917, 0.083)]
    pushes = [(0.08, 0.0), (-0.11, 0.05), (0.12, 0.12), (0.0, -0.12)]
    page, *_ = started = start(HOME["drive"], "drive")
    settings = json.loads(page.locator(".wm-live[data-live=drive] script").text_content())
    assert {key: settings[key] for key in ("size", "blob", "reach")} == {"size": 24, "blob": 1.5, "reach": 0.12}
    drawn, walked = started.figure("drive").evaluate(
        """(f, [starts, pushes, rooms]) => { const {draw, walk} = f.wm.el.wm;
        return [rooms.map((_, room) => starts.map(at => [...draw(at, room)])), starts.map(at => pushes.map(push => walk(at, push)))]; }""",
        [starts, pushes, settings["rooms"]],
    )
    papers = torch.tensor(settings["rooms"]).view(-1, 24, 24)
    expected = room.draw(torch.tensor(starts).expand(len(papers), -1, -1), papers)
    torch.testing.assert_close(torch.tensor(drawn).view_as(expected), expected, atol=1e-4, rtol=0)
    for at, ends in zip(starts, walked, strict=True):
        expected = room.walk(torch.tensor(at).expand(len(pushes), 2), torch.tensor(pushes)[:, None])[:, 1]
        torch.testing.assert_close(torch.tensor(ends), expected, atol=1e-6, rtol=0)


def test_the_figure_imagines_what_the_lessons_networks_imagine(start):
    pushes = [(0.08, 0.0)] * 8 + [(0.0, -0.08)] * 8
    started = start(HOME["drive"], "drive")
    first, *ways = started.figure("drive").evaluate(
        """async (f, pushes) => { const {draw, push, state} = f.wm.el.wm, seen = [[...draw(state().actual, 0)]];
        for (const by of pushes) { await push(by); seen.push([...state().imagined]); }
        return seen; }""",
        pushes,
    )
    look, imagine = (network(LESSON["drive"], f"drive-{key}") for key in ("look", "imagine"))
    z, _ = look(frame=np.reshape(first, (1, 24, 24)))
    for push, got in zip(pushes, ways, strict=True):
        z, position = imagine(z=z, action=[push])
        np.testing.assert_allclose(got, position[0], atol=1e-4)


def test_the_pendulums_swing_as_python_swings_them(start):
    page, *_ = started = start(HOME["pendulum"], "pendulum")
    figure = started.figure("pendulum")
    figure.get_by_role("button", name="Let go").press("Enter")
    page.wait_for_function("document.querySelector('.wm-live').wm.el.wm.state().time > 2")
    got = figure.evaluate("f => f.wm.el.wm.state()")
    steps = round(got["time"] / 0.05)
    assert steps > 20
    world = simulate(rk4, Pendulum(), torch.tensor([[1.8, 0.0]], dtype=torch.float64), 0.01, 5 * steps)
    np.testing.assert_allclose(got["state"]["actual"], world[-1, 0], atol=1e-6)
    for name, key in (("imagined", "hnn"), ("rival", "mlp")):
        ask = network(LESSON["pendulum"], f"pendulum-{key}")
        x = np.array([[1.8, 0.0]])
        for _ in range(steps):
            x = runge_kutta(lambda at, ask=ask: ask(x=at)[0].astype(float), x, 0.05)
        np.testing.assert_allclose(got["state"][name], x[0], atol=1e-3)


def runge_kutta(f, x, h):
    k1 = f(x)
    k2 = f(x + h / 2 * k1)
    k3 = f(x + h / 2 * k2)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + f(x + h * k3))


def test_a_figure_that_comes_into_view_while_nobody_looks_up_moves(visit):
    """A busy browser tells of leaving and coming back in one go, and the last that it tells is the newest."""
    ticks = visit("index.html").page.evaluate(
        """async () => {
          const {clock} = await import("/_static/live/kit.mjs"), observed = IntersectionObserver;
          const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
          window.IntersectionObserver = class {
            constructor(tell) { setTimeout(() => tell([{isIntersecting: false}, {isIntersecting: true}])); }
            observe() {}
            disconnect() {}
          };
          let ticks = 0;
          const stop = clock(document.body, () => { ticks++; });
          await later(100);
          const before = ticks;
          await later(500);
          stop();
          window.IntersectionObserver = observed;
          return ticks - before;
        }"""
    )
    assert ticks > 0
