"""Encoders: frames one by one, and a frozen one that stays as it was born."""

import pytest
import torch

from wm_core.nets.encoders import ConvEncoder, ConvTokens, FrozenEncoder, PatchConvEncoder, PatchEncoder, ProfileEncoder
from wm_core.worlds.two_rooms import TwoRooms


def test_each_frame_is_encoded_by_itself():
    encoder = PatchEncoder(24, 5)
    frames = torch.rand(3, 4, 24, 24)
    z = encoder(frames)
    assert z.shape == (3, 4, 5)
    torch.testing.assert_close(z[1, 2], encoder(frames[1, 2]))
    torch.testing.assert_close(z[1], encoder(frames[1]))


def test_every_pixel_counts():
    frame = torch.rand(24, 24, requires_grad=True)
    PatchEncoder(24, 16)(frame).square().sum().backward()
    assert (frame.grad != 0).all()


def test_features_are_one_vector_a_frame():
    encoder = PatchEncoder(16, 5, channels=3)
    assert encoder.features(torch.rand(2, 7, 16, 16)).shape == (2, 7, 3 * 4 * 4)
    assert (encoder.features(torch.rand(2, 16, 16)) >= 0).all()


def test_a_batch_does_not_hide_collapse():
    """There is no normalisation over the batch: equal frames have equal latents, whatever else the batch holds."""
    encoder = PatchEncoder(24, 5).train()
    frame = torch.rand(24, 24)
    torch.testing.assert_close(encoder(torch.stack([frame, torch.rand(24, 24)]))[0], encoder(frame))


def test_a_size_that_patches_do_not_fill_is_refused():
    with pytest.raises(ValueError, match="size: got 22, wanted a multiple of 4"):
        PatchEncoder(22, 5)


def test_a_frozen_encoder_does_not_train():
    frozen = FrozenEncoder(PatchEncoder(24, 5), torch.rand(32, 24, 24))
    assert not any(p.requires_grad for p in frozen.parameters())
    assert not frozen(torch.rand(2, 24, 24)).requires_grad


def test_a_frozen_encoder_brings_the_sample_to_mean_0_and_deviation_1():
    sample = torch.rand(64, 24, 24)
    encoder = PatchEncoder(24, 5)
    before = encoder(sample).detach()
    z = FrozenEncoder(encoder, sample)(sample)
    torch.testing.assert_close(z.mean(0), torch.zeros(5), atol=1e-4, rtol=0)
    torch.testing.assert_close(z.std(0), torch.ones(5), atol=1e-4, rtol=0)
    torch.testing.assert_close(z * before.std(0) + before.mean(0), before)


def test_what_a_frozen_encoder_measured_is_saved_with_it():
    frozen = FrozenEncoder(PatchEncoder(24, 5), torch.rand(32, 24, 24))
    assert {"mean", "std"} < set(frozen.state_dict())


def test_a_convolutional_encoder_hardly_minds_where_a_thing_is():
    """Four pixels are one step of its last layer: away from the edges moving a thing by them changes nothing."""
    torch.manual_seed(0)
    encoder = ConvEncoder(width=4).eval()
    picture = torch.full((1, 3, 24, 24), 0.4)  # what the encoder counts as zero
    picture[..., 8:12, 8:12] = torch.rand(3, 4, 4)
    assert encoder(picture).shape == (1, encoder.features)
    torch.testing.assert_close(encoder(picture.roll((4, 4), (-2, -1))), encoder(picture))
    assert not torch.allclose(encoder(picture.roll((2, 0), (-2, -1))), encoder(picture))


def test_a_token_tells_of_its_own_part_of_the_picture():
    """Its field is 22 pixels wide, seven beyond its square on each side: the far corner does not reach it."""
    torch.manual_seed(0)
    encoder = ConvTokens(dim=8).eval()
    picture = torch.full((1, 3, 24, 24), 0.4)
    before = encoder(picture)
    assert before.shape == (1, 9, 8) == (1, encoder.grid[0] * encoder.grid[1], encoder.dim)
    picture[..., 19:, 19:] = torch.rand(3, 5, 5)
    changed = (encoder(picture) != before).any(-1)[0]
    assert changed.nonzero()[:, 0].tolist() == [4, 5, 7, 8]


def test_a_picture_that_squares_do_not_fill_is_refused():
    with pytest.raises(ValueError, match="size: got 28, wanted a multiple of 8"):
        ConvTokens(28)


def test_patches_with_convolutions_see_every_pixel_but_what_is_cut_off():
    torch.manual_seed(0)
    frames = torch.rand(2, 65, 65, requires_grad=True)
    encoder = PatchConvEncoder(65, 16)
    encoder(frames).square().sum().backward()
    assert (frames.grad[:, :64, :64] != 0).all()
    assert (frames.grad[:, 64] == 0).all()
    batch = torch.rand(3, 4, 2, 65, 65)
    assert encoder(batch).shape == (3, 4, 16)
    torch.testing.assert_close(encoder(batch)[1, 2], encoder(batch[1, 2]))


def test_profiles_are_all_that_their_encoder_sees():
    torch.manual_seed(0)
    encoder = ProfileEncoder(9, 16)
    frames = torch.rand(3, 4, 2, 9, 9)
    assert encoder(frames).shape == (3, 4, 16)
    torch.testing.assert_close(encoder(frames)[1, 2], encoder(frames[1, 2]))
    same = frames.clone()
    same[..., 2, 3] += 0.5  # four corners of a square, in turn brighter and darker: the sums stay as they are
    same[..., 2, 5] -= 0.5
    same[..., 6, 5] += 0.5
    same[..., 6, 3] -= 0.5
    torch.testing.assert_close(encoder(same), encoder(frames))
    same[..., 0, 4, 4] += 0.01
    assert (encoder(same) - encoder(frames)).abs().amax(-1).min() > 1e-4


def test_four_numbers_of_two_rooms_are_linear_in_the_profiles():
    """Least squares reads dot, wall and door off the sums; off as many random pixels' values it does not."""
    world, generator = TwoRooms(), torch.Generator().manual_seed(0)
    layout = world.layouts(1500, generator)
    places = world.anywhere(layout, generator)
    frames = world.draw(layout, places[:, None])[:, 0]
    wanted = torch.cat([places, layout.wall_x[:, None], layout.door_y[:, None]], -1).double()

    def worst(numbers):
        numbers = torch.cat([numbers, torch.ones(len(numbers), 1)], -1).double()
        weights = torch.linalg.lstsq(numbers[:1000], wanted[:1000], driver="gelsd").solution
        return (numbers[1000:] @ weights - wanted[1000:]).square().mean(0).sqrt().max()

    profiles = torch.cat([frames.sum(-1), frames.sum(-2)], -1).flatten(1)
    pixels = frames.flatten(1)[:, torch.randperm(2 * 65 * 65, generator=generator)[: profiles.shape[1]]]
    assert worst(profiles) < 0.1
    assert worst(pixels) > 2
