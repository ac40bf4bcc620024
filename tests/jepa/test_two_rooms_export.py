"""What a live figure of two rooms asks for: ONNX answers as the model, the probe and the cost do."""

import numpy as np
import onnxruntime
import pytest
import torch

from wm_core.jepa.pldm import PLDM
from wm_core.jepa.two_rooms_export import room_networks
from wm_core.jepa.value import CostMetric
from wm_core.metrics.probe import LinearProbe
from wm_core.worlds.two_rooms import TwoRooms

PLANS, STEPS = 6, 3


class Steps(torch.nn.Module):
    """What a planner asks of a cost: steps, where ``forward`` of a cost is discounted."""

    def __init__(self, cost):
        super().__init__()
        self.cost = cost

    def forward(self, z, goal):
        return self.cost.steps(z, goal)


@pytest.fixture(scope="module")
def trained():
    """A model as it is before training, a probe that reads it, a cost, and two frames."""
    torch.manual_seed(0)
    model, cost, generator = PLDM(dim=16), CostMetric(16), torch.Generator().manual_seed(0)
    walks = TwoRooms(fixed=True).episodes(20, 20, generator)
    with torch.no_grad():
        z = model.encode(walks.frames).flatten(0, 1)
    probe = LinearProbe(z, walks.positions.flatten(0, 1)).as_linear()
    return model.eval(), probe, cost, walks.frames[:2, 0]


@pytest.fixture(scope="module")
def networks(trained):
    model, probe, cost, frames = trained
    exported = room_networks(model, probe, frames[0], cost=Steps(cost), plans=PLANS, steps=STEPS)
    return {name: onnxruntime.InferenceSession(net.onnx) for name, net in exported.items()}


def asked(network, **inputs):
    out = network.run(None, {name: value.numpy() for name, value in inputs.items()})
    return dict(zip((output.name for output in network.get_outputs()), map(torch.tensor, out), strict=True))


@torch.no_grad()
def test_the_networks_say_what_model_probe_and_cost_say(trained, networks):
    model, probe, cost, frames = trained
    z = model.encode(frames)
    actions = 1.8 * torch.randn(PLANS, STEPS, 2)
    path = model.rollout(z[1:].expand(PLANS, -1), actions)
    looked = asked(networks["encode"], frame=frames[1:])
    imagined = asked(networks["imagine"], z=z[1:].repeat(PLANS, 1), actions=actions)
    valued = asked(networks["value"], z=path.flatten(0, 1), goal=z[:1])
    expected = {"z": z[1:], "place": probe(z[1:]), "path": path, "places": probe(path),
                "steps": cost.steps(path.flatten(0, 1), z[:1])}  # fmt: skip
    assert {**looked, **imagined, **valued}.keys() == expected.keys()
    for name, value in {**looked, **imagined, **valued}.items():
        np.testing.assert_allclose(value, expected[name], atol=1e-4, err_msg=name)


def test_the_model_stays_as_it_was_and_no_cost_is_no_network(trained):
    model, probe, _, frames = trained
    model.train().double()
    try:
        assert list(room_networks(model, probe, frames[0], plans=1, steps=1)) == ["encode", "imagine"]
        assert model.training
        assert next(model.parameters()).dtype == torch.float64
    finally:
        model.eval().float()


def test_a_probe_that_reads_something_else_is_refused(trained):
    model, _, _, frames = trained
    with pytest.raises(ValueError, match="wanted x and y"):
        room_networks(model, torch.nn.Linear(16, 3), frames[0], plans=2, steps=2)


def test_with_a_stride_the_cost_is_asked_for_fewer_latents(trained):
    model, probe, cost, frames = trained
    exported = room_networks(model, probe, frames[0], cost=Steps(cost), plans=PLANS, steps=STEPS, stride=3)
    network = onnxruntime.InferenceSession(exported["value"].onnx)
    assert network.get_inputs()[0].shape == [PLANS * STEPS // 3, 16]
