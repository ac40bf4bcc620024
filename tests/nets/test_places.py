"""The encoder of places: it says where something is, and what it says moves with it."""

import pytest
import torch

from wm_core.nets.places import PlaceEncoder, TokenPlaces


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return PlaceEncoder()


def spot(x, y, size=24):
    """A bright pixel on grey."""
    frame = torch.full((size, size), 0.5)
    frame[y, x] = 1.0
    return frame


def test_shapes_with_and_without_a_batch(encoder):
    frames = torch.rand(3, 5, 24, 24)
    assert encoder(frames).shape == (3, 5, 16)
    assert encoder.looks(frames).shape == (3, 5, 8, 144)
    torch.testing.assert_close(encoder(frames)[1, 2], encoder(frames[1, 2]), atol=1e-5, rtol=1e-5)


def test_every_query_spends_all_of_its_attention(encoder):
    torch.testing.assert_close(encoder.looks(torch.rand(4, 24, 24)).sum(-1), torch.ones(4, 8))


def test_an_even_picture_is_looked_at_in_the_middle_on_the_whole(encoder):
    """Symmetric cells: the mean of where all cells are is the middle, whose latent is zero."""
    torch.testing.assert_close(encoder.cells.mean(0), torch.zeros(2))
    assert encoder.cells.max() == pytest.approx((12 - 1) / 4)  # the middle of the last cell, 11 px from the picture's


def test_attention_moves_with_what_is_seen(encoder):
    """Two pixels further, one cell further, wherever the rim of the picture is not seen."""
    looks = encoder.looks(torch.stack([spot(10, 12), spot(12, 12)])).log().unflatten(-1, (12, 12))
    looks = looks - looks[..., :1, :1]  # relative to a cell that sees no spot
    torch.testing.assert_close(looks[0, :, 3:9, 3:8], looks[1, :, 3:9, 4:9], atol=1e-4, rtol=1e-4)


def test_a_query_that_seeks_bright_patches_finds_the_spot(encoder):
    with torch.no_grad():
        encoder.features.weight.zero_()
        encoder.features.bias.zero_()
        encoder.features.weight[0, 0, 3, 3] = 1.0  # the feature: the patch's middle is bright
        encoder.queries.weight.zero_()
        encoder.queries.weight[0, 0] = 50.0
    x, y = 17, 5
    at = encoder(spot(x - 1, y - 1))[:2] * 4 + 12  # a patch's middle is the cell's first pixel
    torch.testing.assert_close(at, torch.tensor([float(x), float(y)]), atol=0.05, rtol=0)


def test_the_second_half_of_the_queries_starts_as_the_opposite_of_the_first(encoder):
    first, second = encoder.queries.weight.chunk(2)
    assert torch.equal(first, -second)


@pytest.mark.parametrize(
    ("wrong", "name"), [({"size": 25}, "stride"), ({"places": 3}, "places"), ({"patch": 4}, "patch")]
)
def test_sizes_that_do_not_fit_are_refused_by_name(wrong, name):
    with pytest.raises(ValueError, match=name):
        PlaceEncoder(**wrong)


def test_places_of_tokens_point_at_the_token_that_a_query_seeks():
    places = TokenPlaces(dim=4, grid=6)
    with torch.no_grad():
        places.features.weight.zero_()
        places.features.bias.zero_()
        places.features.weight[0, 2] = 1.0  # the feature: a token's third number
        places.queries.weight.zero_()
        places.queries.weight[0, 0] = 50.0
    tokens = torch.zeros(2, 3, 36, 4)
    tokens[1, 2, 6 * 4 + 1, 2] = 1.0  # in the fifth row and second column
    assert places(tokens).shape == (2, 3, 16)
    torch.testing.assert_close(places(tokens)[1, 2, :2], torch.tensor([-1.5, 1.5]), atol=1e-4, rtol=0)
    torch.testing.assert_close(places(tokens)[0, 0, :2], torch.zeros(2))


def test_an_odd_number_of_queries_has_no_opposites():
    with pytest.raises(ValueError, match="places: got 7"):
        TokenPlaces(dim=4, places=7)
