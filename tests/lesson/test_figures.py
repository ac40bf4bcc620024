import re

import pytest
import torch

from wm_core.lesson.figures import COLOURS, colour, figure, floor_plan, picture, show, svg
from wm_core.worlds.two_rooms import Layout, TwoRooms


def drawn():
    fig, ax = figure()
    ax.plot([0, 1], [0, 1], color=colour("actual"), label="the world")
    ax.set(xlabel="time / s", ylabel="angle / rad")
    ax.legend()
    return fig


def test_a_figure_takes_colour_and_type_from_the_page():
    text = svg(drawn(), "A line.")
    assert "var(--wm-actual,#1c63b7)" in text
    assert not re.findall(r"(?<!,)#(?!%s)[0-9a-f]{6}\b" % "0{6}", text), "a colour that the theme cannot change"  # noqa: UP031
    assert "var(--wm-sans" in text
    assert ">time / s</text>" in text  # text is text, not outlines


def test_a_figure_has_a_text_alternative_and_fits_its_box():
    text = svg(drawn(), 'A "line" <rising>.')
    assert 'role="img" aria-label="A &quot;line&quot; &lt;rising&gt;."' in text
    assert "max-width:100%" in text


def test_ids_of_two_figures_never_meet():
    ids = [re.findall(r' id="([^"]+)"', svg(drawn(), "")) for _ in range(2)]
    assert ids[0]
    assert not set(ids[0]) & set(ids[1])


def test_show_puts_panels_under_one_caption(page, shown):
    show(drawn(), drawn(), caption="Look <here>.", alt="Two lines.")
    html = shown[0]["text/html"]
    assert html.count("<svg") == 2
    assert html.count('aria-label="Two lines."') == 1  # the text is read once
    assert "<figcaption>Look &lt;here&gt;.</figcaption>" in html


@pytest.mark.parametrize(("caption", "alt"), [("", "alt"), ("caption", " ")])
def test_a_figure_without_words_is_refused(caption, alt):
    with pytest.raises(ValueError, match="caption and an alt"):
        show(drawn(), caption=caption, alt=alt)


def test_no_figure_is_refused():
    with pytest.raises(ValueError, match="no figure"):
        show(caption="caption", alt="alt")


def test_an_unknown_colour_is_named():
    with pytest.raises(ValueError, match=r"'mauve'.*actual, imagined"):
        colour("mauve")


def test_a_floor_plan_has_its_walls_where_the_world_has_them_and_y_down():
    layout = Layout(torch.tensor([27.0]), torch.tensor([42.0]))
    fig, ax = floor_plan(TwoRooms(), layout, "here", start=torch.tensor([12.0, 16.0]), goal=torch.tensor([50.0, 22.0]))
    spans = [(*wall.get_xy().min(0), *wall.get_xy().max(0)) for wall in ax.patches]
    assert spans == [(25.5, 4.5, 28.5, 38.0), (25.5, 46.0, 28.5, 59.5)]
    assert [line.get_xydata().tolist() for line in ax.lines] == [[[12.0, 16.0]], [[50.0, 22.0]]]
    assert (ax.get_xlim(), ax.get_ylim()) == ((4.5, 59.5), (59.5, 4.5))
    show(fig, caption="Rooms.", alt="Rooms.")


def test_a_picture_has_no_ticks():
    fig, ax = figure()
    picture(ax, [[0.0, 1.0]], title="one frame")
    assert list(ax.get_xticks()) == []
    assert ">one frame</text>" in svg(fig, "")


def test_actual_and_imagined_are_readable_on_paper():
    """WCAG AA asks for a contrast of 4.5 for text."""

    def luminance(name):
        channels = [int(COLOURS[name][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for name in ("actual", "imagined", "rival", "third", "muted", "ink"):
        assert (luminance("paper") + 0.05) / (luminance(name) + 0.05) >= 4.5, name
