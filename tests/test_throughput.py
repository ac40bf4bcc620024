"""Operations are counted as one counts them by hand."""

import time

import torch
from torch import nn

from wm_core.throughput import matrix_peak, operations, share_of_peak


def test_a_linear_layer_costs_two_operations_a_weight_and_row():
    layer, x = nn.Linear(30, 20, bias=False), torch.randn(7, 30)
    assert operations(lambda: layer(x)) == 2 * 7 * 30 * 20


def test_training_it_costs_the_gradient_of_the_weights_too():
    layer, x = nn.Linear(30, 20, bias=False), torch.randn(7, 30)
    assert operations(lambda: layer(x).sum().backward()) == 2 * 2 * 7 * 30 * 20  # none for the input's gradient


def test_attention_is_counted():
    q = torch.randn(1, 1, 8, 4)
    assert operations(lambda: nn.functional.scaled_dot_product_attention(q, q, q)) == 2 * (2 * 8 * 8 * 4)


def test_no_other_product_is_faster_than_the_peak_by_much():
    peak = matrix_peak("cpu", torch.float32, size=512, seconds=0.2)
    a = torch.randn(512, 512)
    start = time.perf_counter()
    for _ in range(5):
        a @ a
    assert 5 * 2 * 512**3 / (time.perf_counter() - start) < 20 * peak
    assert peak > 1e8


def test_the_share_falls_as_a_step_takes_longer():
    layer, x = nn.Linear(256, 256), torch.randn(64, 256)
    fast, slow = (share_of_peak(lambda: layer(x), "cpu", torch.float32, seconds) for seconds in (0.01, 1.0))
    assert slow < 0.1 * fast
