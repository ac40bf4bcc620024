"""The comparison of the part Physics keeps what was measured before, and judges every network by the same measures."""

import importlib
import sys

import pytest
import torch

from benchmarks import physics, physics_kept
from benchmarks.physics import CHAPTERS, KEPT, joined
from wm_core.physics.particles import System, fly
from wm_core.worlds.particles import Particles


def test_one_chapter_measured_again_leaves_the_others_as_they_were():
    first = joined({}, "spinn", [{"topic": "a"}], {"date": "then"})
    second = joined(joined(first, "pinn", [], {}), KEPT, {"rows": [1]}, {"date": "now"})
    assert list(second["chapters"]) == ["pinn", "spinn"]  # in the book's order
    assert second["chapters"]["spinn"] == first["chapters"]["spinn"]
    assert second[KEPT] == {"about": {"date": "now"}, "rows": [1]}
    assert joined(second, "spinn", [], {})["chapters"]["spinn"]["rows"] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_chapter_has_something_to_measure(chapter):
    assert callable(importlib.import_module(f"benchmarks.physics_{chapter}").measure)


def test_where_a_peer_is_missing_nothing_is_written(monkeypatch, tmp_path, capsys):
    row = {
        "topic": "a",
        "peer": "b",
        "theirs": "not installed",
        "ours": 1.0,
        "unit": "ms",
        "ratio": None,
        "target": "",
        "reached": None,
    }
    for chapter in CHAPTERS:
        monkeypatch.setattr(f"benchmarks.physics_{chapter}.measure", lambda repeats: [row])
    monkeypatch.setattr(physics_kept, "compare", lambda: {"rows": []})
    monkeypatch.setattr(sys, "argv", ["physics", "--out", str(tmp_path / "found.json")])
    physics.main()
    assert '"chapters"' not in (tmp_path / "found.json").read_text()
    assert capsys.readouterr().out.count("a peer is missing") == len(CHAPTERS)


@pytest.fixture(scope="module")
def flights():
    world = Particles("springs")
    x, bodies = world.start(3, physics_kept.N, torch.Generator().manual_seed(5))
    truth = fly(System(world, bodies), x.expand(1, *x.shape), physics_kept.H, physics_kept.STEPS)
    return world, x, bodies, truth


def test_the_true_forces_keep_everything_and_are_never_lost(flights):
    world, _, bodies, truth = flights
    found = physics_kept.judged(world, truth, truth, bodies)
    assert found["horizon"] == pytest.approx([physics_kept.H * (physics_kept.STEPS + 1)], abs=physics_kept.H)
    assert max(found["momentum"] + found["angular momentum"]) < 1e-13
    assert max(found["energy"]) < 0.01  # a leapfrog step keeps it nearly


def test_untrained_each_arm_breaks_the_laws_that_it_can_break_and_no_others(flights, monkeypatch):
    """The structure alone decides: nothing is trained here."""
    world, x, bodies, truth = flights
    monkeypatch.setattr(physics_kept, "STEPS", 40)
    models = {name: model.double() for name, model in physics_kept.arms().items()}
    with torch.no_grad():
        found = {name: physics_kept.judged(world, physics_kept.flown(world, model, x, bodies), truth[:41], bodies)
                 for name, model in models.items()}  # fmt: skip
        put_back = physics_kept.flown(world, models["one network for all"], x, bodies, projected=True)
    found[physics_kept.PROJECTED] = physics_kept.judged(world, put_back, truth[:41], bodies)
    pairs = {"opposite pairs", "central pairs", "slopes of pair energies", physics_kept.PROJECTED}
    for name, errors in found.items():
        assert (max(errors["momentum"]) < 1e-12) == (name in pairs), name
        assert (max(errors["angular momentum"]) < 1e-12) == (name in pairs - {"opposite pairs"}), name
    assert max(found[physics_kept.PROJECTED]["energy"]) < 1e-12


def test_arms_have_about_as_many_weights():
    count = [sum(w.numel() for w in model.parameters()) for model in physics_kept.arms().values()]
    assert max(count) < 1.1 * min(count)
