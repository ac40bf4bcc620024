"""The attentive probe: a learned question put to frozen tokens (Bardes et al., 2024, and before them Chen et al., 2022)."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.transformer import start_small


class AttentiveProbe(nn.Module):
    """Pools tokens by cross-attention with one learned query, then reads factors off the pool with a linear layer.

    A mean over tokens gives the background as many votes as it has patches. A query can learn where to look; and a probe that
    can choose is the fairer one to features that nobody asked to be averages.

    Args:
        dim: width of a token.
        out: numbers to read: classes as logits, or factors.
        heads: of the cross-attention.
    """

    def __init__(self, dim: int, out: int, heads: int = 2):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.query = nn.Parameter(0.5 * nn.init.normal_(Tensor(1, dim)))
        self.key_value, self.mix = nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        self.read = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, out))
        self.apply(start_small)

    def forward(self, tokens: Float[Tensor, "batch tokens dim"]) -> Float[Tensor, "batch out"]:
        batch, count, dim = tokens.shape
        k, v = self.key_value(self.norm(tokens)).view(batch, count, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        q = self.query.expand(batch, 1, dim).view(batch, 1, self.heads, -1).transpose(1, 2)
        pooled = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, dim)
        return self.read(self.mix(pooled))
