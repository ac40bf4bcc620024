import base64
import gzip
import json
import re

import pytest

from wm_core.lesson.figures import figure
from wm_core.lesson.sliders import explore

drawn = []


def draw(step, damping):
    drawn.append((step, damping))
    fig, ax = figure()
    ax.set_title(f"{step} and {damping}")
    return fig


def unpacked(html):
    packed = re.search(r'<script type="application/gzip-base64">(.*?)</script>', html)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_a_page_holds_every_setting_in_slider_order(page, shown):
    explore(draw, caption="Move it.", alt="A plot.", step=[0.1, 0.2, 0.4], damping=["none", "some"])
    frames = unpacked(shown[0]["text/html"])
    titles = [re.search(r">([^<]* and [^<]*)</text>", frame)[1] for frame in frames]
    assert titles == [f"{s} and {d}" for s in (0.1, 0.2, 0.4) for d in ("none", "some")]


def test_without_a_script_the_page_shows_the_middle(page, shown):
    explore(draw, caption="Move it.", alt="A plot.", step=[0.1, 0.2, 0.4], damping=["none", "some"])
    visible = shown[0]["text/html"].split("<script")[0]
    assert "0.2 and some" in visible
    assert visible.count("<svg") == 1
    assert visible.count('type="range"') == 2
    assert 'aria-valuetext="0.2"' in visible


def test_a_script_draws_once(capsys):
    drawn.clear()
    explore(draw, caption="Move it.", alt="A plot.", step=[0.1, 0.2, 0.4], damping=["none"])
    assert drawn == [(0.2, "none")]
    assert "Move it." in capsys.readouterr().out


def test_a_notebook_gets_widgets(monkeypatch):
    shown = []
    monkeypatch.setattr("wm_core.lesson.sliders.stage", lambda: "notebook")
    monkeypatch.setattr("IPython.display.display", shown.append)
    explore(draw, caption="Move it.", alt="A plot.", step=[0.1, 0.2, 0.4], damping=["none"])
    box = shown[-1]
    slider = box.children[0]
    assert slider.description == "step"
    drawn.clear()
    slider.value = 0.4
    assert drawn[-1] == (0.4, "none")


@pytest.mark.parametrize("ranges", [{}, {"step": []}])
def test_nothing_to_explore_is_refused(ranges):
    with pytest.raises(ValueError, match="at least one"):
        explore(draw, caption="c", alt="a", **ranges)


def test_too_many_drawings_are_refused():
    with pytest.raises(ValueError, match="got 100 combinations, wanted at most 60"):
        explore(draw, caption="c", alt="a", step=list(range(10)), damping=list(range(10)))
