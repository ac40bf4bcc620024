"""Live figures on Python's side: what a build leaves for the browser, what a notebook gets, and what ONNX answers."""

import json
import re
from html import unescape

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from wm_core.artefacts import Exported, export_onnx
from wm_core.jepa.action_jepa import ActionJEPA
from wm_core.lesson import live_figure
from wm_core.lesson.figures import figure
from wm_core.lesson.live_figure import FOLDER, IMPORT, live, module, names, runtime_url
from wm_core.metrics.probe import LinearProbe
from wm_core.nets.ensemble import EnsembleMLP
from wm_core.physics.hamiltonian import ExportedField, HamiltonianNetwork

NETWORKS = {
    "hnn": Exported(b"an energy", {"inputs": {"x": {"shape": [1, 2], "data": [0.5, 0.0]}}, "outputs": {}}),
    "mlp": Exported(b"a field", {"inputs": {}, "outputs": {}}),
}


def shown_live(**state):
    fig, ax = figure()
    ax.set_title("one moment")
    live("pendulum", model=NETWORKS, poster=fig, caption="Drag <it>.", alt='A "pendulum".', **state)


def settings_of(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, flags=re.S)[1])


def test_a_build_leaves_every_network_and_its_reference(page, shown):
    shown_live()
    assert {file.name for file in (page / "live").iterdir()} == {
        "pendulum-hnn.onnx", "pendulum-hnn.reference.json", "pendulum-mlp.onnx", "pendulum-mlp.reference.json",
    }  # fmt: skip
    assert (page / "live" / "pendulum-hnn.onnx").read_bytes() == b"an energy"
    assert json.loads((page / "live" / "pendulum-hnn.reference.json").read_text()) == NETWORKS["hnn"].reference


def test_a_page_says_which_figure_which_files_and_which_settings(page, shown):
    shown_live(mass=0.5, names=["</script>", "b"])
    html = shown[0]["text/html"]
    assert 'class="wm-live" data-live="pendulum" data-state="idle"' in html
    assert settings_of(html) == {
        "models": {"hnn": "pendulum-hnn.onnx", "mlp": "pendulum-mlp.onnx"},
        "mass": 0.5,
        "names": ["</script>", "b"],
    }
    assert html.count("</script>") == 1  # no setting ends the script early


def test_a_page_shows_the_poster_and_says_what_it_is(page, shown):
    shown_live()
    html = shown[0]["text/html"]
    poster = html[html.index('class="wm-live-poster"') :]
    assert ">one moment</text>" in poster
    assert 'role="group" aria-label="A &quot;pendulum&quot;."' in html
    assert "<figcaption>Drag &lt;it&gt;.</figcaption>" in html
    assert 'role="status"' in html
    assert "needs JavaScript" in unescape(html)


def test_the_weight_on_the_button_is_the_networks(page, shown):
    fig, _ = figure()
    networks = {"a": Exported(b"." * 1_250_000, {}), "b": Exported(b"." * 250_000, {})}
    live("drive", model=networks, poster=fig, caption="c", alt="a")
    assert 'data-weight="1.50"' in shown[0]["text/html"]


def test_outside_a_build_nothing_is_left(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shown_live()
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == "[live figure] Drag <it>.\n"


def test_only_the_first_of_several_processes_leaves_networks(page, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    shown_live()
    assert list(page.iterdir()) == []


def test_a_figure_that_is_not_there_is_named(page):
    fig, _ = figure()
    with pytest.raises(ValueError, match=r"live: got 'kit', wanted one of .*drive, .*pendulum"):
        live("kit", model=NETWORKS, poster=fig, caption="c", alt="a")
    assert list(page.iterdir()) == []


def test_a_notebook_gets_a_widget_with_the_networks_and_the_settings(monkeypatch):
    shown = []
    monkeypatch.setattr(live_figure, "stage", lambda: "notebook")
    monkeypatch.setattr("IPython.display.display", lambda *things: shown.extend(things))
    shown_live(mass=0.5)
    widget, caption = shown
    assert widget.models == {"hnn": b"an energy", "mlp": b"a field"}
    assert widget.mass == 0.5
    assert widget.runtime == runtime_url()
    assert {"models", "mass", "runtime"} <= set(widget.keys)  # what the browser is sent
    assert widget.get_state()["_esm"] == module("pendulum")
    assert caption.data == "<em>Drag &lt;it&gt;.</em>"


@pytest.mark.parametrize("name", names())
def test_a_notebooks_module_stands_alone(name):
    """Everything in one file: nothing is imported by a relative path, and one thing is exported."""
    code = module(name)
    assert not re.search(r'^import .* from "\./', code, flags=re.M | re.S)
    assert re.findall(r"^export .*$", code, flags=re.M) == ["export default { render };"]
    defined = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", code, flags=re.M)
    assert len(set(defined)) == len(defined)  # one file is one scope, and a name may be taken once
    source = (live_figure.FOLDER / f"{name}.mjs").read_text()
    imports = re.findall(r'^import \{([^}]*)\} from "\./\w+\.mjs";$', source, flags=re.M)
    borrowed = {each.strip() for names in imports for each in names.split(",")}
    assert "openNetworks" in borrowed
    assert borrowed <= set(defined)


def test_what_figures_share_is_no_figure_and_is_brought_once(tmp_path, monkeypatch):
    texts = {
        "kit": "export const one = 1;\n",
        "more": 'import { one } from "./kit.mjs";\nexport const two = one + one;\n',
        "sum": 'import { one } from "./kit.mjs";\nimport {\n  two,\n} from "./more.mjs";\nconst render = () => one + two;\n'
        "export default { render };\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.mjs").write_text(text)
    monkeypatch.setattr(live_figure, "FOLDER", tmp_path)
    assert names.__wrapped__() == ("sum",)
    lines = [line for line in module("sum").splitlines() if line]
    assert lines == [
        "const one = 1;",
        "const two = one + one;",
        "const render = () => one + two;",
        "export default { render };",
    ]


def test_the_runtime_comes_from_the_books_site_where_there_is_one(monkeypatch):
    monkeypatch.setenv("WM_SITE", "https://book.example/")
    assert runtime_url() == "https://book.example/_static/vendor/onnxruntime/"
    monkeypatch.delenv("WM_SITE")
    assert runtime_url().startswith("https://cdn.jsdelivr.net/npm/onnxruntime-web@")


class Look(nn.Module):
    """A frame to its latent and the position read from it, as the driving figure asks for them."""

    def __init__(self, model, read):
        super().__init__()
        self.model, self.read = model, read

    def forward(self, frame):
        z = self.model.encode(frame)
        return z, self.read(z)


class Imagine(Look):
    def forward(self, z, action):
        z = self.model.predict(z, action)
        return z, self.read(z)


def seeing():
    torch.manual_seed(0)
    model = ActionJEPA(action_scale=0.12)
    return model, LinearProbe(torch.randn(64, 16), torch.randn(64, 2)).as_linear()


CASES = {
    "look": lambda: (Look(*seeing()), {"frame": (1, 24, 24)}, ["z", "position"]),
    "imagine": lambda: (Imagine(*seeing()), {"z": (1, 16), "action": (1, 2)}, ["next_z", "position"]),
    "hamiltonian": lambda: (ExportedField(HamiltonianNetwork(EnsembleMLP((2, 16, 16, 1), (0, 1))), 1), {"x": (1, 2)}, ["dx"]),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_onnx_answers_as_pytorch_does(case):
    network, shapes, outputs = CASES[case]()
    exported = export_onnx(network, {name: torch.rand(shape) for name, shape in shapes.items()}, outputs)
    session = onnxruntime.InferenceSession(exported.onnx)
    assert [output.name for output in session.get_outputs()] == outputs
    for _ in range(5):
        given = {name: torch.randn(shape) for name, shape in shapes.items()}
        with torch.no_grad():
            expected = network(*given.values())
        answers = session.run(outputs, {name: value.numpy() for name, value in given.items()})
        for answer, right in zip(answers, expected if isinstance(expected, tuple) else (expected,), strict=True):
            np.testing.assert_allclose(answer, right.numpy(), atol=1e-4, rtol=0)


def test_no_module_borrows_under_another_name():
    """In a notebook all modules are one file, in which a name is what it was called where it comes from."""
    lines = [found.group() for file in FOLDER.glob("*.mjs") for found in IMPORT.finditer(file.read_text())]
    assert len(lines) > 5
    assert [line for line in lines if " as " in line] == []
