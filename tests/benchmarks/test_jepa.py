"""The benchmark compares equal with equal. How fast either is depends on the machine, and is not tested here."""

import pytest
import torch

from benchmarks.jepa import compare, i_jepa_steps, i_jepas, le_jepa_steps, le_jepas, share
from wm_core.jepa.le_jepa import le_jepa_loss


@pytest.mark.parametrize("pair", [i_jepas, le_jepas])
def test_ours_and_the_plain_one_have_as_many_weights(pair):
    ours, plain = (sum(w.numel() for w in model.parameters() if w.requires_grad) for model in pair())
    assert ours == plain


@pytest.mark.parametrize("steps", [i_jepa_steps, le_jepa_steps])
def test_both_take_a_step_and_their_ratio_is_of_times(steps):
    found = compare(steps(), repeats=1)
    assert 0 < found["ratio"] == pytest.approx(found["ours"] / found["plain"])


def test_the_plain_le_jepa_has_the_librarys_loss():
    """With the same encoder and projector, lines and views."""
    ours, plain = le_jepas()
    plain.encoder, plain.project = ours.encoder, ours.project
    views = torch.rand(64, 2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(1)
    expected = plain.loss(views).detach()
    torch.manual_seed(1)
    got = sum(le_jepa_loss(ours, views).values()).detach()
    assert float(got) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [i_jepa_steps, le_jepa_steps])
def test_a_step_is_a_part_of_what_the_machine_can_do(steps):
    assert 0 < share(steps, repeats=1) < 1
