"""Retrieval counts what was found, and guessing as guessing."""

import math

import pytest
import torch

from wm_core.metrics.retrieval import mean_cosine, retrieval_at_1, top_1


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_vectors_find_themselves_at_any_length():
    z = drawn(50, 8)
    assert retrieval_at_1(z, 3 * z) == 1
    assert retrieval_at_1(z, -z) == 0


def test_it_is_the_share_that_is_found():
    z = torch.eye(4)
    assert retrieval_at_1(z, z[[0, 1, 3, 2]]) == 0.5


def test_a_collapsed_embedding_scores_what_guessing_does():
    one = drawn(1, 8)
    for n in (4, 32, 129):
        assert retrieval_at_1(one.expand(n, -1), one.expand(n, -1)) == pytest.approx(1 / n)
        assert retrieval_at_1(drawn(n, 8), one.expand(n, -1)) == pytest.approx(1 / n)
        assert retrieval_at_1(drawn(n, 8), one.expand(n, 32, -1)) == pytest.approx(1 / 32)
    nearly = one + 1e-7 * drawn(32, 8, seed=1)
    assert retrieval_at_1(nearly, nearly) == pytest.approx(1 / 32)


def test_one_side_collapsed_is_no_better_than_a_guess():
    n = 64
    assert retrieval_at_1(drawn(1, 8).expand(n, -1), drawn(n, 8)) == pytest.approx(1 / n)


def test_ties_are_broken_by_lot():
    scores = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    right = torch.tensor([[True, False, False]]).expand(3, -1)
    assert top_1(scores, right) == pytest.approx((1 / 2 + 1 / 3 + 0) / 3)


def test_several_answers_may_be_right():
    scores = torch.tensor([[1.0, 1.0, 0.0], [0.0, 2.0, 3.0]])
    right = torch.tensor([[True, True, False], [True, True, False]])
    assert top_1(scores, right) == 0.5


def test_the_order_of_what_is_offered_does_not_matter():
    queries, offered = drawn(40, 3), drawn(40, 3, seed=1)
    order = torch.randperm(40)
    right = torch.eye(40, dtype=torch.bool)
    assert retrieval_at_1(queries, offered, right) == retrieval_at_1(queries, offered[order], right[:, order])


def test_each_query_may_have_its_own_offer_with_the_right_one_first():
    queries, others = drawn(30, 6), drawn(30, 31, 6, seed=1)
    good = torch.cat([queries[:, None], others], 1)
    assert retrieval_at_1(queries, good) == 1
    assert retrieval_at_1(queries, good.flip(1)) == 0
    assert retrieval_at_1(queries, others) == pytest.approx(1 / 31, abs=0.1)


def test_what_is_not_a_number_is_wrong():
    scores = torch.tensor([[math.nan, 0.0], [1.0, 0.0]])
    assert top_1(scores, torch.tensor([[True, False]]).expand(2, -1)) == 0.5


def test_the_mean_cosine_is_that_of_all_pairs_of_different_vectors():
    z = drawn(9, 4)
    by_hand = [torch.cosine_similarity(z[i], z[j], dim=0) for i in range(9) for j in range(9) if i != j]
    assert mean_cosine(z) == pytest.approx(float(torch.stack(by_hand).mean()), abs=1e-6)
    assert mean_cosine(z[:1].expand(9, -1)) == pytest.approx(1)
