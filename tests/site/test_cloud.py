"""The figure of the cloud: its losses and slopes are the library's, its clouds the networks', and its steps lead where they should."""

import json
import re

import numpy as np
import onnxruntime
import pytest
import torch

from tools.lessons import Lesson
from wm_core.objectives.sigreg import (
    anderson_darling,
    cramer_von_mises,
    directions,
    epps_pulley,
    gaussian_entropy,
    moments,
    sigreg,
)

pytestmark = pytest.mark.site

LESSON = "jepa/le_jepa"
PAGE = f"lessons/{LESSON}.html"


@pytest.fixture
def cloud(start):
    visited = start(PAGE, "cloud")
    yield visited.figure("cloud")
    assert visited.faults == []


@pytest.fixture
def settings(cloud):
    return json.loads(cloud.locator("script").first.text_content())


def choose(figure, label: str, value: str) -> None:
    figure.locator("label", has_text=re.compile(f"^{label}")).locator("select").select_option(value)
    figure.page.wait_for_timeout(150)


def forward(figure, steps: int) -> dict:
    return figure.evaluate("async (f, n) => { await f.wm.el.wm.forward(n); return f.wm.el.wm.state(); }", steps)


TESTS = {"sigreg": epps_pulley, "cramer": cramer_von_mises, "anderson": anderson_darling, "moments": moments}


def test_losses_and_slopes_are_pytorchs(cloud):
    small = 1.3 * torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.2
    along = directions(3, 5, torch.Generator().manual_seed(1)).double()
    spoken = {name: lambda z, test=test: sigreg(z, statistic=test, along=along) for name, test in TESTS.items()}
    spoken["entropy"] = lambda z: len(z) * gaussian_entropy(z)
    for name, term in spoken.items():
        got = cloud.evaluate(
            """(f, [name, z, dim, lines]) => { const { value, slope } = f.wm.el.wm.losses[name](Float64Array.from(z), dim, lines);
            return { value, slope: [...slope] }; }""",
            [name, small.flatten().tolist(), 3, along.T.tolist()],
        )
        value = term(leaf := small.clone().requires_grad_())
        slope = torch.autograd.grad(value, leaf)[0].flatten()
        assert got["value"] == pytest.approx(value.item(), rel=1e-4), name
        np.testing.assert_allclose(got["slope"], slope, atol=1e-4, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("name", ["naive", "sigreg"])
def test_the_clouds_of_the_networks_are_the_networks(cloud, settings, name):
    choose(cloud, "start", name)
    cloud.page.wait_for_timeout(300)
    state = cloud.evaluate("f => f.wm.el.wm.state()")
    session = onnxruntime.InferenceSession(Lesson(LESSON).run / "live" / f"cloud-{name}.onnx")
    observed = np.reshape(settings["observations"], (-1, settings["observed"])).astype(np.float32)
    (z,) = session.run(None, {"observation": observed})
    np.testing.assert_allclose(np.reshape(state["z"], z.shape), z, atol=1e-4)


@pytest.mark.parametrize("begin", ["point", "line", "ring", "clumps", "corners", "naive"])
def test_sigreg_makes_a_normal_cloud_of_anything(cloud, begin):
    choose(cloud, "start", begin)
    state = forward(cloud, 600)
    assert state["value"] < 0.1  # far below a random sample's 1.05: points that may go anywhere spread evenly
    assert state["least"] > 0.7
    assert state["most"] < 1.4


@pytest.mark.parametrize(("loss", "null"), [("cramer", 1 / 6), ("anderson", 1.0)])
def test_the_tests_that_sort_open_a_point_too(cloud, loss, null):
    choose(cloud, "start", "point")
    choose(cloud, "loss", loss)
    state = forward(cloud, 600)
    assert state["value"] < null
    assert 0.7 < state["least"] <= state["most"] < 1.4


def test_moments_leave_the_corners_where_they_are(cloud):
    choose(cloud, "start", "corners")
    choose(cloud, "loss", "moments")
    before = cloud.evaluate("f => f.wm.el.wm.state()")["z"]
    moved = np.abs(np.subtract(forward(cloud, 100)["z"], before))
    assert moved.max() < 0.3


def test_small_entropy_is_a_point_and_large_entropy_has_no_end(cloud):
    choose(cloud, "start", "normal")
    choose(cloud, "loss", "entropy")
    assert forward(cloud, 200)["most"] < 0.05
    choose(cloud, "start", "normal")
    choose(cloud, "sign", "-1")
    one, two = forward(cloud, 200)["least"], forward(cloud, 200)["least"]
    assert 2 < one < two


def test_a_far_point_stays_where_it_is(cloud):
    choose(cloud, "start", "outlier")
    state = forward(cloud, 200)
    assert np.hypot(*state["z"][:2]) > 4
