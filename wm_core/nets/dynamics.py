"""Dynamics: from a latent and an action to the next latent."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.nets.mlp import mlp

Dynamics = Callable[[Tensor, Tensor], Tensor]


class ResidualDynamics(nn.Module):
    """z' = z + MLP(z, a / action_scale): what an action changes is learned, what it leaves alone is free.

    Args:
        dim: width of the latent.
        action_dim: width of an action.
        action_scale: the size of a large action, so that the network sees numbers of order 1.
        hidden: width of the hidden layers.
        depth: how many hidden layers. One is enough where everything moves freely; where walls stop things, an action's effect
            has sharp edges, and three bring them out many times sooner.
    """

    def __init__(self, dim: int, action_dim: int = 2, action_scale: float = 1.0, hidden: int = 256, depth: int = 1):
        super().__init__()
        self.action_scale = action_scale
        self.change = mlp(dim + action_dim, *[hidden] * depth, dim)

    def forward(self, z: Float[Tensor, "*batch dim"], a: Float[Tensor, "*batch action"]) -> Float[Tensor, "*batch dim"]:
        return z + self.change(torch.cat([z, a / self.action_scale], -1))

    def rollout(
        self, z: Float[Tensor, "batch dim"], actions: Float[Tensor, "batch horizon action"]
    ) -> Float[Tensor, "batch horizon dim"]:
        """What `unroll` gives, but for rounding, in less time and without gradients.

        A planner asks for thousands of short steps, whose calls cost as much as their products. So weights are put as products of
        few rows want them, and the latent stays where the network reads it.
        """
        with torch.inference_mode():  # nothing of it leaves but the stack below
            first, *others = (
                (layer.bias, layer.weight.T.contiguous()) for layer in self.change if isinstance(layer, nn.Linear)
            )
            scaled = (actions / self.action_scale).unbind(1)
            seen = torch.cat([z, scaled[0]], -1)  # what the network reads
            now, told = seen.split([z.shape[-1], actions.shape[-1]], 1)
            path = []
            for a in scaled:
                told.copy_(a)
                h = torch.addmm(first[0], seen, first[1])
                for bias, weight in others:
                    h = torch.addmm(bias, h.relu_(), weight)
                path.append(now.add_(h).clone())
        return torch.stack(path, 1)


def unroll(
    dynamics: Dynamics, z: Float[Tensor, "*batch dim"], actions: Float[Tensor, "*batch horizon action"]
) -> Float[Tensor, "*batch horizon dim"]:
    """Imagine: apply the dynamics to its own predictions, one action after another. Returns z after each action."""
    imagined = []
    for a in actions.unbind(-2):
        z = dynamics(z, a)
        imagined.append(z)
    return torch.stack(imagined, -2)
