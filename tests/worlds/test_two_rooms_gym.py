"""The Gymnasium environment is the same world, and keeps Gymnasium's own rules."""

import warnings

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env

from wm_core.worlds.two_rooms import Layout, TwoRooms
from wm_core.worlds.two_rooms_gym import ID, TwoRoomsEnv

TRIAL = {"start": (20.0, 10.0), "goal": (44.0, 10.0), "wall_x": 32.0, "door_y": 10.0}


@pytest.mark.parametrize("fixed", [True, False])
def test_gymnasiums_own_check_finds_nothing(fixed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings(
            "ignore", message=".*we recommend using a symmetric and normalized space"
        )  # ours are pixels
        check_env(gymnasium.make(ID, render_mode="rgb_array", fixed=fixed).unwrapped)


def test_gymnasium_finds_it_by_the_modules_name():
    env = gymnasium.make("wm_core.worlds.two_rooms_gym:wm_core/TwoRooms-v0")
    assert isinstance(env.unwrapped, TwoRoomsEnv)


def test_it_does_what_the_world_does():
    env, world = TwoRoomsEnv(), TwoRooms()
    _, info = env.reset(seed=3, options=TRIAL)
    layout, here = Layout(torch.tensor([32.0]), torch.tensor([10.0])), torch.tensor([[20.0, 10.0]])
    assert info["layout"] == {"wall_x": 32, "door_y": 10}
    assert info["path_length"] == pytest.approx(24)
    rewards = []
    for _ in range(12):
        seen, reward, terminated, truncated, info = env.step(np.array([9.0, 0.0], np.float32))
        here = world.step(layout, here, torch.tensor([[9.0, 0.0]]))
        np.testing.assert_allclose(info["position"], here[0])
        np.testing.assert_allclose(seen["frame"], world.draw(layout, here[:, None])[0, 0])
        assert not terminated
        assert not truncated
        rewards.append(reward)
    assert rewards == [float(abs(20 + 2.45 * k - 44) < 4.5) for k in range(1, 13)]
    assert {0.0, 1.0} == set(rewards)


def test_a_seed_repeats_noise_and_all_and_another_does_not():
    def play(seed):
        env = TwoRoomsEnv()
        _, info = env.reset(seed=seed)
        path = [info["position"], info["goal"]]
        for k in range(40):
            path.append(env.step(np.array([2.45 * (-1) ** (k // 20), 0.1], np.float32))[-1]["position"])
        return np.stack(path)

    np.testing.assert_array_equal(play(5), play(5))
    assert not np.array_equal(play(5), play(6))


def test_an_episode_is_cut_off_after_200_steps_and_not_at_the_goal():
    env = gymnasium.make(ID)
    env.reset(seed=0, options={**TRIAL, "start": (44.0, 10.0)})
    cut = [env.step(np.zeros(2, np.float32))[1:4] for _ in range(200)]
    assert cut[:-1] == [(1.0, False, False)] * 199
    assert cut[-1] == (1.0, False, True)


def test_the_rendered_picture_has_a_blue_dot_an_orange_goal_and_grey_walls():
    env = TwoRoomsEnv(render_mode="rgb_array")
    env.reset(seed=0, options=TRIAL)
    image = env.render()
    assert image.shape == (260, 260, 3)
    assert image.dtype == np.uint8
    red, green, blue = image[42, 82].astype(int)  # the dot, at (20, 10)
    assert blue > green > red
    red, green, blue = image[42, 178].astype(int)
    assert red > green > blue
    assert image[150, 130].std() < 10
    assert image[150, 130].max() < 120
    assert image[150, 60].min() == 255


@pytest.mark.parametrize(
    "options",
    [
        {"start": (10.0, 10.0)},
        {"wall_x": 25.0},
        {"start": (32.0, 40.0), "goal": (50.0, 50.0), "wall_x": 32.0, "door_y": 10.0},
    ],
)
def test_half_a_trial_and_a_start_in_a_wall_are_refused(options):
    with pytest.raises(ValueError, match="options: got"):
        TwoRoomsEnv().reset(seed=0, options=options)


def test_an_action_that_is_no_number_is_refused():
    env = TwoRoomsEnv()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="actions"):
        env.step(np.array([np.nan, 0.0], np.float32))
