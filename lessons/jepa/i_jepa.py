# %% [markdown]
# # Predict what it means, not how it looks
#
# You will hide parts of a picture from a network, train it to say what is there without drawing it, and measure what it has
# understood.
#
# It takes about a minute on two idle CPU cores. You need to have read [One frame, then the future](../foundations/quickstart.py),
# where a latent collapsed, and to know what attention is.

# %%
from base64 import b64encode
from dataclasses import replace
from functools import lru_cache

import torch
from matplotlib.patches import Rectangle
from torch import nn

from wm_core.artefacts import export_onnx, load, published, save
from wm_core.generative.mae import MAE, mae_loss
from wm_core.generative.next_frame import next_frame_loss
from wm_core.jepa.i_jepa import IJEPA, i_jepa_loss
from wm_core.lesson import check, checkpoint, claim, scale, scale_name
from wm_core.lesson import colour, figure, live, picture, show, source, table
from wm_core.metrics.factors import Factors, read_attentively, read_linearly
from wm_core.metrics.probe import effective_rank
from wm_core.nets.vit import TokenPredictor, ViT
from wm_core.objectives.masking import block_masks, scattered_masks
from wm_core.training import fit
from wm_core.worlds.shapes import Shapes

settings = scale(tiny=dict(steps=150, seeds=1), gpu=dict(steps=2000, seeds=3), full=dict(steps=2000, seeds=3))
torch.set_num_threads(1)  # networks this small run faster on one core than on two

# %% [markdown]
# ## The question
#
# Each picture of this chapter shows one shape on a soft background, under grain. The shape's colour, place and size change from
# picture to picture, and so does the background. The grain is drawn anew for every pixel.

# %% tags=["hide-input"]
world = Shapes(radii=(0.2, 0.3), margin=0.3, turn=0.15, texture=0.08, detail=0.05, detail_over="all")
test = world.draw(1000, torch.Generator().manual_seed(2))
EXAMPLE, MASKS = 3, [7, 8, 9, 13, 14, 15, 19, 20, 21]


def covered(image, tokens, grey=0.5):
    """The picture with some of its 36 patches painted over."""
    hidden = torch.zeros(36).index_fill(0, torch.as_tensor(tokens), 1.0).view(6, 6)
    hidden = hidden.repeat_interleave(4, 0).repeat_interleave(4, 1)
    return image * (1 - hidden) + grey * hidden


fig, panels = figure(1, 3, width=6.6, height=2.4)
clean = world.render(test.take(slice(EXAMPLE, EXAMPLE + 1)))[0]
for ax, (image, title) in zip(panels, ((covered(test.images[EXAMPLE], MASKS), "you see this"),
                                       (test.images[EXAMPLE], "this is there"), (clean, "without the grain"))):
    picture(ax, image.permute(1, 2, 0), title)
show(fig, caption="What is behind the grey square? You can say a good deal about it. You cannot say its pixels.",
     alt="A picture of a coloured shape with nine of its patches hidden, the picture, and the picture without grain.")

# %% [markdown]
# ## Play
#
# The network below was never asked for pixels. It cuts a picture into 36 *patches* of 4 by 4 and turns each into a *token* of
# 64 numbers, its *features*. Hide patches, and it says which features it expects there. It trained for minutes, not seconds, so
# the page loads it; `make full L=jepa/i_jepa` runs this very file with more steps and makes it. The folds above the figure hold
# all networks of this chapter and how they are trained; you can pass over it.

# %% tags=["hide-input"]
def blocks(count, generator):
    """I-JEPA's masks on our grid of 6 by 6 patches."""
    return block_masks(count, (6, 6), generator, at_least=8)


def scattered(count, generator):
    """A masked autoencoder's masks: three patches in four, anywhere."""
    return scattered_masks(count, (6, 6), generator)


def factors(world, scenes):
    """What is hidden in the scenes: two classes and three groups of numbers."""
    paper = world.background(scenes.texture)[:, 0, :, ::8, ::8].flatten(1)  # its colours at nine places
    return Factors({"kind": (scenes.kind, 4), "colour": (scenes.colour, 6)},
                   {"position": scenes.position, "size": scenes.radius[:, None], "background": paper})


def batches(method, world, masks, count=32):
    """Batches of fresh pictures, with masks, or with the next frame."""
    def draw(step, generator):
        scenes = world.draw(count, generator)
        if method != "next frame":
            return scenes.images, masks(count, generator)
        way = (torch.rand(count, 2, generator=generator) - 0.5) / 6  # a pixel or two; the grain is drawn anew
        return scenes.images, world.render(scenes._replace(position=scenes.position + way), generator)
    return draw


# %% tags=["hide-input"]
RATES = {"I-JEPA": 5e-4, "MAE": 2e-3, "next frame": 2e-3}
LOSSES = {"MAE": mae_loss, "next frame": next_frame_loss}


def build(method, seed=0):
    """One encoder for all; a predictor of features, or a decoder of the same shape that draws."""
    torch.manual_seed(seed)
    encoder = ViT(size=24, patch=4, dim=64, depth=3)
    if method in LOSSES:
        return MAE(encoder, TokenPredictor(encoder, dim=64, depth=2, heads=2, out=48))
    return IJEPA(encoder, TokenPredictor(encoder, dim=64, depth=2, heads=2),
                 decay=(0, 0) if method == "no slow copy" else (0.996, 1), slow=method != "no stop")


def train(method, seed=0, world=world, masks=None, steps=settings["steps"], rate=None):
    """Train one of the rivals on fresh pictures."""
    model, loss, rate = build(method, seed), LOSSES.get(method, i_jepa_loss), rate or RATES[method]
    masks = masks or (blocks if method not in LOSSES else scattered)
    name = f"{method} {masks.__name__} {world.detail} {steps} {rate} {seed}"
    history = fit(model, lambda m, batch: loss(m, *batch), batches(method, world, masks), steps=steps, learning_rate=rate,
                  weight_decay=0.05, seed=seed, title=name, checkpoint=checkpoint(f"i_jepa {name}"),
                  after_step=getattr(model, "follow", None) and type(model).follow, compile=scale_name() == "full")
    return model.cpu(), history


# %% tags=["hide-input"]
@torch.no_grad()
def features(encoder, images):
    """(n, tokens, dim), a few hundred pictures at a time."""
    return torch.cat([encoder(some) for some in images.split(250)])


@lru_cache
def probed_on(world, test_on):
    """Pictures that the probes are fitted on, and others that they are judged by."""
    return [world.draw(n, torch.Generator().manual_seed(seed)) for n, seed in ((2000, 1), (1000, test_on))]


def probe(encoder, world=world, ways=("linear", "attentive"), test_on=2):
    """What each probe reads off frozen features of fresh pictures, by factor."""
    pairs = [(features(encoder, scenes.images), factors(world, scenes)) for scenes in probed_on(world, test_on)]
    reads = {"linear": read_linearly, "attentive": read_attentively}
    return {how: reads[how](*pairs[0], *pairs[1]) for how in ways}


def measured(label, *asked, **how):
    """The probes' readings under names that a manifest can keep."""
    return {f"{label}, {way}, {factor}": value for way, found in probe(*asked, **how).items()
            for factor, value in found.items()}


# %% tags=["hide-input"]
FACTORS, GRAIN = ("kind", "colour", "position", "size", "background"), (0.0, 0.1, 0.3)


def make_artefacts():
    """What the page loads: everything that takes longer than a minute. Run by WM_SCALE=full."""
    kept, claims = {}, {}
    for method in ("I-JEPA", "MAE"):
        for seed in range(settings["seeds"]):
            model, _ = train(method, seed)
            kept.setdefault(method, model)
            claims |= measured(f"{method}, seed {seed}", model.encoder)
    claims |= measured("I-JEPA, scattered masks", train("I-JEPA", masks=scattered)[0].encoder)
    for detail in GRAIN:
        grainy = replace(world, detail=detail)
        for method in RATES:
            model, _ = train(method, world=grainy, steps=settings["steps"] // 2)
            claims |= measured(f"grain {detail}, {method}", model.encoder, grainy)
        claims |= measured(f"grain {detail}, random", build("I-JEPA").encoder, grainy)
    for method, system in (("I-JEPA", "i_jepa"), ("MAE", "mae")):
        save(f"book/_static/models/{system}", kept[method], system=system, config=settings, seed=0, claims=claims)


def make_mae_blocks():
    """The fourth combination of target and masks, and what it is compared with."""
    model, _ = train("MAE", masks=blocks)
    claims = (measured("MAE, blocks", model.encoder) | measured("untrained", build("I-JEPA").encoder)
              | measured("pixels", model.encoder.patches))
    save("book/_static/models/mae_blocks", model, system="mae_blocks", config=settings | dict(seeds=1), seed=0, claims=claims)


if scale_name() == "full":
    make_artefacts()
    make_mae_blocks()
shelf = {name: load(published(name)) for name in ("i_jepa", "mae", "mae_blocks")}
kept = {name: artefact.into(build("I-JEPA" if name == "i_jepa" else "MAE")) for name, artefact in shelf.items()}
note = shelf["i_jepa"].manifest
full, seeds = note.claims | shelf["mae_blocks"].manifest.claims, range(note.config["seeds"])  # what the full run measured

# %% tags=["hide-input"]
with torch.no_grad():
    sample = torch.cat([kept["i_jepa"].targets(some) for some in test.images[:400].split(200)])  # (400, 36, 64)
middle = sample.mean((0, 1))
axes = torch.linalg.eigh((sample - middle).flatten(0, 1).T.cov()).eigenvectors[:, -3:]  # three principal components
shades = axes / ((sample - middle) @ axes).flatten(0, 1).std(0)


class Look(nn.Module):
    """A picture to the features of its patches, and those as colours: three principal components."""

    def __init__(self, model):
        super().__init__()
        self.model, self.middle, self.shades = model, middle, shades

    def paint(self, found):
        return torch.sigmoid(1.2 * (found - self.middle) @ self.shades)

    def forward(self, image):
        found = self.model.targets(image)
        return found, self.paint(found)


class Expect(Look):
    """A picture of which some patches are hidden, to the features that the predictor expects at each place."""

    def forward(self, image, hidden):
        places, shown = torch.arange(36)[None], hidden < 0.5
        seen = self.model.encoder(image, visible=shown)
        expected = self.model.predictor(seen, places, places, torch.cat([shown, ~shown], 1))
        return expected, self.paint(expected)


# %% tags=["hide-input"]
look, expect = Look(kept["i_jepa"]).eval(), Expect(kept["i_jepa"]).eval()
image = test.images[[EXAMPLE]]
mask = torch.zeros(1, 36).index_fill(1, torch.tensor(MASKS), 1.0)
networks = {"look": export_onnx(look, {"image": image}, ["features", "colours"]),
            "expect": export_onnx(expect, {"image": image, "hidden": mask}, ["expected", "colours"])}
bank = torch.cat([image, test.images[10:50]])
with torch.no_grad():
    known, (found, _) = look(bank[1:])[0].flatten(0, 1), expect(image, mask)
    nearest = torch.cdist(found[0, MASKS], known).argmin(1)
patches = kept["i_jepa"].encoder.patches(bank[1:]).flatten(0, 1)
filled = kept["i_jepa"].encoder.patches(image).index_copy(1, torch.tensor(MASKS), patches[nearest][None])
whole = filled.view(6, 6, 3, 4, 4).permute(2, 0, 3, 1, 4).reshape(3, 24, 24)

poster, panels = figure(1, 2, width=5.2, height=2.8)
for ax, (shown, title) in zip(panels, ((covered(image[0], MASKS), "what the encoder sees"),
                                       (whole, "expected: nearest real patches"))):
    picture(ax, shown.permute(1, 2, 0), title)
live("patches", model=networks, poster=poster, size=24, patch=4, first=MASKS,
     pictures=b64encode((bank * 255).round().byte().numpy().tobytes()).decode(),
     caption="Touch patches of the first picture to hide them, or use the arrow keys and space. Where a patch is hidden, "
             "the second picture shows the real patch, from forty other pictures, whose features are nearest to those "
             "expected. The last two show features as colours. Hide the shape whole, then all but an edge of it.",
     alt="A picture with nine hidden patches, and beside it the same picture with real patches in their places.")

# %% [markdown]
# Hide the shape's middle, and the patches that come back have its colour. Hide all but an edge, and the network still knows the
# colour and roughly how far the shape goes. Hide all of it, and it still expects a shape, since every picture has one and never
# far from the middle; but the colour is a guess, and usually wrong. The grain of the patches is never right; they come from other
# pictures. Nobody minds.
#
# ## The idea
#
# The other answer is to draw what is hidden: say the pixels, and be judged by the squared difference. Look at that judge first.
# Below are six wrong pictures, each right in everything but one thing. How wrong does it find them?

# %%
def judged(scenes, real):
    """Squared difference of pixels, as a share of what the mean of all pictures gets."""
    mean = test.images.mean(0)
    return float((world.render(scenes) - real).square().mean() / (mean - test.images).square().mean())


clean = world.render(test)
wrong = {
    "the place, by one pixel": test._replace(position=test.position + torch.tensor([1 / 24, 0])),
    "the size, by a tenth": test._replace(radius=1.1 * test.radius),
    "the kind: another shape": test._replace(kind=(test.kind + 1) % 4),
    "the background: another picture's": test._replace(texture=test.texture.roll(1, 0)),
    "the colour: the next of six": test._replace(hue=(test.hue + 1 / 6) % 1),
}
table(["right but for", "error of the pixels"],
      [["the grain", judged(test, test.images)], *([name, judged(scenes, clean)] for name, scenes in wrong.items())],
      digits=2)

# %% [markdown]
# To this judge the wrong kind of shape is about as bad as the wrong wallpaper, and nearly twice as bad as the right shape one
# pixel off. The wrong colour is worse than those three together. It counts pixels, and has no idea what matters. Neither have
# we told it: what matters depends on what the picture will be used for. A network that is paid for pixels will look for what
# fills many of them.
#
# So do not ask for the pixels. Ask for what they *mean*: for the features that a network would compute there if it saw them. Nobody
# has told us what those features are, so the network has to invent them while it learns to predict them. That should not work, and
# the first chapter showed how it fails. This is a version that does.
#
# ![Diagram: the visible part of a picture goes through the encoder and a predictor, which is told the places that are hidden; the whole picture goes through a slow copy of the encoder; expected and actual features at the hidden places are compared](../../book/_static/diagrams/i_jepa.svg)
#
# The *image-based joint-embedding predictive architecture*, I-JEPA, is by Assran and colleagues
# ([2023](https://arxiv.org/abs/2301.08243)). Three networks take part. The **encoder**, a vision transformer, sees the visible
# patches, and only those. The **predictor**, a smaller transformer, gets the encoder's tokens and, for each hidden place, a
# *mask token*: one learned vector plus the place. It answers with the features it expects there. The **target encoder** sees
# the *whole* picture and says which features are really there. It is not trained. It is a copy of the encoder that follows it
# slowly, an *exponential moving average*, EMA.
#
# That the target encoder sees everything matters. A patch of plain red means little alone; in the middle of a red triangle, it
# means the middle of a red triangle. Features of the whole picture, read off at one place, can say so.
#
# What is hidden matters as much: four *blocks*, so large that the answer cannot be found by continuing the colours at the rim. In
# the paper each covers 15 to 20 % of the picture; on our coarse grid that is 6 patches of 36, sometimes 4, rarely 9. What the
# encoder sees is called the *context*: a block of 85 to 100 % of the picture, minus all that is asked for, thinned so that all
# pictures of a batch keep equally many. About nine patches are left, as many as a masked autoencoder sees.

# %% tags=["hide-input"]
drawn = {"I-JEPA: blocks": blocks(64, torch.Generator().manual_seed(5)),
         "MAE: scattered": scattered(64, torch.Generator().manual_seed(5))}
views = []
for title, masks in drawn.items():
    for row in range(2 if title.startswith("I-JEPA") else 1):
        fig, ax = figure(width=2.1, height=2.3)
        dark = [token for token in range(36) if token not in masks.keep[row]]
        picture(ax, covered(test.images[EXAMPLE], dark).permute(1, 2, 0), title)
        for token in set(masks.ask[row].flatten().tolist()) if "blocks" in title else ():
            corner = (token % 6 * 4 - 0.5, token // 6 * 4 - 0.5)
            ax.add_patch(Rectangle(corner, 4, 4, fill=False, edgecolor=colour("imagined"), linewidth=1.6))
        views.append(fig)
show(*views, caption="What the encoder sees. Orange: the targets of I-JEPA, drawn twice, each time four blocks that "
                     "may overlap. Grey without orange: neither shown nor asked for. A masked autoencoder hides three "
                     "patches in four, anywhere, and asks for all of them.",
     alt="Two pictures with a few visible patches and orange target blocks, and one with scattered visible patches.")

# %% [markdown]
# The rival is the *masked autoencoder*, MAE, of He and colleagues ([2022](https://arxiv.org/abs/2111.06377)). It hides patches
# too and asks for their pixels, each patch brought to mean 0 and spread 1. Its encoder is ours, and its decoder has the shape of
# our predictor.
#
# ## The mathematics
#
# Let $y$ be a picture with patches $1 \dots N$, and $B_1 \dots B_M$ the sets of patches in the target blocks. The context $C$ is
# a set of patches that shares none with them (`block_masks`). The encoder $f_\theta$ gives tokens $s_C = f_\theta(y_C)$ of the
# context alone. The predictor $g_\phi$ is asked for one block at a time,
#
# $$ \hat s_i = g_\phi\big(s_C,\; \{m + p_j\}_{j \in B_i}\big), $$
#
# with the mask token $m$ and the vector $p_j$ that says where patch $j$ is. The target is computed from *all* patches, and each
# token is brought to mean 0 and spread 1 over its own 64 numbers (`layer_normed`): $s = \operatorname{LN} f_{\bar\theta}(y)$. The
# loss compares the two where it was asked,
#
# $$ \mathcal L = \frac{1}{M}\sum_{i=1}^{M} \frac{1}{|B_i|}\sum_{j \in B_i} d\big(\hat s_{i,j},\, s_j\big) $$
#
# (`i_jepa_loss`). The paper sums over a block's patches and writes $d$ as a squared distance. Its code takes means, and the
# *smooth* absolute distance, half the square up to 1 and straight beyond, mean over the numbers of a token, and so does ours.
#
# Now look for collapse. Let $f$ say the same for every picture and place, and $g$ repeat it: the loss is 0, and no loss is lower.
# A gradient that flows into both sides finds this quickly. So the target's side gets none. The target's weights $\bar\theta$ only
# follow,
#
# $$ \bar\theta \leftarrow \tau\,\bar\theta + (1-\tau)\,\theta, \qquad \tau \text{ from } 0.996 \text{ to } 1 $$
#
# (`update_ema`). The encoder may make its features easy to predict. The targets follow, but late, and no gradient asks them to.
# Does that *prove* that nothing collapses? The constant is still a perfect answer. Chen and He
# ([2021](https://arxiv.org/abs/2011.10566)) trained without collapse with the stop and a predictor alone, without a slow copy;
# for linear networks Tian, Chen and Ganguli ([2021](https://arxiv.org/abs/2102.06810)) explain why. For networks like ours it is
# what is observed.
#
# ## The code

# %%
source(IJEPA.targets, IJEPA.forward, i_jepa_loss)

# %% [markdown]
# `fit` calls `IJEPA.follow` after each update, and that calls `update_ema`. The four blocks are predicted by repeating the context
# four times in one batch: there is no loop.
#
# ## The experiment
#
# I-JEPA differs from MAE mainly in two things: what it predicts and what is hidden. (With the target go the distance, the slow
# copy and the learning rate; and MAE fills all four blocks in one go.) So we train all four combinations, with the same
# encoder, the same number of steps and the same stream of pictures: three seeds of the two published ones, one of the others.
# We freeze the encoders and ask two kinds of probe what they hold. A **linear** probe reads off the mean over all 36 tokens. An
# **attentive** probe may learn where to look before it reads (`AttentiveProbe`); the V-JEPA papers use such a one. Beside them
# stand an untrained encoder and raw patches. These come without their places, so that row cannot know *where*. The steps are
# the same, the work is not: I-JEPA runs a second encoder and with blocks predicts four times. Classes are measured by accuracy,
# of four kinds and six colours; numbers by $R^2$.
#
# Each method has a learning rate of its own, chosen in a few short trials, more of them for I-JEPA than for MAE; with the
# other's masks it keeps its rate.
#
# Our expectation, before the cell runs: MAE has to draw, so it should know place, size and background. What I-JEPA finds worth
# knowing nobody prescribed. What one part of a picture tells about all the others is which shape it is and in which colour. We
# expect it ahead on those, and behind on the rest.

# %% tags=["nbval-check-output"]
print(*(f"{name}: {each.manifest.provenance()}" for name, each in shelf.items()), sep="\n")
shown = ("kind", "position", "size", "background")
rows = {"pixels": "pixels", "untrained": "untrained", "MAE, scattered": "MAE", "MAE, blocks": "MAE, blocks",
        "I-JEPA, scattered": "I-JEPA, scattered masks", "I-JEPA, blocks": "I-JEPA"}


def runs(label, how, factor):
    """A reading in the full run, seed by seed, or the one there is."""
    one = f"{label}, {how}, {factor}"
    return [full[one]] if one in full else [full[f"{label}, seed {seed}, {how}, {factor}"] for seed in seeds]


def spread(values):
    """Mean, least and greatest, or the value where there is one."""
    return (sum(values) / len(values), min(values), max(values)) if len(values) > 1 else values[0]


for how in ("linear", "attentive"):
    table([f"{how} probe", *shown], [[name, *(spread(runs(label, how, f)) for f in shown)] for name, label in rows.items()],
          digits=2)

# %% [markdown]
# Two rows that differ in one word tell what that word does, and what goes with it. **Place**, at this grain, follows the mask.
# (With more grain it does not: see *At scale*.) With scattered masks the mean token keeps it, at 0.9, whatever is predicted;
# with blocks both methods have less of it than an untrained encoder. **Size** suffers from both changes, and most from the two
# together. **Background** falls a little with each. **Kind**, as far as these seeds say, needs both. No average of pixels holds
# it: a disc and a square of one colour and size cover the same area. I-JEPA with blocks tells it in 42 cases of a hundred,
# where guessing gets 25; the two that are halfway get 36, not above MAE's best seed. So we cannot say that predicting features
# alone brings the kind, nor that blocks alone do. Together they bring a little; and the two halfway have one seed each.
#
# It depends on the probe, too. The attentive one reads less of the kind from I-JEPA than from MAE: 0.33 against 0.39 for the
# published pairs, whose ranges just overlap, and 0.27 against 0.41 with masks exchanged, one seed each. It also finds most of
# the place again, in single tokens. What I-JEPA gained is the kind in plain form in the mean token. Whether more of it is there
# these probes do not say: the attentive one, after 300 steps, reads less than the linear one off the same tokens, 0.33 against
# 0.42. Single patches show a corner or a round edge, and the attentive probe gets 0.36 from raw patches. We give no ceiling;
# these are small encoders after a few minutes.
#
# Colour is not in these tables: every trained network has all of it, and we were wrong to expect a lead there. Why blocks cost
# the place we can only guess. What is asked for lies far from what is seen, and can be foreseen only where the picture's parts
# share it; tokens bent towards what they share say less of where they are.
#
# So "what it means, not how it looks" is part of what happened. The place went for another reason: the blocks took it, from the
# rival too.
#
# ## The evidence
#
# The kept networks, all seed 0, measured here and now. *Stray* is how far a feature strays from its mean over
# pictures: the standard deviation at each place, averaged. It is what collapse takes away.

# %% tags=["nbval-check-output"]
fresh = build("I-JEPA").encoder
linear = {name: probe(encoder, ways=["linear"])["linear"] for name, encoder in
          (("untrained", fresh), ("MAE", kept["mae"].encoder), ("MAE, blocks", kept["mae_blocks"].encoder),
           ("I-JEPA", kept["i_jepa"].encoder), ("I-JEPA, the slow copy", kept["i_jepa"].target))}
table(["linear probe", *FACTORS], [[name, *found.values()] for name, found in linear.items()], digits=2)

# %%
@torch.no_grad()
def stray(encoder, images=test.images[:300]):
    """Standard deviation over pictures, at each place and of each number, averaged."""
    return float(features(encoder, images).std(0).mean())


gap = {f: linear["I-JEPA"][f] - linear["MAE"][f] for f in FACTORS}
claim("I-JEPA's features stray by", stray(kept["i_jepa"].encoder), ">=", 0.3)
claim("Linear probe of the kind, accuracy: I-JEPA minus MAE", gap["kind"], ">=", 0.03)
claim("Linear probe of the kind, accuracy: I-JEPA minus a random encoder",
      linear["I-JEPA"]["kind"] - linear["untrained"]["kind"], ">=", 0.05)
claim("Linear probe of the size, R²: I-JEPA minus a random encoder",
      linear["I-JEPA"]["size"] - linear["untrained"]["size"], ">=", 0.05)
claim("Linear probe of the size, R²: MAE minus I-JEPA", -gap["size"], ">=", 0.1)
claim("Linear probe of the position, R²: MAE minus I-JEPA", -gap["position"], ">=", 0.1)
claim("Linear probe of the background, R²: MAE minus I-JEPA", -gap["background"], ">=", 0.04)
claim("Linear probe of the position, R², MAE: scattered masks minus blocks",
      linear["MAE"]["position"] - linear["MAE, blocks"]["position"], ">=", 0.05)
claim("Linear probe of the kind, accuracy, blocks: I-JEPA minus MAE",
      linear["I-JEPA"]["kind"] - linear["MAE, blocks"]["kind"], ">=", 0.03)
claim("The kept network's reading of the size differs from its manifest's by",
      abs(linear["I-JEPA"]["size"] - full["I-JEPA, seed 0, linear, size"]), "<=", 1e-3)
kinds = {(method, how): runs(method, how, "kind") for method in ("MAE", "I-JEPA") for how in ("linear", "attentive")}
claim("Linear probe of the kind in the full run: I-JEPA's worst seed minus MAE's best",
      min(kinds["I-JEPA", "linear"]) - max(kinds["MAE", "linear"]), ">=", 0)
claim("Attentive probe of the kind in the full run, mean of the seeds: MAE minus I-JEPA",
      (sum(kinds["MAE", "attentive"]) - sum(kinds["I-JEPA", "attentive"])) / len(seeds), ">=", 0)

# %% [markdown]
# ## What breaks
#
# **The stop.** Train three times from the same start, at the same rate: as above; without the slow copy, so that the target is the
# encoder of this very moment, and only the stop is left; and without the stop, gradient and all. The rate is ten times that of the
# kept network, so that what happens happens within the minute. Which loss will be lowest?

# %%
def rank_of(encoder):
    """Effective rank of the mean tokens of 300 pictures; at most 64."""
    return effective_rank(features(encoder, test.images[:300]).mean(1))


cases = {"I-JEPA": "stop and slow copy", "no slow copy": "the stop alone", "no stop": "neither"}
short = {case: train(case, steps=100, rate=5e-3) for case in cases}
last = {case: history.last("prediction", 20) for case, (_, history) in short.items()}
table(["after 100 steps", "loss", "features stray by", "effective rank"],
      [["untrained", "", stray(fresh), rank_of(fresh)],
       *([cases[case], last[case], stray(net.encoder), rank_of(net.encoder)] for case, (net, _) in short.items())])
claim("With the stop alone the features stray by", stray(short["no slow copy"][0].encoder), ">=", 0.3)
claim("Without the stop the features stray by", stray(short["no stop"][0].encoder), "<=", 0.02)
ranks = {case: rank_of(net.encoder) for case, (net, _) in short.items()}
claim("Effective rank without the stop, less the greater of the others",
      ranks["no stop"] - max(ranks["I-JEPA"], ranks["no slow copy"]), ">=", 0)
claim("Without the stop the loss is a small share of that with stop and slow copy", last["no stop"] / last["I-JEPA"], "<=", 0.05)

# %% tags=["hide-input"]
fig, ax = figure(width=5.4)
for (case, (_, history)), shade, line in zip(short.items(), ("imagined", "third", "rival"), ("-", "--", "-")):
    ax.plot(history.terms["prediction"], line, color=colour(shade), label=cases[case])
ax.set(xlabel="training step", ylabel="loss", yscale="log")
ax.legend()
show(fig, caption="The violet loss falls to nearly nothing, and with it what it measures: there is nothing left to predict. "
                  "The other two stay high, with and without a slow copy: their targets stay different from each other.",
     alt="Three loss curves on a logarithmic axis; the one without the stop falls by three orders of magnitude.")

# %% [markdown]
# The collapsed network has by far the lowest loss. Judge by the loss, and you would keep it. Judge by the effective rank, which
# many papers print, and you would keep it too: it is highest there, since it looks at the shape of the cloud of features and
# not at its size. Only the straying tells. And here the slow copy is not what prevents the collapse: over these hundred steps,
# one seed, the stop alone does, as Chen and He say. What the copy does for the features in a long training this does not show.
#
# **The blocks.** Scattered masks leave a visible patch beside nearly every hidden one. How far is it from a hidden patch to the
# nearest visible one, in patches?

# %%
def reach_of(masks):
    """Mean distance from what is asked to the nearest visible patch, in patches."""
    place = lambda tokens: torch.stack([tokens // 6, tokens % 6], -1).float()
    return float(torch.cdist(place(masks.ask.flatten(1)), place(masks.keep)).min(2).values.mean())


many = {name: draw(500, torch.Generator().manual_seed(0)) for name, draw in (("blocks", blocks), ("scattered", scattered))}
table(["masks", "patches to the nearest visible"], [[name, reach_of(masks)] for name, masks in many.items()], digits=2)
claim("From a hidden patch to the nearest visible one, blocks over scattered",
      reach_of(many["blocks"]) / reach_of(many["scattered"]), ">=", 1.2)

# %% [markdown]
# An answer that stands next door can be found by continuing colours. In the first tables, at their grain, the masks made the
# difference in place, for both methods; in kind, for I-JEPA alone. Assran and colleagues too found their masks to matter, on
# ImageNet and with a far larger effect.
#
# ## At scale
#
# The full run of this file also turns the grain up. A third rival joins: a network with the parts of MAE that hides nothing and
# draws the *next* frame, in which the shape has moved by a pixel or two and the grain is new. Nobody can draw that grain, and
# nobody can draw the grain of a hidden patch either: in all three the best drawing, or feature, leaves it out.

# %% tags=["hide-input"]
lines = {"I-JEPA": ("imagined", "--"), "MAE": ("rival", "-"), "next frame": ("third", "-."), "random": ("muted", ":")}
views = []
for factor in ("kind", "position", "size", "background"):
    fig, ax = figure(width=3.1, height=2.6)
    for method, (shade, line) in lines.items():
        ax.plot(GRAIN, [full[f"grain {grain}, {method}, linear, {factor}"] for grain in GRAIN], line, marker="o",
                markersize=4, color=colour(shade), label="untrained" if method == "random" else method)
    ax.set(title=factor, xlabel="grain / grey levels", ylabel="accuracy" if factor == "kind" else "R²")
    if factor == "kind":
        ax.legend()
    views.append(fig)
show(*views, caption="Linear probes as the grain grows, one seed, half as many steps. Kind: I-JEPA leads while anybody sees "
                     "it. Position: it leaves the mean token of the two that fill in hidden patches.",
     alt="Four small charts of probe readings against the strength of the grain, for four encoders.")

# %% [markdown]
# As the grain grows the lead on kind shrinks, and at 0.3 the linear probe reads next to nothing of it.
#
# The first chapter's argument was that a network paid for pixels wastes itself on detail. Here is what detail does. Place
# leaves the mean token in *both* networks that fill in hidden patches, I-JEPA as well as MAE: of 0.86 and 0.91 without grain,
# 0.24 and 0.11 are left at 0.3, where an untrained encoder has 0.56. MAE's scattered masks do not save it there. The network
# that draws the next frame stays level with the untrained one, and at 0.3 a little above it, and it is paid in pixels too. So,
# as far as one seed says, it is not pixels against features. It may be that it sees the whole picture, or that its target is
# another moment; this run changed both at once. And the place leaves the mean, not the tokens: at 0.3 the attentive probe reads
# about four fifths of it from either of the two, and half from an untrained encoder.
#
# ## Exercises
#
# **1. Follow slowly.** Write the update of the slow copy for one weight. The usual slip makes it follow fast.

# %% tags=["exercise"]
def follow(slow, fast, decay):
    """The slow weight after one update."""
    return ...


check("jepa/i_jepa/follow", follow)

# %% tags=["solution"]
def follow(slow, fast, decay):
    """The slow weight after one update."""
    return decay * slow + (1 - decay) * fast


check("jepa/i_jepa/follow", follow)

# %% [markdown]
# **2. Make the targets.** From a batch of pictures, the target encoder and the places that are asked for, (batch, asked), make
# what the prediction is compared with, (batch, asked, dim). Drawings of I-JEPA get this wrong in several ways, and the check
# knows three. `take(tokens, places)` picks tokens; `layer_normed(tokens)` norms them.

# %% tags=["exercise"]
from wm_core.nets.vit import take
from wm_core.objectives.prediction import layer_normed


def make_targets(encoder, images, ask):
    """Target features at the places asked for."""
    with torch.no_grad():
        tokens = ...
    return ...


check("jepa/i_jepa/make_targets", make_targets)

# %% tags=["solution"]
from wm_core.nets.vit import take
from wm_core.objectives.prediction import layer_normed


def make_targets(encoder, images, ask):
    """Target features at the places asked for."""
    with torch.no_grad():
        tokens = layer_normed(encoder(images))
    return take(tokens, ask)


check("jepa/i_jepa/make_targets", make_targets)

# %% [markdown]
# **3. How much is hidden?** On a grid of 6 by 6, four blocks of about a sixth of the picture each: which share of the 36 patches
# do they cover together, on average? Guess before you compute it from `many["blocks"].ask`; they overlap.

# %% tags=["exercise"]
share = ...  # between 0 and 1
check("jepa/i_jepa/share", share)

# %% tags=["solution"]
share = sum(len(set(row.flatten().tolist())) for row in many["blocks"].ask) / (500 * 36)  # between 0 and 1
check("jepa/i_jepa/share", share)

# %% [markdown]
# ## Notes
#
# **Where this comes from.** I-JEPA is by Assran and colleagues ([paper](https://arxiv.org/abs/2301.08243),
# [entry](../../book/bibliography.md#assran2023)), MAE by He and colleagues ([paper](https://arxiv.org/abs/2111.06377),
# [entry](../../book/bibliography.md#he2022)), the vision transformer by Dosovitskiy and colleagues
# ([paper](https://arxiv.org/abs/2010.11929), [entry](../../book/bibliography.md#dosovitskiy2021)). Predicting a slow copy's
# features of the whole input from a masked one is data2vec, by Baevski and colleagues
# ([paper](https://arxiv.org/abs/2202.03555), [entry](../../book/bibliography.md#baevski2022)); a slow copy as a target with a
# predictor on one side is BYOL's, by Grill and colleagues ([entry](../../book/bibliography.md#grill2020)). I-JEPA's own are the
# blocks and a predictor that is told where to look. That the stop alone can do is Chen and He's
# ([entry](../../book/bibliography.md#chen2021)), the linear theory is by Tian, Chen and Ganguli
# ([entry](../../book/bibliography.md#tian2021)).
#
# **What is different at their size.** The paper's ViT-H/14 has 32 blocks, 1280 numbers a token, and patches of 14 by 14 pixels of
# ImageNet's pictures; training it took 16 A100 cards less than 72 hours. Its predictor is narrower than its encoder, 384 numbers
# and 12 blocks. Ours is as wide as our encoder, which is narrow already. The paper probes the slow copy, we the encoder; the
# two last rows of *The evidence* compare them.
#
# **Where popular accounts go wrong.** They show the target encoder only the hidden patches. It sees the whole picture. They hide
# the left half and predict the right, or single patches anywhere; the blocks are the method, and the paper's own comparison of
# masks is its strongest argument. They draw a fresh random vector as mask token, without a place, so the predictor cannot know
# where it is asked. They say that the slow copy prevents collapse. It helps in practice; the constant is still a perfect answer.
#
# **What this chapter does not show.** One shape on soft wallpaper is no photograph. Our encoders are a few thousand times smaller
# than the paper's and saw 64,000 pictures. We have compared frozen features; a masked autoencoder is at its best when the encoder
# is trained further for its task, and that was not tried. And I-JEPA is no world model yet: nothing moves, and nobody acts.
