"""Models of Two Rooms as they are kept: one for each seed of training, with the network that reads the dot's place off its latent.

The artefacts ``two_rooms_fixed`` (one layout for all) and ``two_rooms_random`` (a layout for each walk) have this form. Weights are
kept with two bytes a number, and computed with four. ``two_rooms_costs`` holds, for each of these models, the way to a goal as
learned on its latents.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from wm_core.artefacts import Manifest, load, published
from wm_core.jepa.pldm import PLDM
from wm_core.jepa.value import CostMetric
from wm_core.metrics.reader import Reader


def shelf(seeds: int, dim: int = 64, **sizes: int) -> nn.ModuleList:
    """Room for the models of so many seeds: ``shelf(3)[0].model`` and ``shelf(3)[0].reader``, whose two factors are x and y in pixels.

    Args:
        seeds: how many.
        dim: width of the latent.
        sizes: further arguments of `PLDM`.
    """
    return nn.ModuleList(
        nn.ModuleDict({"model": PLDM(dim=dim, **sizes), "reader": Reader(dim, 2)}) for _ in range(seeds)
    )


def rounded(models: nn.Module) -> nn.Module:
    """``models`` with weights as they come back from two bytes a number, in place: what is measured is what is kept."""
    models.load_state_dict({name: value.half() for name, value in models.state_dict().items()})
    return models


def kept_models(system: str = "two_rooms_fixed", folder: str | Path | None = None) -> tuple[nn.ModuleList, Manifest]:
    """The kept models of a world of two rooms, ready to use and not to be trained, and where they come from.

    Args:
        system: the artefact's name.
        folder: of the artefact, if it is not the book's own.

    Raises:
        ArtefactError: it is missing, damaged, or of another form.
    """
    kept = load(folder or published(system))
    seeds, sizes = kept.manifest.config["seeds"], kept.manifest.config.get("sizes", {})
    return kept.into(shelf(seeds, **sizes)).eval().requires_grad_(False), kept.manifest


def cost_shelf(seeds: int, sizes: Mapping[str, Mapping[str, int]]) -> nn.ModuleDict:
    """Room for the costs of so many seeds: ``cost_shelf(3, sizes)["fixed"][0]``.

    Args:
        seeds: how many.
        sizes: arguments of `CostMetric` for each kind of layout.
    """
    return nn.ModuleDict(
        {kind: nn.ModuleList(CostMetric(**size) for _ in range(seeds)) for kind, size in sizes.items()}
    )


def kept_costs(folder: str | Path | None = None) -> tuple[nn.ModuleDict, Manifest]:
    """The kept costs, ``"fixed"`` for the models of `two_rooms_fixed` and ``"random"`` for those of ``two_rooms_random``, seed by seed.

    Args:
        folder: of the artefact, if it is not the book's own.

    Raises:
        ArtefactError: it is missing, damaged, or of another form.
    """
    kept = load(folder or published("two_rooms_costs"))
    empty = cost_shelf(kept.manifest.config["seeds"], kept.manifest.config["sizes"])
    return kept.into(empty).eval().requires_grad_(False), kept.manifest
