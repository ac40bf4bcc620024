# %% [markdown]
# # @TITLE@
#
# You will train a network that says how fast a pushed puck will be thirty pushes from now, and find out where it must not be trusted.
#
# > Text set off like this says what belongs in its place. Replace it, and the puck with it: the small example is there so that
# > the chapter runs from its first day. Above: one sentence, what the reader will be able to do. Below: the time it takes on two
# > CPU cores and on a T4, and what to know first.
#
# It takes some seconds on two CPU cores. You need to have trained a small network before.

# %%
import torch

from wm_core.lesson import (check, checkpoint, claim, colour, explore, figure, scale, show, source,
                            table)
from wm_core.metrics.intervals import mean_and_range
from wm_core.nets.mlp import mlp
from wm_core.training import fit

settings = scale(tiny=dict(steps=300, seeds=3), full=dict(steps=3000, seeds=3))
torch.set_num_threads(1)  # networks this small run faster on one core than on two

# %% [markdown]
# ## The question
#
# > A concrete problem, as a picture made by code. Then the simplest thing that could work, and how it fails. The reader should be
# > able to say what is wrong before any method appears.
#
# A puck glides over a table. Each push adds to its speed, and the air takes some of it away, four times as much when the puck is
# twice as fast. You know its speed now and the pushes to come. How fast will it be after thirty of them? The simplest answer adds
# up the pushes.

# %%
def world(speed, push):
    """One step of the truth: a push, and a drag that grows with the square of the speed."""
    return speed + push - 0.1 * speed * speed.abs()


def episodes(count, fastest, seed, steps=30):
    """Speeds (count, steps + 1) and pushes (count, steps); no start is faster than `fastest`."""
    generator = torch.Generator().manual_seed(seed)
    speeds = [fastest * (2 * torch.rand(count, generator=generator) - 1)]
    pushes = 0.1 * torch.randn(count, steps, generator=generator)
    for push in pushes.unbind(1):
        speeds.append(world(speeds[-1], push))
    return torch.stack(speeds, 1), pushes


speeds, pushes = episodes(256, fastest=3, seed=1)
adding = speeds[:, :1] + pushes.cumsum(1)

fig, ax = figure()
ax.plot(speeds[0], color=colour("actual"), label="the world")
ax.plot(range(1, 31), adding[0], ":", color=colour("muted"), label="adding up the pushes")
ax.set(xlabel="pushes", ylabel="speed / (m/s)")
ax.legend()
show(fig, caption="One puck. Adding up the pushes forgets the air.",
     alt="A falling curve of speed, and a dotted one that stays too high.")

# %% [markdown]
# ## Play
#
# > The live figure comes before the argument: train the model here, export it with `wm_core.artefacts.export_onnx`, and show it with
# > `live(name, model=...)`. Its module is `wm_core/lesson/live_figures/NAME.mjs`. A slider is the next best thing.

# %%
def train(seed, fastest=3.0):
    """A network that gives the change of speed, trained on single steps."""
    torch.manual_seed(seed)
    seen, pushed = episodes(512, fastest, seed=100 + seed)
    model = mlp(2, 32, 1)

    def batches(step, generator):
        i = torch.randint(len(seen), (64,), generator=generator)
        before, after = seen[i, :-1], seen[i, 1:]
        return torch.stack([before, pushed[i]], -1), (after - before)[..., None]

    def loss(m, batch):
        return {"change": (m(batch[0]) - batch[1]).square().mean()}

    fit(model, loss, batches, steps=settings["steps"], learning_rate=0.01, seed=seed,
        title=f"seed {seed}", checkpoint=checkpoint(f"@SLUG@-{seed}-{fastest}"))
    return model.cpu()


@torch.no_grad()
def imagine(model, speed, pushes):
    """Speeds after each push, from the first speed only."""
    path = []
    for push in pushes.unbind(1):
        speed = speed + model(torch.stack([speed, push], -1))[..., 0]
        path.append(speed)
    return torch.stack(path, 1)


models = [train(seed) for seed in range(settings["seeds"])]

# %% tags=["hide-input"]
first = imagine(models[0], speeds[:, 0], pushes)


def one(puck):
    """A puck of the test set, actual and imagined."""
    fig, ax = figure()
    ax.plot(speeds[puck], color=colour("actual"), label="the world")
    ax.plot(range(1, 31), first[puck], "--", color=colour("imagined"), label="imagined")
    ax.set(xlabel="pushes", ylabel="speed / (m/s)", ylim=(-3.2, 3.2))
    ax.legend()
    return fig


explore(one, puck=list(range(8)), alt="Two curves of speed that nearly coincide.",
        caption="Eight pucks. The network saw only the first speed of each.")

# %% [markdown]
# ## The idea
#
# > An architecture diagram (an SVG in `book/_static/diagrams`) and prose. Concrete before general. Say who found it, and when.
#
# The network gives the *change* of speed. What a push leaves alone it need not learn.
#
# ## The mathematics
#
# > Derived, not announced. Every symbol defined where it enters, and every equation with the name of the function that computes it.
# > Say which meaning of *energy* the chapter uses.
#
# With speed $v_t$ and push $a_t$, the network $g_\phi$ gives (`imagine`)
#
# $$ \hat v_{t+1} = \hat v_t + g_\phi(\hat v_t, a_t), \qquad \hat v_0 = v_0, $$
#
# and training makes the mean of $(v_{t+1} - v_t - g_\phi(v_t, a_t))^2$ small, a prediction error.
#
# ## The code
#
# > The few functions of the library that matter, with `source`. Nothing is retyped.

# %%
source(mlp)

# %% [markdown]
# ## The experiment
#
# > Say what you expect, with a number, before the cell runs. The baseline stands beside it, with the same data and the same budget;
# > three seeds where training is noisy.
#
# If the network has learned the air, its error after thirty pushes should be a tenth of that of adding up, or less.

# %% tags=["nbval-check-output"]
actual = speeds[:, 1:]


def error(path, step):
    """Mean distance from the actual speed after so many pushes."""
    return float((path - actual)[:, step - 1].abs().mean())


ours = [error(imagine(model, speeds[:, 0], pushes), 30) for model in models]
simple = error(adding, 30)
table(["after 30 pushes", "error / (m/s)"],
      [["the network", mean_and_range(ours)], ["adding up the pushes", simple]], digits=2)

# %% [markdown]
# ## The evidence
#
# > Sentences that a reader can check, each tied to its number. Leave the bounds room for other machines.

# %%
mean = sum(ours) / len(ours)
claim("Error of the network after 30 pushes, as a share of adding up the pushes",
      mean / simple, "<=", 0.1)

# %% [markdown]
# ## What breaks
#
# > Take out the piece that makes it work, and look. A common wrong answer, and why it is wrong.
#
# The network knows the speeds it has seen. Train it on pucks up to 1 m/s and let it imagine the same fast ones.

# %%
timid = imagine(train(0, fastest=1.0), speeds[:, 0], pushes)

fig, ax = figure()
ax.plot(speeds[:, 0], (timid - actual)[:, 4].abs(), ".", color=colour("imagined"))
ax.set(xlabel="speed at the start / (m/s)", ylabel="error after 5 pushes / (m/s)")
show(fig, caption="Inside ±1 m/s, where it was trained, it is right. Outside nothing warns it.",
     alt="Errors near zero in the middle that rise at both sides.")

# %%
claim("Trained on slow pucks only, the error after 5 pushes is larger by this factor",
      error(timid, 5) / error(first, 5), ">=", 3)

# %% [markdown]
# ## At scale
#
# > What the same script gives at `gpu` or `full` scale, with device, date, seed and commit. Leave the section out if there is nothing.
#
# ## Exercises
#
# > At least two. Each asks for something that can be got wrong in an interesting way, and its check in
# > `wm_core/lesson/checks/@SLUG@.py` says which mistake it was.
#
# **1. The air.** Write one step of the world.

# %% tags=["exercise"]
def glide(speed, push):
    """The push adds to the speed; the air takes a tenth of its square, against the motion."""
    return speed + push - ...


check("@LESSON@/glide", glide)

# %% tags=["solution"]
def glide(speed, push):
    """The push adds to the speed; the air takes a tenth of its square, against the motion."""
    return speed + push - 0.1 * speed * speed.abs()


check("@LESSON@/glide", glide)

# %% [markdown]
# **2. Where it ends.** Without pushes, by which share has a puck's speed fallen after one step, at 1 m/s and at 2 m/s?

# %% tags=["exercise"]
shares = [..., ...]
check("@LESSON@/shares", shares)

# %% tags=["solution"]
shares = [0.1, 0.2]
check("@LESSON@/shares", shares)

# %% [markdown]
# ## Notes
#
# > References, each with a link to the paper and one to its entry in the bibliography, as below. Where popular accounts go wrong.
# > What this chapter does not show.
#
# The training of a world model by its prediction error is as old as [Sutton's Dyna, 1991](https://doi.org/10.1145/122344.122377)
# ([entry](../../book/bibliography.md#sutton1991)). This chapter does not show a world that is seen as an image.
