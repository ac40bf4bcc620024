"""Coupled discs: what mechanics says of them holds, and a flick moves whom it should."""

import math

import pytest
import torch

from wm_core.worlds.coupled_discs import CoupledDiscs, apart, with_hands

WORLD = CoupledDiscs()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def quiet(world, n, steps):
    """Episodes without flicks, in float64."""
    start, pairs, _ = world.episodes(n, 1, seeded(1))
    return world.play(start[:, 0].double(), pairs, torch.zeros(n, steps, world.discs, 2, dtype=torch.float64)), pairs


def test_the_same_seed_gives_the_same_episodes_and_another_does_not():
    first, again, other = (WORLD.episodes(8, 5, seeded(seed)) for seed in (3, 3, 4))
    assert all(map(torch.equal, first, again))
    assert not any(map(torch.equal, first, other))


def test_an_episode_has_a_frame_more_than_flicks():
    states, pairs, flicks = WORLD.episodes(8, 5, seeded(0))
    assert states.shape == (8, 6, 4, 4)
    assert pairs.shape == (8, 2)
    assert flicks.shape == (8, 5, 4, 2)


def test_every_pair_of_two_different_discs_is_drawn_equally_often():
    pairs = WORLD.episodes(6000, 1, seeded(0)).pairs
    found, counts = pairs.unique(dim=0, return_counts=True)
    assert found.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert counts.min() > 850


def test_energy_is_kept_between_flicks():
    states, pairs = quiet(WORLD, 64, 100)
    energy = WORLD.energy(states, pairs)
    assert ((energy - energy[:, :1]).abs() / energy[:, :1]).max() < 5e-3


def test_a_flick_changes_the_velocity_by_itself_and_the_energy_by_its_work():
    start, pairs, _ = WORLD.episodes(64, 1, seeded(2))
    start, flick = start[:, 0].double(), torch.randn(64, 1, 4, 2, generator=seeded(3), dtype=torch.float64)
    after = WORLD.play(start, pairs, flick)[:, 1:]
    work = (flick * start[:, None, :, 2:]).sum((-1, -2)) + flick.square().sum((-1, -2)) / 2
    change = WORLD.energy(after, pairs) - WORLD.energy(start[:, None], pairs)
    assert ((change - work).abs() / WORLD.energy(after, pairs)).max() < 5e-3  # as exact as between flicks


def test_the_spring_moves_no_centre_of_mass():
    start, pairs, flicks = WORLD.episodes(64, 20, seeded(2))
    free = CoupledDiscs(spring=0.0).play(start[:, 0], pairs, flicks)
    torch.testing.assert_close(start.mean(2), free.mean(2), atol=1e-5, rtol=0)


def test_without_a_bowl_momentum_is_kept_and_without_flicks_angular_momentum_too():
    for world in (CoupledDiscs(bowl=0.0), CoupledDiscs()):
        states, _ = quiet(world, 64, 50)
        x, v = states.split(2, -1)
        turning = (x[..., 0] * v[..., 1] - x[..., 1] * v[..., 0]).sum(-1)
        torch.testing.assert_close(turning, turning[:, :1].expand_as(turning), atol=1e-10, rtol=0)
        moving = v.sum(2)
        kept = torch.allclose(moving, moving[:, :1].expand_as(moving), atol=1e-10)
        assert kept == (world.bowl == 0)


def test_a_pair_swings_in_its_two_modes_and_the_error_is_of_second_order():
    start, pairs, _ = WORLD.episodes(64, 1, seeded(2))
    start, each = start[:, 0].double(), torch.arange(64)
    none = torch.zeros(64, 10, 4, 2, dtype=torch.float64)
    first, second = start[each, pairs[:, 0]], start[each, pairs[:, 1]]
    time = 10 * WORLD.dt

    def swing(mode, frequency):
        x, v = mode.split(2, -1)
        return x * math.cos(frequency * time) + v * math.sin(frequency * time) / frequency

    exact = swing(first + second, 1.0) / 2 + swing(first - second, math.sqrt(1 + 2 * WORLD.spring)) / 2
    errors = []
    for substeps in (8, 16):
        end = CoupledDiscs(substeps=substeps).play(start, pairs, none)[each, -1, pairs[:, 0], :2]
        errors.append(float((end - exact).norm(dim=-1).max()))
    assert errors[0] < 0.01
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


def test_a_flick_of_one_disc_moves_its_partner_and_nobody_else():
    start, pairs, flicks = WORLD.episodes(64, 8, seeded(2))
    roles, each = apart(pairs), torch.arange(64)
    nudged = flicks.clone()
    nudged[each, 2, roles[:, 0]] += torch.tensor([0.5, 0.0])
    change = (WORLD.play(start[:, 0], pairs, nudged) - start).abs().amax(-1)
    change = change.gather(2, roles[:, None].expand(-1, 9, -1))  # (episode, frame, role)
    assert change[:, :3].max() == 0
    assert change[:, 3:, :2].amin() > 1e-3
    assert change[..., 2:].max() == 0


def test_roles_name_the_pair_first_and_every_disc_once():
    roles = apart(torch.tensor([[1, 3], [0, 1]]))
    assert roles.tolist() == [[1, 3, 0, 2], [0, 1, 2, 3]]


def test_shared_flicks_are_equal_within_a_pair_and_nothing_joins_it():
    world = CoupledDiscs(spring=0.0, shared=True)
    start, pairs, flicks = world.episodes(256, 8, seeded(0))
    roles, each = apart(pairs), torch.arange(256)
    assert torch.equal(flicks[each, :, roles[:, 0]], flicks[each, :, roles[:, 1]])
    assert not torch.equal(flicks[each, :, roles[:, 0]], flicks[each, :, roles[:, 2]])
    nudged = flicks.clone()
    nudged[each, 0, roles[:, 0]] += 1.0
    others = roles[:, 1:, None].expand(-1, -1, 4)
    moved = (world.play(start[:, 0], pairs, nudged) - start)[:, -1].gather(1, others)
    assert moved.abs().max() == 0


def test_flicks_are_as_frequent_and_as_strong_as_said():
    flicks = WORLD.episodes(2000, 8, seeded(0)).flicks
    happened = flicks.abs().sum(-1) > 0
    assert float(happened.float().mean()) == pytest.approx(WORLD.rate, abs=0.005)
    assert float(flicks[happened].std()) == pytest.approx(WORLD.strength, rel=0.02)


def test_a_slot_holds_the_state_the_hook_and_a_colour_that_tells_nothing_of_the_pair():
    states, pairs, _ = WORLD.episodes(64, 3, seeded(0))
    slots = WORLD.slots(states, pairs)
    assert slots.shape == (64, 4, 4, 9)
    assert torch.equal(slots[..., :4], states)
    roles = apart(pairs)
    hooks = slots[:, :, :, 4].gather(2, roles[:, None].expand(-1, 4, -1))
    assert torch.equal(hooks, torch.tensor([1.0, 1.0, 0.0, 0.0]).expand(64, 4, -1))
    assert torch.equal(slots[..., 5:], torch.eye(4).expand(64, 4, -1, -1))


def test_a_disc_is_drawn_where_it_is_in_its_own_colour():
    away = torch.tensor([[9.0, 9.0], [9.0, 9.0], [9.0, 9.0], [9.0, 9.0]])
    frames = []
    for disc in range(4):
        at = away.clone()
        at[disc] = torch.tensor([1.0, -0.5])  # x right of the middle, y above it
        frames.append(WORLD.draw(at))
    frames = torch.stack(frames)
    bright = (frames - 0.1).abs().sum(1)
    rows, columns = bright.sum(2), bright.sum(1)
    grid = (torch.arange(24) + 0.5) / 24 * 4.4 - 2.2
    torch.testing.assert_close((columns @ grid) / columns.sum(1), torch.full((4,), 1.0), atol=0.05, rtol=0)
    torch.testing.assert_close((rows @ grid) / rows.sum(1), torch.full((4,), -0.5), atol=0.05, rtol=0)
    hues = frames.flatten(2)[torch.arange(4), :, bright.flatten(1).argmax(1)]
    assert torch.cdist(hues, hues).add(torch.eye(4)).min() > 0.5


def test_pictures_of_a_batch_are_the_pictures_of_its_parts():
    states = WORLD.episodes(3, 2, seeded(0)).states
    together = WORLD.draw(states)
    assert together.shape == (3, 3, 3, 24, 24)
    torch.testing.assert_close(together[1, 2], WORLD.draw(states[1, 2]))


def test_hands_push_single_discs_in_half_of_the_steps_in_place_of_gusts():
    gusty = CoupledDiscs(spring=0.0, shared=True, rate=0.5)
    episodes, hands = with_hands(gusty, 400, 6, seeded(4))
    each, (a, b) = torch.arange(400), episodes.pairs.unbind(1)
    by_hand = hands.abs().sum((2, 3)) > 0  # (episode, step)
    assert episodes.flicks[by_hand].equal(hands[by_hand])
    assert episodes.flicks[each, :, a][~by_hand].equal(episodes.flicks[each, :, b][~by_hand])
    alone = (hands[each, :, a] != hands[each, :, b]).any(-1)
    assert float(alone.float().mean()) == pytest.approx(
        0.5 * 0.75, abs=0.03
    )  # a hand is at work, at A, at B or at both
    torch.testing.assert_close(
        episodes.states, gusty.play(episodes.states[:, 0], episodes.pairs, episodes.flicks), rtol=0, atol=0
    )
