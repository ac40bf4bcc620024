"""The comparison in Two Rooms gives every arm the same trials and writes what its readers expect."""

import json
import sys

import pytest
import torch

from benchmarks import two_rooms
from benchmarks.two_rooms import ARMS, WORLD, Arm, Run, measure, table
from wm_core.planning.cem import CEM
from wm_core.worlds.two_rooms_trials import draw_trials, read_trials, to_rows

READINGS = {"at_end", "ever", "hit", "crossed", "error", "steps", "detour"}


@pytest.fixture
def hasty(monkeypatch):
    """A few steps and small searches, where it does not matter who succeeds."""
    monkeypatch.setattr(two_rooms, "STEPS", 12)
    monkeypatch.setitem(two_rooms.PLANNERS, "cem", CEM(horizon=12, samples=8, elites=2, iterations=1))


@pytest.fixture(scope="module")
def trials():
    everything = read_trials()
    return everything.some(torch.tensor([0, 1, 2, 3, 100, 101, 102, 103]))


def row_of(name, trials, seed=0):
    return measure(name, ARMS[name], trials, seed)[0]


def test_who_stays_reads_the_distance_and_a_script_arrives_everywhere(trials):
    still = row_of("stay put", trials)
    assert still["error"] == pytest.approx(float((trials.goal - trials.start).square().mean()), rel=1e-5)
    assert still["at_end"] == 0
    everything = read_trials()
    told = row_of("scripted door", everything)
    assert told["at_end"] == told["hit"] == told["crossed"] == 1
    assert told["error"] < 1
    assert told["detour"] < 1.3


def test_a_straight_line_arrives_where_the_way_is_straight_and_nowhere_else():
    found = measure("straight line", ARMS["straight line"], read_trials(), 0)[1]
    trials = read_trials()
    free = (
        WORLD.path_length(trials.layout, trials.start[:, None], trials.goal)[:, 0]
        < (trials.goal - trials.start).norm(dim=-1) + 0.01
    )
    assert found.at_end[free].all()
    assert 0 < found.at_end[~free].float().mean() < 0.4  # some are nudged through


@pytest.mark.slow
def test_with_true_rules_the_length_of_the_way_leads_there(trials, monkeypatch):
    monkeypatch.setattr(two_rooms, "STEPS", 60)
    monkeypatch.setattr(two_rooms, "EVERY", 4)
    monkeypatch.setitem(two_rooms.PLANNERS, "cem", CEM(horizon=18, samples=64, elites=8, iterations=5, spread=1.5))
    assert row_of("true rules, path length", trials)["at_end"] == 1
    assert row_of("true rules, distance", trials)["at_end"] < 1


def test_every_arm_repeats_and_moves_no_further_than_the_reach(trials, hasty):
    for arm in ARMS.values():
        paths, again = (arm.run(trials, 3).paths for _ in range(2))
        assert torch.equal(paths, again)
        assert paths.shape == (8, 13, 2)
        assert torch.equal(paths[:, 0], trials.start)
        assert (paths.diff(dim=1).norm(dim=-1) < WORLD.reach + 5 * WORLD.noise).all()


def test_the_file_has_all_arms_with_their_trials_in_order(trials, tmp_path, hasty, monkeypatch, capsys):
    file, out = tmp_path / "trials.json", tmp_path / "out.json"
    file.write_text(json.dumps(to_rows(trials)))
    monkeypatch.setattr(sys, "argv", ["two_rooms", "--trials", str(file), "--out", str(out)])
    two_rooms.main()
    arms = json.loads(out.read_text())["arms"]
    assert [(arm["name"], arm["seed"]) for arm in arms] == [(name, 0) for name in ARMS] + [
        ("two_rooms, cem", seed) for seed in range(3)
    ]
    for arm in arms:
        roles = {"scripted door": "reference", "true rules, path length": "reference", "two_rooms, cem": "learned"}
        assert arm["role"] == roles.get(arm["name"], "floor")
        assert arm["floor"] == (arm["role"] != "learned")
        plans = "true rules" in arm["name"] or arm["role"] == "learned"
        assert (arm["plan_ms"] is not None) == (arm["alone_ms"] is not None) == plans
        assert set(arm) >= READINGS
        assert len(arm["trials"]) == 8
        assert all(set(trial) == {"final", "closest", "steps"} for trial in arm["trials"])
        assert [arm["layouts"][kind]["count"] for kind in ("fixed", "random")] == [4, 4]
    for trial, start in zip(arms[0]["trials"], trials.start.tolist(), strict=True):
        assert trial["final"] == pytest.approx(start, abs=1e-3)
    printed = capsys.readouterr().out
    assert all(name in printed for name in ARMS)
    assert "two_rooms, cem, fixed layout, 3 seeds: " in printed
    assert printed.count("p = ") == 2 * 3 * len(
        ARMS
    )  # each seed against each arm that was not learned, in each kind of layout
    assert f"not corrected for {6 * len(ARMS)} comparisons" in printed


def test_a_learned_model_is_one_more_arm(trials, tmp_path, monkeypatch, capsys):
    def arm(planner):
        assert planner == "mppi"
        return Arm(lambda trials, seed: Run(torch.stack([trials.start, trials.goal], 1), 1.0), "learned")

    out = tmp_path / "out.json"
    monkeypatch.setitem(two_rooms.LEARNED, "oracle", arm)
    command = ["two_rooms", "--artefact", "oracle", "--planner", "mppi", "--seeds", "1", "--only", "stay put", "--out"]
    command.append(str(out))
    monkeypatch.setattr(sys, "argv", command)
    monkeypatch.setattr(two_rooms, "STEPS", 2)
    two_rooms.main()
    last = json.loads(out.read_text())["arms"][-1]
    assert (last["name"], last["role"], last["at_end"]) == ("oracle, mppi", "learned", 1)
    printed = capsys.readouterr().out
    for kind in ("fixed", "random"):  # a learned arm is held to those without a plan too
        assert f"{kind} layout, 100 trials, at the end, stay put against oracle, mppi, seed 1: 0 for the" in printed


def test_all_arms_meet_the_same_noise(trials, monkeypatch):
    """Two arms that do the same, of which one draws random numbers besides."""

    def drawing(trials, here, generator):
        torch.rand(5, generator=generator)
        return trials.goal - here

    monkeypatch.setattr(two_rooms, "STEPS", 25)
    paths = [Arm(two_rooms.acting(policy), "floor").run(trials, 2).paths for policy in (two_rooms.straight, drawing)]
    assert torch.equal(*paths)
    assert (paths[0].diff(dim=1).norm(dim=-1) < 2).any()  # some were stopped


def test_the_table_has_a_block_for_each_kind_of_layout_that_is_there():
    only_random = draw_trials(WORLD, 5, 11)
    text = table([row_of("stay put", only_random, 4)])
    assert "random layout, 5 trials" in text
    assert "fixed layout" not in text
    assert "stay put, seed 4" in text
    assert "0 (0-43)" in text


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_kept_models_arrive_on_a_sample_of_the_published_trials_and_of_others(seed, monkeypatch):
    monkeypatch.setattr(two_rooms, "STEPS", 100)
    some = torch.arange(seed, 200, 40)  # three in the fixed layout, two in their own, others for each seed
    others = draw_trials(WORLD, 3, 1234 + seed)
    arm = two_rooms.LEARNED["two_rooms"]("cem")
    for trials in (read_trials().some(some), others):
        found = measure("two_rooms, cem", arm, trials, seed)[1]
        assert (~found.at_end).sum() <= 1  # of a hundred, about one does not arrive
        assert found.hit[two_rooms.in_fixed_layout(trials)].all()
