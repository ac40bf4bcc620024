"""Models of Two Rooms come back from their artefact as they went in, but for the rounding to two bytes."""

from copy import deepcopy

import pytest
import torch

from wm_core.artefacts import ArtefactError, save
from wm_core.jepa.two_rooms_kept import cost_shelf, kept_costs, kept_models, rounded, shelf
from wm_core.worlds.two_rooms import TwoRooms

SMALL = {"dim": 8, "hidden": 16, "depth": 1}


def keep(folder, models, **config):
    save(folder, deepcopy(models).half(), system="rooms", config=config, seed=0, claims={})


def test_what_was_kept_comes_back_and_imagines_the_same(tmp_path):
    torch.manual_seed(0)
    models = rounded(shelf(2, **SMALL))
    keep(tmp_path, models, seeds=2, sizes=SMALL)
    kept, manifest = kept_models(folder=tmp_path)
    assert manifest.system == "rooms"
    world = TwoRooms(fixed=True)
    frames = world.draw(world.layouts(3, torch.Generator()), torch.rand(3, 1, 2) * 50 + 6)[:, 0]
    actions = torch.randn(3, 4, 2)
    for before, after in zip(models, kept, strict=True):
        paths = [
            mind["reader"](mind["model"].rollout(mind["model"].encode(frames), actions)) for mind in (before, after)
        ]
        torch.testing.assert_close(*paths, rtol=0, atol=0)
        assert paths[1].dtype == torch.float32
        assert not any(weight.requires_grad for weight in after.parameters())


def test_it_takes_two_bytes_a_number(tmp_path):
    keep(tmp_path, shelf(1), seeds=1)
    numbers = sum(value.numel() for value in shelf(1).state_dict().values())
    assert 2 * numbers <= (tmp_path / "model.safetensors").stat().st_size < 2.1 * numbers
    kept_models(folder=tmp_path)


def test_another_form_is_refused(tmp_path):
    keep(tmp_path, shelf(1, **SMALL), seeds=2, sizes=SMALL)
    with pytest.raises(ArtefactError, match="does not fit"):
        kept_models(folder=tmp_path)


def test_kept_costs_say_the_same_ways_again(tmp_path):
    torch.manual_seed(0)
    sizes = {"fixed": {"dim": 8, "hidden": 16}, "random": {"dim": 12, "hidden": 24, "depth": 2}}
    costs = rounded(cost_shelf(2, sizes))
    keep(tmp_path, costs, seeds=2, sizes=sizes)
    kept, _ = kept_costs(folder=tmp_path)
    for kind, size in sizes.items():
        z, goal = torch.randn(2, 5, size["dim"])
        for before, after in zip(costs[kind], kept[kind], strict=True):
            torch.testing.assert_close(after.steps(z, goal), before.steps(z, goal), rtol=0, atol=0)
            assert not any(weight.requires_grad for weight in after.parameters())
    assert not torch.equal(*(cost.map[0].weight for cost in kept["fixed"]))  # each seed its own


def test_costs_of_another_form_are_refused(tmp_path):
    sizes = {"fixed": {"dim": 8, "hidden": 16}}
    keep(tmp_path, cost_shelf(1, sizes), seeds=2, sizes=sizes)
    with pytest.raises(ArtefactError, match="does not fit"):
        kept_costs(folder=tmp_path)
