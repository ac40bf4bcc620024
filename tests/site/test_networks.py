"""Browser = ONNX = PyTorch: every network of a live figure gives the same answer in all three, to 1e-4."""

import json

import numpy as np
import onnxruntime
import pytest

from tools.paths import HTML, RUNS

pytestmark = pytest.mark.site

REFERENCES = sorted(RUNS.glob("*/*/live/*.reference.json"))
every_network = pytest.mark.parametrize("file", REFERENCES, ids=lambda file: file.name.removesuffix(".reference.json"))

#: Through the page's own code: live_figures/kit.mjs opens the network and asks it.
ASK = """async ([kit, runtime, network, inputs]) => {
    const { openNetworks } = await import(kit);
    const { asked } = await openNetworks(new Map([["runtime", runtime], ["models", { asked: network }]]));
    const given = Object.entries(inputs).map(([name, { shape, data }]) => [name, [shape, Float32Array.from(data)]]);
    const answer = await asked(Object.fromEntries(given));
    return Object.fromEntries(Object.entries(answer).map(([name, values]) => [name, [...values]]));
}"""


def onnx_of(file):
    return file.with_name(file.name.replace(".reference.json", ".onnx"))


def test_there_are_networks(site):
    assert len(REFERENCES) >= 2


@every_network
def test_onnx_answers_as_pytorch_did(file):
    """The reference is PyTorch's answer at the moment of the export."""
    reference = json.loads(file.read_text())
    inputs = {
        name: np.reshape(given["data"], given["shape"]).astype(np.float32)
        for name, given in reference["inputs"].items()
    }
    session = onnxruntime.InferenceSession(onnx_of(file))
    assert [output.name for output in session.get_outputs()] == list(reference["outputs"])
    for answer, expected in zip(session.run(None, inputs), reference["outputs"].values(), strict=True):
        np.testing.assert_allclose(answer, np.reshape(expected["data"], expected["shape"]), atol=1e-4, rtol=0)


@every_network
def test_the_browser_answers_as_pytorch_did(visit, site, file):
    reference = json.loads(file.read_text())
    lesson = file.parent.parent.relative_to(RUNS).as_posix()
    static = f"{site}/_static"
    served = f"live/{lesson}/{onnx_of(file).name}"
    assert (HTML / "_static" / served).read_bytes() == onnx_of(file).read_bytes()
    page, faults, _ = visit("search.html")
    answer = page.evaluate(
        ASK, [f"{static}/live/kit.mjs", f"{static}/vendor/onnxruntime/", f"{static}/{served}", reference["inputs"]]
    )
    assert list(answer) == list(reference["outputs"])
    for name, expected in reference["outputs"].items():
        np.testing.assert_allclose(answer[name], expected["data"], atol=1e-4, rtol=0)
    assert faults == []
