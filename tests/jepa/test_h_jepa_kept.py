"""Two clocks come back from their artefact as they went in, above the models that are kept elsewhere."""

import pytest
import torch

from wm_core.artefacts import ArtefactError, save
from wm_core.jepa.h_jepa_kept import kept_clocks, shelf
from wm_core.jepa.two_rooms_kept import kept_models, rounded

SMALL = {
    "slow": {"every": 4, "macro_dim": 2, "width": 8, "deter": 8, "stoch": 4, "hidden": 16},
    "cost": {"hidden": 16, "depth": 2, "out": 8, "parts": 2},
}


@pytest.fixture
def artefact(tmp_path):
    torch.manual_seed(0)
    parts = rounded(shelf(2, **SMALL))
    save(tmp_path, parts.half(), system="h_jepa", config=SMALL | {"seeds": 2}, seed=0, claims={})
    return tmp_path, parts.float()


def test_what_was_kept_comes_back_and_foresees_the_same(artefact):
    folder, parts = artefact
    clocks, manifest = kept_clocks(folder)
    assert manifest.system == "h_jepa"
    z, actions = torch.randn(3, 64), torch.randn(3, 8, 2)
    assert len(clocks) == 2
    for part, kept in zip(parts, clocks, strict=True):
        above = kept.model.above
        w = above.encode(z)
        torch.testing.assert_close(
            above.foresee(w, above.codes(actions)), part["above"].foresee(w, above.codes(actions))
        )
        torch.testing.assert_close(kept.cost.steps(z, z.roll(1, 0)), part["cost"].steps(z, z.roll(1, 0)))
        assert kept.cost_above.steps(w, w).shape == (3,)
        assert not any(weight.requires_grad for module in kept for weight in module.parameters())


def test_level_1_is_the_model_that_is_kept_elsewhere(artefact):
    for kept, room in zip(kept_clocks(artefact[0])[0], kept_models()[0], strict=False):
        frames, actions = torch.rand(2, 2, 65, 65), torch.randn(2, 3, 2)
        z = kept.model.encode(frames)
        torch.testing.assert_close(z, room["model"].encode(frames))
        torch.testing.assert_close(kept.model.rollout(z, actions), room["model"].rollout(z, actions))


def test_a_damaged_one_is_refused(artefact):
    folder, _ = artefact
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(ArtefactError, match="damaged"):
        kept_clocks(folder)
