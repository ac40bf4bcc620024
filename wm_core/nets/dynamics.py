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
        """What `unroll` gives, but for rounding, in less time and without gradients."""
        return self.imagining(z)(actions)

    def imagining(self, z: Float[Tensor, "batch dim"]) -> Callable[[Tensor], Tensor]:
        """`rollout` from one start, to be asked again and again: the weights are looked at once.

        A planner asks for thousands of short steps, whose calls cost as much as their products. So the latent stays where the
        network reads it, beside the action and a 1 that carries the first bias; and where all begin at one latent, the first step
        takes its product once.
        """
        dim, shared = z.shape[-1], z.stride(0) == 0
        with torch.inference_mode():  # nothing leaves it but what is written to a path
            first, *others = (layer for layer in self.change if isinstance(layer, nn.Linear))
            *between, last = ((layer.bias, layer.weight.T.contiguous()) for layer in others)
            weight = torch.cat([first.weight.T, first.bias[None]])
            weight[dim:-1] /= self.action_scale
            seen = torch.cat([z, z.new_ones(len(z), len(weight) - dim)], -1)  # what the network reads
            now, told, h = seen[:, :dim], seen[:, dim:-1], z.new_empty(len(z), weight.shape[1])
            alike = seen[:1, :dim] @ weight[:dim] if shared else None

        def imagine(actions: Tensor) -> Tensor:
            path = z.new_empty(actions.shape[1], len(z), dim)
            with torch.inference_mode():
                now.copy_(z)
                for t, a in enumerate(actions.unbind(1)):
                    told.copy_(a)
                    if t == 0 and shared:
                        torch.addmm(alike, seen[:, dim:], weight[dim:], out=h)
                    else:
                        torch.mm(seen, weight, out=h)
                    x = h.relu_()
                    for bias, products in between:
                        x = torch.addmm(bias, x, products).relu_()
                    now.addmm_(x, last[1]).add_(last[0])
                    path[t] = now
            return path.transpose(0, 1)

        return imagine


def unroll(
    dynamics: Dynamics, z: Float[Tensor, "*batch dim"], actions: Float[Tensor, "*batch horizon action"]
) -> Float[Tensor, "*batch horizon dim"]:
    """Imagine: apply the dynamics to its own predictions, one action after another. Returns z after each action."""
    imagined = []
    for a in actions.unbind(-2):
        z = dynamics(z, a)
        imagined.append(z)
    return torch.stack(imagined, -2)
