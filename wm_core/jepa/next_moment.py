"""V-JEPA run forward in time: from all earlier moments of a clip, predict the features of the next, and measure surprise.

Bardes et al. (2024) hide tubes, which last through all time, and fill them in from what is seen before, beside and after.
Garrido et al. (2025) take such a network, slide a window over a clip, hide the window's end, and call the error *surprise*.
Here the network is trained at once for what it is asked later: each moment of a clip is predicted from all earlier ones,
all moments in one pass, by a transformer that looks only back. The loss and the slow copy are V-JEPA's.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.ema import ema_decay, slow_copy, update_ema
from wm_core.nets.positions import sincos_positions
from wm_core.nets.transformer import Transformer, start_small
from wm_core.nets.vit import ViT
from wm_core.objectives.prediction import Distance, feature_prediction, layer_normed

#: What is predicted: features of a slow copy of the encoder (V-JEPA), those of a copy that never moves, or pixels.
Wanted = Literal["features", "frozen features", "pixels"]


class NextMoment(nn.Module):
    """An encoder of single moments, and a predictor that looks back over them and says how the next will differ.

    A moment is one tubelet deep. Its tokens are encoded without a view of other moments, so no feature of a moment can know
    what comes after it. What the predictor adds is a *change*: what it has no idea of, it expects to stay.

    Args:
        encoder: of clips as long as one tubelet.
        moments: in a clip.
        dim, depth, heads: of the predictor.
        wanted: see `Wanted`. For pixels the expected change is against the last frame of the moment before.
        kind: of distance, see `feature_prediction`: ``l1`` as in V-JEPA; ``l2`` is the usual one for pixels.
        decay: of the slow copy, at the start and at the end (0.998 and 1 in V-JEPA, over 90,000 steps; here over thousands).

    Raises:
        ValueError: the encoder's clips are not one tubelet long.
    """

    def __init__(
        self,
        encoder: ViT,
        moments: int = 8,
        dim: int = 64,
        depth: int = 3,
        heads: int = 4,
        wanted: Wanted = "features",
        kind: Distance = "l1",
        decay: tuple[float, float] = (0.99, 1.0),
    ):
        super().__init__()
        if encoder.grid[0] != 1 or len(encoder.grid) != 3:
            raise ValueError(
                f"encoder: got one with the grid {encoder.grid}, wanted clips of one tubelet, (1, rows, columns)"
            )
        self.encoder, self.moments, self.wanted, self.kind, self.decay = encoder, moments, wanted, kind, decay
        self.target = None if wanted == "pixels" else slow_copy(encoder)
        self.squeeze = nn.Linear(encoder.dim, dim)
        self.transformer = Transformer(dim, depth, heads)
        self.change = nn.Linear(dim, encoder.dim if self.target else encoder.embed.in_features)
        start_small(self.squeeze)
        start_small(self.change, gain=0.1)
        grid = (moments, *encoder.grid[1:])
        moment = torch.arange(moments).repeat_interleave(encoder.tokens)
        self.register_buffer("places", sincos_positions(grid, dim), persistent=False)
        # The mask: one's own moment and earlier ones.
        self.register_buffer("back", moment <= moment[:, None], persistent=False)

    def each_moment(
        self, clips: Float[Tensor, "batch time channels size size"]
    ) -> Float[Tensor, "parts tubelet channels size size"]:
        """The clips cut into moments, one after another."""
        return clips.unflatten(1, (self.moments, -1)).flatten(0, 1)

    @torch.no_grad()
    def targets(
        self, clips: Float[Tensor, "batch time channels size size"]
    ) -> Float[Tensor, "batch moments places width"]:
        """What is to be predicted of each moment: layer-normed features of the slow copy, or the pixels of each patch."""
        parts = self.each_moment(clips)
        found = self.encoder.patches(parts) if self.target is None else layer_normed(self.target(parts))
        return found.unflatten(0, (-1, self.moments))

    def stay(self, targets: Float[Tensor, "batch moments places width"]) -> Float[Tensor, "batch earlier places width"]:
        """What each moment but the first would be if nothing changed: the one before, of pixels its last frame."""
        before = targets[:, :-1]
        if self.target is not None:
            return before
        frames = before.unflatten(-1, (self.encoder.cut[0], -1))
        return frames[..., -1:, :].expand_as(frames).flatten(-2)

    def expect(
        self, clips: Float[Tensor, "batch time channels size size"]
    ) -> Float[Tensor, "batch earlier places width"]:
        """The change that is expected at each moment but the first, from all before it."""
        tokens = self.squeeze(self.encoder(self.each_moment(clips)))  # (batch * moments, places, dim)
        tokens = tokens.unflatten(0, (-1, self.moments)).flatten(1, 2) + self.places
        change = self.change(self.transformer(tokens, allowed=self.back))
        return change.unflatten(1, (self.moments, -1))[:, :-1]

    def forward(
        self, clips: Float[Tensor, "batch time channels size size"]
    ) -> tuple[Float[Tensor, "batch earlier places width"], Float[Tensor, "batch earlier places width"]]:
        """What was expected of every moment but the first, and what came."""
        targets = self.targets(clips)
        return self.stay(targets) + self.expect(clips), targets[:, 1:]

    def off(self, expected: Float[Tensor, "*shape"], actual: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The error that is trained, number by number."""
        return feature_prediction(expected, actual, self.kind, reduction="none")

    def follow(self, share: float) -> None:
        """Move the slow copy a little towards the encoder; ``share`` of the training is done. For `fit`'s ``after_step``."""
        if self.wanted == "features":
            update_ema(self.target, self.encoder, ema_decay(share, *self.decay))


def next_moment_loss(model: NextMoment, clips: Float[Tensor, "batch time channels size size"]) -> dict[str, Tensor]:
    """The mean error over all moments but the first, all places and all numbers."""
    return {"prediction": model.off(*model(clips)).mean()}


def surprise(
    model: NextMoment, clips: Float[Tensor, "batch time channels size size"], copying: bool = False
) -> Float[Tensor, "batch earlier places"]:
    """How wrong the expectation was, at each place of every moment but the first, of which nothing was expected.

    Args:
        model: whose surprise.
        clips: any.
        copying: let the moment before stand for what was expected: the surprise of one who thinks that nothing changes.
    """
    with torch.no_grad():
        targets = model.targets(clips)
        expected = model.stay(targets) if copying else model(clips)[0]
        return model.off(expected, targets[:, 1:]).mean(-1)
