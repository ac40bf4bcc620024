"""Long chains of small steps among walls, as in `planar`, followed on the CPU.

A step of a few hundred dots is so little work that a tensor library spends its time on calling, not on computing. The same
rules in NumPy are several times as fast.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.worlds.planar import GAP

#: With more dots than this, those that pass no wall are found first.
MANY = 4000


class Walker:
    """Follows n dots, each among its own walls.

    Args:
        walls: (n, k, 4), or (steps + 1, n, k, 4) where they move: as they stand before each step, and after the last.
        phases: (n, steps + 1) where they move, a third number of each state.
    """

    def __init__(self, walls: Tensor, phases: Tensor | None = None):
        self.phases = phases
        moments = walls.cpu().numpy().astype(np.float32)
        self.moves = moments.ndim == 4
        moments = moments if self.moves else moments[None]
        # (moments, low or high, axis, k, n): the axis along which a loop is shortest comes last
        self.faces = np.ascontiguousarray(moments.reshape(*moments.shape[:3], 2, 2).transpose(0, 3, 4, 2, 1))

    def move(self, here: np.ndarray, step: np.ndarray, nudge: np.ndarray, moment: int = 0) -> np.ndarray:
        """As `planar.move`: points (2, n), steps and nudges like them, to the points after the step."""
        faces = self.faces[moment if self.moves else 0]
        stop, hit = until_wall(faces, here, step)
        if len(hit):
            stop[:, hit] = until_wall(faces[..., hit], stop[:, hit], nudge[:, hit])[0]
        if self.moves:
            stop = clear(self.faces[moment + 1], stop)
        return stop

    def wander(
        self,
        start: Float[Tensor, "n state"],
        heading: Float[Tensor, "n"],
        turns: Float[Tensor, "n steps"],
        lengths: Float[Tensor, "n steps"],
        begins: Float[Tensor, "n"],
        doorway: tuple[Float[Tensor, "n 2"], Float[Tensor, "n 2"]],
        nudges: Float[Tensor, "steps n 2"],
    ) -> tuple[Float[Tensor, "n steps 2"], Float[Tensor, "n steps+1 state"]]:
        """Random walks, some of them steered through a door: actions, and positions.

        Args:
            start: where they begin.
            heading: of the first step but for its turn.
            turns: by which each step turns from the one before; 0.3 of it from the way to a door.
            lengths: of the steps.
            begins: the step from which on a walk heads for its door; infinite for one that never does.
            doorway: the places before and behind the door. A walk goes to the one, then to the other, then on at random.
            nudges: of each step, where it meets a wall.
        """
        turns, lengths = turns.T.numpy(), lengths.T.numpy()  # (steps, n)
        turn, little = np.exp(1j * turns).astype(np.complex64), np.exp(0.3j * turns).astype(np.complex64)
        way = np.exp(1j * heading.numpy()).astype(np.complex64)  # the direction of each dot, a number of length 1
        nudges = np.ascontiguousarray(nudges.numpy().transpose(0, 2, 1))  # (steps, 2, n)
        here = np.ascontiguousarray(start[:, :2].cpu().numpy().T)  # (2, n)
        goals = np.stack([place.cpu().numpy() @ np.array([1, 1j], np.complex64) for place in doorway])  # (2, n)
        led = np.flatnonzero(np.isfinite(begins.numpy()))
        begins, stage = begins.numpy()[led], np.zeros(len(led), int)
        actions, path = (
            np.empty((len(turns), *here.shape), np.float32),
            np.empty((len(turns) + 1, *here.shape), np.float32),
        )
        path[0] = here
        for k in range(len(turns)):
            way = way * turn[k]
            aim = np.flatnonzero((k >= begins) & (stage < 2))
            who = led[aim]
            goal = goals[stage[aim], who]
            ahead = goal - (here[0, who] + 1j * here[1, who])
            way[who] = ahead / np.maximum(np.abs(ahead), 1e-6) * little[k, who]
            step = lengths[k] * way
            actions[k, 0], actions[k, 1] = step.real, step.imag
            here = path[k + 1] = self.move(here, actions[k], nudges[k], k)
            stage[aim] += np.abs(goal - (here[0, who] + 1j * here[1, who])) < 1.8
        actions, path = (torch.from_numpy(np.ascontiguousarray(found.transpose(2, 0, 1))) for found in (actions, path))
        return actions, path if self.phases is None else torch.cat([path, self.phases.cpu()[..., None]], -1)


def until_wall(faces: np.ndarray, start: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `planar.until_wall`: the points (2, n) after steps that end at the first wall, and the numbers of those that met one."""
    if start.shape[1] > MANY:  # most dots are near no wall, and then it pays to look who is
        end = start + step
        low, high = np.minimum(start, end)[:, None], np.maximum(start, end)[:, None]
        near = (faces[0] <= high) & (faces[1] >= low)  # (2, k, n)
        who = (near[0] & near[1]).any(0).nonzero()[0]
        end[:, who], hit = _until_wall(faces[..., who], start[:, who], step[:, who])
        return end, who[hit]
    return _until_wall(faces, start, step)


def _until_wall(faces: np.ndarray, start: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    safe = step + np.float32(1e-20)  # moves nothing but zeros
    shares = (faces - start[:, None]) / safe[:, None]  # (2, 2, k, n) of the step, at which each face is reached
    enter = np.maximum(*np.minimum(shares[0], shares[1]))  # inside when inside along both axes
    leave = np.minimum(*np.maximum(shares[0], shares[1]))
    enter[(enter >= leave) | (enter < 0)] = 2
    share = enter.min(0)
    hit = (share <= 1).nonzero()[0]
    stop = start + step * np.minimum(share, 1)
    if len(hit):
        stop[:, hit] = clear(faces[..., hit], stop[:, hit])
    return stop, hit


def clear(faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    """As `planar.clear`: points (2, n) moved out of walls that they touch or are in."""
    points = points[:, None]
    deep = np.concatenate([points - faces[0], faces[1] - points]) + np.float32(GAP)  # (left, top, right, bottom; k, n)
    least = deep.min(0)
    push = (deep * ((deep <= least) & (least > 0))).max(1)
    return points[:, 0] + push[2:] - push[:2]
