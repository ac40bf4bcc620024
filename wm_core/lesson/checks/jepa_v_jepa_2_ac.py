"""Checks for the exercises of *From watching to reaching*."""

import torch
from torch import nn

from wm_core.jepa.v_jepa_2_ac import rollout_error
from wm_core.nets.world_model import WorldModel
from wm_core.planning.search import within


class _Toy(WorldModel):
    """A predictor that makes every slip visible: it turns, stretches and adds."""

    def __init__(self):
        super().__init__(nn.Identity(), nn.Identity())
        self.gain = nn.Parameter(torch.tensor(1.0))

    def predict(self, z, a):
        return 1.5 * z.flip(-1) + self.gain * a


def feed_back(answer) -> str | None:
    """The rollout loss."""
    generator = torch.Generator().manual_seed(0)
    z, actions = torch.randn(3, 6, 2, generator=generator), torch.randn(3, 5, 2, generator=generator)
    toy, mine = _Toy(), _Toy()
    got, expected = answer(mine.predict, z, actions, 3), rollout_error(toy, z, actions, 3)
    if not isinstance(got, torch.Tensor) or got.numel() != 1:
        return f"It should return one number; it returns {getattr(got, 'shape', type(got).__name__)}."
    if not torch.allclose(got, expected):
        return _which_slip(got, toy, z, actions)
    slope = torch.autograd.grad(expected, toy.gain)[0]
    if not got.requires_grad or not torch.allclose(torch.autograd.grad(got, mine.gain)[0], slope):
        return "The number is right and its gradient is not: a prediction was detached before it was fed back."
    return None


def _which_slip(got, toy, z, actions) -> str:
    starts, teacher, same = z[:, :3], z[:, :3], z[:, :3]
    for k in range(3):
        teacher = toy.predict(z[:, k : k + 3], actions[:, k : k + 3])
        same = toy.predict(same, actions[:, :3])
        starts = toy.predict(starts, actions[:, k : k + 3])

    def close(guess, wanted) -> bool:
        return torch.allclose(got, (guess - wanted).abs().mean())

    if close(teacher, z[:, 3:]):
        return "Every step starts from an actual latent: that is teacher forcing. Feed the last prediction back."
    if close(same, z[:, 3:]):
        return "Every step does the first action again. Step k does the actions from k on."
    if close(starts, z[:, 1:4]) or close(starts, z[:, 2:5]) or close(starts, z[:, :3]):
        return "The prediction is compared with the wrong frames. After three steps from frame 0 it speaks of frame 3."
    if torch.allclose(got, (starts - z[:, 3:]).square().mean()):
        return "That is the mean squared error. The paper takes the absolute one."
    return "Start from the frames that have enough actions after them, predict once per step, and compare the last."


def shorten(answer) -> str | None:
    """The bound on actions."""
    actions = torch.tensor([[0.3, 0.4], [3.0, 4.0], [0.0, 0.0], [-6.0, 8.0], [1.9, 1.9]])
    got = answer(actions.clone(), 2.0)
    if not isinstance(got, torch.Tensor) or got.shape != actions.shape:
        return f"It should return a tensor of shape {tuple(actions.shape)}; it returns {getattr(got, 'shape', type(got).__name__)}."
    if got.isnan().any():
        return "To stand still has length zero, and dividing by it gives NaN. Let the divisor be at least something."
    if torch.allclose(got, within(2.0)(actions)):
        return None
    if torch.allclose(got, actions.clamp(-2.0, 2.0)):
        return "That bounds each axis: (1.9, 1.9) is 2.7 pixels long and passes, and (-6, 8) comes out in another direction."
    if torch.allclose(got[0].norm(), torch.tensor(2.0), atol=1e-3):
        return "An action of half a pixel has been lengthened to two. One that is short enough shall stay as it is."
    if torch.allclose(got, actions * (2.0 / actions.norm().clamp_min(2.0))):
        return "One length was taken of all actions together. Each has its own: the norm over the last axis."
    return "(3, 4) is 5 pixels long. With a reach of 2 it should become (1.2, 1.6)."


def enough(answer) -> str | None:
    """How few samples a round does the planner need? The answer, and the function that measured it."""
    samples, share_with = answer
    if samples not in (4, 8, 16, 32, 64):
        return f"It is one of 4, 8, 16, 32 and 64; got {samples}."
    if (share := share_with(samples)) < 0.85:
        return f"{samples} solve only {share:.0%} of the tasks."
    if samples > 4 and (share := share_with(samples // 2)) >= 0.85:
        return f"Half as many will do too: {samples // 2} solve {share:.0%}. Measure before you answer."
    return None
