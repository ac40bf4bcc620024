"""Causal-JEPA: predict slots, with the past of some objects hidden (Nam, Le Lidec, Maes, LeCun & Balestriero, 2026).

A scene is a few slots, one an object, from an encoder that is frozen or from the true states. The predictor sees a history of
them and fills in the rest: the whole future, and in training also what was hidden of the history. Of a hidden object it keeps
the first frame. What it is compared with are the slots themselves, which no gradient reaches.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from wm_core.nets.transformer import Transformer


class CausalJEPA(nn.Module):
    """The predictor: a transformer over (history + future) × slots in which every token may look at every other.

    Slots have no number: the tokens of one object are told from others' by what is in the slot, and the network treats the
    slots of a frame as a set.

    Args:
        slot: numbers in a slot.
        history, future: frames that are given, and frames to be imagined (paper, CLEVRER: 6 and 10).
        dim, depth, heads: of the transformer (paper: slots of 128 numbers, 6 blocks of 16 heads).
        alone: each object is predicted by itself, from its own slots: the same network without interaction.
    """

    def __init__(
        self,
        slot: int,
        history: int = 4,
        future: int = 4,
        dim: int = 32,
        depth: int = 2,
        heads: int = 4,
        alone: bool = False,
    ):
        super().__init__()
        self.history, self.future, self.alone = history, future, alone
        self.embed, self.anchor = nn.Linear(slot, dim), nn.Linear(slot, dim)
        self.mask = nn.Parameter(0.1 * torch.randn(dim))
        self.time = nn.Parameter(0.5 * torch.randn(history + future, 1, dim))
        self.transformer = Transformer(dim, depth, heads, mlp_ratio=2.0)
        self.change = nn.Linear(dim, slot)

    def forward(
        self, history: Float[Tensor, "batch history slots slot"], hidden: Bool[Tensor, "batch history slots"]
    ) -> Float[Tensor, "batch time slots slot"]:
        """Every slot of every frame, imagined from those that are not hidden.

        Args:
            history: the slots seen. What is hidden is not looked at.
            hidden: True for what is to be filled in, see `whole_past`. The first frame is always shown.

        Returns:
            history and future; the slots that were shown come out too, and mean nothing.
        """
        hidden = hidden & (torch.arange(self.history, device=hidden.device) > 0)[:, None]
        x = self.tokens(history, hidden)  # (batch, time, slots, dim)
        batch, time, slots, dim = x.shape
        if self.alone:
            x = self.transformer(x.transpose(1, 2).reshape(batch * slots, time, dim))
            x = x.view(batch, slots, time, dim).transpose(1, 2)
        else:
            x = self.transformer(x.reshape(batch, time * slots, dim)).view(batch, time, slots, dim)
        return self.change(x) + self.last_shown(history, hidden)

    def tokens(
        self, history: Float[Tensor, "batch history slots slot"], hidden: Bool[Tensor, "batch history slots"]
    ) -> Float[Tensor, "batch time slots dim"]:
        """A seen slot becomes its embedding; a hidden one its identity anchor, the first frame's slot, and a learned mask."""
        blank = self.anchor(history[:, :1]) + self.mask + self.time
        seen = self.embed(history) + self.time[: self.history]
        past, future = blank.split([self.history, self.future], 1)
        return torch.cat([torch.where(hidden[..., None], past, seen), future], 1)

    def last_shown(
        self, history: Float[Tensor, "batch history slots slot"], hidden: Bool[Tensor, "batch history slots"]
    ) -> Float[Tensor, "batch time slots slot"]:
        """What each prediction is a change of: the object's last slot that was shown, up to then.

        The paper's network gives the slot itself. A change of what is known is learned in fewer steps.
        """
        latest = [history[:, 0]]
        for frame, dark in zip(history[:, 1:].unbind(1), hidden[:, 1:].unbind(1), strict=True):
            latest.append(torch.where(dark[..., None], latest[-1], frame))
        return torch.stack(latest + latest[-1:] * self.future, 1)


def whole_past(objects: Bool[Tensor, "batch slots"], history: int) -> Bool[Tensor, "batch history slots"]:
    """Hide these objects, in every frame of the history but the first."""
    return objects[:, None] & (torch.arange(history, device=objects.device) > 0)[:, None]


def hide_objects(
    batch: int, history: int, slots: int, most: int, generator: torch.Generator, least: int = 0
) -> Bool[Tensor, "batch history slots"]:
    """Draw which objects are hidden: for each sample a number from ``least`` to ``most``, and then which ones.

    The paper hides up to 4 of 7 slots (CLEVRER) or 1 of 4 (Push-T). Its released code draws the indices once for a whole
    run; slots in a fixed order need a fresh draw at each step. With ``least=0`` some samples show everything, as a test does.
    """
    count = torch.randint(least, most + 1, (batch, 1), generator=generator)
    return whole_past(torch.rand(batch, slots, generator=generator).argsort(1).argsort(1) < count, history)


def hide_tokens(
    batch: int, history: int, slots: int, share: float, generator: torch.Generator
) -> Bool[Tensor, "batch history slots"]:
    """Draw single slots to hide, each by itself with chance ``share``: the mask that the paper argues against.

    The frames before and after usually show the same object, and give it away.
    """
    dark = torch.rand(batch, history, slots, generator=generator) < share
    return dark & (torch.arange(history) > 0)[:, None]


def causal_jepa_loss(
    model: CausalJEPA,
    slots: Float[Tensor, "batch time slots slot"],
    hidden: Bool[Tensor, "batch history slots"],
) -> dict[str, Tensor]:
    """The two terms, of equal weight: what was hidden of the history, and everybody's future. Targets are cut from the graph.

    Each is a mean of squares; where nothing is hidden the future is left alone.
    """
    start = model.history
    error = (model(slots[:, :start], hidden) - slots.detach()).square().mean(-1)  # (batch, time, slots)
    terms = {"future": error[:, start:].mean()}
    if hidden.any():
        terms["history"] = error[:, :start][hidden].mean()
    return terms


def influence(
    model: CausalJEPA,
    history: Float[Tensor, "batch history slots slot"],
    hidden: Bool[Tensor, "batch history slots"],
    target: Int[Tensor, " batch"],
    numbers: int | None = None,
) -> Float[Tensor, "batch slots"]:
    """How much each object's seen history moves the imagined future of one: the norm of that block of the Jacobian.

    Args:
        target: the object whose future is asked for, one in each sample.
        numbers: take the first so many numbers of a slot, on both sides; None for all.
    """
    history, each = history.detach().requires_grad_(), torch.arange(len(history))
    future = model(history, hidden)[each, model.history :, target][..., :numbers].flatten(1)  # (batch, outputs)
    squares = torch.zeros(history.shape[0], history.shape[2])
    for output in future.unbind(1):
        (slope,) = torch.autograd.grad(output.sum(), history, retain_graph=True)
        squares += slope[..., :numbers].square().sum((1, 3))
    return squares.sqrt()
