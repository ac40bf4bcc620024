"""Slots: a picture as a small set of vectors, one an object, that compete for its pixels."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Slots(NamedTuple):
    """The slots of some frames.

    Attributes:
        what: ``(*batch, slots, dim)`` what each holds.
        where: ``(*batch, slots, 2)`` the middle of what each took, x and y from -1 to 1.
    """

    what: Tensor
    where: Tensor


class SlotAttention(nn.Module):
    """Slot attention (Locatello et al., 2020, algorithm 1), each slot with a place of its own (Biza et al., 2023, without scale).

    Attention with the softmax turned round: for each feature the *slots* share an attention of 1, so what one slot takes the
    others lose; what is left goes to nobody, which stands for the ground. Each slot then reads the mean of what it took, moves
    to the middle of it, and a gated recurrent unit changes what it holds; a few times over. A slot sees how far each feature is
    from itself, not where in the picture that is, and begins with a liking for what is near: ours, since from an attention that
    is the same everywhere all slots find themselves in the middle of the picture, and learn for long to leave it.

    Args:
        features: width of a feature.
        dim: width of a slot.
        iterations: how often slots look, 3 in the papers. In a film a slot starts near its object, and 2 are enough for us.
    """

    def __init__(self, features: int, dim: int, iterations: int = 2):
        super().__init__()
        self.iterations = iterations
        self.offset = nn.Linear(2, features)
        self.liking, self.log_reach = nn.Parameter(torch.tensor(3.0)), nn.Parameter(torch.tensor([0.5, 0.15]).log())
        self.read = nn.Sequential(nn.LayerNorm(features), nn.Linear(features, features), nn.ReLU())
        self.key, self.value = nn.Linear(features, dim, bias=False), nn.Linear(features, dim, bias=False)
        self.query = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim, bias=False))
        self.update = nn.GRUCell(dim, dim)
        self.mlp = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))

    def forward(
        self,
        features: Float[Tensor, "batch places features"],
        places: Float[Tensor, "places 2"],
        slots: Slots,
        hinted: bool = False,
    ) -> tuple[Slots, Float[Tensor, "batch slots places"]]:
        """The slots after they have competed, and the share of each place that each of them took last.

        Args:
            features: what there is to explain.
            places: where each feature is.
            slots: where they start, ``what`` (batch, slots, dim) and ``where`` (batch, slots, 2).
            hinted: their places are right, so that only what is very near matters; else an object may have moved on.
        """
        reach = self.log_reach.exp()[int(hinted)]
        what, where = slots
        for _ in range(self.iterations):
            away = places - where[:, :, None]  # (batch, slots, places, 2)
            seen = self.read(features[:, None] + self.offset(away))
            score = (self.key(seen) * self.query(what)[:, :, None]).sum(-1) * what.shape[-1] ** -0.5
            score = score + self.liking - away.square().sum(-1) / reach.square()
            share = nn.functional.pad(score, (0, 0, 0, 1)).softmax(1)[:, :-1]  # over slots and nobody, who scores 0
            weight = (share + 1e-8) / (share + 1e-8).sum(-1, keepdim=True)
            where = weight @ places
            taken = (weight[:, :, None] @ self.value(seen))[:, :, 0]
            what = self.update(taken.flatten(0, 1), what.flatten(0, 1)).view_as(what)
            what = what + self.mlp(what)
        return Slots(what, where), share


class SlotAutoencoder(nn.Module):
    """Films to slots and back: convolutions, slot attention, and a decoder that draws each slot by itself, where the slot is.

    The decoder gives each slot a picture and a mask over the whole frame (Watters et al., 2019). The masks, and one for a ground
    of a single colour, are made to sum to 1 at each pixel, and the frame is the sum of the pictures under their masks. Both start
    from what is near the slot, which is ours: slots learn in hundreds of steps what takes the papers many thousands. In a film
    the slots of a frame start from those of the frame before, and those of the first frame from *hints*: a place for each object
    (Kipf et al., 2022, without their predictor).

    Args:
        size: pixels along a side of a frame, an even number.
        dim: width of a slot. The papers' 64 and more are for objects with more to remember.
        width: channels of the convolutions and of the decoder.
    """

    def __init__(self, size: int = 24, dim: int = 16, width: int = 32):
        super().__init__()
        self.size = size
        self.first, self.ground = nn.Parameter(torch.randn(dim)), nn.Parameter(torch.zeros(3))
        self.look = nn.Sequential(
            nn.Conv2d(3, width, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )  # fmt: skip
        self.attention = SlotAttention(width, dim)
        self.spread, self.place = nn.Linear(dim, width), nn.Linear(3, width)
        self.draw = nn.Sequential(nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 4))

    def encode(self, films: Float[Tensor, "batch time 3 size size"], hints: Float[Tensor, "batch objects 2"]) -> Slots:
        """The slots of each frame: ``what`` (batch, time, objects, dim) and ``where`` (batch, time, objects, 2)."""
        features = self.look(films.flatten(0, 1)).flatten(2).mT.unflatten(0, films.shape[:2])
        slots = Slots(self.first.expand(*hints.shape[:2], -1), hints)
        places, path = grid(self.size // 2).to(films), []
        for frame in features.unbind(1):
            slots, _ = self.attention(frame, places, slots, hinted=not path)
            path.append(slots)
        return Slots(*(torch.stack(part, 1) for part in zip(*path, strict=True)))

    def decode(
        self, slots: Slots
    ) -> tuple[Float[Tensor, "*batch 3 size size"], Float[Tensor, "*batch slots size size"]]:
        """The frame, and how much of each pixel each slot claims."""
        away = grid(self.size).to(slots.where) - slots.where[..., None, :]  # (*batch, slots, pixels, 2)
        far = away.square().sum(-1, keepdim=True)
        shape = torch.cat([away, 4 * far], -1)
        drawn = self.draw(self.spread(slots.what)[..., None, :] + self.place(shape))
        drawn = drawn.mT.unflatten(-1, (self.size, self.size))  # (*batch, slots, 4, size, size)
        claims = drawn[..., 3, :, :] + 2 - (far / 0.15**2).view_as(drawn[..., 3, :, :])  # (*batch, slots, size, size)
        masks = torch.cat([claims, torch.zeros_like(claims[..., :1, :, :])], -3).softmax(-3)
        frame = (masks[..., :-1, None, :, :] * drawn[..., :3, :, :].sigmoid()).sum(-4)
        return frame + masks[..., -1:, :, :] * self.ground[:, None, None], masks[..., :-1, :, :]


def reconstruction(
    model: SlotAutoencoder, films: Float[Tensor, "batch time 3 size size"], hints: Float[Tensor, "batch objects 2"]
) -> dict[str, Tensor]:
    """The mean squared error of the frames as drawn from their slots: all that slots are trained on."""
    return {"reconstruction": (model.decode(model.encode(films, hints))[0] - films).square().mean()}


def grid(size: int) -> Float[Tensor, "places 2"]:
    """Where each pixel is, row by row: x and y, from -1 to 1."""
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], -1).flatten(0, 1)
