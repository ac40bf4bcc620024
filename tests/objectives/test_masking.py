"""Context and targets never meet, blocks are blocks, and every sample of a batch keeps as many tokens."""

import math

import pytest
import torch

from wm_core.objectives.masking import (
    LONG_RANGE,
    SHORT_RANGE,
    block_masks,
    moment_masks,
    scattered_masks,
    tube_masks,
)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def as_sets(rows):
    return [set(row.flatten().tolist()) for row in rows]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("grid", "at_least"), [((6, 6), 8), ((14, 14), 10), ((5, 9), 4)])
def test_context_and_targets_share_no_token(grid, at_least, seed):
    masks = block_masks(32, grid, seeded(seed), at_least=at_least)
    assert masks.ask.shape[:2] == (32, 4)
    assert masks.keep.shape[1] >= at_least
    for seen, asked in zip(as_sets(masks.keep), as_sets(masks.ask), strict=True):
        assert not seen & asked
        assert seen | asked <= set(range(math.prod(grid)))
    assert (masks.keep.diff() > 0).all()
    assert (masks.ask.diff() > 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_target_is_a_block_of_the_published_size_and_shape(seed):
    masks = block_masks(8, (14, 14), seeded(seed), at_least=10)
    for block in masks.ask.flatten(0, 1):
        rows, columns = block // 14, block % 14
        height, width = int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1
        assert height * width == len(block)
        assert 0.12 <= len(block) / 196 <= 0.23  # 0.15 to 0.20, and what rounding to whole tokens does
        assert 0.6 <= height / width <= 1.8  # 0.75 to 1.5


def test_blocks_reach_every_token_also_at_the_border():
    asked = torch.cat([block_masks(64, (6, 6), seeded(seed)).ask.flatten() for seed in range(20)])
    seen = torch.cat([block_masks(64, (6, 6), seeded(seed)).keep.flatten() for seed in range(20)])
    for tokens in (asked, seen):
        share = torch.bincount(tokens, minlength=36) / len(tokens)
        assert share.min() > 0.2 / 36
    # a block lies left as often as right and above as often as below
    share = (torch.bincount(asked, minlength=36) / len(asked)).view(6, 6)
    torch.testing.assert_close(share, share.flip(0), atol=0.006, rtol=0)
    torch.testing.assert_close(share, share.flip(1), atol=0.006, rtol=0)


def test_thinning_favours_no_corner():
    seen = torch.cat([block_masks(64, (14, 14), seeded(seed), at_least=10).keep.flatten() for seed in range(20)])
    share = (torch.bincount(seen, minlength=196) / len(seen)).view(14, 14)
    assert share[:7].sum().item() == pytest.approx(0.5, abs=0.03)
    assert share[:, :7].sum().item() == pytest.approx(0.5, abs=0.03)


def test_no_context_big_enough_is_said_so():
    with pytest.raises(ValueError, match="at_least: got 30 tokens of a"):
        block_masks(4, (6, 6), seeded(0), at_least=30)


@pytest.mark.parametrize(("blocks", "scale"), [SHORT_RANGE, LONG_RANGE])
@pytest.mark.parametrize("grid", [(4, 4, 4), (8, 14, 14)])
def test_masks_drawn_at_each_moment_hide_as_much_then_and_other_places(grid, blocks, scale):
    masks = moment_masks(16, grid, seeded(0), blocks, scale)
    frame = grid[1] * grid[2]
    for rows in (masks.keep, masks.ask[:, 0]):
        per_moment = rows.view(16, grid[0], -1)
        assert (per_moment // frame == torch.arange(grid[0])[:, None]).all()
        assert (per_moment.diff(dim=2) > 0).all()
        assert (per_moment[:, 1:] % frame != per_moment[:, :1] % frame).any(2).float().mean() > 0.3
    for seen, asked in zip(as_sets(masks.keep), as_sets(masks.ask), strict=True):
        assert not seen & asked


@pytest.mark.parametrize(("blocks", "scale"), [SHORT_RANGE, LONG_RANGE])
@pytest.mark.parametrize("grid", [(4, 4, 4), (8, 14, 14)])
def test_a_tube_goes_through_all_time(grid, blocks, scale):
    masks = tube_masks(16, grid, seeded(0), blocks, scale)
    frame = grid[1] * grid[2]
    for rows in (masks.keep, masks.ask[:, 0]):
        per_frame = rows.view(16, grid[0], -1) % frame
        assert (per_frame == per_frame[:, :1]).all()
        assert (rows.view(16, grid[0], -1) // frame == torch.arange(grid[0])[:, None]).all()
    for seen, asked in zip(as_sets(masks.keep), as_sets(masks.ask), strict=True):
        assert seen
        assert asked
        assert not seen & asked


def test_tubes_hide_most_of_a_clip():
    hidden = []
    for kind in (SHORT_RANGE, LONG_RANGE):
        drawn = [tube_masks(1, (1, 14, 14), seeded(seed), *kind).keep.shape[1] for seed in range(200)]
        hidden.append(1 - sum(drawn) / len(drawn) / 196)
    assert 0.6 < hidden[0] < 0.8
    assert 0.8 < hidden[1] < 0.95


def test_one_block_of_short_range_has_the_published_size():
    masks = tube_masks(8, (2, 14, 14), seeded(3), blocks=1, scale=0.15)
    assert 0.13 <= masks.ask.shape[2] / 392 <= 0.17


def test_tubes_that_cover_everything_are_refused():
    with pytest.raises(ValueError, match="which cover every frame"):
        tube_masks(4, (2, 4, 4), seeded(0), blocks=1, scale=1.0, aspect=(1.0, 1.0))


def test_scattered_masks_hide_their_share_anywhere():
    masks = scattered_masks(500, (6, 6), seeded(0), 0.75)
    assert masks.keep.shape == (500, 9)
    assert masks.ask.shape == (500, 1, 27)
    for seen, asked in zip(as_sets(masks.keep), as_sets(masks.ask), strict=True):
        assert seen | asked == set(range(36))
        assert not seen & asked
    assert torch.bincount(masks.keep.flatten(), minlength=36).float().std() < 15


def test_the_generator_decides_everything():
    for draw in (
        lambda g: block_masks(8, (6, 6), g),
        lambda g: tube_masks(8, (4, 4, 4), g),
        lambda g: moment_masks(8, (4, 4, 4), g),
        lambda g: scattered_masks(8, (6, 6), g),
    ):
        first, again, other = draw(seeded(5)), draw(seeded(5)), draw(seeded(6))
        assert first.keep.equal(again.keep)
        assert first.ask.equal(again.ask)
        assert first.keep.shape != other.keep.shape or not first.keep.equal(other.keep)
