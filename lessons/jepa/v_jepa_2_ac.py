# %% [markdown]
# # From watching to reaching
#
# You will show a robot a picture of how the table should look, and it will move until the table looks like that. It has learned
# to see from films, and what its motors do from a thousand moves.
#
# It takes about a minute on two idle CPU cores. You need to have met latents, rulers and rollouts in [One frame, then the
# future](../foundations/quickstart.py).

# %%
import math
from copy import deepcopy
from itertools import product
from types import SimpleNamespace

import torch
from torch import nn

from wm_core.jepa.v_jepa_2_ac import (ActionPredictor, LayerNormed, VJEPA2AC, Watcher, acting_loss, teacher_forcing,
                                      watching_loss)
from wm_core.lesson import check, checkpoint, claim, scale, scale_name
from wm_core.lesson import colour, explore, figure, live, picture, show, source, table
from wm_core.metrics.intervals import mean_and_range, wilson
from wm_core.metrics.probe import LinearProbe
from wm_core.nets.encoders import FrozenEncoder, PatchEncoder
from wm_core.nets.places import PlaceEncoder
from wm_core.planning.cem import CEM
from wm_core.planning.costs import to_goal
from wm_core.planning.drive import drive
from wm_core.planning.search import within
from wm_core.training import fit
from wm_core.worlds.robot import RobotTable
from wm_core.worlds.robot_tasks import errands, reaching

settings = scale(tiny=dict(watch=600, act=500), full=dict(watch=1000, act=1200))
torch.set_num_threads(1)  # networks this small run faster on one core than on two

# %% [markdown]
# ## The question
#
# Here is a table from above. The bright disc is a robot, the dark one a puck; the wallpaper is new on every table. An action
# is two numbers, and nobody has said what they do. You want the table to look like the second picture. Which action comes
# first?

# %%
world = RobotTable()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def look(states, paper):
    """One picture of each table."""
    return world.draw(states[:, None], paper)[:, 0]


starts, goals, papers = reaching(world, 50, seeded(21))  # (50, 4), (50, 1, 4), (50, 24, 24)
SHOWN = 3
fig, panels = figure(1, 2, width=4.4, height=2.4)
for ax, state, title in zip(panels, (starts, goals[:, 0]), ("the table now", "as it should look")):
    picture(ax, look(state, papers)[SHOWN], title)
show(fig, caption="One of fifty tasks. The robot can go 2 pixels an action, so this takes several.",
     alt="Two pictures of a table with a bright and a dark disc; in the second the bright disc is elsewhere.")

# %% [markdown]
# The simplest idea: move so that the picture comes nearer to the wanted one, pixel by pixel. So ask how different the pixels
# of two pictures are in which only the robot's place differs.

# %%
def difference(see, far=25, count=600):
    """Mean absolute difference of what is seen, in bins of 2 pixels of the robot's distance from its goal."""
    now, wanted, paper = reaching(world, count, seeded(22), far=0.0)
    apart = (see(look(now, paper)) - see(look(wanted[:, 0], paper))).flatten(1).abs().mean(1)
    bins = ((now - wanted[:, 0]).norm(dim=1) / 2).long()
    return [float(apart[bins == b].mean()) for b in range(far // 2 - 2)]


pixels = difference(lambda frames: frames)
fig, ax = figure(height=2.4)
ax.plot(range(1, 2 * len(pixels), 2), pixels, "-o", color=colour("muted"), markersize=4)
ax.set(xlabel="the robot's distance from its goal / pixels", ylabel="difference of the pixels", ylim=(0, None))
show(fig, caption="Beyond five pixels, a little more than the robot's width, the pictures are equally different wherever "
                  "it stands. Pixels say that it is elsewhere, not where to go.",
     alt="A curve that rises steeply up to five pixels and is flat from there.")

# %% [markdown]
# So we need another way of seeing, in which near is near, and a way of knowing what actions do. V-JEPA 2-AC first learns to
# see, from many films and no actions, then to act, from few.
#
# ## Play
#
# First the films: 2,000 of 16 frames. Somebody moves the robot about and into the puck; the actions are not recorded. `watch`
# trains an encoder on them. Arguments that mean nothing to you yet are switches for experiments further down.

# %%
films = world.episodes(2000, 15, seeded(1)).frames


def watch(films, name="watching", encoder=PlaceEncoder, centred=True, seed=0):
    """Stage one: an encoder that has seen films and no action."""
    torch.manual_seed(seed)
    model = Watcher(encoder(), dim=16)  # eight places

    def draw(step, generator):
        return films[torch.randint(len(films), (16,), generator=generator)]

    fit(model, lambda m, batch: watching_loss(m, batch, centred=centred), draw, steps=settings["watch"],
        learning_rate=0.003, weight_decay=1e-4, warmup=0.1, clip=2.0, seed=seed, title=name,
        checkpoint=checkpoint(f"ac {name} {seed}"))
    return model.encoder.cpu()


encoder = watch(films)

# %% [markdown]
# Then the moves: 70 episodes of 15, with actions. The encoder is frozen, so every frame is encoded once. What learns is a
# small network that takes a latent and an action to the next latent.

# %%
moves = world.episodes(70, 15, seeded(11))


def act(encoder, moves, name="acting", sample=films[:64], rollout=4, hidden=(64, 64), rate=0.005, seed=0,
        layer_norm=False, times=1):
    """Stage two: a predictor of the frozen encoder's latents, given actions. The latents' scale is that of `sample`."""
    torch.manual_seed(seed)
    eyes = deepcopy(encoder)
    frozen = LayerNormed(eyes) if layer_norm else FrozenEncoder(eyes, sample.flatten(0, 1))
    model = VJEPA2AC(frozen, ActionPredictor(16, world.reach, hidden, layer_norm))
    with torch.no_grad():
        z = model.encode(moves.frames)

    def draw(step, generator):
        i = torch.randint(len(z), (64,), generator=generator)
        return z[i], moves.actions[i]

    fit(model, lambda m, batch: acting_loss(m, *batch, rollout=rollout), draw, steps=times * settings["act"],
        learning_rate=rate, weight_decay=1e-4, warmup=0.05, clip=2.0, seed=seed, title=name,
        checkpoint=checkpoint(f"ac {name} {seed}"))
    return model.cpu()


model = act(encoder, moves)

# %% [markdown]
# To draw what the network imagines we need a ruler: a linear map from latents to the two places, fitted on films that neither
# training nor planning sees. A *planner* will try 128 plans of two actions in imagination, keep the 12 that end nearest to
# the goal's latent, and try again around them, five times.

# %% tags=["hide-input"]
from wm_core.artefacts import export_onnx

held_out, test = world.episodes(200, 15, seeded(2)), world.episodes(300, 15, seeded(3))
planner = CEM(horizon=2, samples=128, elites=12, iterations=5, spread=1.5)


@torch.no_grad()
def ruler(see):
    """A linear probe from latents to (x, y) of robot and puck, in pixels."""
    return LinearProbe(see(held_out.frames).flatten(0, 1), held_out.states.flatten(0, 1), ridge=1e-4)


class Look(nn.Module):
    """A frame to its latent, and the places read from it: the first network of the live figure."""

    def __init__(self, model):
        super().__init__()
        self.model, self.read = model, ruler(model.encode).as_linear()

    def forward(self, frame):
        z = self.model.encode(frame)
        return z, self.read(z)


class Imagine(Look):
    """Many plans at once: how far each ends from the goal's latent, and the places on the way. The second."""

    def forward(self, z, actions, goal):
        path = self.model.rollout(z.expand(len(actions), -1), actions)
        return (path[:, -1] - goal).abs().mean(-1), self.read(path)


GRID = torch.linspace(-world.reach, world.reach, 11)  # 0.4 pixels from one line to the next
FIRST = torch.stack(torch.meshgrid(GRID, GRID, indexing="xy"), -1).flatten(0, 1)  # (121, 2) first actions


class Landscape(nn.Module):
    """How far each first action of the grid leads from the goal's latent: (n, dim) twice -> (n, 121). The third."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, z, goal):
        after = self.model.predict(z[:, None].expand(-1, len(FIRST), -1), FIRST.expand(len(z), -1, -1))
        return (after - goal[:, None]).abs().mean(-1)

# %% tags=["hide-input"]
now, wanted = look(starts, papers)[[SHOWN]], look(goals[:, 0], papers)[[SHOWN]]
plans = torch.randn(planner.samples, planner.horizon, 2, generator=seeded(0))
with torch.no_grad():
    z, goal = model.encode(now), model.encode(wanted)
    energy = Landscape(model)(z, goal)[0]
networks = {"look": export_onnx(Look(model), {"frame": now}, ["z", "places"]),
            "imagine": export_onnx(Imagine(model), {"z": z, "actions": plans, "goal": goal}, ["cost", "places"]),
            "landscape": export_onnx(Landscape(model), {"z": z, "goal": goal}, ["energy"])}


def draw_landscape(ax, energy):
    """Energies over first actions, dark where they are low."""
    edge = world.reach * 1.1
    ax.imshow(energy.view(11, 11), extent=(-edge, edge, edge, -edge), cmap="gray", interpolation="nearest")
    turn = torch.linspace(0, 2 * math.pi, 100)
    ax.plot(world.reach * turn.cos(), world.reach * turn.sin(), color=colour("muted"), linewidth=1)
    ax.set(xlabel="first action, right / pixels", ylabel="down / pixels")
    ax.grid(False)


poster, panels = figure(1, 3, width=6.6, height=2.7)
for ax, frame, title in zip(panels, (wanted, now), ("goal", "table")):
    picture(ax, frame[0], title)
draw_landscape(panels[2], energy)
live("reach", model=networks, poster=poster, size=world.size, robot=world.robot, puck=world.puck, reach=world.reach,
     parts=world.parts, horizon=planner.horizon, samples=planner.samples, elites=planner.elites,
     iterations=planner.iterations, spread=planner.spread, floor=planner.floor, momentum=planner.momentum,
     actions=16,
     papers=[paper.flatten().mul(1e4).round().div(1e4).tolist() for paper in papers[[SHOWN, 1, 4]]],
     start=starts[SHOWN].tolist(), goal=goals[SHOWN, 0].tolist(),
     caption="Drag the robot in the goal picture, or move it with the arrow keys, and press Go. On the right: every first "
             "action, dark where the network expects to end near the goal, and the plans that the search tries. On the "
             "table: the robot (blue) and where the network imagines it after the plan (orange ring). Then drag the puck.",
     alt="A goal picture that the reader arranges, the table on which the robot moves there, and the energy of its actions.")

# %% [markdown]
# The robot finds its place from nearly anywhere. Now drag the puck of the goal elsewhere, and it mostly fails: it goes where
# the picture has the robot, and the puck does not get to its place. *Errands* comes back to that.
#
# ## The idea
#
# ![Diagram: films go through a trained encoder and a guesser, whose guess is compared with the next latent; then the encoder is frozen, and a trained predictor takes a latent and an action to the next, and again; then both are frozen, and the energy is how far the last prediction is from the goal picture's latent](../../book/_static/diagrams/v_jepa_2_ac.svg)
#
# The order is that of Assran and colleagues ([2025](https://arxiv.org/abs/2506.09985),
# [entry](../../book/bibliography.md#assran2025)). **Watch**: train an encoder on films without actions. **Act**: freeze it,
# and train a predictor of its latents from interactions. **Plan**: search for actions whose predicted latent is near that of
# a picture of the goal. Nobody names an object, gives a coordinate or a reward.
#
# V-JEPA 2 watched over a million hours of video. Its encoder, a vision transformer, has a billion parameters and filled in
# what was hidden. Its predictor, V-JEPA 2-AC, has 300 million and learned from less than 62 hours of robot trajectories
# (Droid). Ours are a million times and nearly fifty thousand times smaller. That forces three differences.
#
# * Our **films** show the same kind of table that the robot will work on. Theirs show anything.
# * Our **encoder** guesses the next latent instead of filling in hidden patches, and its latent is a list of *places*. Eight
#   queries look over the picture; each answers with the mean place of what it attends to. Robot learning knows this as the
#   spatial soft-argmax (Levine and colleagues, [2016](https://arxiv.org/abs/1504.00702),
#   [entry](../../book/bibliography.md#levine2016); Finn and colleagues, [2016](https://arxiv.org/abs/1509.06113),
#   [entry](../../book/bibliography.md#finn2016)). It is a strong hint; *What breaks* takes it out.
# * Our **latent** is 16 numbers, not a feature for each patch; our predictor sees one, not a history.

# %% tags=["hide-input"]
with torch.no_grad():
    attention = encoder.looks(now)[0].view(8, 12, 12)
    answers = 12 + 4 * encoder(look(starts, papers)).view(-1, 8, 2)  # in pixels, on all fifty tables
near_to = lambda place: int(((answers - place[:, None]).norm(dim=-1).median(0).values < 2).sum())
on_robot, on_puck = near_to(starts[:, :2]), near_to(starts[:, 2:])
fig, panels = figure(2, 4, width=5.6, height=3.1)
for ax, where in zip(panels.flat, attention):
    ax.imshow(now[0], cmap="gray", vmin=0, vmax=1, extent=(0, 24, 24, 0))
    ax.contour(torch.arange(12) * 2 + 1, torch.arange(12) * 2 + 1, where, levels=[float(where.max()) / 4],
               colors=[colour("imagined")], linewidths=2)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
show(fig, caption=f"Where each of the eight queries looks: inside the orange line its attention is above a quarter of its "
                  f"peak. {on_robot} answer with the robot's place, {on_puck} with the puck's. Nobody named the discs. But half "
                  "of the queries start as the opposites of the other half, which suits a bright disc and a dark one.",
     alt="Eight copies of the first picture with outlines around the bright disc or the dark one.")

# %% [markdown]
# ## The mathematics
#
# **Watching.** Let $o_t$ be a frame and $f_\theta$ the encoder. Query $q$ gives each cell $c$ of the picture a share of attention
# $\alpha_{qc}$, a softmax over the cells, and its answer is the mean place (`PlaceEncoder`)
#
# $$ f_\theta(o)_q = \sum_c \alpha_{qc}\, p_c, \qquad \sum_c \alpha_{qc} = 1, $$
#
# with $p_c$ the cell's place. Write $y_t = f_\theta(o_t)$. A small network $w$ guesses the next latent from the last two, and
# two terms keep the latents from collapsing. They are VICReg's (Bardes and colleagues,
# [2022](https://arxiv.org/abs/2105.04906), [entry](../../book/bibliography.md#bardes2022)), with a change: they see what is left
# when each film's mean $\bar y$ is taken out (`watching_loss`):
#
# $$ \mathcal L_{\text{watch}} = 5\,\big\langle (y_t + w(y_{t-1}, y_t) - y_{t+1})^2\big\rangle
# + \mathcal L_{\text{var}}(y_t - \bar y) + \mathcal L_{\text{cov}}(y_t - \bar y). $$
#
# $\mathcal L_{\text{var}}$ is how far each standard deviation falls *short* of 1 and $\mathcal L_{\text{cov}}$ the mean
# squared covariance, as in the first chapter, but over all frames of the batch. Wallpaper does not change within a film.
# Subtract the film's mean, and it cannot supply the variance that is asked for. Only what moves can.
# $\mathcal L_{\text{cov}}$ forbids copies, and the queries copy each other all the same: of sixteen numbers that are asked
# for, only four move on this table.
#
# **Acting.** The latent of a frame is $z_t = N(y_t)$, and $N$ brings each number to mean 0 and deviation 1 over the films. The
# paper's $N$ is a layer norm; *What breaks* says why ours is not. The predictor adds what an action changes,
# $P_\phi(z, a) = z + g_\phi(z, a)$. Two losses train it. **Teacher forcing** predicts one step from each actual latent
# (`teacher_forcing`):
#
# $$ \mathcal L_{\text{tf}} = \big\langle \lvert P_\phi(z_t, a_t) - z_{t+1} \rvert \big\rangle. $$
#
# **Rollout** feeds predictions back for $k$ steps and compares the last (`rollout_error`; $k = 2$ in the paper, 4 here):
#
# $$ \mathcal L_{\text{roll}} = \big\langle \lvert \hat z_{t+k} - z_{t+k} \rvert \big\rangle, \qquad
# \hat z_{t} = z_t, \quad \hat z_{s+1} = P_\phi(\hat z_s, a_s). $$
#
# The gradient flows through the predictions that were fed back, so the first step answers for what it does to the last.
# Brackets are means over all numbers. Both terms count alike (`acting_loss`).
#
# **Planning.** With $z_t$ the latent now and $z_g$ that of the goal's picture, the *energy* of a plan is
#
# $$ E(a_t, \dots, a_{t+H-1}) = \big\langle \lvert \hat z_{t+H} - z_g \rvert \big\rangle, \qquad \hat z_t = z_t, \quad
# \lVert a_s \rVert \le 2\ \text{pixels}, $$
#
# a prediction error again: low where the imagined future looks like the goal (`to_goal`, `within`). The cross-entropy method
# (Rubinstein, [1999](https://doi.org/10.1023/A:1010091220143), [entry](../../book/bibliography.md#rubinstein1999)) looks for its
# least. Draw plans from a normal distribution, keep the best few, fit the distribution to them, draw again. Then do the first
# action, look, and plan anew (`drive`).
#
# | | plan's length | samples | kept | rounds | old mean kept |
# |---|---|---|---|---|---|
# | V-JEPA 2-AC's published demonstration | 2 | 400 | 10 | 10 | 0.15 |
# | here | 2 | 128 | 12 | 5 | 0.10 |
#
# ## The code
#
# The losses, the planner, which knows a world model by `rollout` alone, and `drive`, which uses it. The rollout loss is left
# to you.

# %%
source(watching_loss, teacher_forcing, CEM.plan, drive)

# %% [markdown]
# ## The experiment
#
# **Seeing.** If watching works, a ruler reads robot and puck off the latent to within half a pixel, and reads nothing of the
# wallpaper; and the difference of two latents keeps growing where that of the pixels was flat.

# %% tags=["nbval-check-output"]
@torch.no_grad()
def seen_by(see):
    """R² and mean error / pixels for robot and puck on fresh films, and R² of the wallpaper at sixteen places."""
    z, fresh, row = see(held_out.frames), see(test.frames), []
    for part in (slice(0, 2), slice(2, 4)):
        read = LinearProbe(z.flatten(0, 1), held_out.states[..., part].flatten(0, 1), ridge=1e-4)
        actual = test.states[..., part].flatten(0, 1)
        row += [read.r2(fresh.flatten(0, 1), actual), float((read(fresh.flatten(0, 1)) - actual).norm(dim=1).mean())]
    coarse = [made.wallpaper[:, ::6, ::6].flatten(1) for made in (held_out, test)]
    return [*row, round(LinearProbe(z[:, 0], coarse[0], ridge=1e-3).r2(fresh[:, 0], coarse[1]), 2) + 0.0]


torch.manual_seed(0)
watched, unwatched = seen_by(encoder), seen_by(PlaceEncoder())
head = ["what the ruler reads from", "R², robot", "error / pixels", "R², puck", "error / pixels ", "R², wallpaper"]
table(head, [["the encoder, after watching", *watched], ["the same encoder, before", *unwatched]], digits=2)

# %% tags=["hide-input"]
with torch.no_grad():
    latents = difference(model.encode)
fig, ax = figure(height=2.6)
for curve, shade, name in ((latents, "imagined", "latents"), (pixels, "muted", "pixels")):
    ax.plot(range(1, 2 * len(curve), 2), torch.tensor(curve) / max(curve), "-o", color=colour(shade), markersize=4,
            label=name)
ax.set(xlabel="the robot's distance from its goal / pixels", ylabel="difference / its largest", ylim=(0, 1.05))
ax.legend()
show(fig, caption="In latents, near is near and far is far, across the whole table. Every step towards the goal shows.",
     alt="The latents' difference rises almost in a straight line; that of the pixels is flat from five pixels on.")

# %% [markdown]
# Robot and puck come out to half a pixel or better, of the wallpaper nothing; before watching, some three pixels off.
#
# **Reaching.** Sixteen looks, each with a plan of two actions. A task is solved if the robot *ends* within 1.5 pixels of its
# place. We expect most of the fifty. Beside it stand floors and references: to stay; to move at random; the encoder *before*
# it has watched, with the same moves; to search with the same planner in the world itself, judged by pixels, as a flawless
# pixel predictor could if pixels were also its measure of near; and to go straight, told where robot and goal are. This is
# one seed; *At scale* has three.

# %%
TABLE = dict(step=world.step, bound=within(world.reach))


@torch.no_grad()
def by_pictures(model, start, goals, paper, planner=planner, steps=16):
    """Drive by what the model sees in pictures of the table and of the goals (n, k, 4), one after the other."""
    see = lambda state: model.encode(look(state, paper))
    costs = [to_goal(see(goal)) for goal in goals.unbind(1)]
    return drive(planner, model, start, costs, see=see, generator=seeded(0), steps=steps, **TABLE)


def by_pixels(start, goals, paper, planner=planner):
    """Drive with the world itself as the model, judged by the pixels of the last picture."""
    itself = SimpleNamespace(rollout=lambda states, actions: world.walk(states, actions)[:, 1:])
    wanted = look(goals[:, 0], paper)[:, None]
    cost = lambda path, actions: (world.draw(path[:, :, -1], paper) - wanted).abs().mean((-1, -2))
    return drive(planner, itself, start, [cost], see=lambda state: state, generator=seeded(0), **TABLE)


def solved(path, goals, part=slice(0, 2)):
    """Share of episodes that end within 1.5 pixels of the last goal, with its interval; the robot's by default."""
    off = (path[:, -1] - goals[: len(path), -1])[:, part].norm(dim=1)
    return wilson(int((off < 1.5).sum()), len(off))


def success(net):
    """Share of the fifty tasks that a network solves, with its interval."""
    return solved(by_pictures(net, starts, goals, papers), goals)

# %% tags=["nbval-check-output"]
SLOW = 15  # so many of the fifty tasks for the references that have to draw hundreds of thousands of pictures
few = starts[:SLOW], goals[:SLOW], papers[:SLOW]
torch.manual_seed(0)
blank = act(PlaceEncoder(), moves, "acting, never watched", sample=moves.frames)
ours = by_pictures(model, starts, goals, papers)
straight = [starts]
for _ in range(16):
    straight.append(world.step(straight[-1], (goals[:, 0] - straight[-1])[:, :2]))
paths = {"stay": starts[:, None],
         "move at random": world.walk(starts, world.episodes(50, 16, seeded(4)).actions),
         "the world itself, judged by pixels (15 tasks)": by_pixels(*few),
         "the same, plans of six (15 tasks)": by_pixels(*few, planner=CEM(6, 128, 12, 5, spread=1.5)),
         "imagined latents, never watched": by_pictures(blank, starts, goals, papers),
         "imagined latents (ours)": ours,
         "straight, told the places": torch.stack(straight, 1)}
reached = {name: solved(path, goals) for name, path in paths.items()}
away = lambda path: round(float((path[:, -1] - goals[: len(path), -1])[:, :2].norm(dim=1).mean()), 2)
rows = [[name, reached[name], away(path)] for name, path in paths.items()]
table(["50 tasks, 16 actions", "solved (95 % interval)", "distance at the end / pixels"], rows, digits=2)

# %% [markdown]
# Eight places that nobody trained reach some of the goals. Watching reaches the rest. A search in the world itself, without
# any error of imagination, loses to one that imagines: its judge, the difference of pixels, says nothing from afar, and plans
# of six actions do not help it.
#
# **The landscape.** For one task, the energy of every first action. The search only knows it at its own dots. If the model
# knows what actions do, then for a goal one action away the lowest cell is that of the action or a neighbour. We try 200
# moves.

# %% tags=["hide-input"]
rounds = []
planner.plan(model, z, to_goal(goal), bound=within(world.reach), generator=seeded(5), record=rounds)


def population(round):
    """First actions that are tried in one round."""
    fig, ax = figure(width=3.6, height=3.4)
    draw_landscape(ax, energy)
    tried, kept = rounds[round - 1].actions[0, :, 0], rounds[round - 1].costs[0].argsort()[: planner.elites]
    ax.plot(*tried.T, ".", color=colour("rival"), markersize=4)
    ax.plot(*tried[kept].T, "o", color=colour("imagined"), markersize=5, markerfacecolor="none")
    ax.set(title=f"round {round}", xlim=(-2.2, 2.2), ylim=(2.2, -2.2))
    return fig


explore(population, round=[1, 2, 3, 4, 5],
        caption="Dark cells: first actions after which the network expects to be near the goal. Violet: the plans tried. "
                "Orange: those that are kept. The cloud walks to the dark side and shrinks.",
        alt="A grey map of energies with a cloud of dots that gathers at its darkest edge.")

# %%
single = world.episodes(200, 1, seeded(5))
doable = FIRST.norm(dim=1) <= world.reach + 1e-4  # the cells that the robot can do
can = FIRST[doable]
with torch.no_grad():
    before, after = model.encode(single.frames).unbind(1)
    energies = Landscape(model)(before, after)[:, doable]
cell = lambda action: ((action + world.reach) / 0.4).round()  # its row and column in the grid
near = (cell(can) - cell(single.actions)).abs().amax(-1) <= 1  # (200, cells): that of the true action, or a neighbour
lowest = energies.argmin(1)
hits, constant = float(near[range(200), lowest].float().mean()), float(near.float().mean(0).max())
miss = float((can[lowest] - single.actions[:, 0]).norm(dim=1).mean())
pushes = int(((single.states[:, 1] - single.states[:, 0])[:, 2:].abs().amax(1) > 1e-4).sum())
print(f"The lowest cell is the true action's or one of its eight neighbours in {hits:.0%} of 200 moves;")
print(f"a cell drawn at random in {near.float().mean():.0%}, the best single cell for all moves in {constant:.0%}.")
print(f"It lies {miss:.2f} pixels from the true action, on average; a cell is 0.4 wide. {pushes} moves push the puck.")

# %% [markdown]
# Nearly all of these moves are free. What the model knows of pushing, the errands show.
#
# **Errands.** Now the puck shall move, six pixels in some direction, and the picture shows it there with the robot behind it.
# The energy falls as either nears its place. To push, the robot must first go round the puck, away from its own, and a plan
# of two actions does not see that far. So we try plans of four, and what V-JEPA 2-AC does with long tasks: pictures of steps
# on the way. Here three: the robot behind the puck, half-way, done. An errand of 36 actions is done if the *puck* ends within
# 1.5 pixels of its place.

# %% tags=["nbval-check-output"]
begin, way, cloths = errands(world, 30, seeded(31))  # way (30, 3, 4): behind the puck, half-way, done
puck, done, longer = slice(2, 4), way[:, -1:], CEM(4, 128, 12, 5, spread=1.5)
ways = {("one picture", 2): by_pictures(model, begin, done, cloths, steps=36),
        ("one picture", 4): by_pictures(model, begin, done, cloths, steps=36, planner=longer),
        ("three pictures", 2): by_pictures(model, begin, way, cloths, steps=36),
        ("three pictures", 4): by_pictures(model, begin, way, cloths, steps=36, planner=longer)}
pushed = {how: solved(path, done, puck) for how, path in ways.items()}
table(["goal", "actions in a plan", "puck in its place (95 % interval)", "robot in its place"],
      [[*how, pushed[how], solved(path, done)[0]] for how, path in ways.items()], digits=2)
guided = ways["three pictures", 4]
missed = (guided[:, -1] - done[:, 0])[:, puck].norm(dim=1) >= 1.5
early = (guided[:, 12] - begin)[:, puck].norm(dim=1) > 1  # it should still stand where it stood
print(f"The puck was moved too early in {early[missed].sum()} of {missed.sum()} errands that failed, "
      f"and in {early[~missed].sum()} of {(~missed).sum()} that were done.")

# %% tags=["hide-input"]
alone = ways["one picture", 2]
astray = (alone[:, -1] - done[:, 0])[:, puck].norm(dim=1) > 3
took = (alone[:, -1] - done[:, 0])[:, :2].norm(dim=1) < 1.5
cases = (astray & took & ~missed).nonzero()[:, 0]
CASE = int(cases[0])
fig, panels = figure(2, 3, width=5.6, height=4.0)
states = [begin[CASE], *way[CASE, [0, 2]], begin[CASE], alone[CASE, -1], guided[CASE, -1]]
titles = ["start", "first picture", "last picture", "start", "one picture: end", "three pictures: end"]
for ax, state, title in zip(panels.flat, states, titles):
    picture(ax, look(state[None], cloths[[CASE]])[0], title, extent=(0, 24, 24, 0))
for ax, path in zip(panels[1, 1:], (alone, guided)):
    ax.plot(*path[CASE, :, :2].T, color=colour("actual"), linewidth=1.5)
show(fig, caption="An errand. Above: the start and two of the three pictures. Below: where it ends, with the robot's way in "
                  "blue. With the last picture alone (plans of two) the robot takes its own place and the puck ends elsewhere; "
                  f"so it goes in {int((astray & took).sum())} of 30 errands. In {len(cases)} of them three pictures and plans "
                  "of four help.",
     alt="Six pictures of a table; in the lower middle the puck is not where it should be, at the lower right it is.")

# %% [markdown]
# One picture is hardly ever enough, and a plan of four does not cure it. With pictures on the way about half of the errands
# are done, or more; each step is then a reach of a few pixels, or a straight push. Many others went wrong early: on its way
# round the robot bumped the puck, which hardly happened where the errand was done. No picture says how to mend that.
#
# **How few moves are enough?** And did watching help, or would the same moves have taught the robot to see as well? We train
# with 60, 210, 1,050 and 6,000 moves. *Watched first* has the encoder of the 2,000 films. *From scratch* does all with the
# moves: it watches their frames for as many updates, takes the scale of its latents from them, then learns to act. A full run
# of this file did these trainings; the page loads its networks and measures some again.

# %% tags=["hide-input"]
from wm_core.artefacts import load, published, save

MOVES, SEEDS, ARMS = (4, 14, 70, 400), (0, 1, 2), ("watched first", "from scratch")  # MOVES: episodes of 15 moves
PREDICTORS = {"one hidden layer of 256": dict(hidden=(256,), rate=0.01), "two hidden layers of 64": {}}
CAMERAS = {"clean": 0.0, "grainy": 0.2}
LOSSES = {"teacher forcing": dict(rollout=0), "three times as long": dict(rollout=0, times=3), "and a rollout": dict(rollout=4)}
plenty = world.episodes(400, 15, seeded(12))


def grainy(frames, grain, seed):
    """What a camera in dim light makes of frames."""
    return frames + grain * torch.randn(frames.shape, generator=seeded(seed)) if grain else frames


def unopposed():
    """An encoder whose eight queries start each on its own."""
    eyes = PlaceEncoder()
    eyes.queries.reset_parameters()
    return eyes


def train_all():
    """Every network that the full run leaves behind, by name."""
    made = {"encoder": encoder, "uncentred": watch(films, "uncentred", centred=False),
            "patches": watch(films, "patches", encoder=lambda: PatchEncoder(24, 16)),
            "unopposed": watch(films, "unopposed", encoder=unopposed)}
    made["layer norm"] = act(encoder, moves, "layer norm", layer_norm=True)
    for seed in SEEDS:
        for n in MOVES:
            some = type(plenty)(*(part[100 * seed : 100 * seed + n] if n < 400 else part for part in plenty))
            made[f"watched first, {n}, {seed}"] = act(encoder, some, f"watched {n}", seed=seed)
            eyes = watch(some.frames, f"scratch {n}", seed=seed)
            made[f"from scratch, {n}, {seed}"] = act(eyes, some, f"scratch alone {n}", sample=some.frames, seed=seed)
        for camera, kind, loss in product(CAMERAS, PREDICTORS, LOSSES):
            seen = plenty._replace(frames=grainy(plenty.frames, CAMERAS[camera], seed=13))
            name = f"{kind}, {camera}, {loss}"
            made[f"{name}, {seed}"] = act(encoder, seen, name, seed=seed, **PREDICTORS[kind], **LOSSES[loss])
    return nn.ModuleDict(made)

# %% tags=["nbval-check-output"]
def place_for(name):
    """A network of the right shape for the weights of that name."""
    if name in ("encoder", "uncentred", "unopposed", "patches"):
        return PatchEncoder(24, 16) if name == "patches" else PlaceEncoder()
    normed = name == "layer norm"
    eyes = LayerNormed(PlaceEncoder()) if normed else FrozenEncoder(PlaceEncoder(), films[0])
    hidden = PREDICTORS.get(name.split(", ")[0], {}).get("hidden", (64, 64))
    return VJEPA2AC(eyes, ActionPredictor(16, world.reach, hidden, normed))


if scale_name() == "full":
    shelf = train_all()
    noted = {f"solved, {arm}, {n}, {seed}": success(shelf[f"{arm}, {n}, {seed}"])[0]
             for arm in ARMS for n in MOVES for seed in SEEDS}
else:
    kept = load(published("v_jepa_2_ac"))
    noted = kept.manifest.claims
    shelf = kept.into(nn.ModuleDict({name: place_for(name) for name in kept.manifest.config["networks"]}))
share = {(arm, n): mean_and_range([noted[f"solved, {arm}, {n}, {seed}"] for seed in SEEDS]) for arm in ARMS for n in MOVES}
table(["solved, 3 seeds, full run", *ARMS],
      [[f"{15 * n} moves", *(share[arm, n] for arm in ARMS)] for n in MOVES]
      + [["210, one measured here (95 %)", *(success(shelf[f"{arm}, 14, 0"]) for arm in ARMS)]], digits=2)

# %% tags=["hide-input"]
fig, ax = figure(height=2.7)
for arm, shade in zip(ARMS, ("imagined", "rival")):
    mean, low, high = zip(*(share[arm, n] for n in MOVES))
    ax.plot([15 * n for n in MOVES], mean, "-o", color=colour(shade), label=arm)
    ax.fill_between([15 * n for n in MOVES], low, high, color=colour(shade), alpha=0.2, linewidth=0)
ax.set(xlabel="moves to learn from", ylabel="tasks solved", xscale="log", ylim=(0, 1.02))
ax.legend(loc="lower right")
show(fig, caption="Watching first pays where moves are few. With thousands of them the robot learns to see from the same "
                  "moves. Bands: three seeds; up to 1,050 moves each has its own draw of them. The encoder that watched is the "
                  "same one throughout.",
     alt="Two rising curves of success over the number of moves; the one with watching rises earlier, then they meet.")

# %% [markdown]
# **What the rollout loss adds.** Imagine eight actions ahead from one picture, and compare with what the encoder says of the
# actual frames. All rows have the same frozen encoder, 6,000 moves and three seeds. Two predictors: a wide hidden layer, or
# our two narrow ones. Two cameras: the clean one, and one that adds to each pixel noise of standard deviation 0.2 (black is
# 0, white 1), while learning and at the start of each imagined path. A rollout of 4 evaluates the predictor (15 + 4 · 12) /
# 15 = 4.2 times as often, so teacher forcing also gets three times the updates.

# %% tags=["nbval-check-output"]
@torch.no_grad()
def eight_steps(net, grain):
    """Mean absolute latent error eight actions after the only look."""
    z, clean = net.encode(grainy(test.frames[:, 0], grain, seed=14)), net.encode(test.frames[:, 8])
    return float((net.rollout(z, test.actions[:, :8])[:, -1] - clean).abs().mean())


far_off = {(kind, camera, loss): [eight_steps(shelf[f"{kind}, {camera}, {loss}, {seed}"], CAMERAS[camera]) for seed in SEEDS]
           for kind, camera, loss in product(PREDICTORS, CAMERAS, LOSSES)}
hundredths = lambda errors: mean_and_range([100 * error for error in errors])
table(["error × 100", *LOSSES],
      [[f"{'one layer' if 'one' in kind else 'two layers'}, {camera}", *(hundredths(far_off[kind, camera, loss]) for loss in LOSSES)]
       for kind, camera in product(PREDICTORS, CAMERAS)], digits=3)

# %% [markdown]
# With a clean camera the rollout loss lowers the error, by about a fifth for the wide predictor and less for ours; teacher
# forcing for three times as long does about as well, or better. With a grainy camera the rollout lowers the error of both by
# about a fifth, and patience makes things *worse*. Why?
#
# Every latent is a little off then, each in its own way. The best answer to one such latent leans towards the middle of what
# is usual, and teacher forcing learns to lean. In eight steps it leans eight times, though only the first latent was off. The
# rollout loss sees that. If this is the reason, a robot imagined by teacher forcing should stand too near the middle of the
# table. We regress where it is imagined on where it is; a slope of 1 would be right.

# %% tags=["nbval-check-output"]
read_place = ruler(shelf["two hidden layers of 64, clean, teacher forcing, 0"].encode)  # all have the same encoder


@torch.no_grad()
def slope(net, grain):
    """Of the robot's imagined place after eight steps on its actual place, both from their means."""
    path = net.rollout(net.encode(grainy(test.frames[:, 0], grain, seed=14)), test.actions[:, :8])
    imagined, actual = (at[:, :2] - at[:, :2].mean(0) for at in (read_place(path[:, -1]), test.states[:, 8]))
    return float((imagined * actual).sum() / actual.square().sum())


slopes = {(camera, loss): [slope(shelf[f"two hidden layers of 64, {camera}, {loss}, {seed}"], CAMERAS[camera]) for seed in SEEDS]
          for camera, loss in product(CAMERAS, LOSSES)}
table(["two layers: slope", *LOSSES],
      [[camera, *(mean_and_range(slopes[camera, loss]) for loss in LOSSES)] for camera in CAMERAS], digits=2)

# %% [markdown]
# It does, and with the rollout loss it stands nearer to where it should. No real camera is clean.
#
# ## The evidence

# %%
claim("After watching, the robot's place is linear in the latent: R² on fresh films", watched[0], ">=", 0.97)
claim("And so is the puck's: R²", watched[2], ">=", 0.95)
claim("The wallpaper is not: R²", watched[4], "<=", 0.1)
claim("Tasks solved by planning in imagined latents, of 50", reached["imagined latents (ours)"][0], ">=", 0.8)
claim("Watching adds to the tasks solved the share",
      reached["imagined latents (ours)"][0] - reached["imagined latents, never watched"][0], ">=", 0.3)
claim("Tasks solved by moving at random", reached["move at random"][0], "<=", 0.1)
claim("Lowest cell of the landscape is the true action's or a neighbour of it, share of 200 moves", hits, ">=", 0.85)
claim("The best single cell for all moves is, in a share of", constant, "<=", 0.3)
one, three = pushed["one picture", 4], pushed["three pictures", 4]
claim("Errands: the interval with three pictures begins above where that with one ends, by", three[1] - one[2], ">", 0)
too_early = float(early[missed].float().mean() - early[~missed].float().mean())
claim("The puck was moved too early more often in errands that failed than in those done, by the share", too_early, ">=", 0.2)
mean_off = {key: sum(errors) / len(errors) for key, errors in far_off.items()}
for kind in PREDICTORS:
    once, patient, rolled = (mean_off[kind, "grainy", loss] for loss in LOSSES)
    claim(f"Grainy, {kind}: the rollout lowers the error after 8 steps by the share", 1 - rolled / once, ">=", 0.15)
    claim(f"Grainy, {kind}: three times the updates instead lower it by the share", 1 - patient / once, "<=", 0.0)
once, patient, rolled = (mean_off["two hidden layers of 64", "clean", loss] for loss in LOSSES)
claim("Clean, two hidden layers: error with the rollout minus error after three times the updates", rolled - patient, ">=", 0.0)
claim("Grainy: the rollout brings the slope of the imagined robot's place nearer to 1, by",
      sum(slopes["grainy", "and a rollout"]) / 3 - sum(slopes["grainy", "teacher forcing"]) / 3, ">=", 0.02)
claim("With 210 moves, watching first solves more tasks by the share, mean of 3 seeds",
      share["watched first", 14][0] - share["from scratch", 14][0], ">=", 0.1)
claim("With 6,000 moves the difference is at most", abs(share["watched first", 400][0] - share["from scratch", 400][0]),
      "<=", 0.1)

# %% [markdown]
# ## What breaks
#
# **See everything.** Take the variance over all frames instead of within each film, as VICReg has it. Or take the first
# chapter's encoder, which can say anything about a picture. Or let all queries start on their own, none as another's
# opposite. All have watched the same films, in the full run, one seed each.

# %% tags=["nbval-check-output"]
blind = {"not centred": seen_by(shelf["uncentred"]), "no places": seen_by(shelf["patches"]),
         "queries not opposed": seen_by(shelf["unopposed"]), "ours": seen_by(shelf["encoder"])}
table(head, [[name, *row] for name, row in blind.items()], digits=2)
normed = success(shelf["layer norm"])
print(f"layer norm instead of standardising: {normed[0]:.2f} of the tasks ({normed[1]:.2f} to {normed[2]:.2f})")
claim("Not centred, the wallpaper is read: R²", blind["not centred"][4], ">=", 0.4)
claim("Not centred, the robot is read worse: R²", blind["not centred"][0], "<=", 0.8)
claim("Without places the robot is read worse: R²", blind["no places"][0], "<=", 0.9)

# %% [markdown]
# *Not centred*, the latents may differ by their wallpaper, which never changes within a film and so costs nothing to predict.
# Half of it can be read off, and the robot is four pixels off. The slow thing crowds out the moving one. *Without places* the
# robot is lost too; more films might help. So these two hints are needed here, in one seed. Without the third,
# *opposites*, this seed loses the puck and reads wallpaper; of the three seeds below two do without.
#
# *Layer norm* (one seed, with this page's moves) suits the paper's features, over a thousand numbers a patch, in which mean
# and size may say little. Ours are sixteen coordinates. Without their mean it is lost where all of it is, and without their
# size how far apart.
#
# **Plan further.** A longer plan sees further, so it should be better. Try one, two and six actions.

# %% tags=["nbval-check-output"]
ends = {h: by_pictures(model, starts, goals, papers, planner=CEM(h, 128, 12, 5, spread=1.5)) for h in (1, 6)} | {2: ours}
table(["actions in a plan", "solved (95 % interval)", "distance at the end / pixels"],
      [[str(h), solved(ends[h], goals), away(ends[h])] for h in sorted(ends)], digits=2)
claim("Plans of six end further from the goal than plans of one, by pixels", away(ends[6]) - away(ends[1]), ">=", 0.5)

# %% [markdown]
# It gets worse, and from the first. For a plain reach one action would have done; we plan two because the published
# demonstration does. The energy asks where a plan *ends*. A robot one action from its goal may choose any path of six that
# comes back in time; all cost the same. It does the first action of one and plans to be back in six again. That the model
# errs more after six steps adds to it. On the errands with three pictures, plans of four brought more pucks to their places,
# which thirty errands cannot tell from chance, and fewer robots.
#
# ## At scale
#
# The full run watches 1.7 times and acts 2.4 times as long as this page. Here is the page beside it, one seed each: training
# longer changes nothing that fifty tasks and thirty errands could show. Below, three seeds of all that is trained; the films,
# the 1,050 moves and the tasks stay.

# %% tags=["hide-input"]
def again(seed):
    """The main numbers from another seed of all that is trained. The films, the 1,050 moves and the tasks stay."""
    torch.manual_seed(seed)
    blank, eyes = PlaceEncoder(), watch(films, seed=seed)
    free = watch(films, "unopposed", encoder=unopposed, seed=seed)
    ours, forced = act(eyes, moves, seed=seed), act(eyes, moves, "acting, forced", rollout=0, seed=seed)
    nets = {"ours": ours, "without the rollout loss": forced,
            "never watched": act(blank, moves, "acting, never watched", sample=moves.frames, seed=seed)}
    walk = world.walk(starts, world.episodes(50, 16, seeded(4 + seed)).actions)
    seen = {"ours": seen_by(eyes), "queries not opposed": seen_by(free)}
    return ({f"solved, {name}, {seed}": success(net)[0] for name, net in nets.items()}
            | {f"solved, moving at random, {seed}": solved(walk, goals)[0]}
            | {f"{part} read, {name}, {seed}": row[k] for name, row in seen.items() for k, part in ((0, "robot"), (2, "puck"))}
            | {f"eight steps, ours, {seed}": eight_steps(ours, 0.0), f"eight steps, forced, {seed}": eight_steps(forced, 0.0)})

# %%
measured = {"robot's place read, R²": watched[0], "puck's place read, R²": watched[2],
            "tasks solved": reached["imagined latents (ours)"][0],
            "tasks solved, never watched": reached["imagined latents, never watched"][0],
            "lowest cell right, share of moves": hits, "errands done, three pictures": pushed["three pictures", 4][0],
            "puck moved too early: share of failed less of done": too_early,
            "plans of six end further than plans of one / pixels": away(ends[6]) - away(ends[1])}
if scale_name() == "full":
    for seed in SEEDS:
        noted |= again(seed)
    save("book/_static/models/v_jepa_2_ac", shelf, system="v_jepa_2_ac", seed=0, claims=noted | measured,
         config={**settings, "networks": list(shelf)})
note = load(published("v_jepa_2_ac")).manifest
print(f"{len(note.config['networks'])} networks, {note.provenance()}")
table(["measured", "this page", "full run"], [[name, value, note.claims[name]] for name, value in measured.items()], digits=2)

# %% tags=["nbval-check-output"]
seeds = lambda name, times=1: mean_and_range([times * note.claims[f"{name}, {seed}"] for seed in SEEDS])
NAMES = ("ours", "without the rollout loss", "never watched", "moving at random")
table(["full run, 3 seeds", "tasks solved"], [[name, seeds(f"solved, {name}")] for name in NAMES], digits=2)
table(["full run, 3 seeds", "ours", "queries not opposed"],
      [[f"{part}'s place read, R²", seeds(f"{part} read, ours"), seeds(f"{part} read, queries not opposed")]
       for part in ("robot", "puck")], digits=2)
table(["full run, 3 seeds", "with the rollout loss", "without"],
      [["error after 8 steps × 100", seeds("eight steps, ours", 100), seeds("eight steps, forced", 100)]], digits=3)
claim("Full run, 3 seeds: the least share of the tasks solved", seeds("solved, ours")[1], ">=", 0.8)
claim("Full run, 3 seeds: watching adds at least the share", seeds("solved, ours")[1] - seeds("solved, never watched")[2], ">=", 0.3)
claim("Full run, 3 seeds: the largest share solved by moving at random", seeds("solved, moving at random")[2], "<=", 0.1)
claim("With layer norm fewer tasks are solved, by the share", note.claims["solved, ours, 0"] - normed[0], ">=", 0.1)
claim("Full run: the lowest cell is right, share of moves", note.claims["lowest cell right, share of moves"], ">=", 0.85)
claim("Full run: the puck was moved too early more often in errands that failed, by the share",
      note.claims["puck moved too early: share of failed less of done"], ">=", 0.2)
claim("Full run: plans of six end further from the goal than plans of one, by pixels",
      note.claims["plans of six end further than plans of one / pixels"], ">=", 0.5)

# %% [markdown]
# Watching adds to every seed. The rollout loss adds nothing that three seeds with a clean camera could show, neither to the tasks
# solved nor to the error after eight steps.
#
# ## Exercises
#
# **1. Feed it back.** Write the rollout loss. `predict(z, a)` is the predictor, `z` (batch, time, dim) are actual latents and
# `actions` (batch, time - 1, 2) what was done between them. Roll out from every frame that has enough actions after it.

# %% tags=["exercise"]
def feed_back(predict, z, actions, steps):
    """Mean absolute error of the last of `steps` predictions, each made from the one before."""
    starts = actions.shape[1] - steps + 1  # so many frames have enough actions after them
    guess = z[:, :starts]
    for k in range(steps):
        guess = ...
    return ...


check("jepa/v_jepa_2_ac/feed_back", feed_back)

# %% tags=["solution"]
def feed_back(predict, z, actions, steps):
    """Mean absolute error of the last of `steps` predictions, each made from the one before."""
    starts = actions.shape[1] - steps + 1  # so many frames have enough actions after them
    guess = z[:, :starts]
    for k in range(steps):
        guess = predict(guess, actions[:, k : k + starts])
    return (guess - z[:, steps:]).abs().mean()


check("jepa/v_jepa_2_ac/feed_back", feed_back)

# %% [markdown]
# **2. No longer than two pixels.** Shorten actions that are too long for the robot; keep their direction, and leave the
# others as they are, also one of length zero.

# %% tags=["exercise"]
def shorten(actions, reach):
    """Actions, none longer than `reach`."""
    length = ...
    return ...


check("jepa/v_jepa_2_ac/shorten", shorten)

# %% tags=["solution"]
def shorten(actions, reach):
    """Actions, none longer than `reach`."""
    length = actions.norm(dim=-1, keepdim=True)
    return actions * (reach / length.clamp_min(reach))


check("jepa/v_jepa_2_ac/shorten", shorten)

# %% [markdown]
# **3. Enough.** Our planner tries 128 plans a round and keeps 12. How few, keeping a quarter but at least two, still solve
# 85 in a hundred of the fifty tasks? Guess, then measure 4, 8, 16, 32 and 64. Why do so few do?

# %% tags=["exercise"]
def share_with(samples):
    """The share of the tasks that a planner with so many samples solves."""
    few_samples = CEM(2, samples, max(2, samples // 4), 5, spread=1.5)
    return solved(by_pictures(model, starts, goals, papers, planner=few_samples), goals)[0]


enough = ...  # the least of the five that will do
check("jepa/v_jepa_2_ac/enough", (enough, share_with))

# %% tags=["solution"]
def share_with(samples):
    """The share of the tasks that a planner with so many samples solves."""
    few_samples = CEM(2, samples, max(2, samples // 4), 5, spread=1.5)
    return solved(by_pictures(model, starts, goals, papers, planner=few_samples), goals)[0]


enough = min(n for n in (4, 8, 16, 32, 64) if share_with(n) >= 0.85)  # the least of the five that will do
check("jepa/v_jepa_2_ac/enough", (enough, share_with))

# %% [markdown]
# So few do because the robot looks sixteen times, and each search starts from the last one's plan.
#
# ## Notes
#
# **Where this comes from.** The planner's numbers that are not in the paper are in its code. To plan by samples in frozen
# features, towards those of a goal picture, was shown before by Zhou and colleagues with DINO's
# ([2025](https://arxiv.org/abs/2411.04983), [entry](../../book/bibliography.md#zhou2025)); Terver and colleagues
# ([2025](https://arxiv.org/abs/2512.24497), [entry](../../book/bibliography.md#terver2025)) compare the choices one by one.
#
# **What is different at their size.** Their predictor is a transformer with 24 layers of width 1024. It sees all patches of
# all frames so far, the actions, and the arm's recorded position, also during a rollout. It gives the next features; ours
# adds a change. Their rollout has two steps from a clip's first frame, and their code averages over all predicted frames;
# ours starts from every frame and counts the last. Their action is seven numbers.
#
# **Where popular accounts go wrong.** *It needs no robot data.* It needs less than 62 hours of it; what it has never seen is
# the lab in which it is tried, and it gets no reward. *Tell it to put the cup on the plate.* The goal is a picture that
# somebody has to make. *From films it learned how to move.* No action is in them; it learned to see.
#
# **What this chapter does not show.** That films of anything help: ours show the robot's own table. That an encoder finds
# objects by itself: ours was built to answer in places. The camera looks straight down and never moves; the paper's robot is
# sensitive to where it stands. Nothing is hidden or gripped, and an action acts at once. The sub-goal pictures were drawn by
# us, who know how to push a puck; that a model should find its own is an open problem here as there.
