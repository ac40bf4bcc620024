"""Vision transformers: images and clips as tokens, an encoder of them, and a predictor of the tokens that are hidden."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from wm_core.nets.positions import rotary_angles, sincos_positions
from wm_core.nets.transformer import Transformer, start_small


class ViT(nn.Module):
    """A vision transformer (Dosovitskiy et al., 2021) without a class token, for images or clips.

    An image is cut into square patches, a clip into *tubelets* of a few frames; each becomes a token through one linear map.

    Args:
        size: pixels along a side, a multiple of ``patch``.
        patch: pixels along a side of a patch.
        frames: frames of a clip, or None for images.
        tubelet: frames of a tubelet, a divisor of ``frames`` (2 in V-JEPA).
        channels: colour channels.
        dim, depth, heads: of the transformer. (Heads of 32 numbers; 64 in the papers, whose tokens are 768 wide or more.)
        rotary: turn queries and keys by position (V-JEPA 2) instead of adding sine-cosine positions (I-JEPA, V-JEPA).

    Raises:
        ValueError: ``patch`` does not divide ``size``, or ``tubelet`` does not divide ``frames``.
    """

    def __init__(
        self,
        size: int = 24,
        patch: int = 4,
        frames: int | None = None,
        tubelet: int = 2,
        channels: int = 3,
        dim: int = 64,
        depth: int = 3,
        heads: int = 2,
        rotary: bool = False,
    ):
        super().__init__()
        if size % patch:
            raise ValueError(f"patch: got {patch} for {size} pixels, wanted a divisor of the size")
        if frames is not None and frames % tubelet:
            raise ValueError(f"tubelet: got {tubelet} for {frames} frames, wanted a divisor of the frames")
        self.cut = (patch, patch) if frames is None else (tubelet, patch, patch)
        self.grid = (size // patch,) * 2 if frames is None else (frames // tubelet, size // patch, size // patch)
        self.dim = dim
        self.embed = nn.Linear(channels * math.prod(self.cut), dim)
        start_small(self.embed, gain=1.0)
        self.transformer = Transformer(dim, depth, heads)
        self.register_buffer("places", None if rotary else sincos_positions(self.grid, dim), persistent=False)
        self.register_buffer("turns", rotary_angles(self.grid, dim // heads) if rotary else None, persistent=False)

    @property
    def tokens(self) -> int:
        """How many tokens an image or a clip has."""
        return math.prod(self.grid)

    def patches(self, pixels: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch tokens values"]:
        """The pixels of each patch, in the order of the tokens. Images (batch, channels, size, size), clips with a frame axis
        before the channels."""
        return patches(pixels, self.cut)

    def forward(
        self,
        pixels: Float[Tensor, "batch ..."],
        keep: Int[Tensor, "batch kept"] | None = None,
        visible: Bool[Tensor, "batch tokens"] | None = None,
    ) -> Float[Tensor, "batch kept dim"]:
        """Encode all tokens, or only some.

        Args:
            pixels: see `patches`; values in [0, 1].
            keep: numbers of the tokens to encode, as many in each sample; the others are dropped before the first block, so
                they cost nothing.
            visible: instead of ``keep``, which tokens may be looked at. All are returned, and those that are visible equal what
                ``keep`` gives; for networks of fixed shape, as those exported for a page.
        """
        x = self.embed(4 * (self.patches(pixels) - 0.4))  # pixels of about mean 0 and spread 1
        if self.places is not None:
            x = x + self.places
        if keep is not None:
            x = take(x, keep)
        return self.transformer(x, visible, turn=_turn(self.turns, keep))


class TokenPredictor(nn.Module):
    """A narrow transformer that predicts the features of hidden tokens from those of visible ones and from the places asked for.

    The context's tokens are squeezed to the predictor's width; a learned *mask token* is put at each place to predict; all of
    them attend to each other; what comes out at the asked places is brought back to the encoder's width (I-JEPA, V-JEPA).

    Args:
        encoder: whose tokens are predicted; gives grid and width.
        dim, depth, heads: of the predictor (384, 12 and 12 in I-JEPA; the narrowness matters more than the depth there).
        out: width of what is predicted; the encoder's width if None. Pixels of a patch, for a masked autoencoder.
        rotary: as in `ViT`.
    """

    def __init__(
        self, encoder: ViT, dim: int = 32, depth: int = 2, heads: int = 1, out: int | None = None, rotary: bool = False
    ):
        super().__init__()
        self.squeeze = nn.Linear(encoder.dim, dim)
        self.mask_token = nn.Parameter(torch.zeros(dim))
        self.transformer = Transformer(dim, depth, heads)
        self.widen = nn.Linear(dim, encoder.dim if out is None else out)
        start_small(self.squeeze)
        start_small(self.widen)
        nn.init.trunc_normal_(self.mask_token, std=0.02)
        self.register_buffer("places", None if rotary else sincos_positions(encoder.grid, dim), persistent=False)
        self.register_buffer("turns", rotary_angles(encoder.grid, dim // heads) if rotary else None, persistent=False)

    def forward(
        self,
        context: Float[Tensor, "batch kept width"],
        keep: Int[Tensor, "batch kept"],
        ask: Int[Tensor, "batch asked"],
        visible: Bool[Tensor, "batch counted"] | None = None,
    ) -> Float[Tensor, "batch asked out"]:
        """The features expected at the places ``ask``.

        Args:
            context: the encoder's tokens.
            keep: their places.
            ask: the places to predict.
            visible: which tokens count: of the context's, or of the context's and the asked ones; None for all. What is
                expected at a place that does not count means nothing.
        """
        seen = self.squeeze(context)
        asked = self.mask_token.expand(*ask.shape, -1)
        at = torch.cat([keep, ask], 1)
        x = torch.cat([seen, asked.to(seen.dtype)], 1)  # (batch, kept + asked, dim)
        if self.places is not None:
            x = x + self.places[at]
        if visible is not None and visible.shape[1] == keep.shape[1]:
            visible = torch.cat([visible, torch.ones_like(ask, dtype=torch.bool)], 1)
        x = self.transformer(x, visible, turn=_turn(self.turns, at))
        return self.widen(x[:, keep.shape[1] :])


def patches(pixels: Float[Tensor, "batch ..."], cut: tuple[int, ...]) -> Float[Tensor, "batch tokens values"]:
    """Cut images (batch, channels, h, w) by (ph, pw), or clips (batch, time, channels, h, w) by (pt, ph, pw), into patches.

    Raises:
        ValueError: the number of axes fits neither.
    """
    if pixels.ndim != len(cut) + 2:
        raise ValueError(f"pixels: got shape {tuple(pixels.shape)} to cut by {cut}, wanted {len(cut) + 2} axes")
    if len(cut) == 2:
        pixels, cut = pixels[:, None], (1, *cut)
    (pt, ph, pw), (batch, time, channels, h, w) = cut, pixels.shape
    blocks = pixels.reshape(batch, time // pt, pt, channels, h // ph, ph, w // pw, pw)
    return blocks.permute(0, 1, 4, 6, 2, 3, 5, 7).reshape(batch, -1, pt * channels * ph * pw)


def take(
    tokens: Float[Tensor, "batch tokens dim"], index: Int[Tensor, "batch kept"]
) -> Float[Tensor, "batch kept dim"]:
    """Each sample's tokens at its own places."""
    return tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[-1]))


def _turn(turns: Tensor | None, index: Tensor | None) -> Tensor | None:
    """The rotations of the tokens at ``index``, with an axis for the heads."""
    if turns is None or index is None:
        return turns
    return turns[index][:, None]
