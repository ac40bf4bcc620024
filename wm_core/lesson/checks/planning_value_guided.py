"""Checks for the exercises of *A distance that knows the walls*."""

import torch


def said_by(answer) -> str | None:
    """What a piece of a walk says of the discounted cost."""
    gamma = 0.9
    steps, rest = torch.tensor([1.0, 4.0, 2.0, 0.0]), torch.tensor([3.0, 5.0, 7.0, 6.0])
    done = torch.tensor([False, False, True, True])
    own = (1 - gamma**steps) / (1 - gamma)
    right = own + gamma**steps * torch.where(done, 0.0, rest)
    got = answer(steps.clone(), rest.clone(), done.clone(), gamma)
    if not isinstance(got, torch.Tensor) or got.shape != right.shape:
        return f"It should return a cost for each piece, shape (4,); it returns {getattr(got, 'shape', type(got).__name__)}."
    if torch.allclose(got, right, atol=1e-4):
        return None
    if torch.allclose(got, own + gamma**steps * rest, atol=1e-4):
        return "A piece that ends at its goal has nothing left behind it: where it is done, the rest is 0."
    if torch.allclose(got, own + torch.where(done, 0.0, rest), atol=1e-4):
        return "The rest begins `steps` steps later, so each of its steps counts less: discount it."
    if torch.allclose(got, own + gamma * torch.where(done, 0.0, rest), atol=1e-4):
        return "The rest is discounted once. It begins after `steps` steps: by γ to that power."
    if torch.allclose(got, steps + gamma**steps * torch.where(done, 0.0, rest), atol=1e-4):
        return "The piece's own steps are not discounted. The first costs 1, the next γ, and so on: a geometric sum."
    if torch.allclose(got, 1 + gamma**steps * torch.where(done, 0.0, rest), atol=1e-4):
        return "That charges one step, however long the piece is. Its steps cost 1 + γ + … each."
    if torch.allclose(got, gamma**steps * torch.where(done, 0.0, rest), atol=1e-4):
        return "The piece itself costs nothing so. Then everything costs nothing, and each guess confirms it."
    return (
        f"For γ = 0.9 it should be {[round(x, 2) for x in right.tolist()]}; it is {[round(float(x), 2) for x in got]}."
    )


def stop_over(answer) -> str | None:
    """One step of Floyd and Warshall."""
    inf = float("inf")
    ways = torch.tensor([[0.0, 2.0, inf, 9.0], [3.0, 0.0, 4.0, 5.0], [inf, 1.0, 0.0, inf], [1.0, inf, 6.0, 0.0]])
    via = ways[:, 1:2] + ways[1:2]
    right = torch.minimum(ways, via)
    given = ways.clone()
    got = answer(given, 1)
    if not isinstance(got, torch.Tensor) or got.shape != ways.shape:
        return f"It should return all ways, shape (4, 4); it returns {getattr(got, 'shape', type(got).__name__)}."
    if torch.equal(got, right):
        return None
    if got.isnan().any():
        return "There is a NaN in it: where there is no way, it is infinite, and infinity less itself is no number."
    if torch.equal(got, via):
        return "Those all stop over at k, also where the direct way is shorter. Keep the shorter of the two."
    if torch.equal(got, torch.maximum(ways, via)):
        return "That keeps the longer of the two."
    if torch.equal(got, torch.minimum(ways, ways[1:2].mT + ways[:, 1:2].mT)):
        return "From and to are mixed up: to k is column k, on from k is row k. Here ways back cost something else."
    if torch.equal(got, torch.minimum(ways, ways[:, 1:2] + ways[:, 1:2].mT)):
        return "That goes to k and back. On from k is row k, and here the way back is not as long as the way there."
    if torch.equal(got, torch.minimum(ways, ways[1:2] + ways[1:2].mT)):
        return "That comes from k both times. The way to k is column k."
    if torch.equal(got, ways):
        return "Nothing has changed. A stop at k makes some of these ways shorter."
    return "Not the shorter of the way so far and the way over k, for each pair."


def first_pixel(answer) -> str | None:
    """How far a map must move two places apart for the first pixel of a wall: in one part, and in a part of its own."""
    try:
        one, own = (float(number) for number in answer)
    except (TypeError, ValueError):
        return "Give two numbers, in pixels."
    if abs(one - 1) < 0.01:
        return (
            "With one part the new direction is a side of a triangle: after one pixel of it the distance is "
            f"√(64 + 1) = {65**0.5:.2f}, a sixteenth of a pixel more."
        )
    if abs(one - 17) < 0.01:
        return "That is h², from 81 - 64. Take the root."
    if abs(one - (81 + 64) ** 0.5) < 0.01:
        return "9 is the long side of the triangle, not one of the short ones: 8² + h² = 9²."
    if abs(one - 17**0.5) > 0.01:
        return "With one part the old distance and the new direction are at right angles: 8² + h² = 9²."
    if abs(own - 17**0.5) < 0.01:
        return "The first number is right. In a part of its own there is no triangle: the two distances are added."
    if abs(own - 1) > 0.01:
        return "The first number is right. With a part of its own the distance is 8 + h."
    return None
