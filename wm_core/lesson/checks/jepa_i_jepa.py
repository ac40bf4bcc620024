"""Checks for the exercises of *Predict what it means, not how it looks*."""

import torch


def glide(answer) -> str | None:
    """One step of a puck."""
    speed, push = torch.tensor([2.0, -2.0, 0.5]), torch.tensor([0.1, 0.0, -0.2])
    got, expected = answer(speed, push), speed + push - 0.1 * speed * speed.abs()
    if torch.allclose(got, expected):
        return None
    if torch.allclose(got, speed + push - 0.1 * speed.square()):
        return "A puck that glides backwards is sped up by the air. A square has lost the sign; keep it."
    if torch.allclose(got, speed + push - 0.1 * speed):
        return "That drag grows with the speed. It should grow with its square."
    return "At 2 m/s and without a push, 1.6 m/s should be left."


def shares(answer) -> str | None:
    """What the air takes in one step."""
    slow, fast = answer
    if abs(slow - 0.1) < 1e-6 and abs(fast - 0.2) < 1e-6:
        return None
    if abs(fast - 0.4) < 1e-6:
        return "At 2 m/s the air takes 0.4 m/s. Which share of the speed is that?"
    return "The air takes 0.1 v² from a speed v. Divide by v."
