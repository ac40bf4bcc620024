"""Two Rooms as a Gymnasium environment, for those who bring an agent of their own: ``pip install gymnasium``.

Importing this module registers it; Gymnasium can do that itself::

    import gymnasium
    env = gymnasium.make("wm_core.worlds.two_rooms_gym:wm_core/TwoRooms-v0", fixed=True)

This is the one module of the library that needs Gymnasium (Towers et al., 2024), and nothing else here imports it.
"""

from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict

from wm_core.worlds import planar
from wm_core.worlds.rooms import ARRIVED
from wm_core.worlds.two_rooms import Layout, TwoRooms
from wm_core.worlds.two_rooms_trials import draw_trials

ID = "wm_core/TwoRooms-v0"


class TwoRoomsEnv(gymnasium.Env):
    """Go to the place in the other room that a picture shows.

    An observation is ``{"frame": …, "goal": …}``, two pictures (2, 65, 65) of numbers in [0, 1]: how the world looks, and how it
    should look; the first channel has the dot, the second the walls. An action is a step in pixels, (x, y); the world shortens one
    longer than 2.45. The reward is 1 after a step that ends less than 4.5 pixels from the goal, else 0. An episode does not end
    at the goal, since it counts who is there at the last step: it is cut off after 200 steps. ``info`` has what a planner must
    not look at: the position, the goal's, the layout, the distance and the shortest way.

    Args:
        render_mode: "rgb_array", or none.
        fixed: the one published layout; else another for each episode.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(self, render_mode: str | None = None, fixed: bool = False):
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode: got {render_mode!r}, wanted 'rgb_array' or None")
        self.render_mode, self.world = render_mode, TwoRooms(fixed=fixed)
        picture = Box(0.0, 1.0, (2, self.world.size, self.world.size), np.float32)
        self.observation_space = Dict({"frame": picture, "goal": picture})
        self.action_space = Box(-self.world.reach, self.world.reach, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        """A new trial, or the one in ``options``: "start" and "goal" as (x, y) and, if you like, "wall_x" and "door_y".

        Raises:
            ValueError: only one of start and goal is given, or a layout without them, or a place is in a wall.
        """
        super().reset(seed=seed)
        number = int(self.np_random.integers(2**62))
        self.noise = torch.Generator().manual_seed(number + 1)  # another stream than the trial's
        trial, options = draw_trials(self.world, 1, number), options or {}
        layout = Layout(
            *(torch.tensor([float(options.get(k, v))]) for k, v in zip(Layout._fields, trial.layout, strict=True))
        )
        if ("start" in options) != ("goal" in options):
            raise ValueError("options: got one of start and goal, wanted both or neither")
        if "start" not in options and layout != trial.layout:
            raise ValueError("options: got a layout without start and goal, wanted them too")
        given = (
            torch.as_tensor(options.get(k, v[0]), dtype=torch.float32)[None]
            for k, v in (("start", trial.start), ("goal", trial.goal))
        )
        self.layout, (self.here, self.there) = layout, given
        walls = self.world.walls(self.layout)
        for name, place in (("start", self.here), ("goal", self.there)):
            if ((place[:, None] > walls[..., :2]) & (place[:, None] < walls[..., 2:])).all(-1).any():
                raise ValueError(f"options: got {name} {place[0].tolist()}, which is in a wall, wanted a free place")
        self.goal = self._picture(self.there)
        self.way = planar.path_lengths_to(walls, planar.corners(self.world.inner(self.layout)), self.there)
        return self._observe(), self._info()

    def step(self, action: np.ndarray) -> tuple[dict, float, bool, bool, dict]:
        """What the world answers."""
        push = torch.as_tensor(np.asarray(action), dtype=torch.float32)[None]
        self.here = self.world.step(self.layout, self.here, push, self.noise)
        info = self._info()
        return self._observe(), float(info["distance"] < ARRIVED), False, False, info

    def render(self) -> np.ndarray | None:
        """A picture (260, 260, 3) of bytes: the dot blue, the goal orange, the walls grey."""
        if self.render_mode is None:
            return None
        dot, walls = self._picture(self.here)
        white = np.ones((*dot.shape, 3), np.float32)
        for cover, colour in ((walls, (0.35, 0.35, 0.38)), (self.goal[0], (0.9, 0.45, 0.1)), (dot, (0.1, 0.35, 0.8))):
            white += cover[..., None] * (np.array(colour, np.float32) - white)
        return (255 * white).round().astype(np.uint8).repeat(4, 0).repeat(4, 1)

    def _picture(self, place: torch.Tensor) -> np.ndarray:
        return self.world.draw(self.layout, place[:, None])[0, 0].numpy()

    def _observe(self) -> dict[str, np.ndarray]:
        return {"frame": self._picture(self.here), "goal": self.goal.copy()}

    def _info(self) -> dict[str, Any]:
        return {
            "position": self.here[0].numpy().copy(),
            "goal": self.there[0].numpy().copy(),
            "layout": {name: float(value) for name, value in zip(Layout._fields, self.layout, strict=True)},
            "distance": float((self.here - self.there).norm()),
            "path_length": float(self.way(self.here[:, None])),
        }


if ID not in gymnasium.registry:
    gymnasium.register(ID, entry_point=TwoRoomsEnv, max_episode_steps=200)
