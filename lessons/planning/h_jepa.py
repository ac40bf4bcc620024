# %% [markdown]
# # Two clocks
#
# You will set a second, slower model above a first, let it choose goals on the way, and test on paired trials whether that beats
# one model that may imagine as much.
#
# It takes about a minute on two idle CPU cores. You should have read [Planning in imagination](mpc.py).

# %%
from copy import deepcopy
from dataclasses import asdict, replace
from math import comb

import torch

from wm_core.lesson import check, checkpoint, claim, scale
from wm_core.lesson import colour, figure, floor_plan, live, show, source, table
from wm_core.metrics.intervals import mcnemar, wilson
from wm_core.metrics.navigation import read_trajectories
from wm_core.planning.cem import CEM
from wm_core.planning.costs import along_path
from wm_core.planning.drive import drive
from wm_core.planning.levels import Held, SlowAlone, TwoLevels, imagined_transitions, two_levels
from wm_core.planning.search import scattered, within
from wm_core.worlds.true_model import TrueModel, way_left
from wm_core.worlds.two_rooms import Layout, TwoRooms
from wm_core.worlds.two_rooms_trials import Trials, draw_trials, read_trials

settings = scale(tiny=dict(tuning=8, drives=20, harder=8, walks=500, train=700, learned=32),
                 full=dict(tuning=40, drives=100, harder=100, walks=4000, train=6000, learned=100))
torch.set_num_threads(1)  # arrays this small go faster on one core than on two

# %% [markdown]
# ## The question
#
# To leave a house you do not plan every footstep. You plan *hall, door, street*, and the feet see to the rest. A planner in two
# rooms plans footsteps: 32 steps are 64 numbers. The chapter before showed what becomes of it when it is told the straight distance
# to the goal. It presses the dot against the wall, also where the way through the door would have been cheaper. So let it plan in
# larger pieces. Below are the first 64 plans of two searches from one place. Left, every step is drawn on its own. Right, only
# every eighth is, and the seven after it repeat it.

# %%
rooms, K, published_trials = TwoRooms(), 8, read_trials()
SEARCH = CEM(horizon=32, samples=64, elites=8, iterations=6, spread=1.5, floor=0.1)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def crow(world, tasks):
    """How far places are from the goal, as the crow flies."""
    return lambda path: (path[..., :2] - tasks.goal[:, None, None, :2]).norm(dim=-1)


def cost_of(far):
    """What a plan costs: its distance at every fourth place on the way, averaged."""
    cost = along_path(far, "mean")
    return lambda path, actions: cost(path[:, :, 3::4], actions)

# %% tags=["hide-input"]
task = published_trials.some(slice(3, 4))


def draw_first(title, ticks):
    fig, ax = floor_plan(rooms, task.layout, title, start=task.start[0], goal=task.goal[0])
    drawn = scattered(torch.zeros(1, ticks, 2), SEARCH.spread, 64, seeded(0))[0].repeat_interleave(32 // ticks, 1)
    paths = TrueModel(rooms, task.layout).rollout(task.start.expand(64, -1), within(rooms.reach)(drawn))
    for path in torch.cat([task.start.expand(64, 1, 2), paths], 1):
        through = rooms.room(task.layout, path[None, -1:]) != rooms.room(task.layout, task.start[None])
        ax.plot(*path.T, color=colour("imagined" if through else "muted"), linewidth=1.4 if through else 0.6)
    return fig


show(draw_first("each step drawn", 32), draw_first("every eighth step drawn", 4),
     caption="Sixty-four random plans of 32 steps. Steps drawn one by one undo each other, and the plans stay near "
             "the start. Held for eight steps, they cross the room; orange ones come through the door.",
     alt="Left, a small ball of paths around the dot. Right, a wide fan of paths that reaches the walls.")

# %% [markdown]
# That looks like an argument for hierarchy. It has two holes. Holding a step changes how plans are *drawn*, and a flat search
# could draw so too. And what is drawn with the rules has to be foreseen without them.
#
# ## Play
#
# Level 1 is the PLDM of [A latent space you can plan in](two_rooms.py), loaded with its reader. Level 2 is trained here, on
# latents that level 1 makes of new walks. It sees one latent in eight.

# %%
from wm_core.jepa.h_jepa import slow_loss
from wm_core.jepa.two_rooms_kept import kept_models
from wm_core.nets.slow_level import SlowLevel
from wm_core.training import fit

world = TwoRooms(fixed=True)  # the layout that level 1 knows
kept, note = kept_models("two_rooms_fixed")
one, reader = kept[0]["model"], kept[0]["reader"]


@torch.no_grad()
def watch(n, seed):
    """Walks: actions (n, 90, 2), places (n, 91, 2) in pixels, and level 1's latents of all moments (n, 91, 64)."""
    generator = seeded(seed)
    layout = world.layouts(n, generator)
    actions, places = world.wander(layout, 90, generator)
    part = lambda i: world.draw(Layout(*(each[i : i + 32] for each in layout)), places[i : i + 32])
    return actions, places, torch.cat([one.encode(part(i)) for i in range(0, n, 32)])


def look(tasks):
    """What level 1 makes of the picture of each place."""
    return lambda places: one.encode(world.draw(tasks.layout, places[:, None])[:, 0])


def train_above(walks, steps, seed=0, ticks=4):
    """Level 2 on windows of four ticks, with level 1 at rest."""
    actions, _, z = walks
    torch.manual_seed(seed)
    two = SlowLevel(64, every=K, width=None)  # its latents are level 1's, as in Zhang et al.

    def windows(step, generator):
        i = torch.randint(len(z), (64, 1), generator=generator)
        t = torch.randint(91 - K * ticks, (64, 1), generator=generator) + torch.arange(K * ticks + 1)
        return z[i, t], actions[i, t[:, :-1]]

    fit(two, lambda level, seen: slow_loss(level, *seen), windows, steps=steps, learning_rate=3e-3,
        precision="float32", seed=seed, title="level 2", checkpoint=checkpoint(f"h_jepa-page-{steps}-{seed}"))
    return two.cpu().eval().requires_grad_(False)


walks = watch(settings["walks"], 3000)
two = train_above(walks, settings["train"])
two.measure(walks[0][:, : 11 * K], share=0.6)  # which macro-actions are common; see What breaks

# %% tags=["hide-input"]
from torch import nn

from wm_core.artefacts import export_onnx
from wm_core.jepa.two_rooms_export import room_networks


class Propose(nn.Module):
    """Level 2 as the figure asks for it: the latents after each macro-action, and the places read from them."""

    def __init__(self):
        super().__init__()
        self.two, self.reader = two, reader

    def forward(self, z, actions):
        path = self.two.rollout(z, actions)
        return path, self.reader(path)


networks = room_networks(one, reader, world.draw(task.layout, task.start[:, None])[0, 0], plans=32, steps=8)
example = {"z": look(task)(task.start).repeat(192, 1), "actions": torch.zeros(192, 4, 4)}
networks["propose"] = export_onnx(Propose(), example, ["path", "places"])
poster = draw_first("", 4)
live("rooms", model=networks, poster=poster, world=asdict(world), wall_x=32, door_y=10, start=task.start[0].tolist(),
     goal=task.goal[0].tolist(), costs=["path", "plain"], planners=["cem", "mppi"], engines=["network"],
     intervals=[8], samples=[32, 64, 16], horizons=[32, 16, 8], along="sum", steps=200, near=4.5,
     chosen=dict(levels="two"),
     search=dict(share=0.125, iterations=4, spread=1.5, floor=0.1, momentum=0.1, temperature=0.5, shrink=0.9,
                 smooth=0.0, reach=1.8),
     high=dict(share=0.125, samples=192, iterations=4, spread=1.0, floor=0.05, momentum=0.1, reach=float(two.radius),
               below=K),
     caption="Drag dot and goal, or move them with the arrow keys. The horizon counts for one level only: with two, "
             "level 1 plans eight steps. At 32 steps and 32 plans both make 4,096 predictions a plan. Both networks "
             "know one layout; move the wall, and see them plan for the old one.",
     alt="Two rooms in which a planner of one or two levels tries paths, and a dot that follows the chosen one.")

# %% [markdown]
# Which will arrive, one level or two, and with which distance? Press *Drive*. Diamonds are where level 2 wants to be in 8, 16, 24
# and 32 steps; level 1 searches eight steps, towards the first. Then choose *one level*: it searches 32 steps with the same
# number of predictions. Then the cost *distance*, between latents, with either.
#
# ## The idea
#
# ![Diagram: from the picture comes latent z0, of which w0 is a copy; level 2 foresees w1, w2, w3 from three macro-actions, the last near the goal; w1 is the sub-goal that level 1's eighth imagined latent should reach by eight actions](../../book/_static/diagrams/h_jepa.svg)
#
# LeCun ([2022](https://openreview.net/forum?id=BZ5a1r-kVsf), [entry](../../book/bibliography.md#lecun2022)) draws a *hierarchical
# JEPA*: a second level predicts the first one's latents, further ahead and in less detail, and its plan is made of conditions
# that the level below should meet. It is a position paper and has no experiment. Zhang and colleagues
# ([2026](https://arxiv.org/abs/2604.03208), [entry](../../book/bibliography.md#zhang2026)) built one, HWM. Both levels share one
# latent space. The upper one predicts across ten steps of a maze from a **macro-action**, a learned code of the actions between.
# A search over macro-actions finds a way to the goal, and its first foreseen latent is the **sub-goal** for a search over
# actions. They report 70 % instead of 0 for a robot arm that lifts and places from one picture of the goal, and up to three times
# less computation for planning.
#
# Three things might help. Fewer predictions lead equally far, so errors may add up less. A plan has fewer numbers, so a search gets
# around faster. And a far goal becomes a near one. Each has a price: level 2 must foresee in one go what level 1 foresees in eight,
# and a sub-goal may be nowhere that level 1 can go.
#
# ## The mathematics
#
# **Level 1** is PLDM: $\hat z_{t+1} = \hat z_t + g(\hat z_t, a_t)$, with the five losses of [its chapter](two_rooms.py). Here it
# rests.
#
# **Level 2** ticks every $k$ steps. Its latent is $w_j = E(z_{jk})$; on this page $E$ is the identity, as in HWM, so each
# latent of level 2 can be read, and aimed at, as one of level 1. What was done between two ticks is summarised,
# $m_j = A(a_{(j-1)k}, \dots, a_{jk-1})$, four numbers of sixteen (`codes`). Then a *recurrent state-space model* foresees: a memory
# $h$ that is certain, and a latent $s$ that need not be: expected by the *prior* $p$ before a look, known better by the *posterior*
# $q$ after it,
#
# $$ h_j = \mathrm{GRU}(h_{j-1}, s_{j-1}, m_j), \qquad s_j \sim p(s \mid h_j) \;\text{ or, after a look, }\; q(s \mid h_j, w_j),
#    \qquad \hat w_j = R(h_j, s_j). $$
#
# A plan takes the likeliest $s$ at each tick (`foresee`), or a plan's cost would depend on its luck. Level 2 is to be trained by
# the five losses too, on ticks instead of steps. Where $E$ is the identity, variance, covariance and smoothness have nothing to
# move, and two remain: **similarity** of $\hat w_j$, foreseen from $w_0$ alone, and $w_j$, and **inverse dynamics**, which here
# trains its head only. Two terms come with the recurrent model. **Reading**: from the posterior's state $w_j$ should be read. And
# the prior should expect what the posterior finds. For that DreamerV3 (Hafner and colleagues,
# [2025](https://doi.org/10.1038/s41586-025-08744-2), [entry](../../book/bibliography.md#hafner2025)) has the *balanced* divergence
# with *free bits*,
#
# $$ \max\!\big(1, \mathrm{KL}(\mathrm{sg}(q) \,\Vert\, p)\big)
#    + 0.1\, \max\!\big(1, \mathrm{KL}(q \,\Vert\, \mathrm{sg}(p))\big). $$
#
# sg stops the gradient. The first term moves the prior towards the posterior, the second, ten times weaker, the other way: else the
# posterior would give up what it sees to please a prior that knows nothing yet. Divergences are in *nats*,
# units of $\log e$. A moment below one nat costs the same as one at one nat, so it has no slope (`balanced_kl`).
#
# **Two searches.** With $c$ the cost,
#
# $$ m^\star = \arg\min_m \sum_{j} c\big(\hat w_j(m)\big), \qquad
#    a^\star = \arg\min_a \big\lVert \hat z_k(a) - \hat w_1(m^\star) \big\rVert^2 . $$
#
# The first goes over $J$ macro-actions, four numbers each, the second over $k$ actions. With $n$ plans a round each, a round costs
# $n_2 J + n_1 k$ predictions; a flat search of $H$ steps costs $nH$ (`imagined_transitions`).
#
# **Or inject.** Level 2's latent can be handed to level 1's predictor, $\hat z_{t+1} = \hat z_t + g(\hat z_t, a_t, \hat
# w_{\lfloor t/k \rfloor})$ with $\hat w_0 = w_0$. Then there is one model with two clocks, and a flat search plans with it
# (`HJEPA`). **Or make it discrete**: $s$ as groups of classes instead of Gaussians.
#
# ## The code

# %%
from wm_core.objectives.latent_kl import balanced_kl

source(SlowLevel.foresee, balanced_kl, slow_loss)

# %% [markdown]
# ## The experiment
#
# **One look, under the rules.** Nothing is learned here: a macro-action is one action held for $k$ steps, and the rules say exactly
# where it leads (`Held`). Three families of searches, 64 plans of 32 steps in each of six rounds. *Steps drawn apart* is the flat
# search of the chapter before. *Smooth noise* is flat too: the noise of a step is correlated with the next one's. The *slow clock*
# searches over held actions. Each may choose from six settings on tasks of its own. Then, on all 200 published tasks: how often
# does a plan find the door from the straight distance? Our bet: the slow clock wins.

# %%
def flat(smooth, spread=1.5):
    """A search for all 32 steps. `smooth` is the correlation of what is drawn for one step and for the next."""
    return lambda world, tasks: (replace(SEARCH, smooth=smooth, spread=spread), cost_of(crow(world, tasks)))


def slow(k, spread=1.5):
    """A search for every k-th step, which is held until the next. It sees the ends of its ticks."""
    return lambda world, tasks: (SlowAlone(replace(SEARCH, horizon=32 // k, spread=spread),
                                           Held(TrueModel(world, tasks.layout), world.reach, k)),
                                 along_path(crow(world, tasks), "mean"))


def finds(world, tasks, arm):
    """Whether the plan from the start ends in the goal's room: a list, trial by trial."""
    (planner, cost), rules = arm(world, tasks), TrueModel(world, tasks.layout)
    plan = planner.plan(rules, tasks.start, cost, bound=within(world.reach), generator=seeded(0))
    end = rules.rollout(tasks.start, plan)[:, -1:]
    return (world.room(tasks.layout, end) == world.room(tasks.layout, tasks.goal[:, None]))[:, 0].tolist()


def arrives(world, tasks, arm, steps=64):
    """Whether the dot is within 4.5 pixels of its goal after the last step, with a look every eight."""
    (planner, cost), chance = arm(world, tasks), seeded(1000)
    path = drive(planner, TrueModel(world, tasks.layout), tasks.start, [cost], see=lambda here: here,
                 step=lambda here, actions: world.step(tasks.layout, here, actions, chance),
                 bound=within(world.reach), generator=seeded(0), steps=steps, every=8)
    return read_trajectories(world, tasks.layout, path, tasks.goal).at_end.tolist()

# %%
def joined(*tasks):
    """Tasks one after another."""
    layout = Layout(*(torch.cat(parts) for parts in zip(*(each.layout for each in tasks))))
    return Trials(layout, torch.cat([each.start for each in tasks]), torch.cat([each.goal for each in tasks]))


own = joined(draw_trials(world, settings["tuning"], 50), draw_trials(rooms, settings["tuning"], 51))
FAMILIES = {"steps drawn apart": {f"spread {s}": flat(0.0, s) for s in (0.8, 1.0, 1.5, 2.0, 2.5, 3.0)},
            "smooth noise": {f"{c}, spread {s}": flat(c, s) for c in (0.8, 0.9, 0.95) for s in (1.5, 2.5)},
            "slow clock": {f"k = {k}, spread {s}": slow(k, s) for k in (4, 8, 16) for s in (1.5, 2.5)}}


def choose(measure, family):
    """The setting of a family that does best on the tasks for choosing."""
    return max(family, key=lambda name: sum(measure(rooms, own, family[name])))


def compare(named, pairs, tests=6):
    """For each pair of arms McNemar's test, and what follows: six tests on this page, so p counts below 0.05 / 6."""
    def row(one, other):
        more, fewer, p = mcnemar(named[one], named[other])
        better = one if more > fewer else other
        word = f"{better} is better" if p < 0.05 / tests else "no difference shown"
        return [f"{one} : {other}", more, fewer, p, word]

    rows = [row(*pair) for pair in pairs]
    table(["", "only the first", "only the second", "p", "verdict"], rows, digits=2)
    return {pair: (row[3], row[4]) for pair, row in zip(pairs, rows)}


share = lambda flags: wilson(sum(flags), len(flags))
PAIRS = [("slow clock", "steps drawn apart"), ("slow clock", "smooth noise")]

# %% tags=["nbval-check-output"]
picked = {name: choose(finds, family) for name, family in FAMILIES.items()}
found = {name: finds(rooms, published_trials, family[picked[name]]) for name, family in FAMILIES.items()}
table(["one look", "chosen", "plans that find the door"], [[n, picked[n], share(found[n])] for n in FAMILIES],
      digits=2)
in_one_look = compare(found, PAIRS)

# %% [markdown]
# Half of the bet holds. The slow clock finds the door more often than steps drawn apart do. From smooth noise we cannot tell it.
# What helped seems to be that plans keep a direction.
#
# **Drives, and harder worlds.** A look every eight steps, 64 steps. Beside the two rooms: four rooms; mazes; a door that slides
# open and shut; a block on patrol, which may stand in the way. Start and goal are in different rooms where there are several. Each
# family chooses again, by arrivals in two rooms, from three settings. Does finding the door in one look pay in a drive?

# %%
from wm_core.worlds.four_rooms import FourRooms
from wm_core.worlds.mazes import Mazes
from wm_core.worlds.moving_walls import Patrol, SlidingDoor


def drawn_in(world, n, generator):
    """n tasks in a world, from one room to another where it has several."""
    layout = world.layouts(n, generator)
    count = world.boxes(layout).shape[1]
    room = torch.randint(count, (n,), generator=generator)
    other = (room + torch.randint(1, max(count, 2), (n,), generator=generator)) % count
    return Trials(layout, world.anywhere(layout, generator, room), world.anywhere(layout, generator, other))


few, worlds = settings["drives"], {"four rooms": FourRooms(), "mazes": Mazes(), "a sliding door": SlidingDoor(),
                                   "a patrol": Patrol()}
PLACES = {"two rooms, one layout": (rooms, published_trials.some(slice(0, few))),
          "two rooms, any layout": (rooms, published_trials.some(slice(100, 100 + few)))}
PLACES |= {name: (there, drawn_in(there, settings["harder"], seeded(70))) for name, there in worlds.items()}
DRIVERS = {"steps drawn apart": {f"spread {s}": flat(0.0, s) for s in (1.0, 1.5, 2.5)},
           "smooth noise": {str(c): flat(c) for c in (0.5, 0.8, 0.9)},
           "slow clock": {f"k = {k}": slow(k) for k in (2, 4, 8)}}

# %% tags=["nbval-check-output"]
chosen = {name: choose(arrives, family) for name, family in DRIVERS.items()}
driven = {name: {where: arrives(*there, family[chosen[name]]) for where, there in PLACES.items()}
          for name, family in DRIVERS.items()}
table(["arrive", *(f"{n}, {chosen[n]}" for n in DRIVERS)],
      [[where, *(share(driven[n][where]) for n in DRIVERS)] for where in PLACES], digits=2)
together = {n: [flag for flags in driven[n].values() for flag in flags] for n in DRIVERS}
in_drives = compare(together, PAIRS)

# %% [markdown]
# It does not show. So few trials would show a large difference only.
#
# **What a learned clock foresees.** Now without the rules. Our level 2 beside level 1, on a hundred new walks: how far from where
# the dot went is the place that each foresees?

# %%
new_actions, new_places, new_z = watch(100, 4000)
with torch.no_grad():
    went = new_places[:, K : 8 * K + 1 : K]
    step_by_step = reader(one.rollout(new_z[:, 0], new_actions[:, : 8 * K]))[:, K - 1 :: K]
    tick_by_tick = reader(two.foresee(new_z[:, 0], two.codes(new_actions[:, : 8 * K])))
off = {name: (places - went).norm(dim=-1).mean(0).tolist() for name, places in
       (("level 1, step by step", step_by_step), ("level 2, tick by tick", tick_by_tick),
        ("where it began", new_places[:, :1].expand_as(went)))}

# %% tags=["hide-input"]
fig, ax = figure()
for (name, gap), shade in zip(off.items(), ("imagined", "rival", "muted")):
    ax.plot([K * j for j in range(1, 9)], gap, "-o", color=colour(shade), label=name)
ax.set(xlabel="steps ahead", ylabel="foreseen to actual place / pixels", ylim=(0, None))
ax.legend()
show(fig, caption="Level 2 (violet) makes an eighth of the predictions and is two to three times as far off as level "
                  "1 (orange), at all distances. Its errors do not add up more slowly.",
     alt="Error against steps ahead: two low curves, of which level 2's is the higher, and a high one for standing "
         "still.")

# %% [markdown]
# Fewer predictions, and larger errors. Level 1 was trained several times as long. Of the kept run, where both had 3,000 steps,
# level 2 is 1.8 to 2.0 pixels off after two ticks of a straight push, level 1 1.1 to 1.2 (three seeds).
#
# **Drives with learned models.** One level against two, 2,048 predictions a look, a look every eight steps. Both distances of the
# chapter before: on foot, read by the reader, and between latents. Each side chooses from six settings on eight tasks of its own,
# by the distance on foot.

# %%
LOOK, ROUNDS = 2048, dict(iterations=4, spread=1.5, floor=0.1)


def one_level(horizon, smooth):
    n = LOOK // (4 * horizon)
    return CEM(horizon, n, max(2, n // 8), smooth=smooth, **ROUNDS)


def both_levels(ticks, share):
    """Half of the predictions for each level. Level 2 keeps to the commonest `share` of the walks' macro-actions."""
    above, n = deepcopy(two), LOOK // (8 * ticks)
    above.measure(walks[0][:, : 11 * K], share)
    high = CEM(ticks, n, n // 8, iterations=4, spread=1.0, floor=0.05)
    return two_levels(above, high, CEM(K, 32, 4, **ROUNDS), steps=8, along="last")


def on_foot(tasks):
    far = way_left(world, tasks.layout, tasks.goal, imagined=True)
    return lambda z: far(reader(z))


def between_latents(tasks):
    goal = look(tasks)(tasks.goal)[:, None, None]
    return lambda z: (z - goal).square().sum(-1)


def pursue(tasks, planner, far, steps=64):
    """As `arrives`, with the learned models, which see pictures. No walk has a step above 1.8 pixels."""
    cost, chance = along_path(far(tasks), "mean"), seeded(1000)
    each = 1 if isinstance(planner, TwoLevels) else 4
    path = drive(planner, one, tasks.start, [lambda path, actions: cost(path[:, :, each - 1 :: each], actions)],
                 see=look(tasks), step=lambda here, actions: world.step(tasks.layout, here, actions, chance),
                 bound=within(1.8), generator=seeded(0), steps=steps, every=8)
    return read_trajectories(world, tasks.layout, path, tasks.goal).at_end.tolist()

# %% tags=["nbval-check-output"]
PLANNERS = {"one level": {f"{h} steps, smooth {c}": one_level(h, c) for h in (8, 16, 32) for c in (0.0, 0.9)},
            "two levels": {f"{t} ticks, {s:.0%}": both_levels(t, s) for t in (2, 4) for s in (0.3, 0.6, 0.9)}}
spent = {imagined_transitions(each, every=8) for family in PLANNERS.values() for each in family.values()}
apart, test = draw_trials(world, settings["tuning"], 52), published_trials.some(slice(0, settings["learned"]))
tried = {name: {key: sum(pursue(apart, each, on_foot)) for key, each in family.items()}
         for name, family in PLANNERS.items()}
tops = {name: max(tried[name], key=tried[name].get) for name in tried}
COSTS = {"on foot": on_foot, "between latents": between_latents}
reached = {f"{name}, {cost}": pursue(test, PLANNERS[name][tops[name]], far)
           for cost, far in COSTS.items() for name in PLANNERS}
table([f"arrive, at {max(spent):.0f} predictions a step", *(f"{name}: {tops[name]}" for name in PLANNERS)],
      [[cost, *(share(reached[f"{name}, {cost}"]) for name in PLANNERS)] for cost in COSTS], digits=2)
learned = compare(reached, [(f"two levels, {cost}", f"one level, {cost}") for cost in COSTS])

# %% [markdown]
# On foot one level chose a short plan, and arrives nearly always; two levels do not. The distance knows the door, so there is
# little for a far sight to add, and level 2's errors may cost more. Between latents nothing arrives, whoever plans. That says
# little about one level: its short plan was chosen on foot, and eight steps see no door. Nor has level 2 a distance of its own
# here: its latents are level 1's. *At scale* each cost chooses for itself.
#
# ## The evidence

# %%
on_feet = reached["one level, on foot"], reached["two levels, on foot"]
claim("One look: share of plans through the door, slow clock less steps drawn apart",
      share(found["slow clock"])[0] - share(found["steps drawn apart"])[0], ">=", 0.05)
claim("One look: p that this is chance (McNemar, 200 tasks)", in_one_look[PAIRS[0]][0], "<=", 0.05 / 6)
claim("One look: share of plans through the door, slow clock less smooth noise, no more than",
      share(found["slow clock"])[0] - share(found["smooth noise"])[0], "<=", 0.05)
claim("Drives: share of all trials that arrive, slow clock less smooth noise, no more than",
      share(together["slow clock"])[0] - share(together["smooth noise"])[0], "<=", 0.1)
claim("After 32 steps level 2 is this many times as far off as level 1",
      off["level 2, tick by tick"][3] / off["level 1, step by step"][3], ">=", 1.2)
claim("At equal predictions, on foot: share that arrives, one level less two",
      share(on_feet[0])[0] - share(on_feet[1])[0], ">=", 0.05)

# %% [markdown]
# ## What breaks
#
# **Ask for what no walk has done.** A macro-action is a code, and a code knows no bound of 2.45 pixels. Level 2 was taught by
# walks; what it says of other codes nobody has checked, and a search finds the codes of which it says the best. So macro-actions
# keep to those that were common (`measure`). How common? We allow the commonest 30, 60, 90 and 99 % of the walks', and look from
# the published starts: how far off is the first sub-goal, and how near does level 1's plan come to it? In eight steps of at most
# 1.8 pixels a dot goes 14 pixels at best; a walk goes five or six.

# %% tags=["nbval-check-output"]
def first_subgoal(share):
    """How far the sub-goal is from the start, and from where level 1's plan leads in the world, in pixels."""
    planner, cost = both_levels(4, share), along_path(on_foot(test), "mean")
    plan = planner.plan(one, look(test)(test.start), cost, bound=within(1.8), generator=seeded(0))
    goal = reader(planner.subgoal)[:, 0]
    ends = world.walk(test.layout, test.start, plan)[:, -1]
    return [float((goal - place).norm(dim=-1).mean()) for place in (test.start, ends)], planner


rows, careless = [], None
for s in (0.3, 0.6, 0.9, 0.99):
    distances, planner = first_subgoal(s)
    ends = pursue(test, planner, on_foot) if s in (0.6, 0.99) else None
    careless = ends if s == 0.99 else careless
    rows.append([f"{s:.0%}", *distances, share(ends) if ends else "not driven"])
table(["macro-actions allowed", "sub-goal from the start / px", "sub-goal from where the plan ends / px", "arrive"],
      rows, digits=2)
claim("With 99 % allowed instead of the chosen share, two levels arrive less often, by the share",
      share(on_feet[1])[0] - share(careless)[0], ">=", 0.1)

# %% [markdown]
# With 60 % allowed, level 1 gets within two pixels of the sub-goal. With 99 %, the sub-goal is nearly as far as the dot can go,
# and level 1 comes nowhere near: it was a place in the code, not in the room. And hardly a dot arrives. For this level 2 one
# number, the share, that no loss mentions, decides whether two levels work. (The kept level 2 of *At scale* gets by with 99 %.)
#
# **A result without its floor.** A public project puts a second level on PLDM in these two rooms, with the one layout, and
# reports for one level and for two: 32 and 42 of 100 dots end on the goal's side, with an error of 528 and 405 px². That reads
# like a gain. How likely is it if the second level did nothing? And what does a dot reach that does not plan? Which trials each
# passed was not published, so the test is Fisher's exact one, which asks for no pairs. (That there were 100 is our assumption: in
# the 20 of its configuration nobody can reach 32 %.) Our floor walks straight at the goal, on our 100 tasks.

# %% tags=["nbval-check-output"]
def fisher(one, other, n=100):
    """How likely two shares of n trials each come out at least as unequal, if there is no difference: two-sided."""
    chance = [comb(n, k) * comb(n, one + other - k) for k in range(max(0, one + other - n), min(n, one + other) + 1)]
    seen = comb(n, one) * comb(n, other)
    return sum(each for each in chance if each <= seen) / sum(chance)


hundred, chance = published_trials.some(slice(0, 100)), seeded(1000)
path = [hundred.start]
for _ in range(200):
    path.append(world.step(hundred.layout, path[-1], hundred.goal - path[-1], chance))
straight = read_trajectories(world, hundred.layout, torch.stack(path, 1), hundred.goal)
error = float(straight.error.mean())
table(["of 100", "on the goal's side", "error / px²"],
      [["one level, reported", 32, 528.0], ["two levels, reported", 42, 405.0],
       ["straight at the goal, measured here", int(straight.crossed.sum()), error]])
print(f"32 against 42 of 100: p = {fisher(32, 42):.2f}; 22 against 8: p = {fisher(22, 8):.3f}")
claim("32 against 42 of 100: p of Fisher's exact test", fisher(32, 42), ">=", 0.05)
claim("The straight line's error is lower than the one reported for two levels, by the factor", 405 / error, ">=", 2)

# %% [markdown]
# On different trials a gap like this comes by chance in one of five such comparisons. On the same trials, McNemar's p could be
# anything from .002 to .30. And a dot with no model and no plan ends with less than a third of the error of either; it crosses
# less often, since it stops at the wall opposite its goal. (*Error* is half the squared distance, at the first time within √2
# pixels or at the end.) Later runs of the project turned the sign round: 22 of 100 for one level, 8 for two. That gap the test
# does find.
#
# ## At scale

# %%
from wm_core.artefacts import results
from wm_core.metrics.paired import chosen as having, pair
from wm_core.metrics.paired import share as of_rows

lab = results("two_clocks")
FIELDS = ("world", "model", "cost", "every", "budget", "walks")


def judged(*arms):
    """For each situation in which two arms drove the same trials: how many trials, and a row of the table."""
    rows, drives = {}, lab["drives"]
    for key in dict.fromkeys(tuple(row[field] for field in FIELDS) for row in having(drives, arm=arms[0])):
        at = dict(zip(FIELDS, key))
        one, other = ({(row["trials"], row["seed"]) for row in having(drives, arm=arm, **at)} for arm in arms)
        if not (both := one & other):
            continue
        at["trials"] = max(both)[0]
        seeds = [seed for trials, seed in both if trials == at["trials"]]
        shares = [of_rows([row for row in having(drives, arm=arm, **at) if row["seed"] in seeds]) for arm in arms]
        p = pair(drives, *({"arm": arm} for arm in arms), **at)[2]
        how = f"{at['every']}/{at['budget']}" + (f"/{at['walks']}" if at["walks"] != 2000 else "")
        where = "{}, {}".format(at["world"].replace(" ", "\N{NO-BREAK SPACE}"), at["cost"])
        rows[key] = (len(seeds) * at["trials"], [where, how, *shares, p])
    return rows


def show_verdicts(first, second, rows):
    """The table with its verdicts, at 0.05 over the number of its rows, and how many of each."""
    word = lambda row: "none shown" if row[4] >= 0.05 / len(rows) else first if row[2][0] > row[3][0] else second
    percent = lambda share: "{:.0f} ({:.0f} to {:.0f})".format(*(100 * part for part in share))
    head = ["world, cost", "look / budget", f"{first} / %", f"{second} / %", "p", "better"]
    table(head, [[*row[:2], percent(row[2]), percent(row[3]), row[4], word(row)] for row in rows], digits=2)
    counted = {w: sum(word(row) == w for row in rows) for w in dict.fromkeys(map(word, rows))}
    print("Better: " + "; ".join(f"{w} in {n} of {len(rows)}" for w, n in counted.items()))

# %% [markdown]
# This page's level 2 is small and has no latent space of its own. `python -m benchmarks.two_clocks` trains one that has, with all
# five losses. *One level* is a *flat* model with as many weights as both, trained on the same walks, or, in two rooms, *level 1*
# alone, which has fewer, where that drove more often. A dot has arrived if it is within 4.5 pixels of its goal after 80 steps of up
# to 2.45 pixels; the walks have none above 1.8. Rows are 50 tasks of one seed or of three; in two rooms at 16/256 after 2,000 walks,
# 100 of three.
# All may make the same number of predictions for each step of the world, and choose from six settings, chosen after 2,000 walks
# with 256 predictions. Fixed are, for two levels, a quarter of the budget for level 2, 99 % of the walks' macro-actions, and
# noise drawn apart for level 1's search, where a single level may have it smooth. So two levels might do better than they do
# here.
#
# *Latent* is the squared distance between latents. *Ways* is a learned distance, taught from imagined ways. Two levels ask either
# of level 2's latents. *Distance* and *path* are for the rules, straight and on foot. *Look* is how many steps lie between looks,
# *budget* how many predictions there are for each step, and a third number how many walks, where it is not 2,000.

# %% tags=["hide-input"]
wide, plain = judged("sub-goals", "flat"), judged("sub-goals", "level 1")
against = [max((found[key] for found in (wide, plain) if key in found), key=lambda each: each[0])[1]
           for key in sorted({*wide, *plain}, key=lambda key: (key[0], key[2], -key[5], key[3], -key[4]))]
show_verdicts("two levels", "one level", against)
same = dict(world="two rooms", model="learned", cost="latent", every=16, budget=256, walks=2000)
for arm in ("flat", "level 1"):
    more, fewer, p = pair(lab["drives"], {"arm": "sub-goals"}, {"arm": arm}, trials=100, **same)
    print(f"Between latents, 100 tasks, three seeds, two levels against {arm}: {more} to {fewer}, p = {p:.1g}")

# %% [markdown]
# In most rows one level is better, or nothing is shown. But look at those with *latent*. In nine of these thirteen two levels
# arrive more often, in three of the four harder worlds too. Is it the hierarchy? The two arms differ in two things: two searches
# instead of one, and a goal that is compared in level 2's latents instead of level 1's. So take one away. *Level 2's cost* is one
# level, one search, no sub-goal; only its distance is taken between latents of level 2. *Untrained cost* is the same with a level 2
# that has learned nothing.

# %% tags=["hide-input"]
controls = [[f"{row[0]}: {arm}", *row[1:]] for arm in ("level 2's cost", "untrained cost")
            for key, (_, row) in judged("sub-goals", arm).items() if "latent" in key or arm != "untrained cost"]
show_verdicts("two levels", "one level", controls)  # ways are learned on trained latents, and mean nothing on others

# %% tags=["hide-input"]
others = [[f"{row[0]}: {arm} / {other}", *row[1:]] for arm in ("injection", "discrete")
          for other in ("flat", "sub-goals") for _, row in judged(arm, other).values()]
show_verdicts("first", "second", others)
print(f"Kept run: {lab['about']['date']}, {lab['about']['device']}.")

# %% [markdown]
# Injection, whose cost is level 1's, cannot be told from a flat model, with either cost. What classes, *discrete*, give depends on
# the seed: between latents .56, .08 and .30 arrive. The Gaussians of the *sub-goals* do better, with either cost.

# %%
in_rooms = having(lab["drives"], world="two rooms", model="learned", walks=2000)


def most(arm, cost, budget, trials=None):
    """The drives of an arm with a look every 16 steps: those with so many trials, or with the most."""
    rows = having(in_rooms, arm=arm, cost=cost, budget=budget, every=16)
    return having(rows, trials=trials or max(row["trials"] for row in rows))


at = lambda *which: of_rows(most(*which))[0]
claim("Kept run, between latents: share that arrives, two levels less level 1 alone",
      at("sub-goals", "latent", 256) - at("level 1", "latent", 256), ">=", 0.1)
claim("Kept run, between latents: one level with level 2's distance less two levels",
      at("level 2's cost", "latent", 256) - at("sub-goals", "latent", 256), ">=", -0.05)
claim("Kept run, between latents, 64 predictions: one level with level 2's distance less two levels",
      at("level 2's cost", "latent", 64) - at("sub-goals", "latent", 64), ">=", 0.05)
claim("One level with the distance of a level 2 that has learned nothing: share that arrives",
      at("untrained cost", "latent", 256), "<=", 0.2)
claim("A distance that knows ways: one level with 64 predictions less two with 256",
      at("level 1", "ways", 64, 50) - at("sub-goals", "ways", 256, 50), ">=", -0.02)
far = lambda arm, world="four rooms", cost="latent": of_rows(having(
    lab["drives"], world=world, model="learned", walks=2000, every=16, arm=arm, cost=cost))[0]
claim("Kept run, four rooms, between latents: two levels less a flat model", far("sub-goals") - far("flat"), ">=", 0.1)
claim("Kept run, four rooms, between latents: two levels less one level with level 2's distance",
      far("sub-goals") - far("level 2's cost"), ">=", 0.05)
claim("Kept run, with ways: a flat model less two levels, the least of four rooms and the maze",
      min(far("flat", w, "ways") - far("sub-goals", w, "ways") for w in ("four rooms", "maze")), ">=", 0.03)
slower, faster = (sum(row["ms"] for row in most(arm, "ways", budget, 50)) for arm, budget in
                  (("sub-goals", 256), ("level 1", 64)))
claim("Processor time of these two levels over that of the one", slower / faster, ">=", 1.5)

# %% [markdown]
# Is it a better ruler? Take both levels of the kept run and 200 pairs of places, anywhere in the rooms. How well does the
# distance between latents go along with the way on foot?

# %% tags=["nbval-check-output"]
from wm_core.jepa.h_jepa_kept import kept_clocks

clocks, made = kept_clocks()
pairs_of, generator = world.layouts(200, seeded(0)), seeded(5)
here, there = (world.anywhere(pairs_of, generator) for _ in range(2))
on_way = world.path_length(pairs_of, here[:, None], there)[:, 0]
rulers = []
for model in (each.model for each in clocks):
    z, goal = (model.encode(world.draw(pairs_of, places[:, None])[:, 0]) for places in (here, there))
    gaps = [(z - goal).norm(dim=-1), (model.above.encode(z) - model.above.encode(goal)).norm(dim=-1)]
    rulers.append([float(torch.corrcoef(torch.stack([gap, on_way]))[0, 1]) for gap in gaps])
table(["correlation with the way", *(f"seed {k}" for k in range(len(rulers)))],
      [[f"level {level + 1}'s distance", *(found[level] for found in rulers)] for level in range(2)], digits=2)
claim("Level 2's distance goes along with the way better than level 1's, by the correlation, at its least seed",
      min(second - first for first, second in rulers), ">=", 0.1)
print(made.provenance())

# %% [markdown]
# After 2,000 walks, with a distance that knows the way, two levels arrive less often at equal predictions, .88 (.84 to .91)
# against 1.0 (.98 to 1.0), and one level with 64 predictions arrives in .99 of the tasks, in a fifth of their time. With the
# plain distance between latents a second level helps: .60 (.54 to .65) arrive instead of .25 (.21 to .31). But one search with
# level 2's ruler arrives in .66 (.60 to .71), which is no worse (p = .03, not enough for twelve tests), and with 64 predictions in
# .47 instead of .28 (p = .0005). So in two rooms the ruler explains the gain; the second clock is not needed. With ways, too, that
# arm arrives in 1.0, two levels in .88. (Three seeds drove the same tasks, so 300 trials are fewer than they seem.)
#
# **Harder worlds.** In the maze and behind the sliding door it is the same: two levels beat a flat model, and the ruler alone does as
# well, as far as 150 trials say. In four rooms it does not. Of the tasks .32 (.25 to .40) are reached by the flat model, .47 (.39 to
# .55) by one level with level 2's ruler, .63 (.55 to .70) by two levels: 37 tasks against 13 (p = .0009). Here the clock itself
# helps. Yet with ways the flat model arrives in all 150, two levels in .91. So a second clock made up, in part, for a poor distance.
# Where the distance was good it cost.
#
# **Few walks.** Between latents two levels beat a flat model after 226 walks (67 tasks to 6) and after 56 (42 to 7). From 7 walks
# hardly a dot arrives. Against the ruler alone it is 36 to 15 and 33 to 13 (p = .005 each, which twelve tests do not quite allow), so
# the clock seems to have a part in it. With ways two levels are ahead too, 39 to 16 after 56 walks (p = .003, not enough for all
# these rows). Where level 1 has learned little, one long step may err less than eight short ones.
#
# With the rules, two levels are better in none of thirteen rows, and worse in eight: a perfect model has nothing to gain from a slow
# clock. What a perfect slow clock does alone, the next table says, task by task.

# %% tags=["hide-input"]
ruled = []
for key in dict.fromkeys((row["world"], row["cost"], row["every"]) for row in
                         having(lab["drives"], model="rules", arm="slow alone")):
    same = dict(zip(("world", "cost", "every"), key))
    found_by = [pair(lab["drives"], {"arm": "slow alone"}, {"arm": "flat"}, reading, model="rules", **same)
                for reading in ("at_end", "ever")]
    ruled.append(["{}, {}, {}".format(*key), *found_by[0], *found_by[1]])
table(["rules, look", "end: only slow", "only flat", "p", "ever: only slow", "only flat", "p"], ruled, digits=2)

# %% [markdown]
# Every row can be measured again. Two of them we do here: with the rules, in two rooms.

# %%
def again(row):
    """The share that arrives when a row's drive with the rules is driven anew."""
    tasks, s, ticks = published_trials.some(slice(0, row["trials"])), row["setting"], row["arm"] == "slow alone"
    plans = row["budget"] * row["every"] / s["macros" if ticks else "horizon"]
    rounds = max(2, min(8, int(plans) // 16))
    samples = max(4, int(plans) // rounds)
    search = CEM(s["macros" if ticks else "horizon"], samples, max(2, samples // 8), rounds, 1.5, 0.1,
                 smooth=s["smooth"])
    model, chance = TrueModel(rooms, tasks.layout), seeded(1000 + row["seed"])
    planner = SlowAlone(search, Held(model, rooms.reach, s["tick"])) if ticks else search
    cost = along_path(crow(rooms, tasks), "mean") if ticks else cost_of(crow(rooms, tasks))
    path = drive(planner, model, tasks.start, [cost], see=lambda here: here, bound=within(rooms.reach),
                 step=lambda here, actions: rooms.step(tasks.layout, here, actions, chance), every=row["every"],
                 generator=seeded(row["seed"]), steps=lab["about"]["steps"])
    return read_trajectories(rooms, tasks.layout, path, tasks.goal).at_end.float().mean()


for arm in ("flat", "slow alone"):
    row = having(lab["drives"], world="two rooms", model="rules", cost="distance", arm=arm, every=16, seed=0)[0]
    claim(f"Rules, two rooms, {arm}: the share measured again differs from the kept one by",
          abs(float(again(row)) - of_rows([row])[0]), "<=", 0.1)

# %% [markdown]
# ## Exercises
#
# **1. Balance.** The two terms of DreamerV3's divergence. A belief has `kl(other)`, a number for each moment, and `detach()`.

# %% tags=["exercise"]
def balance(posterior, prior, free=1.0):
    """Two beliefs over moments -> the term that moves the prior, and a tenth of the one that moves the posterior."""
    dynamics = ...
    representation = ...
    return dynamics.clamp_min(free).mean(), ...


check("planning/h_jepa/balance", balance)

# %% tags=["solution"]
def balance(posterior, prior, free=1.0):
    """Two beliefs over moments -> the term that moves the prior, and a tenth of the one that moves the posterior."""
    dynamics = posterior.detach().kl(prior)
    representation = posterior.kl(prior.detach())
    return dynamics.clamp_min(free).mean(), 0.1 * representation.clamp_min(free).mean()


check("planning/h_jepa/balance", balance)

# %% [markdown]
# **2. What is left for the feet?** A flat search tries 16 plans of 32 steps in each of 4 rounds. Two levels may make as many
# predictions. Level 2 tries 64 plans of 4 ticks in each of 4 rounds. Level 1 searches 8 steps, also in 4 rounds. How many plans
# a round may it try?

# %% tags=["exercise"]
plans_left = ...  # a round
check("planning/h_jepa/plans_left", plans_left)

# %% tags=["solution"]
plans_left = (16 * 32 * 4 - 64 * 4 * 4) // (8 * 4)  # a round
check("planning/h_jepa/plans_left", plans_left)

# %% [markdown]
# **3. Could it be chance?** McNemar's exact test. `one` trials were passed by the first arm alone, `other` by the second alone. If
# the arms are equal, each of these fell to either side like a coin. How likely is a split at least as uneven, to either side?

# %% tags=["exercise"]
def coin(one, other):
    """Counts of trials that only one arm passed -> p, at most 1."""
    tail = sum(comb(one + other, k) for k in range(...))
    return min(1.0, ...)


check("planning/h_jepa/coin", coin)

# %% tags=["solution"]
def coin(one, other):
    """Counts of trials that only one arm passed -> p, at most 1."""
    tail = sum(comb(one + other, k) for k in range(min(one, other) + 1))
    return min(1.0, 2 * tail / 2 ** (one + other))


check("planning/h_jepa/coin", coin)

# %% [markdown]
# ## Notes
#
# **Where this comes from.** That plans might be made of longer pieces is old: *options* (Sutton, Precup & Singh,
# [1999](https://doi.org/10.1016/S0004-3702(99)00052-1), [entry](../../book/bibliography.md#sutton1999)) are policies that run
# until they end, and the four rooms are theirs. The state-space model is PlaNet's (Hafner and colleagues,
# [2019](https://arxiv.org/abs/1811.04551), [entry](../../book/bibliography.md#hafner2019)). HWM's 70 % stand against a flat
# planner that never succeeded at that task; in our world a flat planner need not fail.
#
# **Where popular accounts go wrong.** *A second level looks farther.* A flat search looks as far; what differs is how its plans
# are drawn. *Fewer predictions, less error.* Only if the longer prediction is as good. *Hierarchy is cheaper.* Between latents,
# two levels with 64 predictions arrive as often as level 1 with 256 or oftener (.28 and .19 of the same tasks), in less than half
# the time. *42 is more than 32.*
#
# **What this chapter does not show.** A dot has two numbers and no speed, and a way in these rooms has two or three turns. Where
# tasks are long, where a flat search cannot be given enough plans, or where level 2 sees what level 1 cannot, the answer may
# differ; HWM's robot may be such a case. Every world had one layout. Looks at every step or every 32 have one seed in part. Level 1's
# encoder rested, so no level 2 could teach it anything. And no arm here learns *when* to tick.
