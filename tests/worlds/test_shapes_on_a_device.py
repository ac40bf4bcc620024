"""The worlds of shapes run where they are asked to, from a generator that lives elsewhere.

PyTorch's ``meta`` device stands for a GPU: it computes shapes only, and objects where tensors of two devices meet.
"""

import pytest
import torch

from wm_core.worlds.bouncing import BouncingShapes
from wm_core.worlds.events import EVENTS, pairs
from wm_core.worlds.moving_shapes import MovingShapes
from wm_core.worlds.shapes import Shapes
from wm_core.worlds.stage import Stage
from wm_core.worlds.views import views

LOOKS = [{"detail": 0.1}, {"detail": 0.1, "detail_over": "all"}]
either_look = pytest.mark.parametrize("look", LOOKS, ids=["background", "all"])


def elsewhere(tree):
    """The devices of all tensors of a NamedTuple of tensors and of such."""
    return {tree.device.type} if isinstance(tree, torch.Tensor) else set().union(*map(elsewhere, tree))


def seeded():
    return torch.Generator().manual_seed(0)


@either_look
def test_still_pictures_and_views_of_them(look):
    scenes = Shapes(objects=(1, 3), **look).draw(8, seeded(), device="meta")
    assert elsewhere(scenes) == {"meta"}
    assert Shapes(objects=3).uncovered(scenes).shape == (8, 3)
    assert elsewhere(views(scenes.images, seeded(), 2, 2, jitter=0.2, hue=0.1, flip=True)) == {"meta"}


@either_look
def test_clips(look):
    assert elsewhere(MovingShapes(**look).clips(8, seeded(), device="meta")) == {"meta"}
    assert elsewhere(MovingShapes(**look).clips(8, seeded(), motion=torch.arange(8) % 4, device="meta")) == {"meta"}
    assert elsewhere(BouncingShapes(substeps=2, **look).bounces(8, seeded(), 2, device="meta")) == {"meta"}
    assert elsewhere(Stage(**look).occluded(8, seeded(), device="meta")) == {"meta"}


@either_look
@pytest.mark.parametrize("event", EVENTS)
def test_pairs(event, look):
    assert elsewhere(pairs(Stage(**look), 8, seeded(), event, device="meta")) == {"meta"}
