# %% [markdown]
# # Motion is in the prediction
#
# You will hide parts of a clip from a network for the whole of its time, train it to say what goes on there, and see how much it
# has to know of how things move.
#
# It takes about a minute on two idle CPU cores. You need to have read [Predict what it means, not how it looks](i_jepa.py): this
# chapter adds time to it.

# %%
from functools import lru_cache

import torch
from torch import nn

from wm_core.generative.mae import MAE, mae_loss
from wm_core.jepa.i_jepa import IJEPA, i_jepa_loss
from wm_core.jepa.v_jepa import VJEPA, v_jepa_loss
from wm_core.lesson import check, checkpoint, claim, scale, scale_name
from wm_core.lesson import colour, figure, live, picture, show, source, table
from wm_core.metrics.factors import Factors, read_attentively
from wm_core.metrics.probe import LinearClassifier, LinearProbe
from wm_core.nets.vit import TokenPredictor, ViT, take
from wm_core.objectives.masking import LONG_RANGE, SHORT_RANGE, block_masks, moment_masks, tube_masks
from wm_core.training import fit
from wm_core.worlds.moving_shapes import MOTIONS, MovingShapes, orders

settings = scale(tiny=dict(steps=100, pool=256), gpu=dict(steps=1400, pool=4096),
                 full=dict(steps=1400, long=2400, pool=4096, seeds=2))
torch.set_num_threads(1)  # networks this small run faster on one core than on two

# %% [markdown]
# ## The question
#
# Five shapes travel together across a still background. What leaves on one side comes back on the other. The shapes stop at eight
# places, one frame each, and the order of the stops makes the four motions of this chapter: to the right, to the left, to the
# right and back, to the left and back.

# %%
world = MovingShapes(texture=0.1)
test = world.clips(1000, torch.Generator().manual_seed(3))
EXAMPLE = 2


# %% tags=["hide-input"]
stops = test.frames[EXAMPLE][orders(8)[test.motion[EXAMPLE]].argsort()]  # the frames in the order of the places
fig, axes = figure(4, 8, width=7.2, height=4.1)
for row, (motion, order) in enumerate(zip(MOTIONS, orders(8), strict=True)):
    for column, place in enumerate(order.tolist()):
        picture(axes[row, column], stops[place].permute(1, 2, 0), motion if column == 0 else "")
        axes[row, column].title.set(ha="left", x=0)
show(fig, caption="Four clips, a row each, eight frames from left to right. Every row shows the same eight pictures. "
                  "Cut a clip into its frames and shake them, and the motion is gone.",
     alt="Four rows of the same eight frames of coloured shapes, in four different orders.")

# %% [markdown]
# Whoever looks at the frames one by one, with however good an eye, sees the same set of pictures for all four motions. Take the
# simplest eye, the pixels themselves, average them over the frames, and let a linear probe guess the motion. It must be right
# once in four. Before you run the cell, say what it gets if we do not average, but lay all eight frames side by side, in order.

# %%
probe_on = world.clips(2000, torch.Generator().manual_seed(2))


def motion_read(seen, fresh, ridge=1e-3):
    """Accuracy of a linear probe of the motion, fitted on 2000 clips, measured on 1000 others."""
    return LinearClassifier(seen, probe_on.motion, 4, ridge).accuracy(fresh, test.motion)


def small(frames):
    """Each frame as 6 by 6 pixels, so that a probe of 2000 clips can take them all."""
    return nn.functional.avg_pool2d(frames.flatten(0, 1), 4).unflatten(0, frames.shape[:2]).flatten(2)


seen, fresh = small(probe_on.frames), small(test.frames)
pixels = {"averaged over the frames": motion_read(seen.mean(1), fresh.mean(1)),
          "all frames side by side, in order": motion_read(seen.flatten(1), fresh.flatten(1))}
table(["linear probe of pixels", "motion, accuracy"], list(pixels.items()), digits=2)

# %% [markdown]
# Seeing the order hardly helps. The shapes start anywhere and go around, so on average the first frame looks alike in all four
# motions, and so does the second, and a linear map works with averages. A motion is a relation: *what is here now was over there
# before*. It takes a product of two frames. So we need features that hold the relation, and in the whole training nobody will say
# what right and left are.
#
# ## Play
#
# Below is the network of this chapter. `make full L=jepa/v_jepa` runs this very file for more steps and makes it; the page loads
# it. It cuts a clip into *tubelets*, two frames deep and 6 by 6 pixels wide: sixteen places at four moments, 64 tokens. Hide a
# place and it is hidden at *every* moment. The network says what features it expects there, and since nobody can look at
# features, the figure shows the real piece of another clip whose features are nearest.
#
# The next cells, most of them closed, set up this chapter's networks and their training. You can pass over them: *The idea* says
# what the masks are, and *The experiment* who the rivals are.

# %%
GRID = (4, 4, 4)  # moments, rows, columns


def tubes(count, generator):
    """V-JEPA's two kinds of mask: many small blocks, and two large ones, each hidden at every moment."""
    return [tube_masks(count, GRID, generator, *kind) for kind in (SHORT_RANGE, LONG_RANGE)]


# %% tags=["hide-input"]
def anew(count, generator):
    """Blocks like those of the tubes, but drawn anew at each moment."""
    return [moment_masks(count, GRID, generator, *kind) for kind in (SHORT_RANGE, LONG_RANGE)]


def frame_blocks(count, generator):
    """I-JEPA's masks for single frames."""
    return block_masks(count, GRID[1:], generator, at_least=2)


def batches(clips, masks, count=32):
    """Clips from a pool, each in an order drawn anew, and masks."""
    def draw(step, generator):
        row = torch.randint(len(clips), (count, 1), generator=generator)
        motion = torch.randint(4, (count,), generator=generator)
        return clips[row, orders(8)[motion]], masks(count, generator), motion
    return draw

# %% tags=["hide-input"]
class Reader(nn.Module):
    """The same encoder with labels: what it could reach if somebody told it the motion."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(GRID[0] * encoder.dim, 4)

    def forward(self, clips):
        return self.head(by_moment(self.encoder(clips)))


def build(method, seed=0):
    """One encoder for all; it sees clips, or single frames."""
    torch.manual_seed(seed)
    encoder = ViT(size=24, patch=6, frames=None if method == "I-JEPA" else 8, dim=64, depth=3)
    if method == "labels":
        return Reader(encoder)
    if method == "VideoMAE":
        return MAE(encoder, TokenPredictor(encoder, out=2 * 3 * 6 * 6))
    return (IJEPA if method == "I-JEPA" else VJEPA)(encoder, TokenPredictor(encoder))


def by_moment(tokens, moments=GRID[0]):
    """The mean token of each moment, side by side."""
    return tokens.unflatten(1, (moments, -1)).mean(2).flatten(1)

# %% tags=["hide-input"]
def loss(model, batch):
    """Each method's own loss on one batch."""
    clips, masks, motion = batch
    if isinstance(model, VJEPA):
        return v_jepa_loss(model, clips, masks)
    if isinstance(model, MAE):
        return {"drawing": torch.stack([mae_loss(model, clips, each)["reconstruction"] for each in masks]).mean()}
    if isinstance(model, IJEPA):
        return i_jepa_loss(model, clips[:, int(motion[0])], masks)  # one frame of each clip
    return {"labels": nn.functional.cross_entropy(model(clips), motion)}


@lru_cache(maxsize=1)
def pool(clips, seed):
    """Clips to train on, their frames in the order of the places."""
    return world.clips(clips, torch.Generator().manual_seed(1000 + seed), motion=0).frames


def train(method, seed=0, masks=tubes, steps=settings["steps"]):
    """Train one of the rivals, all at the same rate."""
    model = build(method, seed)
    name = f"{method} {masks.__name__} {steps} {seed}"
    history = fit(model, loss, batches(pool(settings["pool"], seed), frame_blocks if method == "I-JEPA" else masks),
                  steps=steps, learning_rate=2e-3, weight_decay=0.05, seed=seed, title=name,
                  after_step=getattr(type(model), "follow", None), checkpoint=checkpoint(f"v_jepa {name}"))
    return model.cpu(), history

# %% tags=["hide-input"]
@torch.no_grad()
def features(encoder, clips):
    """(n, tokens, dim); an encoder of frames gets them one by one."""
    if len(encoder.grid) == 3:
        return torch.cat([encoder(some) for some in clips.split(250)])
    each = [encoder(some.flatten(0, 1)).unflatten(0, (len(some), 8)) for some in clips.split(250)]
    return torch.cat(each).flatten(1, 2)


def mean_tokens(encoder):
    """The mean token of each moment, for the probe's clips and for the test clips: (n, moments * dim) each."""
    moments = GRID[0] if len(encoder.grid) == 3 else 8
    return [by_moment(features(encoder, clips.frames), moments) for clips in (probe_on, test)]


def readings(tokens):
    """What two linear probes read: one of the mean over the whole clip, one of the mean at each moment."""
    seen, fresh = tokens
    whole = [part.unflatten(1, (-1, 64)).mean(1) for part in tokens]
    return {"whole clip": motion_read(*whole), "by moment": motion_read(seen, fresh)}


# %% tags=["hide-input"]
from wm_core.artefacts import load, published, save


def attentive(encoder, labels):
    """The attentive probe's accuracy, from the first ``labels`` clips."""
    known, truth = (Factors({"motion": (motion, 4)}, {}) for motion in (probe_on.motion[:labels], test.motion))
    seen, fresh = (features(encoder, frames) for frames in (probe_on.frames[:labels], test.frames))
    return read_attentively(seen, known, fresh, truth)["motion"]


def make_artefacts():
    """What the page loads: everything that takes longer than a minute. Run by WM_SCALE=full."""
    kept, claims, short, long = {}, {}, settings["steps"], settings["long"]

    def measured(label, encoder):
        claims.update({f"{label}, {probe}": value for probe, value in readings(mean_tokens(encoder)).items()})

    for method, system in (("V-JEPA", "v_jepa"), ("VideoMAE", "video_mae")):
        kept[system], _ = train(method, steps=long)
        measured(method, kept[system].encoder)
    for method in ("labels", "I-JEPA"):
        measured(method, train(method, steps=short // 3)[0].encoder)
    measured("V-JEPA, masks drawn anew", train("V-JEPA", masks=anew)[0].encoder)
    for seed in range(settings["seeds"]):
        measured(f"untrained, seed {seed}", build("V-JEPA", seed).encoder)
        for method in ("V-JEPA", "VideoMAE"):
            measured(f"{method}, seed {seed}", train(method, seed)[0].encoder)
    for label, encoder in (("untrained", build("V-JEPA").encoder), *((name, kept[name].encoder) for name in kept)):
        for labels in (200, 2000):
            claims[f"{label}, attentive, {labels} labels"] = attentive(encoder, labels)
    for system, model in kept.items():
        save(f"book/_static/models/{system}", model, system=system, config=settings, seed=0, claims=claims)


if scale_name() == "full":
    make_artefacts()
# %%
shelf = {method: load(published(system)) for method, system in (("V-JEPA", "v_jepa"), ("VideoMAE", "video_mae"))}
kept = {method: artefact.into(build(method)).eval() for method, artefact in shelf.items()}
note = shelf["V-JEPA"].manifest
print(f"{note.config['long']} steps, {note.provenance()}")

# %% tags=["hide-input"]
SCENES = test.frames[:8]
places = orders(8)[test.motion[:8]].argsort(1)
scenes = SCENES[torch.arange(8)[:, None], places]  # the frames of each scene in the order of the places
with torch.no_grad():
    sample = torch.cat([kept["V-JEPA"].targets(some) for some in probe_on.frames[:500].split(250)])  # (500, 64, 64)
middle = sample.mean(0)
axes = torch.linalg.eigh((sample - middle).flatten(0, 1).T.cov()).eigenvectors[:, -3:]  # three principal components
shades = axes / ((sample - middle) @ axes).flatten(0, 1).std(0)
spread = float((sample - sample.median(0).values).abs().mean())  # what the best constant would be off by
tokens = {name: mean_tokens(model.encoder) for name, model in kept.items()}
reader = LinearClassifier(tokens["V-JEPA"][0], probe_on.motion, 4, 1e-3).probe.as_linear()


class Look(nn.Module):
    """A clip to its features, those as colours (three principal components), and the probe's scores."""

    def __init__(self, model):
        super().__init__()
        self.model, self.reader, self.middle, self.shades = model, reader, middle, shades

    def paint(self, found):
        return torch.sigmoid(1.2 * (found - self.middle) @ self.shades)

    def forward(self, clip):
        found = self.model.targets(clip)
        return found, self.paint(found), self.reader(by_moment(self.model.encoder(clip)))


class Expect(Look):
    """A clip of which some tubelets are hidden, to the features that the predictor expects at each place."""

    def forward(self, clip, hidden):
        ask, shown = torch.arange(64)[None], hidden < 0.5
        context = self.model.encoder(clip, visible=shown)
        expected = self.model.predictor(context, ask, ask, torch.cat([shown, ~shown], 1))
        return expected, self.paint(expected)


# %% tags=["hide-input"]
from base64 import b64encode

from wm_core.artefacts import export_onnx

FIRST = [5, 6, 7, 9, 10, 11, 13, 14, 15]  # places hidden at the start
clip = scenes[:1]
mask = torch.zeros(1, 4, 16).index_fill(2, torch.tensor(FIRST), 1.0).flatten(1)
look, expect = Look(kept["V-JEPA"]).eval(), Expect(kept["V-JEPA"]).eval()
networks = {"look": export_onnx(look, {"clip": clip}, ["features", "colours", "motion"]),
            "expect": export_onnx(expect, {"clip": clip, "hidden": mask}, ["expected", "colours"])}
with torch.no_grad():
    bank = scenes[1:][:, orders(8)].flatten(0, 1)  # the other scenes in every order
    known, wanted = look(bank)[0].flatten(0, 1), expect(clip, mask)[0][0]
    asked = mask[0].nonzero()[:, 0]
    nearest = torch.cdist(wanted[asked], known, p=1).argmin(1)
cut = kept["V-JEPA"].encoder.patches
filled = cut(clip)[0].index_copy(0, asked, cut(bank).flatten(0, 1)[nearest])
filled = filled.view(4, 4, 4, 2, 3, 6, 6).permute(0, 3, 4, 1, 5, 2, 6).reshape(8, 3, 24, 24)
veil = mask.view(4, 1, 4, 4).repeat_interleave(6, 2).repeat_interleave(6, 3)

poster, panels = figure(2, 4, width=5.6, height=3.3)
for moment in range(4):
    veiled = torch.lerp(clip[0, 2 * moment], torch.tensor(0.85), veil[moment])
    for ax, image, title in zip(panels[:, moment], (veiled, filled[2 * moment]),
                                ("what the encoder sees", "expected: the nearest real pieces"), strict=True):
        picture(ax, image.permute(1, 2, 0), title if moment == 0 else "")
        ax.title.set(ha="left", x=0)
live("tubes", model=networks, poster=poster, size=24, patch=6, tubelet=2, first=FIRST, spread=spread,
     orders=orders(8).tolist(), motions=list(MOTIONS),
     scenes=b64encode((scenes * 255).round().byte().numpy().tobytes()).decode(),
     caption="Touch places of the clip to hide tubes, or use the arrow keys and space; scrub through the frames "
             "below it. On the right, a column for each moment. Where a tube is hidden, the second row shows real "
             "pieces of other clips whose features are nearest to those expected. Then change the order of the "
             "frames: the same pictures, other pieces.",
     alt="A clip with hidden places; beside it four moments: what happens, nearest real pieces, features as colours.")

# %% [markdown]
# Below the figure the probe of this chapter says which motion it reads from the whole clip. It is wrong about once in eight times.
# Shuffle the frames, and it has to name one of four motions for something that is none of them.
#
# ## The idea
#
# ![Diagram: the visible tubes of a clip go through the encoder and a predictor, which is told the hidden places; the whole clip goes through a slow copy of the encoder; expected and actual features of the hidden tubes are compared by their absolute difference](../../book/_static/diagrams/v_jepa.svg)
#
# V-JEPA is by Bardes and colleagues ([2024](https://arxiv.org/abs/2404.08471)). It is I-JEPA, moved into clips: an encoder that
# sees what is shown, a slow copy of it that sees everything and makes the targets, and a narrow predictor that is told the hidden
# places. Four things differ from I-JEPA.
#
# **Tubelets**, known from ViViT (Arnab and colleagues, [2021](https://arxiv.org/abs/2103.15691)). A token is a small block of
# space *and* time. Two frames deep, a token alone can tell which way something went.
#
# **Tubes**, known from VideoMAE (Tong and colleagues, [2022](https://arxiv.org/abs/2203.12602)). What is hidden, is hidden at
# every moment. In a clip the best guess at a piece is often the same piece a moment ago. If that is shown, copying is the easy way
# to a low loss. In a tube there is nothing to copy from the same place, and the network has to find what will pass through from
# what is seen around it, and when. There are two kinds of mask: eight blocks of 15 % of a frame each, and two blocks of 70 %. Both
# are used in every step, and the targets of a clip serve both, since the slow copy sees the whole clip anyway.
#
# On our four by four places a short block is one or two places, a long one nine or twelve. So that all clips of a batch have as
# many tokens, both sides are thinned at random. The encoder sees about a quarter of the tokens (a tenth in the paper), and with
# the short blocks a third are neither seen nor asked for.
#
# **One go.** All hidden tokens of a mask are predicted together, not block by block.
#
# **The absolute difference**, L1. I-JEPA's paper writes the squared one; its code, and our last chapter, have a smooth absolute
# one.

# %% tags=["hide-input"]
def veiled(clip, keep, grey=0.85):
    """The first frame of each moment, with what is not kept painted over."""
    hidden = torch.ones(64).index_fill(0, keep, 0.0).view(4, 1, 4, 4)
    return torch.lerp(clip[::2], torch.tensor(grey), hidden.repeat_interleave(6, 2).repeat_interleave(6, 3))


(few, large), (fresh_blocks, _) = (draw(32, torch.Generator().manual_seed(4)) for draw in (tubes, anew))
drawn = [("tubes, eight blocks", few), ("tubes, two blocks", large), ("eight blocks, drawn anew", fresh_blocks)]
fig, panels = figure(3, 4, width=4.6, height=4.6)
for row, (title, masks) in zip(panels, drawn, strict=True):
    for ax, image in zip(row, veiled(test.frames[EXAMPLE], masks.keep[0]), strict=True):
        picture(ax, image.permute(1, 2, 0), " ")
    row[0].text(0, 1.08, f"{title}: {masks.keep.shape[1]} of 64 tokens", transform=row[0].transAxes, in_layout=False)
show(fig, caption="What the encoder sees, moment by moment. In the first two rows a hidden place never shows. In the "
                  "last, what is hidden now may show a moment later. We train with both below.",
     alt="Three rows of four frames; in two the same few places show in every frame, in the third others each time.")
# %% [markdown]
# ## The mathematics
#
# Let $x$ be the visible tubelets of a clip, $y$ the whole clip, and $M$ the hidden tokens, four for each hidden place. The
# predictor gets the encoder's view of $x$ and is told $M$, and its answer is held to the slow copy's features of $y$,
# layer-normed, at $M$:
#
# $$ \mathcal L = \frac{1}{|M|}\sum_{j \in M} \big\lVert \hat s_j - \operatorname{sg}[s_j] \big\rVert_1, \qquad
#    \hat s = g_\phi\big(f_\theta(x), M\big), \qquad s = \operatorname{LN} f_{\bar\theta}(y), $$
#
# mean over the two masks (`v_jepa_loss`); we take the mean over a token's 64 numbers too. $\operatorname{sg}$ lets no gradient
# through, and $\bar\theta$ follows $\theta$ slowly (`update_ema`), as in the last chapter.
#
# Why the absolute difference? Fix what is visible. The target is still uncertain, a random number $s$ for each feature, and the
# best that a predictor can do is one number $c$. The squared error $\mathbb E (s-c)^2$ is least where $c$ is the mean. The
# derivative of $\mathbb E|s-c|$ with respect to $c$ is
#
# $$ P(s < c) - P(s > c), $$
#
# which is zero where half of the mass lies on either side: $c$ is the *median*. Take a feature that is $-1$ with probability 0.7
# and $+1$ with probability 0.3: a shape will pass or it will not. The mean, $-0.4$, never happens. The median is $-1$, the more
# likely of the two. But a token has 64 features, and each gets its own median; the 64 together may again be what never happens.
# L1 moves each number to its middle.

# %%
guesses = torch.linspace(-1.2, 1.2, 2401)
values, chances = torch.tensor([-1.0, 1.0]), torch.tensor([0.7, 0.3])
off = (values - guesses[:, None]).abs()
absolute, squared = off @ chances, off.square() @ chances
best = {"absolute": float(guesses[absolute.argmin()]), "squared": float(guesses[squared.argmin()])}
print(best)

# %% tags=["hide-input"]
fig, ax = figure(width=5.4, height=2.8)
for name, error, shade, line in (("absolute", absolute, "imagined", "-"), ("squared", squared, "rival", "--")):
    ax.plot(guesses, error, line, color=colour(shade), label=f"{name} error")
    ax.plot(best[name], error.min(), "o", color=colour(shade))
for value, chance in zip(values.tolist(), chances.tolist(), strict=True):
    ax.plot([value, value], [0, chance], color=colour("actual"), linewidth=5, solid_capstyle="butt")
ax.set(xlabel="the guess", ylabel="mean error, probability (bars)", ylim=(0, 2.2))
ax.legend()
show(fig, caption="Blue bars: the two values that happen, and how often. The orange dot, best for the absolute "
                  "error, sits on one of them. The violet one, best for the squared, sits where nothing ever is.",
     alt="Mean absolute and mean squared error of a guess; the first is least at minus one, the second at minus 0.4.")

# %% [markdown]
# Now let the predictor be that good for any context $z=f_\theta(x)$: it answers with the median. What is left of the loss is the
# *mean absolute deviation* of the targets from their median, given what the encoder says of the visible part,
#
# $$ \min_\phi \mathcal L = \mathbb E_z \operatorname{MAD}(s \mid z), \qquad
#    \operatorname{MAD}(s \mid z) = \mathbb E\big[\,\lvert s - \operatorname{median}(s \mid z)\rvert \,\big|\, z\,\big], $$
#
# and the encoder's gradient is the gradient of that. It can make the loss smaller only by telling more of what decides the
# targets. That is the paper's argument for why the encoder learns something, and it is an argument, not a proof: it takes a
# predictor that is always ahead, and the constant feature, whose deviation is zero, is still a perfect answer. That the absolute
# difference trains *more stably* is what Bardes and colleagues report; we have not compared.
#
# ## The code

# %%
source(VJEPA.targets, VJEPA.forward, v_jepa_loss)

# %% [markdown]
# ## The experiment
#
# First the training itself, from nothing, for as long as a page allows. Beside the loss stands a yardstick, the *spread*: how far
# targets are from their own median over clips, on average. A predictor that knows nothing but the place gets a loss of one
# spread.

# %%
def spread_of(model):
    """Mean absolute deviation of the targets from their median over clips."""
    with torch.no_grad():
        targets = model.targets(test.frames[:250])
    return float((targets - targets.median(0).values).abs().mean())


short, history = train("V-JEPA", steps=100)
before = spread_of(build("V-JEPA"))
with torch.no_grad():
    draw, parts = torch.Generator().manual_seed(6), test.frames[:500].split(25)  # few at a time, as in training
    losses = [float(v_jepa_loss(kept["V-JEPA"], some, tubes(25, draw))["prediction"]) for some in parts]
table(["V-JEPA", "loss", "spread of the targets"],
      [["first step", history.terms["prediction"][0], before],
       ["after 100 steps", history.last("prediction", 10), spread_of(short)],
       [f"the kept network, {note.config['long']} steps", sum(losses) / len(losses), spread_of(kept["V-JEPA"])]])

# %% tags=["hide-input"]
fig, ax = figure(width=5.4, height=2.8)
ax.plot(history.terms["prediction"], color=colour("imagined"), label="loss")
ax.axhline(before, linestyle=":", color=colour("muted"), label="spread of the first targets")
ax.set(xlabel="training step", ylabel="mean absolute difference", ylim=(0, None))
ax.legend()
show(fig, caption="The first hundred steps. Orange falls to about the dotted line, the spread of the first targets. "
                  "Those targets have moved since: only the table compares like with like.",
     alt="A loss curve that falls quickly and then slowly, with a dotted line at the spread of the first targets.")

# %% [markdown]
# After a hundred steps the loss is about as large as the spread: the predictor knows what is usual at each place, and little
# more. The kept network's loss is higher, and still it is the better one, about a ninth below its own spread: by then the targets
# differ more from clip to clip. So it explains a ninth of what a guesser who knows only the place gets wrong. That is little, and
# as we shall see enough.
#
# Now the kept networks. V-JEPA and VideoMAE have the same encoder, masks, clips, rate and 2400 steps; they differ in what they
# predict and in how its error counts. The other two are for comparison.
#
# * **V-JEPA**: the features of hidden tubes.
# * **VideoMAE**: the pixels of the same tubes. Tubes of single places in its paper, of blocks here, so that both have the same
#   masks.
# * **I-JEPA**: the features of hidden blocks of single frames. It never sees two frames together. It is trained here, on the page,
#   for 200 steps. More would hardly help: for a probe of single frames the four motions are the same set.
# * **untrained**: the encoder as it begins.
#
# Two linear probes read the motion from each. One gets the mean over all tokens of the clip; the other gets the mean token of
# each moment, side by side, and so is told when. For I-JEPA the first is given a set of frames without order and can only guess;
# the second has little more to go on, for the reason that pixels gave. We expect V-JEPA ahead of VideoMAE, as the paper reports
# for its far larger encoders, and both ahead of the untrained one.

# %% tags=["nbval-check-output"]
by_frame, _ = train("I-JEPA", steps=scale(tiny=200, full=500))
tokens |= {"I-JEPA, frame by frame": mean_tokens(by_frame.encoder), "untrained": mean_tokens(build("V-JEPA").encoder)}
found = {name: readings(tokens[name]) for name in ("I-JEPA, frame by frame", "untrained", "VideoMAE", "V-JEPA")}
table(["motion, accuracy (chance: 0.25)", "mean of the clip", "mean of each moment"],
      [[name, *both.values()] for name, both in found.items()], digits=2)

# %% [markdown]
# Frame by frame, both probes all but guess. The untrained encoder is already right in 63 of a hundred clips: its tubelets are two
# frames deep, and even random features of two frames hold something of how they differ. Training adds 25 points. V-JEPA's tokens
# tell the motion in 88 of a hundred clips, to a probe that only takes weighted sums, and nobody had mentioned motion.
#
# But VideoMAE's tell it in 91. We were wrong to expect features ahead. Our guess: in this world nothing is wasted on pixels. There
# is no grain and no leaf in the wind, and to draw a shape in the right place one must know when it passes. *At scale* says what
# other seeds find.
#
# Is it also known how fast a clip goes? Its shapes take steps of one length. We let a linear probe read that length from V-JEPA,
# and print the share of its variance that the probe explains.

# %%
lengths = [24 * clips.step[:, None] for clips in (probe_on, test)]  # pixels a frame
probe = LinearProbe(tokens["V-JEPA"][0], lengths[0], 1e-3)
print("length of a step, R²:", round(probe.r2(tokens["V-JEPA"][1], lengths[1]), 2))

# %% [markdown]
# Next to nothing, for one probe of all four motions. Which way things go, and when they turn, lies there in plain form; how far
# they go in a step does not.
#
# A probe is still somebody who was told what right and left are. So let us ask the *prediction*, without a probe and without a
# label. Play a scene in one of the four orders, hide tubes, and let the predictor say what it expects in them. Then show the slow
# copy the same eight frames in all four orders, and see in which of them the hidden tubes come nearest to what was expected.
# Every scene is played in all four orders, so whoever answers without looking is right once in four, whatever they answer.
# (Misra and colleagues, [2016](https://arxiv.org/abs/1603.08561), trained on the order of frames, without labels.)

# %%
@torch.no_grad()
def chosen(expect, actual, nearer, scenes=250, part=25):
    """How often each motion's order fits the prediction best (columns) when each was shown (rows)."""
    draw, answers = torch.Generator().manual_seed(5), torch.zeros(4, 4)
    stops = test.frames[:scenes][torch.arange(scenes)[:, None], orders(8)[test.motion[:scenes]].argsort(1)]
    for some in stops.split(part):  # few at a time: masks are thinned to the poorest clip of a batch
        masks = tube_masks(len(some), GRID, draw, *SHORT_RANGE)
        there = [take(actual(some[:, order]), masks.ask.flatten(1)) for order in orders(8)]
        for shown, order in enumerate(orders(8)):
            expected = expect(some[:, order], masks)
            off = torch.stack([nearer(each - expected).mean((1, 2)) for each in there])
            answers[shown] += off.argmin(0).bincount(minlength=4)
    return answers / scenes


from wm_core.generative.mae import normed_patches

jepa, mae, raw = kept["V-JEPA"], kept["VideoMAE"], build("V-JEPA").eval()
picks = {"V-JEPA, features": chosen(jepa, jepa.targets, torch.abs),
         "VideoMAE, pixels": chosen(mae, lambda clips: normed_patches(mae.encoder, clips), torch.square),
         "untrained, features": chosen(raw, raw.targets, torch.abs)}
right = {name: float(answers.diag().mean()) for name, answers in picks.items()}
table(["the order that fits the prediction", "right (chance: 0.25)", "answers right or left (truth: 0.50)"],
      [[name, right[name], float(answers[:, :2].sum()) / 4] for name, answers in picks.items()], digits=2)

# %% [markdown]
# V-JEPA's expectation fits the true order best in 55 of a hundred trials, the untrained network's in a quarter. VideoMAE's drawing
# is right in 30, little above a guess: it answers a steady motion nine times in ten, perhaps because a blurred drawing fits what
# moves slowly (we have not tested that). Its encoder holds the motion; this way of asking its drawings gets little of it out. The
# thousand trials share ten draws of masks; other draws move these numbers by a few points. So *motion is in the prediction*, and
# not only in what a probe can make of the encoder.
#
# ## The evidence

# %%
moments = {name: both["by moment"] for name, both in found.items()}
claim("Two-point target: best constant for the absolute error, off -1 by", abs(best["absolute"] + 1), "<=", 1e-2)
claim("Two-point target: best constant for the squared error, off -0.4 by", abs(best["squared"] + 0.4), "<=", 1e-2)
claim("Motion, linear probe of each moment, V-JEPA, accuracy", moments["V-JEPA"], ">=", 0.85)
claim("The same, V-JEPA minus the untrained encoder", moments["V-JEPA"] - moments["untrained"], ">=", 0.2)
claim("The same, VideoMAE minus the untrained encoder", moments["VideoMAE"] - moments["untrained"], ">=", 0.2)
claim("The same, V-JEPA and VideoMAE differ by", abs(moments["VideoMAE"] - moments["V-JEPA"]), "<=", 0.06)
claim("The same, frame by frame: distance from chance", abs(moments["I-JEPA, frame by frame"] - 0.25), "<=", 0.1)
claim("Motion, linear probe of the mean of the clip, frame by frame: distance from chance",
      abs(found["I-JEPA, frame by frame"]["whole clip"] - 0.25), "<=", 0.06)
claim("The order that fits V-JEPA's prediction best is right in a share of", right["V-JEPA, features"], ">=", 0.48)
claim("The same, minus the untrained network's share",
      right["V-JEPA, features"] - right["untrained, features"], ">=", 0.2)
claim("The kept network's reading differs from its manifest's by",
      abs(moments["V-JEPA"] - note.claims["V-JEPA, by moment"]), "<=", 5e-3)

# %% [markdown]
# ## What breaks
#
# **The tubes.** Draw the blocks anew at each moment, and train again with the same number of steps. Part of what is asked for now
# shows at another moment; exercise 3 counts how much.

# %%
full = note.claims  # what the full run measured


def seen_share(masks):
    """The share of tokens that the encoder sees with eight small blocks, mean over a thousand batches."""
    draw = torch.Generator().manual_seed(7)
    return sum(masks(32, GRID, draw, *SHORT_RANGE).keep.shape[1] for _ in range(1000)) / 64000


table(["V-JEPA with masks", "tokens seen, eight blocks", "mean of the clip", "mean of each moment"],
      [[name, seen_share(masks), *(full[f"{label}, {probe}"] for probe in ("whole clip", "by moment"))]
       for name, label, masks in (("hidden at every moment", "V-JEPA, seed 0", tube_masks),
                                  ("drawn anew at each moment", "V-JEPA, masks drawn anew", moment_masks))], digits=2)

# %% [markdown]
# With tubes the probe of each moment is five points better, in one seed, where two seeds with tubes differ by one and a half; the
# other probe is no better. Part of it need not be the tubes: masks drawn anew are thinned harder, and their encoder sees 24 tokens
# in a hundred where the other sees 28. It is open for films, too: Feichtenhofer and colleagues
# ([2022](https://arxiv.org/abs/2205.09113)), who draw pixels and hide 90 %, found masks scattered over space *and* time the best.
#
# **The probe.** Why did we not take the paper's own probe, the attentive one?

# %%
table(["attentive probe with", "200 labels", "2000 labels"],
      [[name, *(full[f"{label}, attentive, {labels} labels"] for labels in (200, 2000))]
       for name, label in (("untrained", "untrained"), ("VideoMAE", "video_mae"), ("V-JEPA", "v_jepa"))], digits=3)

# %% [markdown]
# Because it finds the motion by itself. It is a small network, trained with labels, and from 2000 of them it learns to read the
# tubelets of an encoder that has learned nothing in more than 96 of a hundred clips. Training still halves its errors, from 35 in a
# thousand to 17 and 13. But with 200 labels the untrained encoder is as good as the others, and nobody would see from this probe
# that the linear one is 25 points better. The linear probe asks a different question: not whether the motion can be got at, but
# whether it lies there in plain form.
#
# ## At scale
#
# The full run also trained two seeds of each rival, for 1400 steps.

# %%
print(note.provenance())
seeds = range(note.config["seeds"])
PROBES = ("whole clip", "by moment")
rows = []
for name in ("untrained", "VideoMAE", "V-JEPA"):
    found_in = [[full[f"{name}, seed {seed}, {probe}"] for seed in seeds] for probe in PROBES]
    rows.append([f"{name} (two seeds)", *((sum(each) / len(each), min(each), max(each)) for each in found_in)])
one = [[label, *(full[f"{name}, {probe}"] for probe in PROBES)]
       for label, name in (("VideoMAE, 2400 steps (one)", "VideoMAE"), ("V-JEPA, 2400 steps (one)", "V-JEPA"),
                           ("told the motion, 466 steps (one)", "labels"))]
table(["motion, accuracy", "mean of the clip", "mean of each moment"], [*rows, *one], digits=2)

# %% [markdown]
# After 1400 steps each leads in one seed by the mean of each moment; by the mean of the clip VideoMAE leads in both, by four and
# seven points, and after 2400 steps by five. So if either encoder is ahead in this world it is VideoMAE's; two seeds and one
# longer training are too few to say by how much. Both are far from the untrained encoder, and neither is done. The same encoder,
# told the motion, needs 466 steps to read it almost without a mistake.
#
# ## Exercises
#
# **1. Through all time.** Places of a frame are numbered row by row, and tokens are numbered moment by moment. From the places
# that are hidden, (batch, places), make the numbers of all hidden tokens, (batch, moments · places).

# %% tags=["exercise"]
def through_time(places, grid):
    """The tokens of the tubes at these places; the grid is (moments, rows, columns)."""
    moments, rows, columns = grid
    first = ...  # (moments, 1) the number of each moment's first token
    tokens = places[:, None] + first  # (batch, moments, places)
    return tokens.flatten(1)


check("jepa/v_jepa/through_time", through_time)

# %% tags=["solution"]
def through_time(places, grid):
    """The tokens of the tubes at these places; the grid is (moments, rows, columns)."""
    moments, rows, columns = grid
    first = rows * columns * torch.arange(moments)[:, None]  # (moments, 1) the number of each moment's first token
    tokens = places[:, None] + first  # (batch, moments, places)
    return tokens.flatten(1)


check("jepa/v_jepa/through_time", through_time)

# %% [markdown]
# **2. The best guess.** Given values that a target took, find the constant with the least mean error, for the absolute error
# (power 1) and for the squared one (power 2). Do not use what you know about means and medians: try guesses.

# %% tags=["exercise"]
def best_guess(values, power):
    """The best of 2001 guesses between the least and the greatest value."""
    guesses = torch.linspace(float(values.min()), float(values.max()), 2001)
    errors = ...  # (2001,) the mean error of each guess
    return float(guesses[errors.argmin()])


check("jepa/v_jepa/best_guess", best_guess)

# %% tags=["solution"]
def best_guess(values, power):
    """The best of 2001 guesses between the least and the greatest value."""
    guesses = torch.linspace(float(values.min()), float(values.max()), 2001)
    errors = (values - guesses[:, None]).abs().pow(power).mean(1)  # (2001,) the mean error of each guess
    return float(guesses[errors.argmin()])


check("jepa/v_jepa/best_guess", best_guess)

# %% [markdown]
# **3. What could be copied?** With masks drawn anew at each moment, which share of the hidden tokens has its place shown at some
# other moment of the same clip? With tubes it is none. Write the function for one draw of masks; `token % 16` is a token's place.
# Then guess what it says of `anew`, and look.

# %% tags=["exercise"]
def shown_elsewhere(masks):
    """The share of hidden tokens, (clips, 1, hidden), whose place shows among the kept tokens, (clips, kept)."""
    shown = torch.zeros(len(masks.keep), 16).scatter(1, ..., 1.0)  # 1 where a place shows at any moment
    return float(...)


check("jepa/v_jepa/shown_elsewhere", shown_elsewhere)

# %% tags=["solution"]
def shown_elsewhere(masks):
    """The share of hidden tokens, (clips, 1, hidden), whose place shows among the kept tokens, (clips, kept)."""
    shown = torch.zeros(len(masks.keep), 16).scatter(1, masks.keep % 16, 1.0)  # 1 where a place shows at any moment
    return float(shown.gather(1, masks.ask[:, 0] % 16).mean())


check("jepa/v_jepa/shown_elsewhere", shown_elsewhere)

# %% [markdown]
# ## Notes
#
# **Where this comes from.** V-JEPA is by Bardes and colleagues ([paper](https://arxiv.org/abs/2404.08471),
# [entry](../../book/bibliography.md#bardes2024)). Tubes come from VideoMAE, by Tong and colleagues
# ([paper](https://arxiv.org/abs/2203.12602), [entry](../../book/bibliography.md#tong2022)), who made them of single places, against
# the leak of what shows at another moment. Entries of the others: [Arnab](../../book/bibliography.md#arnab2021),
# [Feichtenhofer](../../book/bibliography.md#feichtenhofer2022), [Misra](../../book/bibliography.md#misra2016).
#
# **What is different at their size.** The paper's largest model, a ViT-H/16, saw two million videos, in clips of 16 frames, as
# tubelets of 2 frames and 16 by 16 pixels, with about 90 % of the tokens hidden. With frozen weights and an attentive probe it
# gets, says its abstract, 81.9 % on Kinetics-400, 72.2 % on Something-Something v2, where motion decides, and 77.9 % on ImageNet.
# An earlier manuscript has other numbers. The paper probes the slow copy, we the encoder.
#
# **Where popular accounts go wrong.** They draw the first half of a film predicting the second. V-JEPA hides places, not times;
# it fills in, with the past and the future of its surroundings in view, and is no forecaster. They give the loss as a squared
# distance. They call its results on ImageNet *zero-shot*: a probe was trained with labels. And they pool a film to a single
# vector before predicting, which leaves no places to predict.
#
# **What this chapter does not show.** Five flat shapes that move as one are no film. Every piece of such a clip tells the motion
# of all the others, which may be why a short training finds it. Motion here is one of four orders, and how fast a clip moves
# could not be read linearly. Each rival had one learning rate, and V-JEPA's was tried out more than the others'. And
# V-JEPA is no world model yet. It knows how things go on. It does not know what happens if somebody pushes.
