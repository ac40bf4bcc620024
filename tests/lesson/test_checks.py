"""Exercises: right is right, a hole is open, and each usual slip hears which slip it is."""

import inspect
import math
import pkgutil
from functools import partial
from importlib import import_module

import pytest
import torch
import torch.nn.functional as F

from wm_core.lesson import checks
from wm_core.lesson.checks import check, examine, has_hole
from wm_core.nets.vit import take
from wm_core.objectives.prediction import layer_normed
from wm_core.objectives.sigreg import epps_pulley, quadrature
from wm_core.physics.taylor import taylor
from wm_core.worlds.particles import momentum, paired, pairs

IMAGINE, KEEP_APART, THRESHOLD = (f"foundations/quickstart/{name}" for name in ("imagine", "keep_apart", "threshold"))
FOLLOW, TARGETS, SHARE = (f"jepa/i_jepa/{name}" for name in ("follow", "make_targets", "share"))
FEED_BACK, SHORTEN, ENOUGH = (f"jepa/v_jepa_2_ac/{name}" for name in ("feed_back", "shorten", "enough"))
SLOPE, HIDE, WITHOUT_N = (f"jepa/le_jepa/{name}" for name in ("slope", "hide", "weight_without_n"))
WHOLE_PAST, HISTORY_LOSS, CURE = (f"jepa/causal_jepa/{name}" for name in ("whole_past", "history_loss", "cure"))
THROUGH_TIME, BEST_GUESS, ELSEWHERE = (
    f"jepa/v_jepa/{name}" for name in ("through_time", "best_guess", "shown_elsewhere")
)
BACK, SCORES, ODD = (f"jepa/surprise/{name}" for name in ("looks_back", "both_scores", "oddness"))
OWN, SPEAK, FLOOR = (f"jepa/vl_jepa/{name}" for name in ("find_your_own", "when_to_speak", "floor"))
LEAKED, SMOOTH, ON_FOOT = (f"planning/two_rooms/{name}" for name in ("leaked", "smooth", "on_foot"))
THIRD_LAW, STOP, COGS = (f"physics/particles/{name}" for name in ("third_law", "stop", "cogs"))
NO_SOURCES, NEWTON, LEFT_OVER = (
    f"physics/conservation/{name}" for name in ("without_sources", "one_round", "left_over")
)
PLANE, NO_GRID, LEAST = (f"physics/spinn/{name}" for name in ("plane_laplacian", "mean_square", "least_rank"))
HEAT, IMBALANCE, UNSEEN = (f"physics/pinn/{name}" for name in ("heat", "imbalance", "unseen"))
LEAPFROG, MOTION, MORE_DATA = (f"physics/hamiltonian/{name}" for name in ("leapfrog", "motion", "more_data"))
REFIT, WEIGH, FAILS = (f"planning/mpc/{name}" for name in ("refit", "weigh", "fails"))
BALANCE, PLANS_LEFT, COIN = (f"planning/h_jepa/{name}" for name in ("balance", "plans_left", "coin"))
SAID_BY, STOP_OVER, FIRST_PIXEL = (f"planning/value_guided/{name}" for name in ("said_by", "stop_over", "first_pixel"))


class Measured(dict):
    """A function by its values, with a name that is the same in every run."""

    def __call__(self, x):
        return self[x]


SOLVED = Measured({4: 0.7, 8: 0.9, 16: 1.0, 32: 1.0, 64: 1.0})  # by so many samples


def through_time(places, grid, stride=None):
    moments, rows, columns = grid
    first = (rows * columns if stride is None else stride) * torch.arange(moments)[:, None]
    return (places[:, None] + first).flatten(1)


def the_first_moment_only(places, grid):
    return through_time(places, grid, stride=0)


def too_far_apart(places, grid):
    return through_time(places, grid, stride=100)


def the_next_place_at_each_moment(places, grid):
    return through_time(places, grid, stride=1)


def one_moment(places, grid):
    return places


def looks_back(moments, places):
    moment = torch.arange(moments * places) // places
    return moment <= moment[:, None]


def token_by_token(moments, places):
    return torch.ones(moments * places, moments * places).tril().bool()


def never_at_itself(moments, places):
    moment = torch.arange(moments * places) // places
    return moment < moment[:, None]


def its_own_moment_alone(moments, places):
    moment = torch.arange(moments * places) // places
    return moment == moment[:, None]


def place_by_place(moments, places):
    moment = torch.arange(moments * places) % moments
    return moment <= moment[:, None]


def wins(more, tie=0.5):
    return float(((more > 0).float() + tie * (more == 0)).mean())


def both_scores(possible, impossible, tie=0.5):
    return wins(impossible - possible, tie), wins(impossible[:, None] - possible, tie)


def partners_twice(possible, impossible):
    return (wins(impossible - possible),) * 2


def pairs_of_means(possible, impossible):
    return float(impossible.mean() > possible.mean()) / 2, both_scores(possible, impossible)[1]


def oddness(outcomes, now, middle=torch.median):
    off = float((now - middle(outcomes)).abs())
    return off, off - float((outcomes - middle(outcomes)).abs().mean())


def nothing_taken_off(outcomes, now):
    return (oddness(outcomes, now)[0],) * 2


def the_sign_turned(outcomes, now):
    off, odd = oddness(outcomes, now)
    return off, -odd


def the_spread_taken_off(outcomes, now):
    off, _ = oddness(outcomes, now)
    return off, off - float(outcomes.std())


def share_of_places(masks):
    return torch.zeros(len(masks.keep), 16).scatter(1, masks.keep % 16, 1.0).mean()


def shown_elsewhere(masks):
    shown = torch.zeros(len(masks.keep), 16).scatter(1, masks.keep % 16, 1.0)
    return float(shown.gather(1, masks.ask[:, 0] % 16).mean())


def best_guess(values, power):
    return float(values.median() if power == 1 else values.mean())


def imagine(dynamics, z, actions):
    imagined = []
    for a in actions.unbind(1):
        z = dynamics(z, a)
        imagined.append(z)
    return torch.stack(imagined, 1)


def always_from_the_first(dynamics, z, actions):
    return torch.stack([dynamics(z, a) for a in actions.unbind(1)], 1)


def before_the_push(dynamics, z, actions):
    imagined = []
    for a in actions.unbind(1):
        imagined.append(z)
        z = dynamics(z, a)
    return torch.stack(imagined, 1)


def time_first(dynamics, z, actions):
    return imagine(dynamics, z, actions).transpose(0, 1)


def pushes_in_reverse(dynamics, z, actions):
    return imagine(dynamics, z, actions.flip(1))


def no_tensor(dynamics, z, actions):
    return list(imagine(dynamics, z, actions).unbind(1))


def keep_apart(z, eps=1e-4):
    return torch.relu(1 - (z.var(0) + eps).sqrt()).mean()


def the_other_way_round(z, eps=1e-4):
    return torch.relu((z.var(0) + eps).sqrt() - 1).mean()


def variance_for_deviation(z, eps=1e-4):
    return torch.relu(1 - (z.var(0) + eps)).mean()


def over_the_dimensions(z, eps=1e-4):
    return torch.relu(1 - (z.var(1) + eps).sqrt()).mean()


def of_all_numbers(z, eps=1e-4):
    return torch.relu(1 - (z.var() + eps).sqrt())


def without_a_hinge(z, eps=1e-4):
    return (1 - (z.var(0) + eps).sqrt()).mean()


def without_eps(z, eps=1e-4):
    return torch.relu(1 - z.std(0)).mean()


def eps_outside_the_root(z, eps=1e-4):
    return torch.relu(1 - (z.std(0) + eps)).mean()


def nothing(z, eps=1e-4):
    return 0.0


def squared(z, eps=1e-4):
    return torch.relu(1 - (z.var(0) + eps).sqrt()).square().mean()


def without_the_mean(z, eps=1e-4):
    return torch.relu(1 - (z.square().mean(0) + eps).sqrt()).mean()


def summed(z, eps=1e-4):
    return torch.relu(1 - (z.var(0) + eps).sqrt()).sum()


def of_the_mean_deviation(z, eps=1e-4):
    return torch.relu(1 - (z.var(0) + eps).sqrt().mean())


def per_dimension(z, eps=1e-4):
    return torch.relu(1 - (z.var(0) + eps).sqrt())


def leapfrog(system, x, h):
    q, p = x.chunk(2, -1)
    p = p + h / 2 * system.force(q)
    q = q + h * system.velocity(p)
    p = p + h / 2 * system.force(q)
    return torch.cat([q, p], -1)


def one_whole_kick(system, x, h):
    q, p = x.chunk(2, -1)
    p = p + h * system.force(q)
    q = q + h * system.velocity(p)
    return torch.cat([q, p], -1)


def all_at_the_old_point(system, x, h):
    return x + h * system.field(x)


def second_kick_at_the_old_q(system, x, h):
    q, p = x.chunk(2, -1)
    kick = h / 2 * system.force(q)
    p = p + kick
    q = q + h * system.velocity(p)
    return torch.cat([q, p + kick], -1)


def drift_kick_drift(system, x, h):
    q, p = x.chunk(2, -1)
    q = q + h / 2 * system.velocity(p)
    p = p + h * system.force(q)
    q = q + h / 2 * system.velocity(p)
    return torch.cat([q, p], -1)


def kicks_the_wrong_way(system, x, h):
    q, p = x.chunk(2, -1)
    p = p - h / 2 * system.force(q)
    q = q + h * system.velocity(p)
    p = p - h / 2 * system.force(q)
    return torch.cat([q, p], -1)


def momentum_for_velocity(system, x, h):
    q, p = x.chunk(2, -1)
    p = p + h / 2 * system.force(q)
    q = q + h * p
    p = p + h / 2 * system.force(q)
    return torch.cat([q, p], -1)


def without_h(system, x, h):
    q, p = x.chunk(2, -1)
    p = p + system.force(q) / 2
    q = q + system.velocity(p)
    p = p + system.force(q) / 2
    return torch.cat([q, p], -1)


def twice_as_long(system, x, h):
    return leapfrog(system, x, 2 * h)


def two_whole_kicks(system, x, h):
    q, p = x.chunk(2, -1)
    p = p + h * system.force(q)
    q = q + h * system.velocity(p)
    p = p + h * system.force(q)
    return torch.cat([q, p], -1)


def standing_still(system, x, h):
    return 1 * x


def forgets_to_return(system, x, h):
    leapfrog(system, x, h)


def slopes(energy, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(energy(x).sum(), x)[0].unbind(-1)


def motion(energy, x):
    slope_q, slope_p = slopes(energy, x)
    return torch.stack([slope_p, -slope_q], -1)


def backwards(energy, x):
    slope_q, slope_p = slopes(energy, x)
    return torch.stack([-slope_p, slope_q], -1)


def without_the_minus(energy, x):
    slope_q, slope_p = slopes(energy, x)
    return torch.stack([slope_p, slope_q], -1)


def downhill(energy, x):
    slope_q, slope_p = slopes(energy, x)
    return torch.stack([-slope_q, -slope_p], -1)


def of_the_exercises_spring(energy, x):
    q, p = x.unbind(-1)
    return torch.stack([2 * p, -3 * q], -1)


def one_component(energy, x):
    return slopes(energy, x)[1]


def half(energy, x):
    return motion(energy, x) / 2


def follow(slow, fast, decay):
    return decay * slow + (1 - decay) * fast


def follow_fast(slow, fast, decay):
    return follow(fast, slow, decay)


def follow_without_share(slow, fast, decay):
    return decay * slow + fast


def stand_still(slow, fast, decay):
    return slow


def feed_back(predict, z, actions, steps):
    starts = actions.shape[1] - steps + 1
    guess = z[:, :starts]
    for k in range(steps):
        guess = predict(guess, actions[:, k : k + starts])
    return (guess - z[:, steps:]).abs().mean()


def start_from_actual_latents(predict, z, actions, steps):
    starts = actions.shape[1] - steps + 1
    for k in range(steps):
        guess = predict(z[:, k : k + starts], actions[:, k : k + starts])
    return (guess - z[:, steps:]).abs().mean()


def repeat_the_first_action(predict, z, actions, steps):
    starts = actions.shape[1] - steps + 1
    guess = z[:, :starts]
    for _ in range(steps):
        guess = predict(guess, actions[:, :starts])
    return (guess - z[:, steps:]).abs().mean()


def compare_with_the_next_frame(predict, z, actions, steps):
    starts = actions.shape[1] - steps + 1
    guess = z[:, :starts]
    for k in range(steps):
        guess = predict(guess, actions[:, k : k + starts])
    return (guess - z[:, 1 : starts + 1]).abs().mean()


def feed_back_detached(predict, z, actions, steps):
    starts = actions.shape[1] - steps + 1
    guess = z[:, :starts]
    for k in range(steps):
        guess = predict(guess.detach(), actions[:, k : k + starts])
    return (guess - z[:, steps:]).abs().mean()


def feed_back_squared(predict, z, actions, steps):
    starts = actions.shape[1] - steps + 1
    guess = z[:, :starts]
    for k in range(steps):
        guess = predict(guess, actions[:, k : k + starts])
    return (guess - z[:, steps:]).square().mean()


def not_one_number(predict, z, actions, steps):
    return z


def of_the_first_frame_alone(predict, z, actions, steps):
    guess = z[:, :1]
    for k in range(steps):
        guess = predict(guess, actions[:, k : k + 1])
    return (guess - z[:, steps : steps + 1]).abs().mean()


def shorten(actions, reach):
    return actions * (reach / actions.norm(dim=-1, keepdim=True).clamp_min(reach))


def shorten_each_axis(actions, reach):
    return actions.clamp(-reach, reach)


def shorten_to_the_reach(actions, reach):
    return actions * (reach / actions.norm(dim=-1, keepdim=True).clamp_min(1e-6))


def shorten_by_division(actions, reach):
    return actions * (reach / actions.norm(dim=-1, keepdim=True))


def shorten_all_alike(actions, reach):
    return actions * (reach / actions.norm().clamp_min(reach))


def shorten_to_a_number(actions, reach):
    return reach


def shorten_too_much(actions, reach):
    return actions / actions.norm(dim=-1, keepdim=True).clamp_min(1)


def make_targets(encoder, images, ask):
    with torch.no_grad():
        return take(layer_normed(encoder(images)), ask)


def targets_with_gradient(encoder, images, ask):
    return take(layer_normed(encoder(images)), ask)


def targets_not_normed(encoder, images, ask):
    with torch.no_grad():
        return take(encoder(images), ask)


def targets_of_hidden_patches_alone(encoder, images, ask):
    with torch.no_grad():
        return layer_normed(encoder(take(images, ask)))


def all_tokens(encoder, images, ask):
    return layer_normed(encoder(images))


def slope(x, phi=1.0, imaginary=1.0, factor=2.0):
    t, weight = quadrature(17, 3.0, x)
    angle = x[:, None] * t
    gap = phi * torch.exp(-t.square() / 2) - angle.cos().mean(0)
    return factor * (t * (gap * angle.sin() + imaginary * angle.sin().mean(0) * angle.cos())) @ weight


def slope_by_autograd(x):
    return torch.autograd.grad(epps_pulley(x.requires_grad_()), x)[0]


def slope_at_each_knot(x):
    return slope(x)[:, None] * torch.ones(17)


def slope_without_t(x):
    t, weight = quadrature(17, 3.0, x)
    angle = x[:, None] * t
    gap = torch.exp(-t.square() / 2) - angle.cos().mean(0)
    return 2 * (gap * angle.sin() + angle.sin().mean(0) * angle.cos()) @ weight


def slope_swapped(x):
    t, weight = quadrature(17, 3.0, x)
    angle = x[:, None] * t
    gap = torch.exp(-t.square() / 2) - angle.cos().mean(0)
    return 2 * (t * (gap * angle.cos() + angle.sin().mean(0) * angle.sin())) @ weight


def slope_weighted_twice(x):
    t, weight = quadrature(17, 3.0, x)
    angle = x[:, None] * t
    bell = torch.exp(-t.square() / 2)
    each = t * ((bell - angle.cos().mean(0)) * angle.sin() + angle.sin().mean(0) * angle.cos())
    return 2 * each @ (weight * bell)


def hide(n, dim, generator):
    die = torch.rand(n, dim, generator=generator)
    return 3**0.5 * ((die > 5 / 6).float() - (die < 1 / 6).float())


def hide_in_a_row(n, dim, generator):
    return hide(n, 1, generator)


def hide_off_the_middle(n, dim, generator):
    return hide(n, dim, generator) + 1


def hide_small(n, dim, generator):
    return hide(n, dim, generator) / 2


def hide_as_corners(n, dim, generator):
    return torch.randn(n, dim, generator=generator).sign()


def hide_as_what_is_sought(n, dim, generator):
    return torch.randn(n, dim, generator=generator)


def whole_past(objects, history):
    return objects[:, None] & (torch.arange(history) > 0)[:, None]


def first_frame_too(objects, history):
    return objects[:, None] & (torch.arange(history) >= 0)[:, None]


def only_the_first_frame(objects, history):
    return objects[:, None] & (torch.arange(history) == 0)[:, None]


def all_but_the_last_frame(objects, history):
    return objects[:, None] & (torch.arange(history) < history - 1)[:, None]


def shows_the_hidden(objects, history):
    return ~whole_past(objects, history)


def hides_everybody(objects, history):
    return (objects[:, None] | True) & (torch.arange(history) > 0)[:, None]


def objects_alone(objects, history):
    return objects


def mask_of_numbers(objects, history):
    return whole_past(objects, history).float()


def history_loss(imagined, slots, hidden):
    squares = (imagined - slots.detach()).square().mean(-1)
    return squares[:, : hidden.shape[1]][hidden].mean()


def history_loss_with_gradient(imagined, slots, hidden):
    squares = (imagined - slots).square().mean(-1)
    return squares[:, : hidden.shape[1]][hidden].mean()


def of_all_the_history(imagined, slots, hidden):
    return (imagined - slots.detach()).square()[:, : hidden.shape[1]].mean()


def of_what_was_shown(imagined, slots, hidden):
    return history_loss(imagined, slots, ~hidden)


def divided_by_all(imagined, slots, hidden):
    return ((imagined - slots.detach()).square().mean(-1)[:, : hidden.shape[1]] * hidden).mean()


def absolute_errors(imagined, slots, hidden):
    return (imagined - slots.detach()).abs().mean(-1)[:, : hidden.shape[1]][hidden].mean()


def one_for_each(imagined, slots, hidden):
    return (imagined - slots.detach()).square().mean(-1)[:, : hidden.shape[1]][hidden]


def scores_of(predicted, targets, temperature):
    return F.normalize(predicted, dim=-1) @ F.normalize(targets, dim=-1).T / temperature


def find_diagonal(scores):
    return F.cross_entropy(scores, torch.arange(len(scores)))


def find_your_own(predicted, targets, temperature):
    scores = scores_of(predicted, targets, temperature)
    return (find_diagonal(scores) + find_diagonal(scores.T)) / 2


def find_answers_only(predicted, targets, temperature):
    return find_diagonal(scores_of(predicted, targets, temperature))


def find_predictions_only(predicted, targets, temperature):
    return find_diagonal(scores_of(predicted, targets, temperature).T)


def find_both_summed(predicted, targets, temperature):
    return 2 * find_your_own(predicted, targets, temperature)


def find_without_temperature(predicted, targets, temperature):
    return find_your_own(predicted, targets, 1)


def find_times_temperature(predicted, targets, temperature):
    return find_your_own(predicted, targets, 1 / temperature)


def find_among_long_vectors(predicted, targets, temperature):
    scores = predicted @ targets.T / temperature
    return (find_diagonal(scores) + find_diagonal(scores.T)) / 2


def find_for_each(predicted, targets, temperature):
    return scores_of(predicted, targets, temperature).diagonal()


def find_by_distance(predicted, targets, temperature):
    return (F.normalize(predicted, dim=-1) - F.normalize(targets, dim=-1)).square().sum(-1).mean()


def when_to_speak(z, threshold, reference="last"):
    last, spoken = z[0], [0]
    for frame in range(1, len(z)):
        if 1 - z[frame] @ {"last": last, "neighbour": z[frame - 1], "first": z[0]}[reference] > threshold:
            last = z[frame]
            spoken.append(frame)
    return spoken


def speak_when_neighbours_differ(z, threshold):
    return when_to_speak(z, threshold, "neighbour")


def speak_when_it_is_not_the_first(z, threshold):
    return when_to_speak(z, threshold, "first")


def speak_but_not_at_first(z, threshold):
    return when_to_speak(z, threshold)[1:]


def speak_numbered_from_one(z, threshold):
    return [3 + frame for frame in when_to_speak(z, threshold)]


def speak_always(z, threshold):
    return range(len(z))


def leaked(path, wall_x, across, thick=3.0, beyond=0.5, turn=True):
    gone = (across[:, None] if turn else 1) * (path[..., 0] - wall_x[:, None])
    return (gone > beyond * thick).any(1)


def leaked_past_the_middle(path, wall_x, across, thick=3.0):
    return leaked(path, wall_x, across, thick, beyond=0.0)


def leaked_past_the_whole_thickness(path, wall_x, across, thick=3.0):
    return leaked(path, wall_x, across, thick, beyond=1.0)


def leaked_at_the_near_face(path, wall_x, across, thick=3.0):
    return leaked(path, wall_x, across, thick, beyond=-0.5)


def leaked_to_the_right_only(path, wall_x, across, thick=3.0):
    return leaked(path, wall_x, across, thick, turn=False)


def leaked_at_last(path, wall_x, across, thick=3.0):
    return leaked(path[:, -1:], wall_x, across, thick)


def leaked_all_along(path, wall_x, across, thick=3.0):
    return (across[:, None] * (path[..., 0] - wall_x[:, None]) > thick / 2).all(1)


def how_many_leaked(path, wall_x, across, thick=3.0):
    return leaked(path, wall_x, across, thick).sum()


def none_leaked(path, wall_x, across, thick=3.0):
    return torch.zeros(len(path), dtype=torch.bool)


def smooth(z):
    return (z[:, 1:] - z[:, :-1]).square().mean()


def smooth_over_walks(z):
    return (z[1:] - z[:-1]).square().mean()


def smooth_over_numbers(z):
    return (z[..., 1:] - z[..., :-1]).square().mean()


def smooth_since_the_first(z):
    return (z[:, 1:] - z[:, :1]).square().mean()


def smooth_without_the_square(z):
    return (z[:, 1:] - z[:, :-1]).abs().mean()


def smooth_cancelled(z):
    return (z[:, 1:] - z[:, :-1]).mean()


def smooth_squared_at_last(z):
    return (z[:, 1:] - z[:, :-1]).mean().square()


def smooth_summed(z):
    return (z[:, 1:] - z[:, :-1]).square().sum()


def smooth_as_in_the_paper(z):
    return (z[:, 1:] - z[:, :-1]).square().sum(-1).mean()


def smooth_for_each(z):
    return (z[:, 1:] - z[:, :-1]).square().mean((1, 2))


def smooth_by_something_else(z):
    return z.square().mean()


SUMMARIES = {name: name for name in ("first", "greatest", "least", "in twenties")}
ARRIVED = Measured({"first": 1.0, "greatest": 1.0, "least": 0.95, "in twenties": 0.2})


def refit(plans, costs, elites, correction=0):
    best = plans[costs.topk(elites, largest=False).indices]
    return best.mean(0), best.std(0, correction=correction)


def refit_to_the_best_one(plans, costs, elites):
    return plans[costs.argmin()], plans.std(0)


def refit_to_the_dearest(plans, costs, elites):
    return refit(plans, -costs, elites)


def balance(posterior, prior, free=1.0):
    dynamics, representation = posterior.detach().kl(prior), posterior.kl(prior.detach())
    return dynamics.clamp_min(free).mean(), 0.1 * representation.clamp_min(free).mean()


def balance_one_term(posterior, prior, free=1.0):
    return sum(balance(posterior, prior, free))


def balance_by_moment(posterior, prior, free=1.0):
    return posterior.detach().kl(prior).clamp_min(free), posterior.kl(prior.detach()).clamp_min(free)


def balance_turned_round(posterior, prior, free=1.0):
    return balance(prior, posterior, free)


def balance_the_mean_free(posterior, prior, free=1.0):
    dynamics, representation = posterior.detach().kl(prior), posterior.kl(prior.detach())
    return dynamics.mean().clamp_min(free), 0.1 * representation.mean().clamp_min(free)


def balance_nothing_free(posterior, prior, free=1.0):
    return balance(posterior, prior, 0.0)


def balance_from_above(posterior, prior, free=1.0):
    dynamics, representation = posterior.detach().kl(prior), posterior.kl(prior.detach())
    return dynamics.clamp_max(free).mean(), 0.1 * representation.clamp_max(free).mean()


def balance_alike(posterior, prior, free=1.0):
    dynamics, representation = balance(posterior, prior, free)
    return dynamics, 10 * representation


def balance_the_wrong_side_still(posterior, prior, free=1.0):
    dynamics, representation = posterior.kl(prior.detach()), posterior.detach().kl(prior)
    return dynamics.clamp_min(free).mean(), 0.1 * representation.clamp_min(free).mean()


def balance_without_detaching(posterior, prior, free=1.0):
    dynamics = posterior.kl(prior).clamp_min(free).mean()
    return dynamics, 0.1 * dynamics


def balance_all_still(posterior, prior, free=1.0):
    return tuple(part.detach() for part in balance(posterior, prior, free))


def coin(one, other):
    tail = sum(math.comb(one + other, k) for k in range(min(one, other) + 1))
    return min(1.0, 2 * tail / 2 ** (one + other))


def coin_on_one_side(one, other):
    return coin(one, other) / 2


def coin_without_the_split_itself(one, other):
    return min(1.0, 2 * sum(math.comb(one + other, k) for k in range(min(one, other))) / 2 ** (one + other))


def coin_above_one(one, other):
    return 2 * sum(math.comb(one + other, k) for k in range(min(one, other) + 1)) / 2 ** (one + other)


def coin_up_to_the_larger(one, other):
    return min(1.0, 2 * sum(math.comb(one + other, k) for k in range(max(one, other) + 1)) / 2 ** (one + other))


def coin_up_to_the_first(one, other):
    return min(1.0, 2 * sum(math.comb(one + other, k) for k in range(other + 1)) / 2 ** (one + other))


def refit_to_all(plans, costs, elites):
    return plans.mean(0), plans.std(0)


def refit_to_the_first(plans, costs, elites):
    return plans[:elites].mean(0), plans[:elites].std(0)


def refit_over_the_actions_too(plans, costs, elites):
    best = plans[costs.topk(elites, largest=False).indices]
    return best.mean((0, 1)), best.std((0, 1))


def refit_with_the_spread_of_all(plans, costs, elites):
    return refit(plans, costs, elites)[0], plans.std(0, correction=0)


def refit_with_the_variance(plans, costs, elites):
    mean, std = refit(plans, costs, elites)
    return mean, std.square()


def refit_by_one_less(plans, costs, elites):
    return refit(plans, costs, elites, correction=1)


def refit_the_mean_alone(plans, costs, elites):
    return refit(plans, costs, elites)[0]


def weigh(costs, temperature):
    weights = torch.exp(-(costs - costs.min()) / temperature)
    return weights / weights.sum()


def weigh_the_dearest_most(costs, temperature):
    return torch.softmax(costs / temperature, -1)


def weigh_without_dividing(costs, temperature):
    return torch.exp(-(costs - costs.min()) / temperature)


def weigh_without_temperature(costs, temperature):
    return weigh(costs, 1.0)


def weigh_times_temperature(costs, temperature):
    return weigh(costs, 1 / temperature)


def weigh_as_they_are(costs, temperature):
    weights = torch.exp(-costs / temperature)
    return weights / weights.sum()


def weigh_about_the_mean(costs, temperature):
    weights = torch.exp(-(costs - costs.mean()) / temperature)
    return weights / weights.sum()


def weigh_all_together(costs, temperature):
    return weigh(costs, temperature).sum()


def said_by(steps, rest, done, gamma, own=None):
    own = (1 - gamma**steps) / (1 - gamma) if own is None else own
    return own + gamma**steps * torch.where(done, 0.0, rest)


def said_with_a_rest_at_the_goal(steps, rest, done, gamma):
    return said_by(steps, rest, torch.zeros_like(done), gamma)


def said_without_discount_of_the_rest(steps, rest, done, gamma):
    return (1 - gamma**steps) / (1 - gamma) + torch.where(done, 0.0, rest)


def said_with_one_discount(steps, rest, done, gamma):
    return (1 - gamma**steps) / (1 - gamma) + gamma * torch.where(done, 0.0, rest)


def said_in_plain_steps(steps, rest, done, gamma):
    return said_by(steps, rest, done, gamma, own=steps)


def said_with_one_step(steps, rest, done, gamma):
    return said_by(steps, rest, done, gamma, own=1.0)


def said_for_nothing(steps, rest, done, gamma):
    return said_by(steps, rest, done, gamma, own=0.0)


def said_all_together(steps, rest, done, gamma):
    return said_by(steps, rest, done, gamma).mean()


def stop_over(ways, k):
    return torch.minimum(ways, ways[:, k : k + 1] + ways[k : k + 1])


def stop_over_always(ways, k):
    return ways[:, k : k + 1] + ways[k : k + 1]


def stop_over_the_longer(ways, k):
    return torch.maximum(ways, stop_over_always(ways, k))


def stop_over_the_wrong_way(ways, k):
    return torch.minimum(ways, ways[k : k + 1].mT + ways[:, k : k + 1].mT)


def stop_over_and_back(ways, k):
    return torch.minimum(ways, ways[:, k : k + 1] + ways[:, k : k + 1].mT)


def stop_over_from_k_twice(ways, k):
    return torch.minimum(ways, ways[k : k + 1] + ways[k : k + 1].mT)


def stop_over_never(ways, k):
    return ways


def stop_over_one_row(ways, k):
    return stop_over(ways, k)[k]


def third_law(there, back, n):
    return paired((there - back) / 2, n)


def third_law_without_the_half(there, back, n):
    return paired(there - back, n)


def third_law_backwards(there, back, n):
    return paired((back - there) / 2, n)


def third_law_added(there, back, n):
    return paired((there + back) / 2, n)


def third_law_one_answer(there, back, n):
    return paired(there, n)


def third_law_broken(there, back, n):
    i, j = pairs(n)
    return there.new_zeros(len(there), n, 2).index_add(-2, i, there).index_add(-2, j, back)


def third_law_of_something_else(there, back, n):
    return paired(there.flip(-1), n)


def third_law_by_pairs(there, back, n):
    return there - back


def stopping(first):
    """A push on the first body alone."""

    def stop(x, h):
        push = torch.zeros_like(x[:, 2:])
        push[0] = first(x, h)
        return push

    return stop


def stop_each(x, h):
    return -x[:, 2:] / h


def stop_by_one_number(x, h):
    return -momentum(x) / h


def no_sources(waves, k, sign=1, power=1.0, swap=False):
    square = k[0] * k[0] + k[1] * k[1]
    square = torch.where(square == 0, 1, square)
    along = sign * (k[0] * waves[0] + k[1] * waves[1]) / square**power
    x, y = reversed(k) if swap else k
    return torch.stack([waves[0] - x * along, waves[1] - y * along])


def no_sources_doubled(waves, k):
    return no_sources(waves, k, sign=-1)


def no_sources_undivided(waves, k):
    return no_sources(waves, k, power=0)


def no_sources_by_the_root(waves, k):
    return no_sources(waves, k, power=0.5)


def no_sources_swapped(waves, k):
    return no_sources(waves, k, swap=True)


def no_sources_without_direction(waves, k):
    ones = torch.ones_like(k[0] + k[1])
    square = k[0] * k[0] + k[1] * k[1]
    along = (k[0] * waves[0] + k[1] * waves[1]) / torch.where(square == 0, 1, square)
    return waves - torch.stack([ones * along, ones * along])


def only_sources(waves, k):
    return waves - no_sources(waves, k)


def no_sources_and_no_mean(waves, k):
    kept = no_sources(waves, k).clone()
    kept[:, 0, 0] = 0
    return kept


def half_the_sources(waves, k):
    return (waves + no_sources(waves, k)) / 2


def newton_round(energy, gradient, x, slope, lam, c):
    here = x + lam * slope
    return lam - (energy(here) - c) / (gradient(here) * slope).sum(-1, keepdim=True)


def newton_uphill(energy, gradient, x, slope, lam, c):
    return 2 * lam - newton_round(energy, gradient, x, slope, lam, c)


def newton_from_the_candidate(energy, gradient, x, slope, lam, c):
    return lam - (energy(x) - c) / (gradient(x + lam * slope) * slope).sum(-1, keepdim=True)


def newton_to_zero(energy, gradient, x, slope, lam, c):
    return newton_round(energy, gradient, x, slope, lam, 0 * c)


def newton_by_its_own_slope(energy, gradient, x, slope, lam, c):
    here = x + lam * slope
    return lam - (energy(here) - c) / gradient(here).square().sum(-1, keepdim=True)


def newton_frozen(energy, gradient, x, slope, lam, c):
    return lam - (energy(x + lam * slope) - c) / slope.square().sum(-1, keepdim=True)


def plane_laplacian(f, f_bent, g, g_bent):
    return f_bent @ g.T + f @ g_bent.T


def plane_both_bent(f, f_bent, g, g_bent):
    return f_bent @ g_bent.T + f_bent @ g_bent.T


def plane_nothing_bent(f, f_bent, g, g_bent):
    return 2 * f @ g.T


def grams(factors):
    return [f.T @ f / len(f) for f in factors]


def mean_square(factors):
    return torch.stack(grams(factors)).prod(0).sum()


def mean_square_per_axis(factors):
    one, two, three = grams(factors)
    return (one @ two @ three).sum()


def ranks(first, square, sine, both):
    return dict(
        zip(
            ("exp(x + y)", "(x + y)²", "sin(x + y)", "sin(x + y) + cos(x - y)"),
            (first, square, sine, both),
            strict=True,
        )
    )


def heat(net, points, k, a=-1.0, along=1, slope=0, spread=True):
    _, first, second = taylor(net, points)
    return first[slope] + a * k * (second if spread else first)[along]


def imbalance(world, before, after, u, h, work=-1.0, taken=1.0, way=0):
    change = world.energy(after) - world.energy(before)
    rubbed = h * world.friction / world.mass * (before[:, 1].square() + after[:, 1].square()) / 2
    return change + work * u * (after[:, way] - before[:, way]) + taken * rubbed


SLIPS = [
    (HEAT, partial(heat, a=1.0), "A sign"),
    (HEAT, partial(heat, along=0), "the curvature along t"),
    (HEAT, lambda net, x, k: taylor(net, x).first[0] - k * taylor(net, x).second.sum(0), "Both curvatures"),
    (HEAT, lambda net, x, k: heat(net, x, 1.0), "conductivity is missing"),
    (HEAT, partial(heat, spread=False), "the slope along x, which carries"),
    (HEAT, partial(heat, slope=1), "should"),
    (HEAT, lambda net, x, k: heat(net, x, k)[:, 0], "It should return"),
    (HEAT, lambda net, x, k: 2 * heat(net, x, k), "to one side"),
    (IMBALANCE, partial(imbalance, work=0.0, taken=0.0), "change of energy alone"),
    (IMBALANCE, partial(imbalance, taken=0.0), "the friction is not"),
    (IMBALANCE, partial(imbalance, work=0.0), "the work is not"),
    (IMBALANCE, partial(imbalance, work=1.0), "The sign of the work"),
    (IMBALANCE, partial(imbalance, taken=-1.0), "The sign of the friction"),
    (IMBALANCE, partial(imbalance, way=1), "not of p"),
    (
        IMBALANCE,
        lambda world, a, b, u, h: imbalance(world, a, b, u, h, work=0.0) - h * u,
        "not the push times the time",
    ),
    (IMBALANCE, lambda *given: imbalance(*given)[:, None], "It should return"),
    (IMBALANCE, lambda *given: 3 * imbalance(*given) + 1, "should balance"),
    (UNSEEN, "none", "derivatives"),
    (UNSEEN, "u", "seen twice"),
    (UNSEEN, "q", "Wanted"),
    (PLANE, lambda f, f2, g, g2: f2 @ g2.T, "the fourth derivative"),
    (PLANE, lambda f, f2, g, g2: f2 @ g2.T + f @ g.T, "leaves the other alone"),
    (PLANE, lambda f, f2, g, g2: 2 * f2 @ g.T, "Both terms bend along x"),
    (PLANE, lambda f, f2, g, g2: 2 * f @ g2.T, "Both terms bend along y"),
    (PLANE, plane_both_bent, "bends along both axes"),
    (PLANE, plane_nothing_bent, "Nothing bends"),
    (PLANE, lambda f, f2, g, g2: f2 @ g + f @ g2, "transpose one"),
    (PLANE, lambda f, f2, g, g2: f2.T @ f, "grid of shape (4, 5)"),
    (PLANE, lambda f, f2, g, g2: f2 @ g.T - f @ g2.T, "the other's values"),
    (NO_GRID, lambda factors: mean_square(factors) * 120, "the sum over the grid"),
    (NO_GRID, lambda factors: torch.stack([g.diagonal() for g in grams(factors)]).prod(0).sum(), "mixed products"),
    (NO_GRID, mean_square_per_axis, "entry by entry"),
    (NO_GRID, lambda factors: torch.stack([f.square().mean() for f in factors]).prod(), "Keep r and s apart"),
    (NO_GRID, lambda factors: torch.stack([f.mean(0) for f in factors]).prod(0).sum() ** 2, "the square of the mean"),
    (NO_GRID, lambda factors: torch.stack(grams(factors)).prod(0), "one number"),
    (NO_GRID, lambda factors: torch.tensor(0.5), "multiply the tables"),
    (LEAST, 2, "Wanted a number for each"),
    (LEAST, ranks(2, 3, 2, 1), "exp x times exp y"),
    (LEAST, ranks(1, 2, 2, 1), "three products"),
    (LEAST, ranks(1, 4, 2, 1), "the same product"),
    (LEAST, ranks(1, 3, 1, 1), "all its rows alike"),
    (LEAST, ranks(1, 3, 2, 4), "collect them"),
    (LEAST, ranks(1, 3, 2, 2), "they are one product"),
    (LEAST, ranks(1, 3, 7, 1), "Not 7 for sin(x + y)"),
    (NO_SOURCES, no_sources_doubled, "doubled, exactly"),
    (NO_SOURCES, no_sources_undivided, "divided by k²"),
    (NO_SOURCES, no_sources_by_the_root, "not by its root"),
    (NO_SOURCES, no_sources_swapped, "swapped"),
    (NO_SOURCES, no_sources_without_direction, "points along k"),
    (NO_SOURCES, only_sources, "not what should be left"),
    (NO_SOURCES, lambda waves, k: waves, "Nothing has changed"),
    (NO_SOURCES, no_sources_and_no_mean, "Is the mean still there?"),
    (NO_SOURCES, half_the_sources, "a share of 0.5 is left"),
    (NO_SOURCES, lambda waves, k: None, "it returns NoneType"),
    (NEWTON, newton_uphill, "moves away from the level"),
    (NEWTON, newton_from_the_candidate, "at `here`"),
    (NEWTON, newton_to_zero, "an energy of zero"),
    (NEWTON, newton_by_its_own_slope, "along the slope at the candidate"),
    (NEWTON, newton_frozen, "more slowly"),
    (NEWTON, lambda *given: given[4] * 0, "its derivative a product"),
    (NEWTON, lambda *given: None, "it returns NoneType"),
    (LEFT_OVER, (0.75, 0.5), "variances"),
    (LEFT_OVER, (0.7071, 0.5), "the pendulum's factor"),
    (LEFT_OVER, (0.5, 0.7071), "what is taken away"),
    (LEFT_OVER, (0.1, 0.1), "How many of the four"),
    (LEFT_OVER, (0.8,), "two numbers"),
    (THIRD_LAW, third_law_without_the_half, "twice as large"),
    (THIRD_LAW, third_law_backwards, "the wrong way"),
    (THIRD_LAW, third_law_added, "Subtract"),
    (THIRD_LAW, third_law_one_answer, "`back` is never asked"),
    (THIRD_LAW, third_law_broken, "should add up to nothing"),
    (THIRD_LAW, third_law_of_something_else, "not half the difference"),
    (THIRD_LAW, third_law_by_pairs, "shape (3, 4, 2)"),
    (STOP, stopping(lambda x, h: -momentum(x)), "divide"),
    (STOP, stopping(lambda x, h: momentum(x) / h), "against the momentum"),
    (STOP, stopping(lambda x, h: -x[0, 2:] / h), "for a moment"),
    (STOP, stopping(lambda x, h: -momentum(x) / h / 4), "a quarter of it"),
    (STOP, stopping(lambda x, h: -momentum(x) * h), "the momentum over h"),
    (STOP, stopping(lambda x, h: 3.0), "After the step"),
    (STOP, stop_each, "Only the first body"),
    (STOP, stop_by_one_number, "shape (4, 2)"),
    (COGS, ("central", "not kept"), "nothing of it lies across"),
    (COGS, ("both", "kept"), "nothing of it lies across"),
    (COGS, ("neither", "kept"), "Which network can say that"),
    (COGS, ("antisymmetric", "kept"), "r × F"),
    (COGS, ("both of them", "kept"), "Wanted"),
    (COGS, "both", "two words"),
    (LEAKED, leaked_past_the_middle, "A place inside the wall is no leak"),
    (LEAKED, leaked_past_the_whole_thickness, "half its thickness further"),
    (LEAKED, leaked_at_the_near_face, "reach the near face, where they should stop"),
    (LEAKED, leaked_to_the_right_only, "use `across`"),
    (LEAKED, leaked_at_last, "Only the last place is asked"),
    (LEAKED, leaked_all_along, "if any of its places is beyond the wall"),
    (LEAKED, how_many_leaked, "yes or no for each of 8 walks"),
    (LEAKED, none_leaked, "It is wrong about a walk that comes out"),
    (SMOOTH, smooth_over_walks, "from one walk to the next"),
    (SMOOTH, smooth_over_numbers, "from one number of a latent to the next"),
    (SMOOTH, smooth_since_the_first, "since the first moment"),
    (SMOOTH, smooth_without_the_square, "without the square"),
    (SMOOTH, smooth_cancelled, "Changes to both sides cancel"),
    (SMOOTH, smooth_squared_at_last, "Square each change first"),
    (SMOOTH, smooth_summed, "That is the sum. Take the mean"),
    (SMOOTH, smooth_as_in_the_paper, "as in PLDM's paper"),
    (SMOOTH, smooth_for_each, "It should return one number"),
    (SMOOTH, smooth_by_something_else, "For a walk of noise it gives"),
    (ON_FOOT, 24, "way of a crow"),
    (ON_FOOT, 83.522, "middle of the door"),
    (ON_FOOT, 75.895, "The wall has a thickness"),
    (ON_FOOT, 85.713, "Its lower corner"),
    (ON_FOOT, 75.0, "And the 3 pixels"),
    (ON_FOOT, 93.471, "The lower one is nearer"),
    (ON_FOOT, 96, "slantwise"),
    (ON_FOOT, 10, "shorter than the straight line"),
    (ON_FOOT, 60, "is not it"),
    (OWN, find_answers_only, "the answers should find their predictions too"),
    (OWN, find_predictions_only, "the predictions should find their answers too"),
    (OWN, find_both_summed, "Take their mean"),
    (OWN, find_without_temperature, "Divide the cosines by the temperature"),
    (OWN, find_times_temperature, "Divide by it"),
    (OWN, find_among_long_vectors, "Bring both to length 1 first"),
    (OWN, find_for_each, "It should return one number"),
    (OWN, find_by_distance, "at a temperature of 0.5 it gives"),
    (SPEAK, speak_when_neighbours_differ, "sleeps through a slow drift"),
    (SPEAK, speak_when_it_is_not_the_first, "with the first frame for ever"),
    (SPEAK, speak_but_not_at_first, "at the first frame too"),
    (SPEAK, speak_numbered_from_one, "numbered from 0; it speaks at frame 16"),
    (SPEAK, speak_always, "wanted [0, 3, 6, 13]"),
    (FLOOR, 0, "which"),
    (FLOOR, 4.09, "a guess among all 60"),
    (FLOOR, 1.79, "The colour, one of six, is known"),
    (FLOOR, 1.0, "costs log k nats"),
    (WHOLE_PAST, first_frame_too, "The first frame is hidden too"),
    (WHOLE_PAST, only_the_first_frame, "Only the first frame is hidden"),
    (WHOLE_PAST, all_but_the_last_frame, "sees where the object ended"),
    (WHOLE_PAST, shows_the_hidden, "the other way round"),
    (WHOLE_PAST, hides_everybody, "and False for all else"),
    (WHOLE_PAST, objects_alone, "It should return a tensor of shape (3, 3, 4); it returns (3, 4)"),
    (WHOLE_PAST, mask_of_numbers, "it has the type torch.float32"),
    (HISTORY_LOSS, history_loss_with_gradient, "a gradient flows into the slots"),
    (HISTORY_LOSS, of_all_the_history, "the mean over the whole history"),
    (HISTORY_LOSS, of_what_was_shown, "the mean over what was shown"),
    (HISTORY_LOSS, divided_by_all, "Divide by the number of the hidden ones"),
    (HISTORY_LOSS, absolute_errors, "the mean square over the hidden slots"),
    (HISTORY_LOSS, one_for_each, "It should return one number; it returns (6,)"),
    (CURE, "more", "with more certainty"),
    (CURE, "unmarked", "still moves B part of the way"),
    (CURE, "both", 'Wanted "more", "unmarked" or "marked"'),
    (FEED_BACK, start_from_actual_latents, "that is teacher forcing"),
    (FEED_BACK, repeat_the_first_action, "Every step does the first action again"),
    (FEED_BACK, compare_with_the_next_frame, "compared with the wrong frames"),
    (FEED_BACK, feed_back_detached, "detached before it was fed back"),
    (FEED_BACK, feed_back_squared, "mean squared error"),
    (FEED_BACK, not_one_number, "It should return one number"),
    (FEED_BACK, of_the_first_frame_alone, "Start from the frames that have enough actions after them"),
    (SHORTEN, shorten_each_axis, "That bounds each axis"),
    (SHORTEN, shorten_to_the_reach, "lengthened to two"),
    (SHORTEN, shorten_by_division, "dividing by it gives NaN"),
    (SHORTEN, shorten_all_alike, "One length was taken of all actions together"),
    (SHORTEN, shorten_to_a_number, "It should return a tensor of shape (5, 2)"),
    (SHORTEN, shorten_too_much, "it should become (1.2, 1.6)"),
    (ENOUGH, (64, SOLVED), "Half as many will do too: 32 solve 100%"),
    (ENOUGH, (4, SOLVED), "4 solve only 70% of the tasks"),
    (ENOUGH, (2, SOLVED), "one of 4, 8, 16, 32 and 64; got 2"),
    (BACK, lambda moments, places: looks_back(moments, places).T, "looks ahead"),
    (BACK, token_by_token, "token by token"),
    (BACK, never_at_itself, "may look at itself"),
    (BACK, its_own_moment_alone, "nobody can remember"),
    (BACK, place_by_place, "slowest axis"),
    (BACK, lambda moments, places: looks_back(moments, 1), "shape (6, 6), got (3, 3)"),
    (BACK, lambda moments, places: torch.ones(6, 6), "Some token may look"),
    (SCORES, lambda possible, impossible: both_scores(impossible, possible), "the possible clip surprises more"),
    (SCORES, lambda possible, impossible: both_scores(possible, impossible, tie=0.0), "It counts half"),
    (SCORES, lambda possible, impossible: both_scores(possible, impossible, tie=1.0), "It counts half"),
    (SCORES, partners_twice, "compares partners again"),
    (SCORES, pairs_of_means, "three and a half are won"),
    (SCORES, lambda possible, impossible: 0.875, "Two numbers are wanted"),
    (SCORES, lambda possible, impossible: (0.1, 0.2), "Here they should be"),
    (ODD, lambda outcomes, now: oddness(outcomes, now, torch.mean), "expects the mean"),
    (ODD, nothing_taken_off, "Nothing is taken off"),
    (ODD, the_sign_turned, "sign is turned"),
    (ODD, the_spread_taken_off, "Take off 1.2"),
    (ODD, lambda outcomes, now: (5.0, 5.0), "it should be"),
    (ODD, lambda outcomes, now: 5.0, "Two numbers are wanted"),
    (THROUGH_TIME, the_first_moment_only, "four times over"),
    (THROUGH_TIME, too_far_apart, "beyond the last token"),
    (THROUGH_TIME, the_next_place_at_each_moment, "not the same places at every moment"),
    (THROUGH_TIME, one_moment, "eight tokens"),
    (BEST_GUESS, lambda values, power: values.mean(), "best for the squared one"),
    (BEST_GUESS, lambda values, power: values.median(), "best for the absolute one"),
    (BEST_GUESS, lambda values, power: 1.0, "the worst of the guesses"),
    (BEST_GUESS, lambda values, power: 0.2, "it answers 0.2"),
    (ELSEWHERE, lambda masks: 1 - shown_elsewhere(masks), "hidden at every moment"),
    (ELSEWHERE, share_of_places, "all sixteen places"),
    (ELSEWHERE, lambda masks: 0.0, "never both hidden and kept"),
    (ELSEWHERE, lambda masks: 0.5, "Here it should be"),
    (FOLLOW, follow_fast, "goes nine tenths of the way at once"),
    (FOLLOW, follow_without_share, "should add up to 1"),
    (FOLLOW, stand_still, "it goes to 0; wanted 0.1"),
    (TARGETS, targets_with_gradient, "a gradient flows into the targets"),
    (TARGETS, targets_not_normed, "not layer-normed"),
    (TARGETS, targets_of_hidden_patches_alone, "shown the hidden patches alone"),
    (TARGETS, all_tokens, "It should return a tensor of shape (3, 2, 5)"),
    (SHARE, 0.67, "blocks overlap"),
    (SHARE, 0.17, "That is too little"),
    (SHARE, 45, "between 0 and 1"),
    (IMAGINE, always_from_the_first, "Every prediction starts from the first latent"),
    (IMAGINE, before_the_push, "The first entry is the latent before any push"),
    (IMAGINE, time_first, "It should return a tensor of shape (2, 3, 2); it returns torch.Size([3, 2, 2])"),
    (IMAGINE, no_tensor, "It should return a tensor of shape (2, 3, 2); it returns list"),
    (IMAGINE, pushes_in_reverse, "not those of applying the dynamics once per push"),
    (KEEP_APART, the_other_way_round, "Which way round is the difference?"),
    (KEEP_APART, variance_for_deviation, "Take the root"),
    (KEEP_APART, over_the_dimensions, "Take it over the batch, which is axis 0"),
    (KEEP_APART, of_all_numbers, "Each dimension needs its own"),
    (KEEP_APART, without_a_hinge, "Only a shortfall counts"),
    (KEEP_APART, without_eps, "Put eps under the root"),
    (KEEP_APART, eps_outside_the_root, "Put eps under the root"),
    (KEEP_APART, nothing, "all the same should cost nearly 1; they cost 0.00"),
    (KEEP_APART, squared, "it gives 0.00, 0.25, 0.98; wanted 0.00, 0.50, 0.99"),
    (KEEP_APART, without_the_mean, "Subtract the mean first"),
    (KEEP_APART, summed, "That is the sum over dimensions"),
    (KEEP_APART, of_the_mean_deviation, "each dimension falls short on its own"),
    (KEEP_APART, per_dimension, "Take the mean over dimensions"),
    (SLOPE, slope_by_autograd, "That asks autograd"),
    (SLOPE, lambda x: slope(x).sum(), "one number for each sample"),
    (SLOPE, slope_at_each_knot, "Sum over the knots"),
    (SLOPE, lambda x: -slope(x), "The sign is turned"),
    (SLOPE, lambda x: slope(x, factor=1.0), "brings a 2"),
    (SLOPE, lambda x: slope(x) / len(x), "Too small by the factor N"),
    (SLOPE, lambda x: slope(x) * len(x), "Too large by the factor N"),
    (SLOPE, lambda x: slope(x, phi=0.0), "Nothing is held to φ"),
    (SLOPE, lambda x: slope(x, imaginary=0.0), "The imaginary part pulls too"),
    (SLOPE, lambda x: slope(x, imaginary=-1.0), "the derivative of a sine is plus a cosine"),
    (SLOPE, slope_without_t, "brings a factor t"),
    (SLOPE, slope_swapped, "Sine and cosine are swapped"),
    (SLOPE, slope_weighted_twice, "hold exp(-t²/2) already"),
    (SLOPE, lambda x: slope(x, factor=3.0), "The first sample's slope should be"),
    (HIDE, hide_in_a_row, "It should return a tensor of shape (256, 16)"),
    (HIDE, hide_off_the_middle, "Its mean is 1.0"),
    (HIDE, hide_small, "Its variance is 0.25"),
    (HIDE, hide_as_corners, "fourth moment: yours is 1.00"),
    (HIDE, hide_as_what_is_sought, "Put the numbers on few values"),
    (WITHOUT_N, 12.8, "That is 256 · 0.05"),
    (WITHOUT_N, 0.05 / 256, "Smaller?"),
    (WITHOUT_N, 256, "That is N alone"),
    (WITHOUT_N, 5, "divide each by what multiplies its prediction"),
    (LEAPFROG, one_whole_kick, "That is symplectic Euler"),
    (LEAPFROG, all_at_the_old_point, "That is explicit Euler"),
    (LEAPFROG, second_kick_at_the_old_q, "It is not symplectic"),
    (LEAPFROG, two_whole_kicks, "Both kicks are twice as long"),
    (LEAPFROG, drift_kick_drift, "That is the other leapfrog"),
    (LEAPFROG, kicks_the_wrong_way, "The kicks go the wrong way"),
    (LEAPFROG, momentum_for_velocity, "The drift takes `velocity(p)`"),
    (LEAPFROG, without_h, "Every line needs its `h`"),
    (LEAPFROG, twice_as_long, "It is symplectic but not leapfrog"),
    (LEAPFROG, standing_still, "Nothing moves"),
    (LEAPFROG, forgets_to_return, "a tensor of shape (3, 2); it returns NoneType"),
    (MOTION, backwards, "The film runs backwards"),
    (MOTION, without_the_minus, "a sign is not"),
    (MOTION, downhill, "The slopes are swapped"),
    (MOTION, one_component, "It should return a tensor of shape (3, 2); it returns (3,)"),
    (MOTION, of_the_exercises_spring, "It is right for one energy and wrong for another"),
    (MOTION, half, "Try it on H = p²"),
    (THRESHOLD, 0.2, "That is the contrast of this chapter or more"),
    (THRESHOLD, 0.05, "the wallpaper still wins"),
    (THRESHOLD, 0.01, "the dot has been seen for a while"),
    (THRESHOLD, "low", "It stops with ValueError"),
    (MORE_DATA, "phase", "how steep the hill is there"),
    (MORE_DATA, "both", "how steep the hill is there"),
    (MORE_DATA, "neither", "One of them does shrink"),
    (MORE_DATA, "time", 'Wanted "energy", "phase", "both" or "neither"; got \'time\''),
    (BALANCE, balance_one_term, "It should return two tensors"),
    (BALANCE, balance_by_moment, "the mean over all moments"),
    (BALANCE, balance_turned_round, "The posterior comes first"),
    (BALANCE, balance_the_mean_free, "clamp first, then average"),
    (BALANCE, balance_nothing_free, "Nothing is free"),
    (BALANCE, balance_from_above, "Clamped from above"),
    (BALANCE, lambda q, p, free: balance(q, p, 2.0), "The first term should be"),
    (BALANCE, balance_alike, "Both terms weigh alike"),
    (BALANCE, lambda q, p, free: (balance(q, p)[0], 0.3 * balance(q, p)[1]), "The second term should be"),
    (BALANCE, balance_the_wrong_side_still, "The wrong side is held still"),
    (BALANCE, balance_without_detaching, "A gradient reaches both beliefs"),
    (BALANCE, balance_all_still, "No gradient reaches what should move"),
    (PLANS_LEFT, 64, "spends all on level 1"),
    (PLANS_LEFT, -192, "counts a tick as eight predictions"),
    (PLANS_LEFT, 128, "the plans of all rounds together"),
    (PLANS_LEFT, 8, "looks eight steps ahead"),
    (PLANS_LEFT, 56, "in each of four rounds"),
    (PLANS_LEFT, 256, "takes eight predictions"),
    (PLANS_LEFT, 40, "40 is not it"),
    (PLANS_LEFT, "many", "It is a number of plans"),
    (COIN, coin_on_one_side, "That is one side only"),
    (COIN, coin_without_the_split_itself, "The observed split itself is left out"),
    (COIN, coin_above_one, "A chance is at most 1"),
    (COIN, coin_up_to_the_larger, "as if nothing could be told"),
    (COIN, coin_up_to_the_first, "as if nothing could be told"),
    (COIN, lambda one, other: 0.01, "p should be"),
    (REFIT, refit_to_the_best_one, "the one cheapest plan"),
    (REFIT, refit_to_the_dearest, "the dearest plans"),
    (REFIT, refit_to_all, "the mean of all plans"),
    (REFIT, refit_to_the_first, "the first plans in the list"),
    (REFIT, refit_over_the_actions_too, "keep the actions apart"),
    (REFIT, refit_with_the_spread_of_all, "the spread of all plans"),
    (REFIT, refit_with_the_variance, "That is the variance"),
    (REFIT, refit_by_one_less, "correction=0"),
    (REFIT, refit_the_mean_alone, "It should return two tensors"),
    (WEIGH, weigh_the_dearest_most, "The dearest plan weighs most"),
    (WEIGH, weigh_without_dividing, "Divide by their sum"),
    (WEIGH, weigh_without_temperature, "The temperature has no effect"),
    (WEIGH, weigh_times_temperature, "Multiplied by the temperature"),
    (WEIGH, weigh_as_they_are, "Add 1,000 to every cost and it is NaN"),
    (WEIGH, weigh_about_the_mean, "Subtract the least cost, not the mean"),
    (WEIGH, weigh_all_together, "It should return a weight a plan"),
    (FAILS, ("first", SUMMARIES, ARRIVED), "Short-sighted is enough"),
    (FAILS, ("greatest", SUMMARIES, ARRIVED), "the greatest distance is the first"),
    (FAILS, ("least", SUMMARIES, ARRIVED), "It may put off arriving"),
    (FAILS, ("mean", SUMMARIES, ARRIVED), "It is one of"),
    (SAID_BY, said_with_a_rest_at_the_goal, "nothing left behind it"),
    (SAID_BY, said_without_discount_of_the_rest, "each of its steps counts less"),
    (SAID_BY, said_with_one_discount, "The rest is discounted once"),
    (SAID_BY, said_in_plain_steps, "own steps are not discounted"),
    (SAID_BY, said_with_one_step, "That charges one step"),
    (SAID_BY, said_for_nothing, "The piece itself costs nothing"),
    (SAID_BY, said_all_together, "It should return a cost for each piece"),
    (STOP_OVER, stop_over_always, "also where the direct way is shorter"),
    (STOP_OVER, stop_over_the_longer, "keeps the longer of the two"),
    (STOP_OVER, stop_over_the_wrong_way, "From and to are mixed up"),
    (STOP_OVER, stop_over_and_back, "That goes to k and back"),
    (STOP_OVER, stop_over_from_k_twice, "That comes from k both times"),
    (STOP_OVER, stop_over_never, "Nothing has changed"),
    (STOP_OVER, stop_over_one_row, "It should return all ways"),
    (FIRST_PIXEL, (1.0, 1.0), "a side of a triangle"),
    (FIRST_PIXEL, (17.0, 1.0), "Take the root"),
    (FIRST_PIXEL, (145**0.5, 1.0), "the long side of the triangle"),
    (FIRST_PIXEL, (3.0, 1.0), "at right angles"),
    (FIRST_PIXEL, (17**0.5, 17**0.5), "there is no triangle"),
    (FIRST_PIXEL, (17**0.5, 2.0), "the distance is 8 + h"),
    (FIRST_PIXEL, 4.1, "Give two numbers"),
]


SOLUTIONS = {
    HEAT: heat,
    IMBALANCE: imbalance,
    UNSEEN: "p",
    PLANE: plane_laplacian,
    NO_GRID: mean_square,
    LEAST: ranks(1, 3, 2, 1),
    LEAKED: leaked,
    SMOOTH: smooth,
    ON_FOOT: 78.0,
    OWN: find_your_own,
    SPEAK: when_to_speak,
    FLOOR: 2.3,
    WHOLE_PAST: whole_past,
    HISTORY_LOSS: history_loss,
    CURE: "marked",
    FEED_BACK: feed_back,
    SHORTEN: shorten,
    ENOUGH: (8, SOLVED),
    BACK: looks_back,
    SCORES: both_scores,
    ODD: oddness,
    THROUGH_TIME: through_time,
    BEST_GUESS: best_guess,
    ELSEWHERE: shown_elsewhere,
    FOLLOW: follow,
    TARGETS: make_targets,
    SHARE: 0.45,
    SLOPE: slope,
    HIDE: hide,
    WITHOUT_N: 256 * 0.05 / 0.95,
    IMAGINE: imagine,
    KEEP_APART: keep_apart,
    THRESHOLD: 0.03,
    THIRD_LAW: third_law,
    STOP: stopping(lambda x, h: -momentum(x) / h),
    COGS: ("antisymmetric", "not kept"),
    NO_SOURCES: no_sources,
    NEWTON: newton_round,
    LEFT_OVER: ((3 / 4) ** 0.5, 0.5**0.5),
    LEAPFROG: leapfrog,
    MOTION: motion,
    MORE_DATA: "energy",
    BALANCE: balance,
    PLANS_LEFT: 32,
    COIN: coin,
    REFIT: refit,
    WEIGH: weigh,
    FAILS: ("in twenties", SUMMARIES, ARRIVED),
    SAID_BY: said_by,
    STOP_OVER: stop_over,
    FIRST_PIXEL: (17**0.5, 1.0),
}


def test_every_check_is_tried_out_here():
    tried = {tuple(name.rsplit("/", 1)) for name in SOLUTIONS}
    found = set()
    for _, lesson, _ in pkgutil.iter_modules(checks.__path__):
        module = import_module(f"{checks.__name__}.{lesson}")
        for name, thing in vars(module).items():
            if inspect.isfunction(thing) and thing.__module__ == module.__name__ and not name.startswith("_"):
                found.add((lesson.replace("_", "/", 1), name))
    assert found == tried == {tuple(name.rsplit("/", 1)) for name, _, _ in SLIPS}


@pytest.mark.parametrize(("name", "answer"), SOLUTIONS.items())
def test_the_solution_is_right(name, answer):
    assert examine(name, answer) == ("right", "Right.")


@pytest.mark.parametrize(("name", "answer", "explanation"), SLIPS, ids=[f"{name}: {says}" for name, _, says in SLIPS])
def test_a_usual_slip_is_wrong_and_hears_which_it_is(name, answer, explanation):
    verdict, sentence = examine(name, answer)
    assert verdict == "wrong"
    assert explanation in sentence


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_stub_with_holes_is_open(name):
    def stub(*_):
        z = ...
        return z

    verdict, sentence = examine(name, stub)
    assert verdict == "open"
    assert "replace the ..." in sentence


def test_holes_are_found_wherever_they_are():
    def in_a_call(x):
        return torch.relu(...)

    def in_a_comprehension(x):
        return [... for _ in x]

    def in_a_function_within(x):
        def inner():
            return ...

        return inner

    assert all(map(has_hole, (..., [1, ...], (1, [2, ...]), in_a_call, in_a_comprehension, in_a_function_within)))


def test_what_has_no_hole_is_not_open():
    def dots_of_an_index(x):
        return torch.cat([x[..., :1], x[..., 1:]], -1)

    def dots_in_words(x):
        """Fill in the ... first."""
        return "..."

    assert not any(
        map(has_hole, (3.0, "...", None, [1, (2, 3)], torch.zeros(3), dots_of_an_index, dots_in_words, torch.relu))
    )


def test_a_function_whose_source_is_gone_is_looked_at_too():
    space = {}
    exec("def stub(x): return ...\ndef full(x): return x", space)
    assert has_hole(space["stub"])
    assert not has_hole(space["full"])


def test_an_answer_that_stops_is_wrong_and_does_not_stop_the_notebook():
    def breaks(system, x, h):
        raise KeyError("momentum")

    assert examine(LEAPFROG, breaks) == ("wrong", "It stops with KeyError: 'momentum'")


@pytest.mark.parametrize("name", ["physics/hamiltonian/nothing", "nowhere/at_all/nothing", "nothing", ""])
def test_an_exercise_that_is_not_there_is_named(name):
    with pytest.raises(ValueError, match=f"there is no exercise '{name}'"):
        check(name, 1)


@pytest.mark.parametrize(
    ("answer", "verdict", "mark"), [(leapfrog, "right", "✓"), (one_whole_kick, "wrong", "✗"), (..., "open", "○")]
)
def test_the_page_shows_the_verdict(page, shown, answer, verdict, mark):
    check(LEAPFROG, answer)
    assert f'data-check="{verdict}">{mark} ' in shown[0]["text/html"]


def test_what_an_answer_says_is_not_markup(page, shown):
    def breaks(system, x, h):
        raise ValueError("<b>")

    check(LEAPFROG, breaks)
    assert "&lt;b&gt;" in shown[0]["text/html"]
    assert "<b>" not in shown[0]["text/html"]
