# %% [markdown]
# # One frame, then the future
#
# You will train a network that looks at a room once, closes its eyes, and still knows where the dot is fifteen pushes later.
#
# It takes about a minute on two idle CPU cores; networks this small gain little from a GPU. You need to have trained a small network
# before, and nothing else.

# %%
import torch
from torch import nn

from wm_core.generative.pixel_predictor import PixelPredictor, pixel_predictor_loss
from wm_core.jepa.action_jepa import ActionJEPA, Weights, action_jepa_loss
from wm_core.lesson import checkpoint, claim, scale, scale_name
from wm_core.lesson import check, colour, explore, figure, live, picture, show, source, table
from wm_core.metrics.intervals import mean_and_range
from wm_core.metrics.probe import LinearProbe, mean_std
from wm_core.nets.encoders import FrozenEncoder
from wm_core.training import fit
from wm_core.worlds.dot_room import DotRoom, Episodes

settings = scale(tiny=dict(steps=300, seeds=3), gpu=dict(steps=1500, seeds=3), full=dict(steps=3000, seeds=3))
torch.set_num_threads(1)  # networks this small run faster on one core than on two

# %% [markdown]
# ## The question
#
# Here is a room seen from above, with a dot in it. Every room has wallpaper of its own, and the wallpaper never moves. The dot
# moves when it is pushed, and stops at the walls. You see the first picture. Then the lights go out, and you are told the
# pushes: so much to the right, so much down, fifteen of them. Where is the dot?

# %%
room = DotRoom()
test = room.episodes(512, 15, torch.Generator().manual_seed(78))
EPISODE = 52  # one that wanders and meets walls

fig, panels = figure(1, 4, width=6.6, height=1.9)
for ax, t in zip(panels, (0, 5, 10, 15)):
    frame = test.frames[EPISODE, t] if t == 0 else torch.zeros(24, 24)
    picture(ax, frame, f"push {t}" if t else "one look")
show(fig, caption="What you get: one picture of 24 × 24 grey pixels. After that only the pushes.",
     alt="One picture of a bright dot in a room with soft wallpaper, then three black pictures.")

# %% [markdown]
# The simplest answer is to copy: the dot is where it was. The next simplest is to add up the pushes. That one sounds right, and
# would be, if the room had no walls. Let us see how wrong each becomes. We measure in *room sides*: 0.1 is a tenth of the way
# across the room, 2.4 pixels.

# %%
def distance(guess, actual):
    """Mean distance in room sides at each step: (episodes, steps, 2) twice -> (steps,)."""
    return (guess - actual).norm(dim=-1).mean(0)


start, after = test.positions[:, :1], test.positions[:, 1:]
copying = distance(start, after)
adding = distance(start + test.actions.cumsum(1), after)

fig, ax = figure()
ax.plot(range(1, 16), copying, color=colour("muted"), label="copy the first position")
ax.plot(range(1, 16), adding, color=colour("muted"), linestyle=":", label="add up the pushes")
ax.set(xlabel="pushes since the look", ylabel="error / room sides", ylim=(0, None))
ax.legend()
show(fig, caption="Adding up the pushes starts out nearly perfect. After fifteen, walls have made it almost as "
                  "wrong as copying.",
     alt="Two rising error curves. Adding starts near zero and has almost reached copying after fifteen pushes.")

# %% [markdown]
# And adding up was given the dot's true position to start from. Our network gets a picture. It has to find the dot in it, learn
# what a push does, and discover that there are walls, from nothing but films of pushes.
#
# ## Play
#
# We train it now, and look inside afterwards. `fit` is the book's training loop; the batch is 32 episodes of ten pushes.

# %%
def sample_data(batches=12):
    """3072 episodes of ten pushes each."""
    drawn = [room.episodes(256, 10, torch.Generator().manual_seed(1000 + i)) for i in range(batches)]
    return Episodes(*map(torch.cat, zip(*drawn)))


data = sample_data()


def batch_of(count, steps=10):
    """Draws `count` stretches of `steps` pushes from the data."""
    def draw(step, generator):
        i = torch.randint(len(data.frames), (count,), generator=generator)
        t = int(torch.randint(11 - steps, (1,), generator=generator))
        return data.frames[i, t : t + steps + 1], data.actions[i, t : t + steps]
    return draw

# %%
def train(seed, name="action-jepa", weights=Weights(), freeze=False, rate=0.015, steps=settings["steps"]):
    """One world model. With `freeze` its encoder stays as it was born and only the dynamics learn."""
    torch.manual_seed(seed)
    model = ActionJEPA(action_scale=room.reach)
    if freeze:
        model.encoder = FrozenEncoder(model.encoder, data.frames[:256].flatten(0, 1))
    history = fit(
        model, lambda m, batch: action_jepa_loss(m, *batch, weights), batch_of(32),
        steps=steps, learning_rate=rate, weight_decay=1e-4, warmup=0.15, clip=2.0,
        seed=seed, title=f"{name}, seed {seed}", checkpoint=checkpoint(f"{name}-{seed}"),
    )
    return model.cpu(), history


model, history = train(seed=0)

# %% [markdown]
# The model turns a frame into 16 numbers, its *latent*, and pushes those numbers forward. It never says where the dot is; nobody
# asked it to. So we fit a ruler afterwards: a linear map from latents to positions, on episodes the model has not trained on.
# What a linear map can read, the latent holds in plain form.

# %%
held_out = room.episodes(512, 6, torch.Generator().manual_seed(77))


@torch.no_grad()
def ruler(model):
    """A linear probe from this model's latents to the dot's position."""
    return LinearProbe(model.encode(held_out.frames).flatten(0, 1), held_out.positions.flatten(0, 1), ridge=1e-3)


class Look(nn.Module):
    """A frame to its latent, and the position read from it: the first network of the live figure."""

    def __init__(self, model):
        super().__init__()
        self.model, self.read = model, ruler(model).as_linear()

    def forward(self, frame):
        z = self.model.encode(frame)
        return z, self.read(z)


class Imagine(Look):
    """A latent and a push to the next latent, and the position read from it: the second."""

    def forward(self, z, action):
        z = self.model.predict(z, action)
        return z, self.read(z)

# %%
from wm_core.artefacts import export_onnx

look, pushes = test.frames[[EPISODE], 0], test.actions[[EPISODE]]
with torch.no_grad():
    z = model.encode(look)
    imagined = ruler(model)(model.rollout(z, pushes))[0]
networks = {
    "look": export_onnx(Look(model), {"frame": look}, ["z", "position"]),
    "imagine": export_onnx(Imagine(model), {"z": z, "action": pushes[:, 0]}, ["next_z", "position"]),
}
rooms = [paper.flatten().mul(1e4).round().div(1e4).tolist() for paper in test.wallpaper[[EPISODE, 1, 4, 9]]]

poster, ax = figure(width=4.2, height=4.2)
picture(ax, look[0])
to_pixels = lambda way: (way * room.size - 0.5).T
ax.plot(*to_pixels(test.positions[EPISODE]), "-o", color=colour("actual"), markevery=[-1], markersize=9)
ax.plot(*to_pixels(imagined), "--o", color=colour("imagined"), markevery=[-1], markersize=14, mfc="none", mew=2)
live("drive", model=networks, poster=poster,
     size=room.size, blob=room.blob, edge=room.edge, reach=room.reach, rooms=rooms,
     caption="Push the dot with the arrow keys, the buttons, or by dragging. The blue dot is what happens. The orange "
             "ring is what the network makes of its one picture and your pushes. Watch the drift, and push into a "
             "wall.",
     alt="A room with a dot that the reader pushes; a dashed ring shows where the network imagines it.")

# %% [markdown]
# Push into a wall. The ring stops too. Its distance from the dot, the *drift*, usually shrinks in the direction of the wall, since
# a wall tells both where they are. Keep pushing, and the ring may creep along the wall, and the drift grows again. *Look again*
# gives the network a fresh picture; some drift stays, because reading the picture has an error too. *Hide the world* leaves you
# with nothing but the imagination.
#
# ## The idea
#
# ![Diagram: frame 0 goes through the encoder to latent z0; the predictor and the pushes carry it to imagined latents; later frames go through the same encoder; the loss compares imagined with actual latents; a head tells the push from neighbouring latents](../../book/_static/diagrams/action_jepa.svg)
#
# Two networks do the work. The **encoder** takes a frame to a latent. The **dynamics** takes a latent and a push to the next
# latent. Training shows them a film. The first frame is encoded and carried forward by the pushes alone; every later frame is
# encoded too, and the imagined latent should match the actual one.
#
# Nothing here compares pixels, and that is the point. A model that draws the next frame must draw the wallpaper, all of it, every
# time. A model that predicts its own latent may leave the wallpaper out. LeCun
# ([2022](https://openreview.net/forum?id=BZ5a1r-kVsf)) calls architectures that predict representations rather than pixels
# *joint-embedding predictive architectures*, JEPA; ours is conditioned on actions.
#
# The freedom to leave things out has a price. A model may leave *everything* out: an encoder that maps each frame to zero is
# predicted perfectly. Most of this chapter is about the terms that forbid it.
#
# ## The mathematics
#
# Let $o_t$ be the frame at time $t$ and $a_t$ the push between $t$ and $t+1$. The encoder gives $z_t = f_\theta(o_t)$. The dynamics
# adds what the push changes,
#
# $$ \hat z_{t+1} = \hat z_t + g_\phi(\hat z_t, a_t), \qquad \hat z_0 = z_0, $$
#
# so imagination starts from the first frame and never looks again (`unroll`). With $N$ episodes of $T$ pushes and $D$ latent
# numbers, the prediction loss is the mean
#
# $$ \mathcal L_{\text{pred}} = \frac{1}{NTD}\sum_{n,t,d}\big(\hat z_{n,t,d} - z_{n,t,d}\big)^2 $$
#
# over every later frame (`latent_prediction`). Gradients flow into both sides, into what was imagined and into what it is compared with. Set
# $f_\theta$ to a constant and $g_\phi$ to zero, and the loss is 0. That is *collapse*.
#
# Two terms stand against it, and one keeps them honest. The first asks that each latent number should vary from episode to episode.
# If its standard deviation over the batch falls short of 1, the shortfall counts (`variance_hinge`; the small $\epsilon$ keeps the
# root's slope finite):
#
# $$ \mathcal L_{\text{var}} = \frac{1}{(T+1)D}\sum_{t,d}\max\Big(0,\; 1-\sqrt{\operatorname{Var}_n(z_{n,t,d})+\epsilon}\Big). $$
#
# The second asks that no two numbers should say the same, so that the variance is not sixteen copies of one thing. It is the mean
# squared covariance over pairs (`covariance`). Alone it forbids nothing: a constant latent has covariance 0.
#
# $$ \mathcal L_{\text{cov}} = \frac{1}{(T+1)D(D-1)}\sum_t\sum_{i\ne j}\operatorname{Cov}_n(z_{n,t,i}, z_{n,t,j})^2. $$
#
# Both come from VICReg ([Bardes, Ponce & LeCun, 2022](https://arxiv.org/abs/2105.04906)). Together they forbid a constant latent
# and a repetitive one. They do not say *what* should vary, and wallpaper varies from episode to episode as well as a dot does. So
# the third term asks a small head $m_\psi$ to tell the push from the latents before and after it (`inverse_dynamics`; $a_{\max}$ is
# the largest push along an axis):
#
# $$ \mathcal L_{\text{inv}} = \frac{1}{NT}\sum_{n,t}\tfrac12\big\lVert m_\psi(z_{n,t}, z_{n,t+1}) - a_{n,t}/a_{\max}\big\rVert^2. $$
#
# Wallpaper does not help with that question. Only the dot does. The whole loss is a weighted sum, the recipe of PLDM
# ([Sobal et al., 2025](https://arxiv.org/abs/2502.14819)) without its time-smoothness term:
#
# $$ \mathcal L = 3\,\mathcal L_{\text{pred}} + \mathcal L_{\text{var}} + 0.3\,\mathcal L_{\text{cov}} + 10\,\mathcal L_{\text{inv}}. $$
#
# Later chapters call a quantity like $\mathcal L_{\text{pred}}$ an *energy*: low where a predicted future fits. It is not the energy of physics.
#
# ## The code
#
# This is the loss as the library has it, and two of its terms. The loop that imagines and the variance term are left to you, in the exercises.

# %%
from wm_core.objectives.inverse_dynamics import inverse_dynamics
from wm_core.objectives.vicreg import covariance

source(action_jepa_loss, covariance, inverse_dynamics)

# %% [markdown]
# The training just now logged each term. Before you look: which should be the largest at the start, and which the slowest to fall?
# Will any of them rise?

# %% tags=["hide-input"]
fig, ax = figure(width=5.4)
shades = dict(prediction="imagined", variance="third", covariance="muted", inverse="ink")
for name, shade in shades.items():
    ax.plot(history.terms[name], color=colour(shade), linewidth=1.2, label=name)
ax.set(xlabel="training step", ylabel="weighted loss term", yscale="log")
ax.legend(ncols=2)
show(fig, caption="Prediction is the largest at first, because untrained dynamics invent changes. It falls at once, "
                  "rises as the latents come to say something, and falls again. Covariance only rises: latents that "
                  "say nothing cannot repeat themselves. Inverse dynamics falls slowest.",
     alt="Four loss terms over training steps on a logarithmic axis.")

# %% [markdown]
# ## The experiment
#
# If the latent holds the dot, the ruler should read it to within a pixel, 0.042 of a side. If the dynamics has learned pushes and walls, the error
# after fifteen pushes should be not much larger than after one, and a small fraction of copying's. Those are our predictions. Two rivals
# train on the same data for the same number of steps, each with three seeds.
#
# * A **random encoder**, frozen, whose dynamics alone learn. It shows what training the encoder buys.
# * A **pixel predictor** with the same encoder and dynamics and a decoder on top, trained to draw the coming frames. It has four
#   times our parameters, nearly all in the decoder, a learning rate of its own, and extra weight on pixels that move, without which
#   its dot drowns in wallpaper. A step sees 64 stretches of six pushes; with ten it did worse after one push and hardly better
#   after fifteen. We read its dot twice: off its latent with a ruler like ours, and off its own drawings.
#
# Does drawing help or hurt? The argument above says that pixels waste capacity on detail. How much that costs in a room this small
# we do not know, so we do not bet.

# %%
def train_pixels(seed):
    """The pixel predictor, with the settings that served it best."""
    torch.manual_seed(seed)
    model = PixelPredictor(action_scale=room.reach)
    fit(
        model, lambda m, batch: pixel_predictor_loss(m, *batch, motion_weight=20.0), batch_of(64, steps=6),
        steps=settings["steps"], learning_rate=0.008, weight_decay=1e-4, warmup=0.15, clip=2.0,
        seed=seed, title=f"pixels, seed {seed}", checkpoint=checkpoint(f"pixels-{seed}"),
    )
    return model.cpu()


seeds = range(settings["seeds"])
ours = [model] + [train(seed)[0] for seed in seeds if seed]
frozen = [train(seed, "random encoder", Weights(1, 0, 0, 0), freeze=True, rate=0.004)[0] for seed in seeds]
pixels = [train_pixels(seed) for seed in seeds]

# %% [markdown]
# Every model gets the same 512 fresh episodes: one frame, fifteen pushes, no second look.

# %%
@torch.no_grad()
def imagined_path(model, episodes):
    """Positions after each push, from the first frame only."""
    z = model.encode(episodes.frames[:, 0])
    return ruler(model)(model.rollout(z, episodes.actions))


@torch.no_grad()
def drawn_path(model, episodes):
    """The same, found in the pixel predictor's own drawings."""
    z = model.encode(episodes.frames[:, 0])
    drawings = model.decode(torch.cat([z[:, None], model.rollout(z, episodes.actions)], 1))
    return room.find_dot(drawings)[:, 1:]


errors = {
    "ours": [distance(imagined_path(m, test), after) for m in ours],
    "pixel predictor, its drawings": [distance(drawn_path(m, test), after) for m in pixels],
    "pixel predictor, its latent": [distance(imagined_path(m, test), after) for m in pixels],
    "random encoder": [distance(imagined_path(m, test), after) for m in frozen],
}

# %% tags=["nbval-check-output"]
def summary(runs):
    return [mean_and_range([float(e[k]) for e in runs]) for k in (0, 4, 14)]


rows = [[name, *summary(runs)] for name, runs in errors.items()]
rows += [["copy the first position", *map(float, copying[[0, 4, 14]])],
         ["add up the pushes", *map(float, adding[[0, 4, 14]])]]
table(["error / room sides: mean (least to greatest of the seeds)", "1 push", "5", "15"], rows, digits=2)

# %% [markdown]
# Ours is off by about half a pixel after one push and three quarters of one after fifteen. Adding up, which was given the true
# start, is better after one push, worse after five, and hopeless after fifteen. The random encoder is worse than copying for a
# dozen pushes, and level with it at the end: it cannot find the dot. The pixel predictor, read off its drawings, comes second.

# %% tags=["hide-input"]
fig, ax = figure(width=5.4, height=3.4)
looks = {"ours": ("imagined", "-"), "pixel predictor, its drawings": ("rival", "-"),
         "pixel predictor, its latent": ("rival", "--"), "random encoder": ("third", "--")}
for name, (shade, line) in looks.items():
    runs = torch.stack(errors[name])
    ax.plot(range(1, 16), runs.mean(0), line, color=colour(shade), label=name)
    ax.fill_between(range(1, 16), runs.amin(0), runs.amax(0), color=colour(shade), alpha=0.2, linewidth=0)
ax.plot(range(1, 16), copying, ":", color=colour("muted"), label="copy the first position")
ax.set(xlabel="pushes since the one look", ylabel="error / room sides", ylim=(0, 0.48))
ax.legend(loc="upper left", fontsize=8.5)
show(fig, caption="Ours is almost flat: fifteen pushes with closed eyes cost little more than one. Bands span the "
                  "seeds.",
     alt="Open-loop error against pushes for four models and copying. Ours lies lowest and is almost flat.")

# %% [markdown]
# Scrub through one episode. The filled dot is where the world is; the rings are what the models believe.

# %% tags=["hide-input"]
paths = {"imagined": imagined_path(ours[0], test), "rival": drawn_path(pixels[0], test), "actual": after}


def moment(push):
    """The room after so many pushes, with what each model believes."""
    fig, ax = figure(width=3.6, height=3.6)
    picture(ax, test.frames[EPISODE, push], f"after push {push}")
    for shade, path in paths.items():
        way = torch.cat([start[EPISODE], path[EPISODE]])[: push + 1] * room.size - 0.5
        filled = shade == "actual"
        ax.plot(*way.T, "-" if filled else "--", color=colour(shade), linewidth=1.5)
        ax.plot(*way[-1], "o", markersize=7 if filled else 13, markerfacecolor=colour(shade) if filled else "none",
                color=colour(shade), markeredgewidth=2)
    return fig


explore(moment, push=list(range(16)), alt="The room with the actual dot and two imagined ones.",
        caption="Blue: the world. Orange ring: ours. Violet ring: the pixel predictor's drawing. All three get the "
                "pushes; the models saw the room once.")

# %% [markdown]
# ## The evidence
#
# What we said we would see, as claims. $R^2$ is the share of the position's variance that the ruler explains: 1 is all of it, 0
# none. The bounds leave room for other machines; the numbers are this build's.

# %%
@torch.no_grad()
def dot_r2(model):
    """How much of the dot's position a linear map reads off this model's latents of fresh frames."""
    return ruler(model).r2(model.encode(test.frames).flatten(0, 1), test.positions.flatten(0, 1))


claim("The dot's position is linear in the latent: R² on fresh frames, least of the seeds", min(map(dot_r2, ours)),
      ">=", 0.97)
at15 = {name: float(torch.stack(runs)[:, 14].mean()) for name, runs in errors.items()}
claim("Error after 15 pushes from one frame, in room sides, mean of the seeds", at15["ours"], "<=", 0.05)
claim("Error after 15 pushes as a share of copying's", at15["ours"] / float(copying[14]), "<=", 0.15)
claim("Error after 15 pushes as a share of the random encoder's", at15["ours"] / at15["random encoder"], "<=", 0.15)
claim("From 1 push to 15 the error grows by the factor",
      at15["ours"] / float(torch.stack(errors["ours"])[:, 0].mean()), "<=", 2.5)
if scale_name() == "tiny":
    claim("Error after 15 pushes as a share of the pixel predictor's, both trained for 300 steps",
          at15["ours"] / at15["pixel predictor, its drawings"], "<=", 0.9)

# %% [markdown]
# The last claim needs its condition: 300 steps is early, and with more of them the pixel predictor may catch up. *At scale* looks.
# What we can say here is that our recipe gets there in fewer steps. It differs from the pixel predictor's in several ways: it need
# not draw, it is asked for the push, its latents are kept apart, and its batches and learning rate are others. This page does not
# tell these apart.
#
# The random encoder deserves a fair word too. Its 288 random features hold the dot roughly before they are squeezed into 16 random numbers:

# %%
with torch.no_grad():
    wide = frozen[0].encoder.encoder.features
    fitted = LinearProbe(wide(held_out.frames).flatten(0, 1), held_out.positions.flatten(0, 1), ridge=1e-3)
    r2_wide = fitted.r2(wide(test.frames).flatten(0, 1), test.positions.flatten(0, 1))
table(["what the ruler reads from", "numbers", "R² of the dot"],
      [["random features", 288, r2_wide], ["the random encoder's latent", 16, dot_r2(frozen[0])],
       ["our latent", 16, dot_r2(ours[0])]])

# %% [markdown]
# ## What breaks
#
# Four terms; which of them are needed? Take them out and look, with seed 0: first the variance term (you may expect collapse), then
# both of VICReg's terms, then inverse dynamics, then variance and inverse dynamics together. The loss in the table is the
# prediction loss over fifteen pushes. Beside it stand the same divided by the latent's variance, the latent's standard deviation,
# what a ruler reads of the dot, and what it reads of the wallpaper. An $R^2$ a little below 0 is a ruler that reads nothing.

# %% tags=["nbval-check-output"]
ablations = {
    "all terms": ours[0],
    "no variance": train(0, "no variance", Weights(variance=0))[0],
    "prediction, inverse only": train(0, "prediction and inverse", Weights(variance=0, covariance=0))[0],
    "no inverse dynamics": train(0, "no inverse dynamics", Weights(inverse=0))[0],
    "neither": train(0, "neither", Weights(variance=0, inverse=0), steps=100)[0],  # it needs no longer
}


@torch.no_grad()
def autopsy(model):
    """Open-loop loss, that over the variance, the standard deviation, R² of the dot and of the wallpaper."""
    z = model.encode(test.frames)
    loss = (model.rollout(z[:, 0], test.actions) - z[:, 1:]).square().mean()
    paper = LinearProbe(model.encode(held_out.frames[:, 0]), coarse(held_out), ridge=1e-3)
    return [float(loss), float(loss / z.var((0, 1)).mean()), mean_std(z[:, 0]), dot_r2(model),
            paper.r2(z[:, 0], coarse(test))]


def coarse(episodes):
    """The wallpaper at sixteen places: (episodes, 16)."""
    return episodes.wallpaper[:, ::6, ::6].flatten(1)


found = {name: autopsy(model) for name, model in ablations.items()}
table(["trained with", "loss", "loss / variance", "latent std", "R², dot", "R², wallpaper"],
      [[name, *values] for name, values in found.items()], digits=2)

# %% [markdown]
# The first column, on fresh episodes, ranks the model with every term last and the collapsed one first. It says nothing of who can see.
#
# The last row, *neither*, is collapse. Its standard deviation is thousands of times smaller than ours, and so its loss is nearly
# zero. Divide the loss by the variance and it is the worst of all: it mispredicts the little that is left.
#
# *No inverse dynamics* is more dangerous, because nothing looks wrong. Its latents vary as they should, its loss is lower than
# ours, also relative to their variance, and it cannot see the dot. It has encoded the wallpaper, which is the easiest thing in the
# world to predict. Sobal and colleagues ([2022](https://arxiv.org/abs/2211.10831)) found this in a room like ours: a moving dot, a
# background, a probe for the dot. With a background that changed at every step their JEPA did as well as drawing, or better. With a
# fixed one it failed. Their title says why: such models *focus on slow features*.
#
# *No variance* does not break, and neither does leaving out both of VICReg's terms. Inverse dynamics alone keeps the latents apart
# here, since a collapsed latent cannot name the push. In this room VICReg's terms are insurance. In a later part's world, two rooms
# joined by a door, they are not: there Terver and colleagues ([2026](https://arxiv.org/abs/2602.03604)) report that planning falls
# from 97 % success to 47 without variance, 46 without covariance, and 1 without inverse dynamics.
#
# A common wrong answer is that the loss went down, so the model got better. For any loss that compares a network with itself, ask
# two questions before you believe it: how large is the latent's standard deviation, and what can a ruler read?

# %% tags=["hide-input"]
views = []
for name in ("all terms", "no inverse dynamics", "neither"):
    with torch.no_grad():
        read = ruler(ablations[name])(ablations[name].encode(test.frames[:, 0]))
    fig, ax = figure(width=2.3, height=2.5)
    ax.plot(test.positions[:, 0, 0], read[:, 0], ".", color=colour("imagined"), markersize=3)
    ax.plot([0, 1], [0, 1], color=colour("actual"), linewidth=1)
    ax.set(title=name, xlabel="actual x / room sides", ylabel="read x / room sides", xlim=(0, 1), ylim=(0, 1))
    views.append(fig)
show(*views, caption="Position read from the latent against the actual one, a dot an episode. Blue: perfect "
                     "reading. Both damaged models read the middle of the room whatever they see.",
     alt="Three scatter plots. With all terms the points lie on the diagonal; in the others they form a flat band.")

# %%
claim("Without inverse dynamics the loss per variance is lower than with all terms, by the factor",
      found["all terms"][1] / found["no inverse dynamics"][1], ">=", 2)
claim("Without inverse dynamics the dot cannot be read: R²", found["no inverse dynamics"][3], "<=", 0.3)
claim("Without inverse dynamics the wallpaper can be read: R²", found["no inverse dynamics"][4], ">=", 0.5)
claim("Without variance and inverse dynamics the latent's standard deviation collapses", found["neither"][2], "<=",
      0.02)
claim("With prediction and inverse dynamics alone the dot is still read: R²", found["prediction, inverse only"][3],
      ">=", 0.95)

# %% [markdown]
# ## At scale
#
# `make full L=foundations/quickstart` runs this very file with ten times the training steps. One such run left its networks behind,
# with a note of where and when they were trained. Here they are, measured on the 512 episodes of this page. The question is the one
# left open above: does the pixel predictor catch up?

# %%
from wm_core.artefacts import load, published, save

shelf = {"ours": ("action_jepa", ours[0]), "pixel predictor, its drawings": ("pixel_predictor", pixels[0])}
if scale_name() == "full":
    for label, (system, trained) in shelf.items():
        curves = {"seed 0": errors[label][0], "mean of the seeds": torch.stack(errors[label]).mean(0)}
        claims = {f"error after {k} pushes, {who}": float(curve[k - 1])
                  for who, curve in curves.items() for k in (1, 5, 15)}
        save(f"book/_static/models/{system}", trained, system=system, config=settings, seed=0, claims=claims)

drawer = load(published("pixel_predictor")).into(PixelPredictor(action_scale=room.reach))
kept = load(published("action_jepa"))
again = {
    "ours": distance(imagined_path(kept.into(ActionJEPA(action_scale=room.reach)), test), after),
    "pixel predictor, its drawings": distance(drawn_path(drawer, test), after),
    "pixel predictor, its latent": distance(imagined_path(drawer, test), after),
}

# %%
note = kept.manifest
table([f"error / room sides after {note.config['steps']} steps, seed 0", "1 push", "5", "15"],
      [[name, *map(float, curve[[0, 4, 14]])] for name, curve in again.items()], digits=2)
print(note.provenance())
remembered = note.claims["error after 15 pushes, seed 0"]
claim("The kept network's error after 15 pushes differs from what its manifest says by",
      abs(float(again["ours"][14]) - remembered), "<=", 1e-3)

# %% [markdown]
# The pixel predictor catches up. With ten times the steps its drawings place the dot a little closer than our latent does after one
# push, and no worse after fifteen; over three seeds the two cannot be told apart there. So on this world there is no case against
# pixels on the ground of prediction error, once there is time to train. What differs is the latent. Ours is read with a ruler; read
# directly, the pixel predictor's is still four to five times as far off. A planner that works on latents may care; we have not
# planned yet.
#
# ## Exercises
#
# **1. Close its eyes.** Write the loop that imagines. The check tries it on a toy dynamics and says what went wrong; the usual slip
# here gives a model that never gets further than one step.

# %% tags=["exercise"]
def imagine(dynamics, z, actions):
    """z (batch, dim) and actions (batch, horizon, 2) -> imagined latents (batch, horizon, dim)."""
    imagined = []
    for a in actions.unbind(1):
        z = ...
        imagined.append(...)
    return torch.stack(imagined, 1)


check("foundations/quickstart/imagine", imagine)

# %% tags=["solution"]
def imagine(dynamics, z, actions):
    """z (batch, dim) and actions (batch, horizon, 2) -> imagined latents (batch, horizon, dim)."""
    imagined = []
    for a in actions.unbind(1):
        z = dynamics(z, a)
        imagined.append(z)
    return torch.stack(imagined, 1)


check("foundations/quickstart/imagine", imagine)

# %% [markdown]
# **2. A guard against collapse.** Write the variance term for latents of shape (batch, dim). It is zero when every dimension's standard
# deviation over the batch is at least 1, and near 1 when all latents are the same.

# %% tags=["exercise"]
def keep_apart(z, eps=1e-4):
    """How far the standard deviations over the batch fall short of 1, mean over dimensions."""
    std = ...
    return torch.relu(...).mean()


check("foundations/quickstart/keep_apart", keep_apart)

# %% tags=["solution"]
def keep_apart(z, eps=1e-4):
    """How far the standard deviations over the batch fall short of 1, mean over dimensions."""
    std = (z.var(0) + eps).sqrt()
    return torch.relu(1 - std).mean()


check("foundations/quickstart/keep_apart", keep_apart)

# %% [markdown]
# **3. When does it matter?** Fade the wallpaper. Below which contrast does a model without inverse dynamics see the dot after all
# ($R^2$ above 0.9)? Guess, then measure. In a notebook that has run to the end, put `room = DotRoom(contrast=...)` into the second
# cell, run the cells from there down to `ruler` again, and try `dot_r2(train(0, "faded", Weights(inverse=0))[0])` at 0.10, 0.05 and
# 0.02.

# %% tags=["exercise"]
threshold = ...  # a contrast; our rooms have 0.15
check("foundations/quickstart/threshold", threshold)

# %% tags=["solution"]
threshold = 0.03  # a contrast; our rooms have 0.15
check("foundations/quickstart/threshold", threshold)

# %% [markdown]
# ## Notes
#
# **Where this comes from.** Learning to predict in a feature space, kept informative by inverse dynamics, is older than the name:
# Agrawal and colleagues did it for a robot that pokes, in 2016 ([paper](https://arxiv.org/abs/1606.07419),
# [entry](../../book/bibliography.md#agrawal2016)), and Pathak and colleagues for curiosity, in 2017
# ([paper](https://arxiv.org/abs/1705.05363), [entry](../../book/bibliography.md#pathak2017)). LeCun named the joint-embedding
# predictive architecture in 2022 and argued for it ([paper](https://openreview.net/forum?id=BZ5a1r-kVsf),
# [entry](../../book/bibliography.md#lecun2022)); his has a latent variable for the many possible futures, ours does not. Variance
# and covariance are from VICReg ([entry](../../book/bibliography.md#bardes2022)), the warning about slow features from Sobal and
# colleagues, 2022 ([entry](../../book/bibliography.md#sobal2022)). The weights of PLDM, by Sobal, Zhang and colleagues
# ([entry](../../book/bibliography.md#sobal2025)), and of the same recipe in EB-JEPA, by Terver and colleagues
# ([entry](../../book/bibliography.md#terver2026)), stand beside ours here. The terms differ a little in form, and so weights
# compare only roughly.
#
# | | prediction | variance | covariance | inverse dynamics | time smoothness |
# |---|---|---|---|---|---|
# | PLDM, Two Rooms | 1 | 3.98 | 6.92 | 1.07 | 0.742 |
# | EB-JEPA | 1 | 16 | 8 | 1 | 12 |
# | here | 3 | 1 | 0.3 | 10 | 0 |
#
# **Where popular accounts go wrong.** They say that the variance term prevents collapse and leave it there. It prevents one kind; a
# latent full of wallpaper has all the variance one could ask for. They say that predicting latents beats predicting pixels. Here
# latent prediction lost the dot, even with variance and covariance to help it; with inverse dynamics it needed fewer steps than our
# pixel predictor did. That is what we measured.
#
# **What this chapter does not show.** The room is small, the dot is the only thing that moves, and nothing is random, so one future
# is enough. The pixel predictor has the same squeezed latent as ours; one with a wide latent, or one that copies what does not
# move, would draw better. And nobody has planned anything yet.
