# %% [markdown]
# # Predict what it means, not how it looks
#
# You will hide parts of a picture from a network, train it to say what is there without drawing it, and measure what it has understood.
#
# It takes about a minute on two idle CPU cores. You need to have read [One frame, then the future](../foundations/quickstart.py), where
# a latent collapsed, and to know what attention is.

# %%
import torch
from torch import nn

from wm_core.generative.mae import MAE, mae_loss
from wm_core.generative.next_frame import next_frame_loss
from wm_core.jepa.i_jepa import IJEPA, i_jepa_loss
from wm_core.lesson import check, checkpoint, claim, scale, scale_name
from wm_core.lesson import colour, figure, live, picture, show, source, table
from wm_core.metrics.factors import Factors, read_attentively, read_linearly
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

# %%
world = Shapes(radii=(0.2, 0.3), margin=0.3, turn=0.15, texture=0.08, detail=0.05, detail_over="all")
test = world.draw(1000, torch.Generator().manual_seed(2))
EXAMPLE = 3


# %% tags=["hide-input"]
def covered(image, tokens, grey=0.5):
    """The picture with some of its 36 patches painted over."""
    hidden = torch.zeros(36).index_fill(0, torch.as_tensor(tokens), 1.0).view(6, 6)
    hidden = hidden.repeat_interleave(4, 0).repeat_interleave(4, 1)
    return image * (1 - hidden) + grey * hidden


MASKS = [7, 8, 9, 13, 14, 15, 19, 20, 21]
fig, panels = figure(1, 3, width=6.6, height=2.4)
clean = world.render(test.take(slice(EXAMPLE, EXAMPLE + 1)))[0]
for ax, (image, title) in zip(panels, ((covered(test.images[EXAMPLE], MASKS), "you see this"),
                                       (test.images[EXAMPLE], "this is there"), (clean, "without the grain"))):
    picture(ax, image.permute(1, 2, 0), title)
show(fig, caption="What is behind the grey square? You can say a good deal about it. You cannot say its pixels.",
     alt="A picture of a coloured shape with nine of its patches hidden, the picture, and the picture without grain.")

# %% [markdown]
# TODO

# %%
def blocks(count, generator):
    """I-JEPA's masks on our grid of 6 by 6 patches."""
    return block_masks(count, (6, 6), generator, at_least=8)


def scattered(count, generator):
    """A masked autoencoder's masks: three patches in four, anywhere."""
    return scattered_masks(count, (6, 6), generator)


def pictures(world, masks, count=32):
    """Batches of fresh pictures and masks."""
    def draw(step, generator):
        return world.draw(count, generator).images, masks(count, generator)
    return draw


def moments(world, masks=None, count=32):
    """Batches of two frames: the shape moves by a pixel or two, and the grain is drawn anew."""
    def draw(step, generator):
        scenes = world.draw(count, generator)
        way = (torch.rand(count, 2, generator=generator) - 0.5) / 6
        return scenes.images, world.render(scenes._replace(position=scenes.position + way), generator)
    return draw

# %%
RATES = {"I-JEPA": 5e-4, "MAE": 2e-3, "next frame": 2e-3}


def build(method, seed=0, slow=True):
    """One encoder for all; a predictor of features, or a decoder of the same shape that draws."""
    torch.manual_seed(seed)
    encoder = ViT(size=24, patch=4, dim=64, depth=3)
    if method == "I-JEPA":
        return IJEPA(encoder, TokenPredictor(encoder, dim=64, depth=2, heads=2), slow=slow)
    return MAE(encoder, TokenPredictor(encoder, dim=64, depth=2, heads=2, out=48))


def train(method, seed=0, world=world, masks=None, steps=settings["steps"], slow=True):
    """Train one of the rivals on fresh pictures."""
    model = build(method, seed, slow)
    loss = {"I-JEPA": i_jepa_loss, "MAE": mae_loss, "next frame": next_frame_loss}[method]
    masks = masks or (blocks if method == "I-JEPA" else scattered)
    name = f"{method} {masks.__name__} {world.detail} {steps} {seed}"
    history = fit(
        model, lambda m, batch: loss(m, *batch), (moments if method == "next frame" else pictures)(world, masks),
        steps=steps, learning_rate=RATES[method], weight_decay=0.05, seed=seed, title=name,
        checkpoint=checkpoint(f"i_jepa {name}"), after_step=IJEPA.follow if method == "I-JEPA" else None,
    )
    return model.cpu(), history

# %%
@torch.no_grad()
def features(encoder, images):
    """(n, tokens, dim), a few hundred pictures at a time."""
    return torch.cat([encoder(some) for some in images.split(250)])


def factors(world, scenes):
    """What is hidden in the scenes: two classes and three groups of numbers."""
    paper = world.background(scenes.texture)[:, 0, :, ::8, ::8].flatten(1)  # its colours at nine places
    return Factors({"kind": (scenes.kind, 4), "colour": (scenes.colour, 6)},
                   {"position": scenes.position, "size": scenes.radius[:, None], "background": paper})


def probe(read, encoder, world=world, train_on=2000):
    """What a probe reads off frozen features of fresh pictures, by factor."""
    seen, fresh = (world.draw(n, torch.Generator().manual_seed(seed)) for n, seed in ((train_on, 1), (1000, 2)))
    return read(features(encoder, seen.images), factors(world, seen),
                features(encoder, fresh.images), factors(world, fresh))


# %%
from dataclasses import replace

from wm_core.artefacts import load, published, save

GRAIN = (0.0, 0.1, 0.3)


def measured(label, encoder, world=world):
    """Both probes' readings under names that a manifest can keep."""
    return {f"{label}, {how}, {name}": value for how, read in (("linear", read_linearly), ("attentive", read_attentively))
            for name, value in probe(read, encoder, world).items()}


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


if scale_name() == "full":
    make_artefacts()
