"""Checks for the exercises of *A latent space you can plan in*."""

import torch

from wm_core.objectives.smoothness import time_smoothness

#: Walks pushed at a wall with its middle at 32, three pixels wide: each is named by what it does.
WALKS = {
    "stops at the near face": ([26.0, 28.0, 30.5], 1.0),
    "ends inside the wall": ([26.0, 30.0, 32.8], 1.0),
    "ends in the near half of the wall": ([26.0, 30.0, 31.2], 1.0),
    "comes out": ([26.0, 31.0, 36.0], 1.0),
    "is beyond the wall from its first step on": ([34.0, 35.0, 36.0], 1.0),
    "comes out and returns": ([29.0, 34.0, 30.0], 1.0),
    "comes out on the left": ([38.0, 33.0, 30.0], -1.0),
    "stops at the near face, coming from the right": ([38.0, 35.0, 33.6], -1.0),
}


def leaked(answer) -> str | None:
    """Which walks came out on the other side of the wall at some time."""
    path = torch.stack([torch.stack([torch.tensor(x), torch.full((3,), 40.0)], -1) for x, _ in WALKS.values()])
    wall, across = torch.full((len(WALKS),), 32.0), torch.tensor([side for _, side in WALKS.values()])
    got = torch.as_tensor(answer(path, wall, across, 3.0))
    if got.shape != (len(WALKS),) or got.dtype != torch.bool:
        return f"It should say yes or no for each of {len(WALKS)} walks; it returns {tuple(got.shape)} of {got.dtype}."
    gone = across[:, None] * (path[..., 0] - wall[:, None])
    slips = {
        (gone > 1.5).any(1): None,
        (gone > 0).any(
            1
        ): "A place inside the wall is no leak: beyond the far face is half a thickness past the middle.",
        (gone > 3).any(1): "Its middle is at wall_x, so its far face is half its thickness further, not all of it.",
        (gone > -1.5).any(
            1
        ): "That counts walks that reach the near face, where they should stop. The far face is on the other side.",
        gone[:, -1] > 1.5: "Only the last place is asked. A walk that came out and went back has leaked too.",
        (gone > 1.5).all(1): "A walk leaks if any of its places is beyond the wall, not if all are.",
        (path[..., 0] - wall[:, None] > 1.5).any(
            1
        ): "To the left of the wall is across for walks that come from the right: use `across`.",
    }
    for expected, slip in slips.items():
        if torch.equal(got, expected):
            return slip
    wrong = [name for name, a, b in zip(WALKS, got, (gone > 1.5).any(1), strict=True) if a != b]
    return f"It is wrong about a walk that {wrong[0]}."


def smooth(answer) -> str | None:
    """The mean squared change from one moment to the next."""
    z = torch.randn(5, 7, 3, generator=torch.Generator().manual_seed(0)).cumsum(1)
    got = torch.as_tensor(answer(z))
    if got.numel() != 1:
        return f"It should return one number; it returns {tuple(got.shape)}. Take the mean over walks, moments and numbers."
    slips = {
        time_smoothness(z): None,
        (z[1:] - z[:-1]).square().mean(): "That is the change from one walk to the next. Time is axis 1.",
        (z[..., 1:] - z[..., :-1])
        .square()
        .mean(): "That is the change from one number of a latent to the next. Time is axis 1.",
        (z[:, 1:] - z[:, :1])
        .square()
        .mean(): "That is the change since the first moment. Compare each moment with the one before it.",
        (z[:, 1:] - z[:, :-1]).abs().mean(): "That is the mean change without the square.",
        (z[:, 1:] - z[:, :-1]).mean(): "Changes to both sides cancel. Square them first.",
        (z[:, 1:] - z[:, :-1]).mean().square(): "Square each change first, and take the mean after it.",
        (z[:, 1:] - z[:, :-1]).square().sum(): "That is the sum. Take the mean.",
        (z[:, 1:] - z[:, :-1])
        .square()
        .sum(-1)
        .mean(): "That is the sum over the numbers of a latent, as in PLDM's paper. Take their mean.",
    }
    for expected, slip in slips.items():
        if torch.allclose(got.to(expected), expected, rtol=1e-4):
            return slip
    return f"For a walk of noise it gives {float(got):.3g}, wanted {float(time_smoothness(z)):.3g}."


def on_foot(answer) -> str | None:
    """From (20, 50) to (44, 50), around the lower end of a door at the top."""
    far, leg = float(answer), lambda dx, dy: (dx * dx + dy * dy) ** 0.5
    slips = {
        2 * leg(10.5, 36) + 3: None,
        24.0: "That is the way of a crow. There is a wall.",
        2 * leg(12, 40): "That goes through the middle of the door. The shortest way hugs its corner: the door ends at y = 14.",
        2 * leg(12, 36): "The wall has a thickness: the corners are at x = 30.5 and 33.5, with 3 pixels between them.",
        2 * leg(10.5, 40) + 3: "That is through the middle of the door. Its lower corner, at y = 14, is nearer.",
        2 * leg(10.5, 36): "And the 3 pixels through the wall?",
        2 * leg(10.5, 44) + 3: "That is the upper end of the door, at y = 6. The lower one is nearer.",
        2 * 36 + 24: "That is up, across and down. A dot may walk slantwise.",
    }  # fmt: skip
    for expected, slip in slips.items():
        if abs(far - expected) < 0.06:
            return slip
    if far < 24:
        return f"{far:g} is shorter than the straight line."
    return f"{far:.1f} is not it. Go straight to the door's near corner, through the wall, and straight to the goal."
