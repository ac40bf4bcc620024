import functools
import http.server
import json
import threading

import pooch
import pytest
import torch
from torch import nn

from wm_core.artefacts import ArtefactError, export_onnx, load, published, results, save, write_atomically


def make():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


@pytest.fixture
def saved(tmp_path):
    save(tmp_path / "toy", make(), system="toy", config={"width": 4}, seed=7, claims={"error": 0.5})
    return tmp_path / "toy"


def test_a_claim_that_is_no_number_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="claims: got no finite number for partner"):
        save(tmp_path / "toy", make(), system="toy", config={}, seed=0, claims={"error": 0.5, "partner": float("nan")})
    assert not (tmp_path / "toy").exists()


def test_what_is_saved_comes_back(saved):
    artefact = load(saved)
    model = artefact.into(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)))
    x = torch.randn(5, 3)
    assert torch.equal(model(x), make()(x))
    manifest = artefact.manifest
    assert (manifest.system, manifest.config, manifest.seed, manifest.claims) == (
        "toy",
        {"width": 4},
        7,
        {"error": 0.5},
    )
    assert manifest.device
    assert manifest.versions["torch"] == torch.__version__


def test_a_flipped_byte_is_noticed(saved):
    file = saved / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(ArtefactError, match=r"model\.safetensors is damaged: its sha256"):
        load(saved)


def test_a_file_cut_short_is_noticed(saved):
    file = saved / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ArtefactError, match=r"damaged.*bytes"):
        load(saved)


@pytest.mark.parametrize(
    ("text", "says"),
    [('{"format": "wm_core arte', "not JSON"), ('{"format": "somebody else"}', "format is 'somebody else', wanted 'wm_core"),
     ("[1, 2]", "format is None"), ('{"format": "wm_core artefact 1"}', "missing .* required")],
)  # fmt: skip
def test_a_foreign_manifest_is_named(saved, text, says):
    (saved / "manifest.json").write_text(text)
    with pytest.raises(ArtefactError, match=says):
        load(saved)


def test_a_manifest_without_weights_is_named(saved):
    manifest = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps({**manifest, "files": {}}))
    with pytest.raises(ArtefactError, match=r"lists no model\.safetensors"):
        load(saved)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ArtefactError, match=r"nowhere/manifest\.json: cannot be read \(No such file"):
        load(tmp_path / "nowhere")


def test_weights_of_another_shape_are_refused(saved):
    with pytest.raises(ArtefactError, match="toy does not fit this Linear"):
        load(saved).into(nn.Linear(3, 9))


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "x"
    write_atomically(file, b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(file, b"new and longer")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A web server over tmp_path/site, and a cache of its own for what comes from it."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_an_artefact_comes_from_the_site_without_a_word(site, monkeypatch):
    said = []
    monkeypatch.setattr(pooch.get_logger(), "handle", said.append)
    folder, address = site
    save(folder / "_static" / "models" / "toy", make(), system="toy", config={}, seed=0, claims={})
    monkeypatch.setenv("WM_SITE", address + "/")
    artefact = load(published("toy"))
    assert torch.equal(artefact.weights["0.weight"], make()[0].weight)
    assert said == []


def test_a_damaged_download_is_refused_and_a_new_version_is_fetched(site):
    folder, address = site
    save(folder / "toy", make(), system="toy", config={}, seed=0, claims={})
    load(f"{address}/toy")
    changed = make()
    changed[0].bias.data += 1
    save(folder / "toy", changed, system="toy", config={}, seed=1, claims={})
    assert load(f"{address}/toy").manifest.seed == 1  # the cache holds the old weights; the manifest is always fresh
    (folder / "toy" / "model.safetensors").write_bytes(b"not what the manifest says")
    (folder.parent / "cache").rename(folder.parent / "old-cache")
    with pytest.raises(ArtefactError, match="could not be fetched intact"):
        load(f"{address}/toy")


def test_a_system_that_is_nowhere_says_where_it_looked(monkeypatch):
    monkeypatch.delenv("WM_SITE", raising=False)
    with pytest.raises(ArtefactError, match=r"there is no .*nothing_of_this_name, and WM_SITE"):
        published("nothing_of_this_name")
    with pytest.raises(ArtefactError, match=r"there is no .*nothing_of_this_name.json, and WM_SITE"):
        results("nothing_of_this_name")


def test_what_this_checkout_was_asked_for_is_known_by_the_file_that_changes_with_it(monkeypatch):
    monkeypatch.setattr("wm_core.artefacts.asked_for", asked := set())
    folder = published("two_rooms_fixed")
    assert results("two_clocks")["drives"]
    assert asked == {folder / "manifest.json", folder.parent.parent / "benchmarks" / "two_clocks.json"}
    assert all(file.is_file() for file in asked)


def test_results_come_from_the_site_and_always_afresh(site, monkeypatch):
    folder, address = site
    file = folder / "_static" / "benchmarks" / "toy.json"
    file.parent.mkdir(parents=True)
    monkeypatch.setenv("WM_SITE", address + "/")
    for number in (1, 2):
        file.write_text(f'{{"number": {number}}}')
        assert results("toy") == {"number": number}


@pytest.mark.slow
def test_an_exported_network_answers_as_pytorch_does():
    import onnxruntime

    model = make()
    exported = export_onnx(model, {"x": torch.randn(1, 3)}, ["y"])
    session = onnxruntime.InferenceSession(exported.onnx)
    x = torch.randn(1, 3)
    (answer,) = session.run(["y"], {"x": x.numpy()})
    torch.testing.assert_close(torch.from_numpy(answer), model(x).detach(), rtol=1e-5, atol=1e-6)
    reference = exported.reference
    given = torch.tensor(reference["inputs"]["x"]["data"]).view(reference["inputs"]["x"]["shape"])
    expected = torch.tensor(reference["outputs"]["y"]["data"]).view(reference["outputs"]["y"]["shape"])
    torch.testing.assert_close(model(given).detach(), expected)
    with pytest.raises(ValueError, match="got 2 names, the module returns 1"):
        export_onnx(model, {"x": x}, ["y", "z"])
