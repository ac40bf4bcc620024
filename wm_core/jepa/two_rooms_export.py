"""A model of a world of rooms as the networks that the live figure ``rooms`` asks for.

The figure draws what the model imagines, so it needs places beside latents: a probe reads them, in pixels. What is exported is
the model itself; the probe stands beside it and changes nothing that is imagined.
"""

from collections.abc import Callable
from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.artefacts import Exported, export_onnx
from wm_core.nets.world_model import WorldModel


class Look(nn.Module):
    """A frame to its latent, and to the place that the probe reads from it.

    Args:
        model: whose encoder.
        probe: from latents (..., dim) to places (..., 2) in pixels, such as ``LinearProbe(…).as_linear()``.
    """

    def __init__(self, model: WorldModel, probe: nn.Module):
        super().__init__()
        self.model, self.probe = model, probe

    def forward(
        self, frame: Float[Tensor, "n channels size size"]
    ) -> tuple[Float[Tensor, "n dim"], Float[Tensor, "n 2"]]:
        z = self.model.encode(frame)
        return z, self.probe(z)


class Imagine(Look):
    """Latents and plans to the latents on the way, and to the places that the probe reads from them."""

    def forward(
        self, z: Float[Tensor, "n dim"], actions: Float[Tensor, "n steps 2"]
    ) -> tuple[Float[Tensor, "n steps dim"], Float[Tensor, "n steps 2"]]:
        path = self.model.rollout(z, actions)
        return path, self.probe(path)


def room_networks(
    model: WorldModel,
    probe: nn.Module,
    frame: Float[Tensor, "channels size size"],
    *,
    cost: Callable[[Tensor, Tensor], Tensor] | None = None,
    plans: int = 64,
    steps: int = 16,
    longest: float = 1.8,
    stride: int = 1,
) -> dict[str, Exported]:
    """``encode``, ``imagine`` and ``value``: what ``live("rooms", model=…)`` takes.

    Args:
        model: encoder and dynamics. It stays on its device.
        probe: from latents (..., dim) to places (..., 2) in pixels.
        frame: an example of what the model sees.
        cost: a module from latents (m, dim) and a goal (1, dim) to steps to go (m,); without it there is no ``value``. A
            discounted cost is no such thing, `value.Steps` of it is.
        plans: how many are imagined in one call. The figure asks several times for more, and fills up what it does not need.
        steps: of a plan in one call. The figure goes on from the last for longer plans.
        longest: action of the example, in pixels. Walks have none above 1.8.
        stride: the cost is asked for every ``stride``-th of the imagined latents only: the figure's setting of that name.

    Raises:
        ValueError: the probe reads something else than two numbers.
    """
    model, probe, cost = deepcopy((model, probe, cost))
    model, probe = model.cpu().float().eval(), probe.cpu().float().eval()
    frame = frame.detach().cpu().float()[None]
    with torch.no_grad():
        z = model.encode(frame)
        if (read := probe(z).shape[-1]) != 2:
            raise ValueError(f"probe: got one that reads {read} numbers, wanted x and y")
        generator = torch.Generator().manual_seed(0)
        actions = longest * torch.nn.functional.normalize(torch.randn(plans, steps, 2, generator=generator), dim=-1)
        path, _ = Imagine(model, probe)(z.expand(plans, -1), actions)
    networks = {
        "encode": export_onnx(Look(model, probe), {"frame": frame}, ["z", "place"]),
        "imagine": export_onnx(
            Imagine(model, probe), {"z": z.repeat(plans, 1), "actions": actions}, ["path", "places"]
        ),
    }
    if cost is not None:
        networks["value"] = export_onnx(cost, {"z": path[:, stride - 1 :: stride].flatten(0, 1), "goal": z}, ["steps"])
    return networks
