"""Questions about coupled discs: who knows the world gets full marks, who does not gets what can be worked out by hand."""

import pytest
import torch

from wm_core.jepa.causal_jepa import CausalJEPA
from wm_core.jepa.disc_questions import DiscQuestions, missed, off, slots_from_films
from wm_core.nets.slots import SlotAutoencoder
from wm_core.worlds.coupled_discs import CoupledDiscs

FILMS, EACH = 40, torch.arange(40)


def questions(**settings):
    world = CoupledDiscs(**settings)
    push = torch.randn(FILMS, 2, generator=torch.Generator().manual_seed(1))
    return DiscQuestions(world, world.episodes(FILMS, 7, torch.Generator().manual_seed(0)), push)


@pytest.fixture
def asked():
    return questions()


class Player(CausalJEPA):
    """Plays a world on from the last frame that is shown; what it says of the history is that frame."""

    def __init__(self, world, shadow=False):
        super().__init__(9)
        self.world, self.shadow, self.seen = world, shadow, []

    def forward(self, history, hidden):
        self.seen.append(history)
        now, hook = history[:, -1, :, :4], history[:, -1, :, 4]
        pairs = hook.detach().topk(2).indices.sort(1).values
        path = self.world.play(now, pairs, torch.zeros(len(now), 4, 4, 2))[:, 1:]
        if self.shadow:  # the two with hooks are both where the faster of the two swings to
            each, (first, second) = torch.arange(len(now)), pairs.unbind(1)
            path[each, :, second] = path[each, :, first]
        path = torch.cat([now[:, None].expand(-1, 4, -1, -1), path], 1)
        return torch.cat([path, history[:, :1, :, 4:].expand(-1, 8, -1, -1)], -1)


class Mixer(CausalJEPA):
    """The future of each disc hangs on its partner three times as much as on every other."""

    def forward(self, history, hidden):
        hook = history[:, 0, :, 4].detach()
        weight = 1 + 2 * hook[:, :, None] * hook[:, None, :]
        return (weight @ history[:, -1])[:, None].expand(-1, 8, -1, -1)


def test_off_is_the_root_mean_square_distance_of_places_alone():
    guess = torch.tensor([[3.0, 4.0, 9.0], [0.0, 0.0, 9.0]])
    assert off(guess, torch.zeros(2, 3)) == pytest.approx(12.5**0.5)


def test_missed_is_nothing_for_the_truth_and_all_for_nothing():
    change = torch.randn(5, 4, 2, generator=torch.Generator().manual_seed(0))
    assert missed(change, change) == 0
    assert missed(change, torch.zeros_like(change)) == 1
    assert missed(change, change / 2) == pytest.approx(0.5)


def test_a_and_b_are_the_two_with_hooks_and_c_and_d_are_not(asked):
    hook = asked.slots[:, 0, :, 4]
    assert [float(hook[EACH, asked.disc(role)].mean()) for role in "ABCD"] == [1, 1, 0, 0]
    assert asked.of(asked.slots, "C").equal(asked.slots[EACH, :, asked.disc("C")])


def test_who_is_covered_is_hidden_in_every_frame_but_the_first(asked):
    hidden = asked.covering("B")
    assert hidden[EACH, 1:, asked.disc("B")].all()
    assert hidden.sum() == 3 * FILMS
    assert not hidden[:, 0].any()


def test_the_truth_has_no_error_and_who_copies_is_off_by_the_way_the_discs_went(asked):
    assert set(asked.errors(lambda history, hidden: asked.slots).values()) == {0.0}
    found = asked.errors(lambda history, hidden: history[:, :1].expand(-1, 8, -1, -1))
    b, c = (asked.of(asked.slots, role) for role in "BC")
    assert found["hidden past, joined"] == off(b[:, :1].expand(-1, 3, -1), b[:, 1:4])
    assert found["hidden past, on its own"] == off(c[:, :1].expand(-1, 3, -1), c[:, 1:4])
    assert found["future"] == off(asked.slots[:, :1].expand(-1, 4, -1, -1), asked.slots[:, 4:])


def test_errors_are_measured_from_the_truth_also_when_other_slots_are_seen(asked):
    nowhere = torch.zeros_like(asked.slots)
    found = asked.errors(lambda history, hidden: torch.cat([history, history], 1), nowhere)
    assert found["future"] == off(torch.zeros_like(asked.slots[:, 4:]), asked.slots[:, 4:])


def test_the_best_future_is_what_follows_without_further_flicks(asked):
    played = asked.imagine(Player(asked.world), asked.nothing)[:, 4:, :, :4]
    assert (asked.best_future - asked.test.states[:, 4:]).abs().max() > 0.1
    unforeseen = asked.test.flicks[:, 3:4].clone()  # the last shown frame is before the flick that comes right after it
    assert unforeseen.abs().max() > 0
    torch.testing.assert_close(asked.best_future, played, atol=1e-5, rtol=0)


def test_dependence_is_how_many_times_more_b_hangs_on_a(asked):
    assert asked.dependence(Mixer(9), asked.nothing, count=10) == pytest.approx(3, rel=1e-5)


@pytest.mark.parametrize(("spring", "others"), [(3.0, 1), (0.0, 0)])
def test_a_push_moves_a_and_through_the_spring_b(spring, others):
    asked = questions(spring=spring)
    really, seen = asked.pushed(2)
    change = (really - asked.test.states)[..., :2].norm(dim=-1)
    assert change[:, :3].max() == 0
    assert asked.of(change, "A")[:, 3:].min() > 1e-3
    assert float(asked.of(change, "B")[:, 4:].max() > 1e-3) == others
    assert asked.of(change, "C").max() < 1e-5
    assert seen[..., :4].equal(really)


def test_a_push_after_the_last_frame_shows_there_as_a_velocity(asked):
    really, seen = asked.pushed(3)
    shown = asked.of(seen - asked.slots, "A")[:, 3]
    torch.testing.assert_close(shown[:, 2:4], asked.push)
    assert shown[:, :2].abs().max() == 0
    assert really[:, :4].equal(asked.test.states[:, :4])


@pytest.mark.parametrize("when", [2, 3])
def test_who_knows_the_world_misses_nothing_of_a_push_and_who_knows_no_spring_misses_all_of_b(asked, when):
    moved = asked.moved(Player(asked.world), asked.nothing, when)
    assert missed(*moved["A"]) < 1e-4
    assert missed(*moved["B"]) < 1e-4
    if when == 3:
        assert missed(*asked.moved(Player(CoupledDiscs(spring=0.0)), asked.nothing, when)["B"]) == pytest.approx(
            1, abs=1e-4
        )


def test_who_is_told_reads_the_push_in_the_frame_after_it_and_nowhere_else(asked):
    player = Player(asked.world)
    asked.moved(player, asked.nothing, 2, told=True)
    pushed, calm = player.seen
    assert pushed[EACH, 3, asked.disc("A"), -2:].equal(asked.push)
    assert (pushed[..., -2:] != 0).sum() == 2 * FILMS
    assert (calm[..., -2:] != 0).sum() == 0


def test_among_gusts_who_knows_the_world_leaves_b_and_who_takes_two_for_one_carries_it_along():
    asked = questions(spring=0.0, shared=True)
    assert asked.carried(Player(asked.world))["B seen"] < 1e-5
    fooled = asked.carried(Player(asked.world, shadow=True))
    a_first = asked.disc("A") < asked.disc("B")  # the roles are in order, so A is the one that is followed
    assert a_first.all()
    assert fooled["B seen"] == pytest.approx(1, abs=1e-4)


def test_measures_hold_the_errors_and_the_pushes_by_name(asked):
    found = asked.measures(Player(asked.world))
    assert found["future"] == asked.errors(Player(asked.world))["future"]
    assert found["future, from the best answer"] < 1e-5
    assert found["push of A: A missed"] < 1e-4
    assert found["push of A a frame earlier: B missed"] < 1e-4
    assert found["partner over others"] > 100


def test_bs_path_can_be_worked_out_from_its_first_frame_and_as_path(asked):
    b = asked.of(asked.test.states, "B")[:, 1:4]
    assert asked.of(asked.test.flicks, "B")[:, :3].abs().max() > 0.5
    torch.testing.assert_close(asked.worked_out(), b, atol=1e-4, rtol=0)
    other = asked.test.states.clone()
    other[EACH, 1:, asked.disc("B")] = 7.0  # B's own later frames are not looked at
    blind = DiscQuestions(asked.world, asked.test._replace(states=other), asked.push)
    assert blind.worked_out().equal(asked.worked_out())


def test_slots_from_films_are_places_in_lengths_what_was_found_and_the_hook(asked):
    torch.manual_seed(0)
    eyes, few = SlotAutoencoder(), type(asked.test)(*(part[:3] for part in asked.test))
    slots = slots_from_films(eyes, asked.world, few)
    with torch.no_grad():
        found = eyes.encode(asked.world.draw(few.states), few.states[:, 0, :, :2] / 2.2)
    assert slots.shape == (3, 8, 4, 19)
    torch.testing.assert_close(slots[..., :2], 2.2 * found.where)
    assert slots[..., 2:18].equal(found.what)
    assert slots[..., 18].equal(asked.slots[:3, ..., 4])
