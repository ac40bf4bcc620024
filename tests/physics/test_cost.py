"""What a step costs: memory counted once, and longer for more work."""

import pytest
import torch

from wm_core.physics.cost import kept_for_backward, seconds


def test_memory_for_the_backward_pass_is_counted_once():
    x = torch.ones(1000, requires_grad=True)
    assert kept_for_backward(lambda: (x * x).sum()) == 4000  # x itself, saved twice
    assert kept_for_backward(lambda: torch.tanh(torch.tanh(x)).sum()) == 8000  # both results
    assert kept_for_backward(lambda: x.sum()) == 0


def test_more_work_takes_longer():
    a = torch.randn(400, 400)
    assert seconds(lambda: [a @ a for _ in range(20)], 3) > 2 * seconds(lambda: a @ a, 3) > 0
    with pytest.raises(ValueError, match="repeats: got 0"):
        seconds(lambda: None, 0)


def test_the_shortest_run_counts_and_the_first_does_not(monkeypatch):
    clock = iter([0.0, 5.0, 10.0, 12.0, 20.0, 23.0])
    monkeypatch.setattr("time.process_time", lambda: next(clock))
    runs = []
    assert seconds(lambda: runs.append(1), repeats=3) == 2
    assert len(runs) == 4
