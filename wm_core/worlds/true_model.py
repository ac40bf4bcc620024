"""A world of rooms as its own model: what a planner could do if it knew the rules.

Its latents are positions, so nothing is encoded and nothing is learned. Where a planner fails with it, the search or the cost is
to blame and not the model. It is no ceiling for learned models: one whose latents make a better cost than the distance in pixels
can do better.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wm_core.worlds import planar
from wm_core.worlds.rooms import Layout, Rooms
from wm_core.worlds.walker import Walker, until_wall


class TrueModel:
    """The rules of a world, without the noise of its collisions. Any planner takes it for a model.

    Args:
        world: whose rules.
        layout: where the walls of each of n episodes are. A rollout of n times s plans holds s for each episode, one episode
            after another, as planners ask for them.
    """

    def __init__(self, world: Rooms, layout: Layout):
        self.world, self.layout = world, layout
        self._kept: tuple[int, Walker] | None = None

    def rollout(
        self, z: Float[Tensor, "plans state"], actions: Float[Tensor, "plans horizon 2"]
    ) -> Float[Tensor, "plans horizon state"]:
        """Where the dot is after each action. On the CPU it is followed in NumPy, which is several times as fast.

        Raises:
            ValueError: there are not as many plans for each layout, or an action is not finite.
        """
        n = len(self.layout[0])
        if len(z) % n:
            raise ValueError(f"z: got {len(z)} plans for {n} layouts, wanted as many for each")
        if z.device.type != "cpu" or (torch.is_grad_enabled() and (actions.requires_grad or z.requires_grad)):
            return self.world.walk(self._layouts(len(z)), z, actions)[:, 1:]
        if not actions.isfinite().all():
            raise ValueError("actions: got a number that is not finite, wanted pixels")
        z, actions = z.detach(), actions.detach()
        walker = self._follower(z, actions.shape[1])
        steps = np.ascontiguousarray(self.world.allowed(actions).permute(1, 2, 0).numpy().astype(np.float32))
        here = np.ascontiguousarray(z[:, :2].T.numpy().astype(np.float32))  # (2, plans)
        path, still, faces = np.empty_like(steps), np.zeros_like(here), walker.faces[0]
        for k in range(len(steps)):
            here = path[k] = (
                walker.move(here, steps[k], still, k) if walker.moves else until_wall(faces, here, steps[k])[0]
            )
        found = torch.from_numpy(path.transpose(2, 0, 1)).to(z)
        return found if walker.phases is None else torch.cat([found, walker.phases[:, 1:, None].to(z)], -1)

    def _layouts(self, plans: int) -> Layout:
        """The layout of each plan."""
        return type(self.layout)(*(part.repeat_interleave(plans // len(part), 0) for part in self.layout))

    def _follower(self, z: Tensor, steps: int) -> Walker:
        """What follows the dots of all plans; that of walls which stand is kept for the next rollout."""
        if self._kept is None or self._kept[0] != len(z) or self._kept[1].moves:
            self._kept = len(z), self.world._walker(self._layouts(len(z)), z, steps)
        return self._kept[1]


def way_left(
    world: Rooms, layout: Layout, goal: Float[Tensor, "n state"], imagined: bool = False
) -> Callable[[Tensor], Tensor]:
    """From positions ``(n, samples, time, state)`` to the length of the shortest way to each episode's goal, in pixels.

    With it as the distance of `planning.costs.along_path`, a planner that knows the rules has only to search. Where the positions
    are read from a network's latents, say ``imagined=True``: some lie in walls then, from inside of which every way is free.
    """
    walls, bends = world.walls(layout), planar.corners(world.inner(layout))
    length = planar.path_lengths_to(walls, bends, goal[..., :2], imagined)
    return lambda path: length(path[..., :2].flatten(1, 2)).unflatten(1, path.shape[1:3])
