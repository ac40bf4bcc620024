# %% [markdown]
# # What cannot happen
#
# You will show a network clips in which something impossible happens. Nobody has told it what is possible. You will measure by how
# much its prediction fails, where and when, and find out how much of that is knowledge and how much only looks like it.
#
# It takes about a minute on two idle CPU cores; networks this small gain little from a GPU. You need to have read
# [Motion is in the prediction](v_jepa.py), whose loss and slow copy are used here.

# %%
from functools import lru_cache

import torch

from wm_core.jepa.next_moment import NextMoment, next_moment_loss, surprise
from wm_core.lesson import check, checkpoint, claim, scale, scale_name
from wm_core.lesson import colour, figure, live, picture, show, source, table
from wm_core.metrics.intervals import mean_and_range, wilson
from wm_core.metrics.probe import LinearClassifier
from wm_core.nets.vit import ViT
from wm_core.training import fit
from wm_core.worlds.events import EVENTS, pairs
from wm_core.worlds.stage import Stage

settings = scale(tiny=dict(steps=80, pool=512, pairs=150),
                 full=dict(steps=2500, pool=8192, pairs=150,
                           seeds={"features": 3, "pixels": 3, "pixels, l1": 2, "frozen features": 2}))
torch.set_num_threads(1)  # networks this small run faster on one core than on two

# %% [markdown]
# ## The question
#
# A shape passes behind an occluder. In one clip it comes out on the other side. In the other it does not. Up to the frame in which
# it should come out the two clips are the same, pixel for pixel.

# %%
world = Stage(texture=0.05)
tests = {event: pairs(world, settings["pairs"], torch.Generator().manual_seed(50 + number), event)
         for number, event in enumerate(EVENTS)}


# %% tags=["hide-input"]
def strip(clips, titles, frames, caption, alt):
    """Some frames of each clip, a row each."""
    fig, panels = figure(len(clips), len(frames), width=0.85 * len(frames), height=1.05 * len(clips))
    for row, clip, title in zip(panels, clips, titles, strict=True):
        for ax, frame in zip(row, frames, strict=True):
            picture(ax, clip[frame].permute(1, 2, 0), " ")
        row[0].text(0, 1.08, title, transform=row[0].transAxes, in_layout=False)
    show(fig, caption=caption, alt=alt)


EXAMPLE = 3
first = tests["vanish"]
strip((first.possible[EXAMPLE], first.impossible[EXAMPLE]), ("it comes out", "it does not"), range(0, 16, 2),
      "Every other frame of two clips. No single frame of the second is odd: an occluder with nothing beside it is a "
      "picture of some other, possible clip. Only the history makes it impossible.",
      "Two rows of frames: a shape goes behind a bar; in the upper row it comes out again, in the lower it does not.")

# %% [markdown]
# Show a baby something like it and it looks longer at the second. Baillargeon, Spelke and Wasserman
# ([1985](../../book/bibliography.md#baillargeon1985)) built a method on that: they let a screen turn, like a drawbridge,
# through the place of a box that it had just hidden, and five-month-olds looked longer than when the screen stopped at the box. It
# is called *violation of expectation*. It needs no words, so it can be done with a network too. In the place of looking time we
# take the error of its prediction, the *surprise*.
#
# Here are six things that cannot happen, one pair of clips each.

# %%
WHAT = {"vanish": "it does not come out", "appear": "nothing went in, and out it comes",
        "shape": "another shape comes out", "colour": "another colour comes out",
        "pass_through": "it passes a wall", "teleport": "it jumps, in plain sight"}


# %% tags=["hide-input"]
def around(pair, row, length=12, count=6):
    """Numbers of frames about the event."""
    start = min(max(int(pair.event[row]) - length // 2, 0), 16 - length)
    return range(start, start + length, length // count)


fig, panels = figure(len(EVENTS), 6, width=5.4, height=6.6)
for row, (event, pair) in zip(panels, tests.items(), strict=True):
    for ax, frame in zip(row, around(pair, EXAMPLE), strict=True):
        picture(ax, pair.impossible[EXAMPLE, frame].permute(1, 2, 0), " ")
    row[0].text(0, 1.08, f"{event}: {WHAT[event]}", transform=row[0].transAxes, in_layout=False)
show(fig, caption="The impossible clip of six pairs, about the moment when it becomes impossible. The striped bar is "
                  "a wall, which turns back what hits it. Each has a possible partner that begins in the same way.",
     alt="Six rows of six frames, each with a shape and most with a pale bar that hides what passes behind it.")

# %% [markdown]
# A first try without any network: expect that nothing changes, and call the change from moment to moment the surprise. A *moment*
# is two frames, and the expectation is the last frame seen. A pair is won if the surprise, averaged over the whole clip, is larger
# in the impossible one. A coin wins half. Before you run the cell, say for each of the six whether this wins more or fewer.

# %%
def build(wanted="features", seed=0):
    """A network of this chapter, untrained: it will predict features, or pixels (then with the squared error)."""
    torch.manual_seed(seed)
    wanted, _, kind = wanted.partition(", ")
    encoder = ViT(size=24, patch=8, frames=2, tubelet=2, dim=64, depth=2, heads=4)
    return NextMoment(encoder, wanted=wanted, kind=kind or ("l2" if wanted == "pixels" else "l1"))


def surprises(model, copying=False):
    """For each event the surprise by possible and by impossible clips: (2, pairs, moments - 1, places)."""
    def by(clips):
        return torch.cat([surprise(model, some, copying) for some in clips.split(50)])
    return {event: torch.stack([by(pair.possible), by(pair.impossible)]) for event, pair in tests.items()}


def won(found):
    """The share of pairs in which the impossible clip surprises more, over the whole clip; a tie is half a win."""
    possible, impossible = found.mean((2, 3))
    return float(((impossible > possible).float() + 0.5 * (impossible == possible)).mean())


no_change = {event: won(found) for event, found in surprises(build("pixels"), copying=True).items()}
table(["event", "pairs won by expecting no change"], [[event, share] for event, share in no_change.items()], digits=2)

# %% [markdown]
# It wins no pair of *vanish* and every pair of *appear*, and neither is knowledge. Who expects no change is surprised by whatever
# moves, and in a clip in which a shape has vanished less moves. So a zero tells as much as a one, and a score above one half is no
# proof of anything. To win *vanish*, the *absence* of a shape must surprise more than its presence, and for that somebody has to
# keep in mind what cannot be seen.
#
# ## Play
#
# The figure runs two networks that `make full L=jepa/surprise` trains with this very file; the page loads them. They have seen
# possible clips alone. Each frame of both clips is drawn on the page when you change something, and the networks run there too.
#
# The next cells, all closed, set up the training. You can pass over them: *The idea* says what the networks do.

# %% tags=["hide-input"]
RATE = 2e-3


@lru_cache(maxsize=1)
def pool(clips):
    """Possible clips to train on, as bytes."""
    parts = (world.occluded(256, torch.Generator().manual_seed(1000 + part)).frames for part in range(clips // 256))
    return torch.cat([(255 * part).round().byte() for part in parts])


def batches(clips, count=16):
    """Clips from a pool, half of the batches mirrored."""
    def draw(step, generator):
        some = clips[torch.randint(len(clips), (count,), generator=generator)] / 255
        return some.flip(-1) if torch.rand((), generator=generator) < 0.5 else some
    return draw


def train(wanted, seed=0, steps=settings["steps"]):
    """Train one network on possible clips."""
    model, name = build(wanted, seed), f"{wanted} {steps} {seed}"
    history = fit(model, next_moment_loss, batches(pool(settings["pool"])), steps=steps, learning_rate=RATE,
                  weight_decay=0.05, warmup=0.1, seed=seed, title=name, after_step=NextMoment.follow,
                  checkpoint=checkpoint(f"surprise {name}"))
    return model.cpu(), history


# %% tags=["hide-input"]
from wm_core.artefacts import load, published, save

SYSTEMS = {"features": "next_moment", "pixels": "next_moment_pixels"}


def make_artefacts():
    """What the page loads. Run by WM_SCALE=full."""
    kept, claims = {}, {}
    for wanted, seeds in settings["seeds"].items():
        for seed in range(seeds):
            model, _ = train(wanted, seed)
            shares = {event: won(found) for event, found in surprises(model).items()}
            claims |= {f"{wanted}, seed {seed}, {event}": share for event, share in shares.items()}
            claims[f"{wanted}, seed {seed}, all"] = sum(shares.values()) / len(shares)
            kept.setdefault(wanted, model)
    for wanted, system in SYSTEMS.items():
        save(f"book/_static/models/{system}", kept[wanted], system=system, config=settings, seed=0, claims=claims)


if scale_name() == "full":
    make_artefacts()

# %%
shelf = {wanted: load(published(system)) for wanted, system in SYSTEMS.items()}
kept = {wanted: artefact.into(build(wanted)).eval() for wanted, artefact in shelf.items()}
note = shelf["features"].manifest
print(f"{note.config['steps']} steps, {note.provenance()}")

# %% tags=["hide-input"]
from torch import nn

from wm_core.artefacts import export_onnx
from wm_core.worlds.dot_room import WAVES
from wm_core.worlds.drawing import HALF_WIDTH


class Surprised(nn.Module):
    """Two clips to the surprise at each place of each moment, for the page."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, clips):
        expected, actual = self.model(clips)
        return self.model.off(expected, actual).mean(-1)


def scripts(walled):
    """Scenes as numbers, from which the page draws."""
    script = world.script(5, torch.Generator().manual_seed(21), torch.full((5,), walled))
    fields = ("kinds", "hues", "heights", "level", "radius", "direction", "centre", "wide", "tall", "paint", "speed",
              "texture")
    return [{name: getattr(script, name)[row].tolist() for name in fields}
            | {"crossing": float(-script.progress[row, 0] / script.speed[row])} for row in range(5)]


# %% tags=["hide-input"]
possible = world.occluded(200, torch.Generator().manual_seed(9))
usual = {wanted: torch.cat([surprise(model, some) for some in possible.frames.split(50)])
         for wanted, model in kept.items()}
example = torch.stack([first.possible[EXAMPLE], first.impossible[EXAMPLE]])
networks = {wanted: export_onnx(Surprised(model).eval(), {"clips": example}, ["surprise"])
            for wanted, model in kept.items()}
traces = surprise(kept["features"], example).mean(2)

poster, (top, bottom) = figure(1, 2, width=6.4, height=2.7)
picture(top, example[1, 13].permute(1, 2, 0), "the other clip, frame 14")
looks = (("actual", "what the world does", "-"), ("imagined", "the other clip", "--"))
for line, (shade, name, style) in zip(traces, looks, strict=True):
    bottom.stairs(line, range(2, 17, 2), color=colour(shade), linestyle=style, label=name, baseline=None)
bottom.set(xlabel="frame", ylabel="surprise", ylim=(0, 1.4 * float(traces.max())))
bottom.legend(loc="upper left")
live("behind", model=networks, poster=poster, size=24, frames=16, tubelet=2, thickness=world.thickness,
     half=list(HALF_WIDTH), waves=[list(wave) for wave in WAVES],
     usual={wanted: float(each.mean()) for wanted, each in usual.items()},
     scenes={"open": scripts(False), "walled": scripts(True)},
     caption="Choose what happens in the other clip. Both clips begin alike, and so do the two traces. Step with the "
             "left and right arrow keys or drag; up and down moves the path. Orange squares show where the network "
             "was surprised.",
     alt="A clip in which a shape has vanished, and two traces of surprise that part where it should have come out.")

# %% [markdown]
# Try the last entry first: with nothing special the two clips are the same, and so are the traces. Then let it vanish, and look at
# *when* the traces part. Then ask the pixel predictor about the same two clips.
#
# ## The idea
#
# ![Diagram: each moment of a clip goes through the encoder by itself; a predictor that looks only back turns the moments seen so far into the expected features of the next; a slow copy of the encoder makes the actual features; the distance between the two is the surprise](../../book/_static/diagrams/next_moment.svg)
#
# Take V-JEPA's parts: an encoder, a slow copy that makes the targets, a predictor, and the absolute difference. Change what is
# hidden. V-JEPA hides tubes, places that stay hidden at all times, and fills them in from what is seen before, beside *and after*.
# Surprise asks about the next moment, given only what came before. Garrido and colleagues
# ([2025](../../book/bibliography.md#garrido2025)) ask that of a V-JEPA that was trained with tubes: they slide a window along a
# clip and hide the window's end. We tried tubes in this world first, and in four minutes of training the network did not learn
# that what goes in comes out. We have not found out why. Our guess is that a tube is most easily filled in from its surroundings at
# the same moment, and that looking across time is learned late.
#
# So we train for what we shall ask. The encoder sees one moment at a time, two frames, as nine tokens. A predictor looks back over
# all the moments so far, never ahead, and says how the features of the next moment will *differ* from those of this one. It does so
# after every moment of the clip in one pass, as a language model does after every word. What it has no idea of, it expects to
# stay as it is.
#
# The rival, the pixel predictor, is the same network with the same training. Only it says how the *pixels* will differ from the
# last frame, and is held to the squared error. It is a small stand-in for models that draw the next frames; large ones draw better.
#
# ## The mathematics
#
# Let $s_t$ be the features of moment $t$ as the slow copy makes them, layer-normed, one vector for each of $P$ places; with
# $o_{\le t}$, all moments up to $t$, the predictor expects $\hat s_{t+1}$. The surprise is
#
# $$ S_{t+1} = \frac{1}{P}\sum_{p=1}^{P} \frac1D \big\lVert \hat s_{t+1,p} - s_{t+1,p} \big\rVert_1, \qquad
#    \hat s_{t+1} = s_t + g_\phi\big(f_\theta(o_1), \dots, f_\theta(o_t)\big), $$
#
# mean over the $D$ numbers of a token, and the loss is the mean of $S$ over moments two to eight and over possible clips
# (`next_moment_loss`, `surprise`). Of the first moment nothing is expected.
#
# What does surprise measure? Suppose that the predictor is as good as can be. Then it expects the median, and what is left over
# possible futures is their mean absolute deviation, as in [the chapter on V-JEPA](v_jepa.py). For any one future $s$
#
# $$ S(s) = \underbrace{\operatorname{MAD}(s \mid o_{\le t})}_{\text{how uncertain the world is}}
#    + \underbrace{S(s) - \operatorname{MAD}(s \mid o_{\le t})}_{\text{how odd this future is}} . $$
#
# The first term has nothing to do with possible or impossible. It is large where much can happen: where a shape may enter the
# picture, and in a real film wherever leaves move. Only the second tells. A *pair* takes the first term away: two clips that begin
# alike have the same past, hence the same expectation and the same first term,
#
# $$ S(s^{\text{impossible}}) - S(s^{\text{possible}})
#    = \frac{1}{PD}\Big( \big\lVert \hat s - s^{\text{impossible}} \big\rVert_1
#    - \big\lVert \hat s - s^{\text{possible}} \big\rVert_1 \Big), $$
#
# and before the event the difference is exactly zero. The equation holds at the first moment in which the two differ. After it they
# have different pasts, and the difference also holds what the network makes of each. A single clip has no such partner, and we
# shall see what that costs.
#
# ## The code

# %%
source(NextMoment.expect, NextMoment.forward, surprise)

# %% [markdown]
# The line to look at is `allowed=self.back`. It is a table of who may look at whom: a token at all tokens of its own moment and of
# earlier ones. Exercise 1 makes it.
#
# ## The experiment
#
# First the training, from nothing, for as long as a page allows. The yardstick is what expecting *no change of features* would
# cost: the same targets, the moment before in the place of the expectation.

# %%
short, _ = train("features")
rows = []
stages = {"untrained": build(), f"after {settings['steps']} steps": short, "the kept network": kept["features"]}
for name, model in stages.items():
    by = [torch.cat([surprise(model, some, copying) for some in possible.frames.split(50)]).mean()
          for copying in (False, True)]
    rows.append([name, *map(float, by), float(by[0] / by[1])])
table(["surprise by possible clips", "network", "no change", "ratio"], rows, digits=3)

# %% [markdown]
# A constant would be a perfect prediction, and at first the features do become alike: after 80 steps their change from moment to
# moment is smaller than at the start, and the network is no better than expecting none. The kept network has features that
# change ten times as much, and is off by a third of that.
#
# Now the pairs. Before you run the cell, bet: which of the six will V-JEPA win, and which will the pixel predictor? Neither has
# ever seen an impossible clip.

# %% tags=["nbval-check-output"]
networks_by_name = {"untrained": build().eval(), "pixel predictor": kept["pixels"], "V-JEPA": kept["features"]}
found = {name: surprises(model) for name, model in networks_by_name.items()}
shares = {name: {event: won(each) for event, each in by.items()} for name, by in found.items()}
table(["pairs won", *shares], [[event, *(by[event] for by in shares.values())] for event in EVENTS], digits=2)

# %% tags=["hide-input"]
def won_fig(shares, trials, caption, alt):
    """Shares of pairs won, by event, with their intervals."""
    fig, ax = figure(width=5.4, height=3.4)
    looks = zip(shares.items(), ("muted", "rival", "imagined"), ("o", "s", "D"), (-0.22, 0, 0.22), strict=True)
    for (name, by), shade, mark, shift in looks:
        for row, event in enumerate(EVENTS):
            _, low, high = wilson(round(by[event] * trials), trials)
            ax.plot([low, high], [row + shift] * 2, color=colour(shade))
        rows = [row + shift for row in range(len(EVENTS))]
        ax.plot([by[event] for event in EVENTS], rows, mark, color=colour(shade), label=name)
    ax.axvline(0.5, color=colour("muted"), linestyle=":")
    ax.set(xlabel="share of pairs won", yticks=range(len(EVENTS)), yticklabels=EVENTS, xlim=(-0.03, 1.03))
    ax.invert_yaxis()
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=3)
    show(fig, caption=caption, alt=alt)


won_fig(shares, settings["pairs"],
        "Pairs won by each network, with 95 % intervals over pairs; the dotted line is a coin. Left of it the "
        "possible clip surprises more.", "For six events the shares of pairs that three networks win.")

# %% [markdown]
# The pixel predictor wins no *vanish*, like the one who expects no change; V-JEPA wins 95 in a hundred. With the wall, where both
# clips hold as much motion and only the side is wrong, the pixel predictor wins 61 and V-JEPA 94; with the colour 67 and 78. Where
# a shape jumps in plain sight, which takes no memory, the pixel predictor is the better one, with every pair. *Appear* is won by
# all, the untrained network included, so it tests nothing here. And nobody notices another *shape*.
#
# **When** does the surprise come? We line up all pairs at the *event*, the moment in which the two clips first differ, be it by a
# sliver, and take the mean difference.

# %%
REACH = range(-2, 4)


def aligned(values, event):
    """Means of values (pairs, moments two to eight) at moments from the event, where the clip is long enough."""
    at = tests[event].event[:, None] // 2 - 1 + torch.tensor(REACH)
    inside = (at >= 0) & (at < 7)
    return (values.gather(1, at.clamp(0, 6)) * inside).sum(0) / inside.sum(0)


level = {"V-JEPA": float(usual["features"].mean()), "pixel predictor": float(usual["pixels"].mean())}
rises = {name: {event: aligned((by[1] - by[0]).mean(2), event) / level[name] for event, by in found[name].items()}
         for name in level}


# %% tags=["hide-input"]
fig, panels = figure(1, 2, width=7.2, height=2.9)
for ax, (name, by) in zip(panels, rises.items(), strict=True):
    for event, shade, line in (("vanish", "imagined", "-"), ("colour", "actual", "--"),
                               ("pass_through", "third", "-."), ("shape", "muted", ":")):
        ax.plot(REACH, by[event], line, color=colour(shade), label=event)
    ax.axhline(0, color=colour("grid"), zorder=0)
    ax.set(title=name, xlabel="moments after the event")
panels[0].set(ylabel="excess surprise\n(1: the usual surprise)")
panels[0].legend()
show(fig, caption="The impossible clip's surprise minus the possible one's, mean over the pairs. Before the event "
                  "every line is at zero, because the clips are the same. Then both networks are first surprised by "
                  "what comes out, and V-JEPA by what does not come out afterwards.",
     alt="Two panels of four lines. For V-JEPA vanish dips at the event, then rises far above zero; for pixels it "
         "falls.")

# %% [markdown]
# In the very moment of the event, V-JEPA too is surprised more by the shape's coming out than by its absence: the line of *vanish*
# dips before it rises. When the first sliver will show is hard to say to the frame. One moment later the order has turned.
#
# But is it surprised because it *expects the shape*? Ask what it expected. At each moment of the clips in which the shape vanishes
# we measure how far its expectation is from what came, nothing, and how far from what came in the other clip, in which the shape
# is out. Beside it stands how far these two are from each other.

# %%
def between(name, model, event="vanish"):
    """At moments from the event: expectation to nothing, expectation to the shape, and nothing to the shape."""
    with torch.no_grad():
        (expected, nothing), (_, out) = model(tests[event].impossible), model(tests[event].possible)
    parts = (expected, nothing), (expected, out), (nothing, out)
    return torch.stack([aligned(model.off(*part).mean((2, 3)), event) / level[name] for part in parts], 1)[2:]


middle = {name: between(name, networks_by_name[name]) for name in level}
table(["who, moments after the event", "to nothing", "to the shape", "nothing to the shape"],
      [[f"{name}, {after}", *row] for name, by in middle.items() for after, row in enumerate(by[:3].tolist())],
      digits=2)

# %% [markdown]
# The pixel predictor's expectation is at nothing, and almost as far from the shape as nothing itself is. It has forgotten what went
# in, or finds it safest to draw nothing. V-JEPA's is in between: one moment after the event it is as far from nothing as from the
# shape. A moment later, with nothing seen once, it is nearer to nothing, and still far from it. So it does not firmly expect the
# shape. It no longer expects *that nothing is there*. A median of each of 64 features need not be anything that can happen.
#
# **Where** is it surprised?

# %% tags=["hide-input"]
from matplotlib.patches import Rectangle

MOMENTS = range(3, 8)  # the fourth to the eighth
jump = tests["teleport"].impossible[EXAMPLE : EXAMPLE + 1]
fig, rows = figure(2, len(MOMENTS), width=5.4, height=2.6)
for panels, (wanted, name) in zip(rows, (("features", "V-JEPA"), ("pixels", "pixel predictor")), strict=True):
    where = surprise(kept[wanted], jump)[0]
    for ax, moment in zip(panels, MOMENTS, strict=True):
        picture(ax, jump[0, 2 * moment].permute(1, 2, 0), " ")
        for place, share in enumerate((where[moment - 1] / where.max()).tolist()):
            y, x = divmod(place, 3)
            corner, frame = (8 * x, 8 * y), {"fill": False, "edgecolor": colour("imagined"), "linewidth": 2.5}
            ax.add_patch(Rectangle(corner, 7, 7, alpha=share, **frame))
    panels[0].text(0, 1.08, name, transform=panels[0].transAxes, in_layout=False)
show(fig, caption="A shape that jumps. Orange frames: where each network is surprised, the more the stronger. The "
                  "pixel predictor is surprised at a place or two, V-JEPA everywhere at once.",
     alt="Two rows of the same five frames; in the upper all nine places are framed, in the lower one or two.")

# %%
peak = {name: float((by["teleport"][1].amax(2) / by["teleport"][1].mean(2)).mean()) for name, by in found.items()}
print({name: f"{ratio:.1f}" for name, ratio in peak.items()}, "(greatest of nine places over their mean)")

# %% [markdown]
# V-JEPA's surprise has a time and hardly a place. Its encoder mixes the nine tokens of a moment, so each of them tells of the shape
# wherever that is. A map of it laid over the picture, as the figure above draws it, says *that* something is odd, not where.

# %% [markdown]
# ## The evidence

# %%
same = {event: torch.arange(7) < pair.event[:, None] // 2 - 1 for event, pair in tests.items()}  # before the event
before = max(float((each[1] - each[0])[same[event]].abs().max())
             for by in found.values() for event, each in by.items())
ours, pixels, untrained = (shares[name] for name in ("V-JEPA", "pixel predictor", "untrained"))
claim("Before the event the surprises of a pair differ by at most", before, "<=", 1e-4)
claim("Vanish, pairs won by V-JEPA", ours["vanish"], ">=", 0.88)
claim("Vanish, pairs won by the pixel predictor", pixels["vanish"], "<=", 0.05)
claim("Pass through, V-JEPA minus the pixel predictor", ours["pass_through"] - pixels["pass_through"], ">=", 0.2)
claim("Teleport, the pixel predictor minus V-JEPA", pixels["teleport"] - ours["teleport"], ">=", 0.02)
claim("Appear, pairs won by the untrained network", untrained["appear"], ">=", 0.95)
claim("Shape, V-JEPA's distance from a coin", abs(ours["shape"] - 0.5), "<=", 0.08)
claim("One moment after the event V-JEPA's expectation is as far from nothing as from the shape, a share of",
      abs(float(middle["V-JEPA"][1, 0] / middle["V-JEPA"][1, 1]) - 1), "<=", 0.15)
claim("The kept network's share differs from its manifest's by",
      abs(sum(ours.values()) / 6 - note.claims["features, seed 0, all"]), "<=", 5e-3)

# %% [markdown]
# ## What breaks
#
# **One clip alone.** A pair is a kind question: *which of these two?* The harder one is *is this possible?*, about a single clip.
# IntPhys (Riochet and colleagues, [2018](../../book/bibliography.md#riochet2018)) asks both and calls their errors relative and
# absolute. If the surprise of any impossible clip were larger than that of any possible one, a threshold would do. We compare all
# impossible clips with all possible ones, partner or not, and count how often the impossible one surprises more,
#
# $$ A = \frac{1}{NN'}\sum_{i=1}^{N}\sum_{j=1}^{N'} \Big( \big[S_i^{\text{impossible}} > S_j^{\text{possible}}\big]
#    + \tfrac12 \big[S_i^{\text{impossible}} = S_j^{\text{possible}}\big] \Big), $$
#
# the area under the receiver operating characteristic, which is one half for a coin (`told_alone`). We take the mean surprise of a
# clip, or its greatest at any place and moment. Bet first: how much of what V-JEPA wins in pairs is left?

# %% tags=["nbval-check-output"]
def told_alone(impossible, possible):
    """The share of all combinations in which the impossible clip has the larger score; a tie counts half."""
    more = impossible[:, None] - possible
    return float(((more > 0).float() + 0.5 * (more == 0)).mean())


everyday = torch.cat([by[0] for by in found["V-JEPA"].values()])  # the possible clips of all six kinds
alone = {event: (told_alone(by[1].mean((1, 2)), everyday.mean((1, 2))),
                 told_alone(by[1].amax((1, 2)), everyday.amax((1, 2)))) for event, by in found["V-JEPA"].items()}
table(["V-JEPA", "in its pair", "alone, mean surprise", "alone, greatest"],
      [[event, shares["V-JEPA"][event], *alone[event]] for event in EVENTS], digits=2)

# %% [markdown]
# A clip in which a shape vanishes stands out among all possible ones almost as well as in its pair. The state after it is like
# nothing that ever happened, and it lasts. *Appear* is the reverse: won in every pair, and far *below* a coin alone, because in
# those clips so little goes on that their mean surprise is less than that of most possible ones. The greatest surprise repairs that
# and spoils *vanish*. There is no one number of a clip that is right for both.
#
# **What else surprises it?** Take possible clips, in which nothing is ever wrong, and sort their moments by what goes on.

# %%
share_seen = possible.seen.unflatten(1, (8, 2)) * possible.track.present.unflatten(1, (8, 2))
now, then = share_seen[:, 1:].mean(2), share_seen[:, :-1].mean(2)  # (clips, 7) how much of the shape is seen, and was
inner = (possible.track.position[..., 0].unflatten(1, (8, 2))[:, 1:].mean(2) - 0.5).abs() < 0.4  # not at the edge
goings = {"nothing can be seen to move": (now < 0.02) & (then < 0.02),
          "a shape moves in plain sight": (now > 0.98) & (then > 0.98),
          "it is being hidden": (now < then - 0.05) & inner, "it comes out from behind": (now > then + 0.05) & inner,
          "it enters the picture": (now > then + 0.05) & ~inner}
gone = torch.arange(1, 8) > first.event[:, None] // 2  # moments after the one in which it fails to come out


def by_goings(name, wanted):
    """Mean surprise at each sort of moment, in shares of the usual."""
    kinds = [usual[wanted].mean(2)[moments] for moments in goings.values()] + [found[name]["vanish"][1].mean(2)[gone]]
    return [float(each.mean()) / level[name] for each in kinds]


SORTS = [*goings, "impossible: it has vanished"]
by_going = {name: by_goings(name, wanted) for name, wanted in (("V-JEPA", "features"), ("pixel predictor", "pixels"))}
table(["surprise at moments in which", *by_going],
      [list(row) for row in zip(SORTS, *by_going.values(), strict=True)], digits=2)

# %% [markdown]
# The first row and the last hold much the same pictures, an occluder and nothing that moves. V-JEPA finds the last
# more than thirty times as surprising as the first, and the only difference is what was seen earlier: that is the memory. The pixel
# predictor's is a few times as surprising, too, so something of what went in is left in it. But a shape that comes out costs it
# twenty times more, since it cannot draw it quite right, and the mean over a clip drowns the rest.
#
# The rows between are the wrong reasons. A shape that comes out where it should, or enters the picture, surprises V-JEPA more than
# usual, and it has to: nobody can know when something will enter. This is the first term of the equation above. A detector with a
# threshold would ring at every entrance.
#
# **Shape.** Why is the changed shape not noticed? Surprise cannot see what the features do not hold. So ask them: a linear probe of
# the kind of shape and of its colour, from the token in whose place the shape's centre is, at moments in which all of it is seen.

# %%
many = world.occluded(600, torch.Generator().manual_seed(31))
whole = many.seen * many.track.present * ((many.track.position > 0) & (many.track.position < 1)).all(-1)
row, moment = (whole.unflatten(1, (8, 2)).amin(2) > 0.98).nonzero().unbind(1)  # all of it is seen in both frames
x, y = (3 * many.track.position[row, 2 * moment]).long().unbind(1)
truth = {"kind": (many.track.kind[row, 2 * moment], 4),
         "colour": ((6 * many.track.hue[row, 2 * moment]).round().long() % 6, 6)}
seen, fresh = row < 450, row >= 450  # fitted on some clips, measured on others


def read(model):
    """Accuracy of a linear probe of kind and of colour, from the token in whose place the shape's centre is."""
    targets = torch.cat([model.targets(some) for some in many.frames.split(50)])[row, moment, 3 * y + x]
    return [LinearClassifier(targets[seen], labels[seen], count, 1e-3).accuracy(targets[fresh], labels[fresh])
            for labels, count in truth.values()]


held = {"V-JEPA's features": kept["features"], "untrained features": build(), "pixels": kept["pixels"]}
table(["linear probe of", "kind (chance 0.25)", "colour (chance 0.17)"],
      [[name, *read(model)] for name, model in held.items()], digits=2)

# %% [markdown]
# The colour is there. The kind can hardly be read, no better than from an untrained encoder, and less well than from the pixels
# themselves, where a linear map finds little either: four kinds of equal area, five pixels wide, in patches of eight. What the
# features do not tell apart costs nothing to predict wrongly. To see the shape, something would have to make the encoder keep it.
#
# ## At scale
#
# The full run trained three seeds of each network, and two seeds of two controls: a pixel predictor that is held to the absolute
# error, as V-JEPA is, and a network whose targets are the features of an encoder that never learns. It predicts the next moment in
# features that are random and stay so.

# %%
print(note.provenance())
NAMES = {"pixels": "pixels, squared", "pixels, l1": "pixels, absolute", "frozen features": "random features",
         "features": "V-JEPA"}


def over_seeds(wanted, event):
    """Mean, least and greatest share of pairs won."""
    seeds = range(note.config["seeds"][wanted])
    return mean_and_range([note.claims[f"{wanted}, seed {seed}, {event}"] for seed in seeds])


table(["pairs won", *NAMES.values()],
      [[event, *(over_seeds(wanted, event) for wanted in NAMES)] for event in EVENTS], digits=2)

# %% [markdown]
# The two ends are the same in every seed: *vanish* is won by V-JEPA alone, *shape* by nobody. The seeds of one network differ by
# up to twelve points in *vanish*, and by twenty-two in what the pixel predictor makes of the wall, more than the intervals over
# pairs say. Such an interval is about one network, not about the method.
#
# Is it the absolute difference that makes V-JEPA different? Pixels do worse with it. The shares are about those of expecting no
# change, with which the chapter began, and that is a median's answer: a pixel that a small shape may cross is background most of
# the time.
#
# The third column is the control for the word *features*. Predicting what an untrained encoder says of the next moment, with the
# same absolute difference, is like predicting pixels: no *vanish*, and worse than a coin at the wall. So it is not enough to
# predict features. They have to be learned along with the prediction. Why, we have not shown. One reason may be size: a trained
# encoder makes a five-pixel shape a large part of what it says of a moment, pixels and random features a small one.
#
# **At their scale.** Garrido and colleagues ([2025](../../book/bibliography.md#garrido2025)) tested a V-JEPA that had learned from
# natural films on pairs of three collections of films: IntPhys, GRASP and InfLevel. They report that it tells possible from
# impossible well above chance, while models that predict pixels and language models that are shown the film stay closer to chance,
# and that one week of different films is enough to be above it. On IntPhys it was right nearly 98 times in a hundred, as Quanta
# [wrote](https://www.quantamagazine.org/how-one-ai-model-creates-a-physical-intuition-of-its-environment-20251003).
# Then the test was made harder. IntPhys 2 (Bordes and colleagues, [2025](../../book/bibliography.md#bordes2025)) has richer scenes
# and four principles, permanence, immutability, continuity and solidity. Its abstract says that most models are at chance, at
# 50 %, and that people are near perfect. Both findings stand: a score in plain scenes does not say what a model makes of rich ones.
#
# ## Exercises
#
# **1. Never ahead.** Tokens are numbered moment by moment, `places` of them in each. Make the table of who may look at whom, True
# where the token of the row may look at the token of the column: at all places of its own moment and of earlier ones.

# %% tags=["exercise"]
def looks_back(moments, places):
    """(tokens, tokens), for moments * places tokens."""
    moment = ...  # (tokens,) the moment of each token
    return ...


check("jepa/surprise/looks_back", looks_back)

# %% tags=["solution"]
def looks_back(moments, places):
    """(tokens, tokens), for moments * places tokens."""
    moment = torch.arange(moments * places) // places  # (tokens,) the moment of each token
    return moment <= moment[:, None]


check("jepa/surprise/looks_back", looks_back)

# %% [markdown]
# **2. Pairs and singles.** Given the mean surprise by each possible clip and by its impossible partner, find both scores: the share
# of pairs won, and the share of all combinations of an impossible with a possible clip. A tie is half. Then think of a network
# that wins every pair and is at one half for single clips.

# %% tags=["exercise"]
def both_scores(possible, impossible):
    """(share of pairs won, share of all combinations won), from two rows of numbers of the same length."""
    def wins(more):  # the share that is greater than zero, a tie counting half
        return ...

    return wins(...), wins(...)


check("jepa/surprise/both_scores", both_scores)

# %% tags=["solution"]
def both_scores(possible, impossible):
    """(share of pairs won, share of all combinations won), from two rows of numbers of the same length."""
    def wins(more):  # the share that is greater than zero, a tie counting half
        return float(((more > 0).float() + 0.5 * (more == 0)).mean())

    return wins(impossible - possible), wins(impossible[:, None] - possible)


check("jepa/surprise/both_scores", both_scores)

# %% [markdown]
# **3. How odd?** If the predictor answers with the median, the expected surprise is known: the mean absolute deviation of what may
# happen. Given what a feature did in many clips with the same past, and what it does now, find the surprise, and how much of it
# is left when the world's own uncertainty is taken off.

# %% tags=["exercise"]
def oddness(outcomes, now):
    """(surprise, surprise minus what was to be expected): (n,) outcomes of the past, one number now."""
    expected = ...
    return ..., ...


check("jepa/surprise/oddness", oddness)

# %% tags=["solution"]
def oddness(outcomes, now):
    """(surprise, surprise minus what was to be expected): (n,) outcomes of the past, one number now."""
    expected = outcomes.median()
    surprise_now = float((now - expected).abs())
    return surprise_now, surprise_now - float((outcomes - expected).abs().mean())


check("jepa/surprise/oddness", oddness)

# %% [markdown]
# ## Notes
#
# **Where this comes from.** Violation of expectation is by Baillargeon, Spelke and Wasserman
# ([entry](../../book/bibliography.md#baillargeon1985)). Margoni, Surian and Baillargeon
# ([entry](../../book/bibliography.md#margoni2024)) go through what the method has found in infants in over 35 years, and through
# the objections. IntPhys ([paper](https://arxiv.org/abs/1803.07616), [entry](../../book/bibliography.md#riochet2018)) made it a
# test of machines with matched films. The measurement on V-JEPA is by
# Garrido and colleagues ([paper](https://arxiv.org/abs/2502.11831), [entry](../../book/bibliography.md#garrido2025)), IntPhys 2 by
# Bordes and colleagues ([paper](https://arxiv.org/abs/2506.09849), [entry](../../book/bibliography.md#bordes2025)).
#
# **What is different here.** Their network was trained with tubes on natural films and only later asked about the future; ours is
# trained on the future of the very world in which it is tested, which is easier. It also sees each moment's features without a view
# of other moments, where V-JEPA's target encoder sees the whole window. And it predicts a change, which theirs does not.
#
# **Where popular accounts go wrong.** *It understands physics.* It is more surprised by one clip of a pair, on average over a clip,
# in a world of one shape. We have seen pairs won by a network that has learned nothing, pairs lost by one that has learned
# something, and a clip told apart without a firm idea of what should have happened instead. *Pixels cannot learn it.* Ours, of this
# size, for this long, held to the squared error, won no *vanish*, and it beats V-JEPA where nothing is hidden.
#
# **What this chapter does not show.** Nothing here moves but one shape, at constant speed, and the networks are tested in the world
# that they were trained in. Only V-JEPA's learning rate was tried out, at two values, and its rivals have the better of them.
# More training might change every share.
# And surprise comes too late: it says that something was odd when it has happened. A world model is there to know before.
