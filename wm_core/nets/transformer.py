"""The transformer: attention, blocks, and a stack of them."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al., 2017), through PyTorch's fused kernel.

    Args:
        dim: width of a token, a multiple of ``heads``.
        heads: how many attention maps; each sees ``dim / heads`` numbers.

    Raises:
        ValueError: ``heads`` does not divide ``dim``.
    """

    def __init__(self, dim: int, heads: int):
        super().__init__()
        if dim % heads:
            raise ValueError(f"heads: got {heads} for a width of {dim}, wanted a divisor of it")
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(
        self,
        x: Float[Tensor, "batch tokens dim"],
        mask: Bool[Tensor, "batch 1 _ tokens"] | None = None,
        turn: Float[Tensor, "... tokens half 2"] | None = None,
    ) -> Float[Tensor, "batch tokens dim"]:
        """Mix the tokens.

        Args:
            x: the tokens.
            mask: True where a query (third axis, or 1 for all) may look at a key (last axis).
            turn: cosine and sine by which queries and keys are turned, from `rotary_angles`; None for no rotation.
        """
        batch, tokens, dim = x.shape
        q, k, v = (
            self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        )  # (batch, heads, tokens, dim/heads)
        if turn is not None:
            q, k = rotate(q, turn), rotate(k, turn)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, dim))


class Block(nn.Module):
    """Attention, then a two-layer network on each token; both add to the token, and both see it layer-normed first.

    Normalising before instead of after keeps deep stacks trainable without care (Xiong et al., 2020); all JEPAs do so.

    Args:
        dim, heads: see `Attention`.
        mlp_ratio: width of the hidden layer as a multiple of ``dim``; 4 in every paper of the family.
    """

    def __init__(self, dim: int, heads: int, mlp_ratio: float = 4.0):
        super().__init__()
        hidden = round(dim * mlp_ratio)
        self.before_attention, self.attention = nn.LayerNorm(dim), Attention(dim, heads)
        self.before_mlp = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(
        self,
        x: Float[Tensor, "batch tokens dim"],
        mask: Bool[Tensor, "batch 1 _ tokens"] | None = None,
        turn: Float[Tensor, "... tokens half 2"] | None = None,
    ) -> Float[Tensor, "batch tokens dim"]:
        x = x + self.attention(self.before_attention(x), mask, turn)
        return x + self.mlp(self.before_mlp(x))


class Transformer(nn.Module):
    """A stack of blocks and a last layer norm.

    Weights start as in the ViTs of the JEPA family, see `start_small`; what each layer adds to the tokens is divided by
    sqrt(2 · its number), so that a deep stack starts near the identity.

    Args:
        dim, heads, mlp_ratio: see `Block`.
        depth: number of blocks.
    """

    def __init__(self, dim: int, depth: int, heads: int, mlp_ratio: float = 4.0):
        super().__init__()
        self.blocks = nn.ModuleList(Block(dim, heads, mlp_ratio) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.apply(start_small)
        with torch.no_grad():
            for number, block in enumerate(self.blocks, 1):
                for added in (block.attention.out, block.mlp[2]):
                    added.weight /= (2 * number) ** 0.5

    def forward(
        self,
        x: Float[Tensor, "batch tokens dim"],
        visible: Bool[Tensor, "batch tokens"] | None = None,
        turn: Float[Tensor, "... tokens half 2"] | None = None,
        allowed: Bool[Tensor, "tokens tokens"] | None = None,
    ) -> Float[Tensor, "batch tokens dim"]:
        """Mix the tokens, block by block.

        Args:
            x: the tokens, with their positions already added (or use ``turn``).
            visible: False for tokens at which no other may look. The visible ones come out as if the others had not been
                given, so that a set of fixed length can stand for any subset; the others' outputs mean nothing.
            turn: see `Attention`.
            allowed: True where a token (row) may look at another (column), in every sample; see `causal`. With ``visible``,
                both must permit it.
        """
        mask = None if visible is None else visible[:, None, None, :]  # (batch, 1, 1, tokens)
        if allowed is not None:
            mask = allowed.expand(len(x), 1, -1, -1) if mask is None else mask & allowed
        for block in self.blocks:
            x = block(x, mask, turn)
        return self.norm(x)


def causal(tokens: int, free: int = 0, device: torch.device | str | None = None) -> Bool[Tensor, "{tokens} {tokens}"]:
    """Who may look at whom where tokens are written one after another: each at itself and at what came before.

    Args:
        tokens: how many there are.
        free: how many of them, the first, are given all at once and look at each other freely, but at none that follow.
        device: where the mask is wanted.
    """
    order = torch.arange(tokens, device=device)
    return (order <= order[:, None]) | ((order < free) & (order[:, None] < free))


def start_small(module: nn.Module, gain: float = 0.5) -> None:
    """Initialise one linear layer as ViTs are: weights normal with standard deviation ``gain / sqrt(inputs)``, cut at two of
    them; biases 0. For ``Module.apply``.

    The papers' 0.02 at a width of 768 is a gain of 0.55. At our widths 0.02 would be so little that tokens said only where they
    are, and a feature predictor collapses before they say more.
    """
    if isinstance(module, nn.Linear):
        std = gain * module.in_features**-0.5
        nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def rotate(
    x: Float[Tensor, "batch heads tokens dim"], turn: Float[Tensor, "... tokens half 2"]
) -> Float[Tensor, "batch heads tokens dim"]:
    """Turn each pair of neighbouring numbers by its angle (RoPE; Su et al., 2021).

    The product of a turned query and a turned key depends on the difference of their positions only.
    """
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)  # (batch, heads, tokens, dim/2)
    cos, sin = turn.unbind(-1)
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)
