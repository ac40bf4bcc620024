"""One clock and two are compared at the same size, on the same trials, at the same number of predictions, tuned alike."""

import json

import pytest
import torch

from benchmarks.two_clocks import (
    BUDGET,
    EXPERIMENTS,
    INTERVALS,
    LEARNED,
    OUT,
    RULES,
    Drive,
    add,
    bits,
    fisher,
    flat_planner,
    mcnemar_range,
    missing,
    pushes,
    read,
    run,
    settings,
    trials_of,
    two_level_planner,
)
from benchmarks.two_clocks_models import DIM, KINDS, WORLDS, Bench, flat_width, injected, size, slow_level
from wm_core.jepa.pldm import PLDM
from wm_core.nets.size import parameters
from wm_core.planning.levels import imagined_transitions
from wm_core.worlds.true_model import TrueModel


def test_all_models_learn_as_many_numbers():
    wanted = size()
    sizes = {
        "flat": parameters(PLDM(dim=DIM, hidden=flat_width())),
        "discrete": parameters(PLDM(dim=DIM)) + parameters(slow_level("discrete")),
        "injection": parameters(injected()),
    }
    assert sizes == {name: pytest.approx(wanted, rel=0.02) for name in sizes}


@pytest.mark.parametrize("every", INTERVALS)
@pytest.mark.parametrize("model", ["learned", "rules"])
def test_every_family_has_as_many_settings_to_choose_from(model, every):
    families = ("flat", "sub-goals", "slow alone") if model == "rules" else ("flat", "sub-goals", "level 2's cost")
    found = {family: settings(family, every, model) for family in families}
    assert {len(each) for each in found.values()} == {6}
    for each in found.values():
        assert len({json.dumps(setting) for setting in each}) == 6


@pytest.mark.parametrize("every", INTERVALS)
def test_every_planner_keeps_to_the_budget_and_uses_it(every):
    class Above(TrueModel):
        macro_dim, every, bound = 2, 8, staticmethod(lambda macros: macros)

        def encode(self, z):
            return z

    above = Above(WORLDS["maze"], trials_of("maze", 2).layout)
    planners = [flat_planner(setting, every, BUDGET) for setting in settings("flat", every, "learned")]
    planners += [two_level_planner(s, every, BUDGET, above) for s in settings("sub-goals", every, "learned")]
    for planner in planners:
        assert 0.8 * BUDGET <= imagined_transitions(planner, every=every) <= BUDGET


def test_every_world_has_trials_that_take_a_way():
    for name, world in WORLDS.items():
        trials = trials_of(name, 20)
        assert len(trials.start) == 20
        ways = world.path_length(trials.layout, trials.start[:, None], trials.goal)[:, 0]
        assert ways.min() > 5
        other = trials_of(name, 20, seed=77)
        assert not torch.equal(other.start, trials.start)
        if name == "patrol":
            above = torch.stack([trials.start, trials.goal])[..., 1] < trials.layout.y
            assert (above[0] != above[1]).all()
        else:
            rooms = [world.room(trials.layout, place[:, None])[:, 0] for place in (trials.start, trials.goal)]
            assert (rooms[0] != rooms[1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("arm", RULES)
def test_every_arm_drives_in_every_world_by_the_rules(world, arm):
    it = Drive(world, "rules", "distance", arm, budget=64, trials=3)
    setting = settings(it.family, it.every, "rules")[1]
    row = run(it, setting, steps=32)
    assert {len(row[name]) for name in ("at_end", "ever", "crossed")} == {3}
    assert row["predictions"] <= 64
    assert run(it, setting, steps=32)["at_end"] == row["at_end"]


@pytest.mark.slow
@pytest.mark.parametrize("arm", LEARNED)
def test_every_arm_drives_with_what_it_has_learned(arm, tmp_path, monkeypatch):
    """A few steps of training each: what is checked is that all parts fit."""
    monkeypatch.setattr("benchmarks.two_clocks_models.PARTS", tmp_path)
    minds = Bench("maze", walks=40)
    minds.steps = minds.steps._replace(encoder=2, predictor=2, slow=2, both=2, ways=2)
    minds._made = {"ways": (minds.z[:, :5].flatten(0, 1)[None], torch.rand(1, 200, 200) * 30)}
    monkeypatch.setattr("benchmarks.two_clocks.bench", lambda *_: minds)
    for cost in ("latent", "ways"):
        it = Drive("maze", "learned", cost, arm, budget=64, walks=40, trials=2)
        row = run(it, settings(it.family, it.every, "learned")[0], steps=16)
        assert row["predictions"] <= 64
        assert len(row["at_end"]) == 2
    if arm in KINDS:
        found = pushes(minds, arm, count=50)
        assert found["level 1, px off"] > 0
        assert ("level 2, px off" in found) == (arm in ("sub-goals", "discrete"))


def test_a_character_a_trial():
    assert bits(torch.tensor([True, False, True])) == "101"


def test_the_published_shares_do_not_differ_by_more_than_chance():
    assert fisher(32, 42, 100) == pytest.approx(0.19, abs=0.005)
    assert fisher(50, 50, 100) == pytest.approx(1)
    least, greatest = mcnemar_range(32, 42, 100)
    assert least == pytest.approx(2 / 2**10)  # every dot that crossed without a second level crossed with it
    assert 0.2 < greatest < 0.4


def test_fishers_test_is_that_of_scipy():
    scipy = pytest.importorskip("scipy.stats")
    for one, two in ((32, 42), (0, 5), (99, 90)):
        assert fisher(one, two, 100) == pytest.approx(scipy.fisher_exact([[one, 100 - one], [two, 100 - two]])[1])


def test_rows_are_added_to_what_is_there(tmp_path):
    out, it = tmp_path / "found.json", Drive("maze", "rules", "distance", "flat")
    assert missing(read(out), it)
    add(out, "drives", it._asdict() | {"at_end": "01"})
    add(out, "published", {"of": 100})
    assert not missing(read(out), it)
    assert missing(read(out), it._replace(seed=1))
    assert read(out)["published"] == {"of": 100}


def test_what_is_published_is_of_the_same_trials_and_budgets():
    found = json.loads(OUT.read_text())
    wanted = {it for experiment in EXPERIMENTS.values() for it in experiment()}
    for row in found["drives"]:
        it = Drive(**{name: row[name] for name in Drive._fields})
        assert it in wanted
        assert len(row["at_end"]) == len(row["ever"]) == it.trials
        assert row["predictions"] <= it.budget
        assert all(end <= ever for end, ever in zip(row["at_end"], row["ever"], strict=True))
        assert row["setting"] in settings(it.family, it.every, it.model)
    assert len(found["drives"]) == len({tuple(row[name] for name in Drive._fields) for row in found["drives"]})
