"""Who is compared: encoders of the robot's table, each taught its own way on the same films, for as many steps.

All but one are one vision transformer; of those for clips the first layer takes two frames, and a frame is then shown twice, as
V-JEPA 2-AC does. No member but the two that are told so sees an action, a place or a word.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from benchmarks.jepa import Pooled
from wm_core.generative.mae import MAE, mae_loss
from wm_core.generative.next_frame import next_frame_loss
from wm_core.jepa.i_jepa import IJEPA, i_jepa_loss
from wm_core.jepa.le_jepa import LeJEPA, le_jepa_loss
from wm_core.jepa.next_moment import NextMoment, next_moment_loss
from wm_core.jepa.v_jepa import VJEPA, v_jepa_loss
from wm_core.nets.text import TextEncoder
from wm_core.nets.vit import TokenPredictor, ViT, patches
from wm_core.objectives.info_nce import info_nce
from wm_core.objectives.masking import LONG_RANGE, SHORT_RANGE, block_masks, scattered_masks, tube_masks
from wm_core.worlds.language import NAMES, PAD
from wm_core.worlds.robot import Episodes
from wm_core.worlds.views import views

SIZE, PATCH, GRID, DIM = 24, 4, 6, 64
FRAMES, TUBELET = 8, 2  # of a clip
IMAGES, CLIPS = 32, 8  # a batch of either has as many tokens
MOMENTS = FRAMES // TUBELET

#: What a training is made of: the network, its loss on a batch, and a batch from a step's generator.
Training = tuple[nn.Module, Callable[[nn.Module, object], dict[str, Tensor]], Callable[[Generator], object]]


@dataclass(frozen=True)
class Member:
    """One way of teaching an encoder.

    Attributes:
        pays_for: what its loss asks for, in a few words.
        encoder: builds what is kept.
        training: from the encoder and the episodes to what `fit` needs, or None where nothing is trained.
    """

    pays_for: str
    encoder: Callable[[], nn.Module]
    training: Callable[[nn.Module, Episodes], Training] | None = None


class RawPatches(nn.Module):
    """The pixels of each patch as its token; nothing is learned."""

    dim, grid = PATCH * PATCH, (GRID, GRID)

    def forward(self, images: Tensor) -> Tensor:
        return 4 * (patches(images, (PATCH, PATCH)) - 0.4)


def tokens_of(encoder: nn.Module, frames: Tensor, batch: int = 500) -> Tensor:
    """Tokens (..., 36, dim) of single frames (..., 24, 24) without gradient. An encoder of clips sees a tubelet of one frame."""
    with torch.no_grad():
        found = [_tokens(encoder, part) for part in frames.reshape(-1, SIZE, SIZE).split(batch)]
    return torch.cat(found).unflatten(0, frames.shape[:-2])


def _tokens(encoder: nn.Module, frames: Tensor) -> Tensor:
    if len(encoder.grid) == 2:
        return encoder(frames[:, None])
    first = torch.arange(GRID * GRID, device=frames.device).expand(len(frames), -1)
    clips = frames[:, None, None].expand(-1, encoder.grid[0] * TUBELET, -1, -1, -1)
    return encoder(clips, first)


# ---- encoders ----------------------------------------------------------------------------------------------------------------
def of_images() -> ViT:
    """A vision transformer for single frames."""
    return ViT(SIZE, PATCH, channels=1, dim=DIM, depth=3, heads=2)


def of_clips(frames: int = FRAMES) -> ViT:
    """The same for clips."""
    return ViT(SIZE, PATCH, frames, TUBELET, channels=1, dim=DIM, depth=3, heads=2)


def predictor(encoder: ViT, out: int | None = None) -> TokenPredictor:
    """As wide as the encoder, for features and for pixels alike."""
    return TokenPredictor(encoder, dim=DIM, depth=2, heads=2, out=out)


# ---- batches -----------------------------------------------------------------------------------------------------------------
def images(episodes: Episodes, generator: Generator, count: int = IMAGES) -> tuple[Tensor, Tensor]:
    """Frames (count, 1, 24, 24) of any films, and their numbers."""
    at = torch.randint(episodes.frames[..., 0, 0].numel(), (count,), generator=generator)
    return episodes.frames.flatten(0, 1)[at][:, None], at


def clips(episodes: Episodes, generator: Generator, count: int = CLIPS, frames: int = FRAMES) -> Tensor:
    """Clips (count, frames, 1, 24, 24) that begin anywhere in their film."""
    films, length = episodes.frames.shape[:2]
    film = torch.randint(films, (count, 1), generator=generator)
    start = torch.randint(length - frames + 1, (count, 1), generator=generator)
    return episodes.frames[film, start + torch.arange(frames)][:, :, None]


def tubes(generator: Generator) -> list:
    """V-JEPA's two kinds of mask for a batch of clips."""
    return [tube_masks(CLIPS, (MOMENTS, GRID, GRID), generator, *kind) for kind in (SHORT_RANGE, LONG_RANGE)]


# ---- trainings ---------------------------------------------------------------------------------------------------------------
def i_jepa(encoder: nn.Module, episodes: Episodes) -> Training:
    def draw(generator):
        return images(episodes, generator)[0], block_masks(IMAGES, (GRID, GRID), generator, at_least=8)

    return IJEPA(encoder, predictor(encoder)), lambda model, batch: i_jepa_loss(model, *batch), draw


def le_jepa(encoder: nn.Module, episodes: Episodes) -> Training:
    def draw(generator):
        return views(images(episodes, generator, IMAGES // 2)[0], generator).large

    return LeJEPA(Pooled(encoder), DIM), le_jepa_loss, draw


def v_jepa(encoder: nn.Module, episodes: Episodes) -> Training:
    def draw(generator):
        return clips(episodes, generator), tubes(generator)

    return VJEPA(encoder, predictor(encoder)), lambda model, batch: v_jepa_loss(model, *batch), draw


def next_moment(encoder: nn.Module, episodes: Episodes) -> Training:
    model = NextMoment(encoder, MOMENTS, DIM, depth=2, heads=2)
    return model, next_moment_loss, lambda generator: clips(episodes, generator)


def masked(encoder: nn.Module, episodes: Episodes) -> Training:
    def draw(generator):
        return images(episodes, generator)[0], scattered_masks(IMAGES, (GRID, GRID), generator)

    return MAE(encoder, predictor(encoder, PATCH**2)), lambda model, batch: mae_loss(model, *batch), draw


def masked_clips(encoder: nn.Module, episodes: Episodes) -> Training:
    def draw(generator):
        return clips(episodes, generator), tubes(generator)[0]

    return MAE(encoder, predictor(encoder, TUBELET * PATCH**2)), lambda model, batch: mae_loss(model, *batch), draw


def next_frame(encoder: nn.Module, episodes: Episodes) -> Training:
    def draw(generator):
        return clips(episodes, generator, IMAGES, 2).unbind(1)

    return MAE(encoder, predictor(encoder, PATCH**2)), lambda model, batch: next_frame_loss(model, *batch), draw


def told_in_words(encoder: nn.Module, episodes: Episodes) -> Training:
    """VL-JEPA's loss, with an encoder of pictures that learns: in which ninth of the table robot and puck are, in varying words."""
    spoken = sorted({word for names in NAMES["place"] for name in names for word in name.split()} | {"robot", "puck"})
    number = {word: k + PAD + 1 for k, word in enumerate(spoken)}
    rows = torch.full((9, 3, 4), PAD)
    for place, names in enumerate(NAMES["place"]):
        for k, name in enumerate(names):
            for j, word in enumerate(name.split()):
                rows[place, k, j] = number[word]
    who = torch.tensor([[number["robot"]], [number["puck"]]]).expand(IMAGES, 2, 1)
    ninth = (episodes.states.view(-1, 2, 2) / (SIZE / 3)).long().clamp(0, 2)  # (frames, disc, xy)
    ninth = 3 * ninth[..., 1] + ninth[..., 0]

    def draw(generator):
        seen, at = images(episodes, generator)
        said = rows[ninth[at], torch.randint(3, (IMAGES, 2), generator=generator)]
        parts = torch.cat([who, said], -1)  # "robot top left", "puck east"
        swap = torch.rand(IMAGES, 1, 1, generator=generator) < 0.5
        return seen, torch.where(swap, parts.flip(1), parts).flatten(1)

    model = nn.ModuleDict(
        {
            "see": Pooled(encoder),
            "guess": nn.Linear(DIM, DIM),
            "read": TextEncoder(len(number) + PAD + 1, 10, DIM, 1, 2, DIM),
        }
    )

    def loss(model, batch):
        return {"info_nce": info_nce(model["guess"](model["see"](batch[0])), model["read"](batch[1]), 0.07)}

    return model, loss, draw


def told_places(encoder: nn.Module, episodes: Episodes) -> Training:
    """The ceiling: regression to the places of both discs."""
    places = (episodes.states.flatten(0, 1) - SIZE / 2) / PATCH

    def draw(generator):
        seen, at = images(episodes, generator)
        return seen, places[at]

    model = nn.Sequential(encoder, nn.Flatten(), nn.Linear(GRID**2 * DIM, 4))
    return model, lambda model, batch: {"places": (model(batch[0]) - batch[1]).square().mean()}, draw


#: In the order of the table. The pixel baselines come first, then the family, then those that are told more.
MEMBERS = {
    "raw patches": Member("nothing", RawPatches),
    "untrained": Member("nothing", of_images),
    "MAE": Member("pixels of hidden patches", of_images, masked),
    "VideoMAE": Member("pixels of hidden tubes", of_clips, masked_clips),
    "next frame": Member("pixels of the next frame", of_images, next_frame),
    "I-JEPA": Member("features of hidden blocks", of_images, i_jepa),
    "LeJEPA": Member("crops that agree, spread evenly", of_images, le_jepa),
    "V-JEPA": Member("features of hidden tubes", of_clips, v_jepa),
    "V-JEPA, next moment": Member("features of the next moment", lambda: of_clips(TUBELET), next_moment),
    "told in words": Member("the meaning of a sentence (VL-JEPA's loss)", of_images, told_in_words),
    "told the places": Member("the places themselves", of_images, told_places),
}
