import os
import signal
import subprocess
import sys
import textwrap
import time
from typing import NamedTuple

import pytest
import torch
from torch import nn

from wm_core.training import Shuffled, TrainingStopped, _mix, finished, fit, schedule


def make(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


def batches(step, generator):
    x = torch.randn(16, 3, generator=generator)
    return x, (x.sum(-1, keepdim=True) / 2).tanh()


def loss(model, batch):
    x, y = batch
    return {"error": (model(x) - y).square().mean(), "size": 1e-3 * model(x).square().mean()}


def weights(model):
    return torch.cat([p.flatten() for p in model.parameters()])


def test_training_lowers_the_loss_and_logs_every_term():
    model = make()
    history = fit(model, loss, batches, steps=200, learning_rate=1e-2)
    assert set(history.terms) == {"error", "size", "gradient norm"}
    assert all(len(values) == 200 for values in history.terms.values())
    assert history.last("error", 20) < 0.2 * history.terms["error"][0]
    assert history.seconds > 0
    assert not model.training


def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    runs = []
    for seed in (0, 0, 1):
        model = make()
        torch.randn(7)  # whatever was drawn before
        fit(model, loss, batches, steps=20, learning_rate=1e-2, seed=seed)
        runs.append(weights(model))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_noise_inside_the_model_repeats_too():
    runs = []
    for _ in range(2):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        torch.randn(5)
        fit(model, loss, batches, steps=10, learning_rate=1e-2)
        runs.append(weights(model))
    assert torch.equal(*runs)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_term_that_is_no_number_is_named_with_its_step(bad):
    def breaking(model, batch):
        terms = loss(model, batch)
        return {**terms, "fragile": terms["size"] * (bad if len(seen) == 3 else 1)} | (seen.append(1) or {})

    seen = []
    with pytest.raises(TrainingStopped, match=r"step 3: fragile is (nan|inf)"):
        fit(make(), breaking, batches, steps=10, learning_rate=1e-3)


def test_a_gradient_that_is_no_number_is_named():
    def root(model, batch):
        return {"root": (model(batch[0]) * 0).abs().sqrt().mean()}  # its value is 0, its slope is not a number

    with pytest.raises(TrainingStopped, match="step 0: gradient norm is nan"):
        fit(make(), root, batches, steps=5, learning_rate=1e-3)


def test_the_gradient_is_clipped():
    def steep(model, batch):
        return {"steep": 1e6 * model(batch[0]).square().mean()}

    model = make()
    fit(model, steep, batches, steps=1, learning_rate=0.0, clip=0.5)
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
    assert norm.item() == pytest.approx(0.5, rel=1e-3)


def test_the_learning_rate_rises_then_falls():
    rates = [schedule(k, 100, 0.1) for k in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0
    assert rates[9] == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01


def test_no_steps_is_refused():
    with pytest.raises(ValueError, match="steps: got 0"):
        fit(make(), loss, batches, steps=0, learning_rate=1e-3)


def test_step_seeds_do_not_meet():
    seeds = {_mix(seed, step) for seed in range(50) for step in range(2000)}
    assert len(seeds) == 50 * 2000


def test_a_run_cut_at_a_checkpoint_ends_with_the_same_weights(tmp_path):
    whole, cut = make(), make()
    full = fit(whole, loss, batches, steps=30, learning_rate=1e-2, checkpoint=tmp_path / "whole.pt", every=10)

    def stop_at_25(step, generator):
        calls.append(1)
        if len(calls) == 26:
            raise KeyboardInterrupt
        return batches(step, generator)

    calls = []
    with pytest.raises(KeyboardInterrupt):
        fit(cut, loss, stop_at_25, steps=30, learning_rate=1e-2, checkpoint=tmp_path / "cut.pt", every=10)
    again = make(seed=5)  # another start: everything must come from the checkpoint
    resumed = fit(again, loss, batches, steps=30, learning_rate=1e-2, checkpoint=tmp_path / "cut.pt", every=10)
    assert torch.equal(weights(whole), weights(again))
    assert resumed.terms == full.terms


def test_a_run_that_has_done_all_its_steps_is_known_by_its_checkpoint(tmp_path):
    place, model, calls = tmp_path / "run.pt", make(), []

    def stop_at_5(step, generator):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return batches(step, generator)

    assert finished(None, 8) is finished(place, 8) is None
    with pytest.raises(KeyboardInterrupt):
        fit(model, loss, stop_at_5, steps=8, learning_rate=1e-2, checkpoint=place, every=2)
    assert finished(place, 8) is None
    fit(model, loss, batches, steps=8, learning_rate=1e-2, checkpoint=place, every=2)
    kept = finished(place, 8)
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())
    assert finished(place, 9) is None


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    fit(make(), loss, batches, steps=5, learning_rate=1e-2, checkpoint=tmp_path / "a.pt")
    with pytest.raises(ValueError, match="another run"):
        fit(make(), loss, batches, steps=6, learning_rate=1e-2, checkpoint=tmp_path / "a.pt")


KILLABLE = """
import sys, torch
sys.path.insert(0, {tests!r})
from test_training import batches, loss, make, weights
from wm_core.training import fit

def slowly(step, generator):
    print("step", flush=True)
    return batches(step, generator)

torch.set_num_threads(1)
model = make()
fit(model, loss, slowly, steps=60, learning_rate=1e-2, checkpoint=sys.argv[1], every=1)
torch.save(weights(model), sys.argv[2])
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_the_same_weights_bit_for_bit(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(KILLABLE.format(tests=os.path.dirname(__file__)))

    def start(name):
        command = [sys.executable, str(script), str(tmp_path / f"{name}.pt"), str(tmp_path / f"{name}-weights.pt")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    start("whole").communicate()
    for after in (7, 16, 29):  # kill within a step, wherever that is: reading, computing, or writing the checkpoint
        process = start("killed")
        for _ in range(after):
            assert process.stdout.readline()
        time.sleep(0.003 * (after % 4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL
    process = start("killed")
    process.communicate()
    assert process.returncode == 0
    whole, killed = (torch.load(tmp_path / f"{name}-weights.pt") for name in ("whole", "killed"))
    assert torch.equal(whole, killed)


SPREAD = """
import sys, torch
sys.path.insert(0, {tests!r})
from test_training import batches, make, weights
from wm_core.distributed import rank, whole_batch
from wm_core.training import fit

def loss(model, batch):
    x, y = batch
    guess = model(x)
    return {{"error": (guess - y).square().mean(), "spread": (1 - whole_batch(guess).std()).square()}}

torch.set_num_threads(1)
model = make().double()
history = fit(model, loss, lambda step, g: [t.double() for t in batches(step, g)], steps=40, learning_rate=1e-2)
if rank() == 0:
    torch.save((weights(model), history.terms), sys.argv[1])
"""


@pytest.mark.slow
def test_two_processes_train_to_the_same_result_as_one(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SPREAD.format(tests=os.path.dirname(__file__)))
    one = [sys.executable, str(script), str(tmp_path / "one.pt")]
    two = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node=2",
        str(script),
        str(tmp_path / "two.pt"),
    ]
    for command in (one, two):
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    (w1, h1), (w2, h2) = (torch.load(tmp_path / f"{name}.pt") for name in ("one", "two"))
    torch.testing.assert_close(w2, w1, rtol=1e-9, atol=1e-9)
    for name in h1:
        torch.testing.assert_close(torch.tensor(h2[name]), torch.tensor(h1[name]), rtol=1e-5, atol=1e-7)


def test_the_docstring_example_of_a_batch_that_does_not_divide(monkeypatch):
    from wm_core import distributed

    monkeypatch.setattr(distributed, "processes", lambda: 3)
    with pytest.raises(ValueError, match=textwrap.dedent("got 16 rows for 3 processes, wanted a multiple of 3")):
        distributed.my_share(torch.zeros(16, 2))


def test_an_epoch_visits_every_row_once_and_the_next_in_another_order():
    rows = torch.arange(10)
    batches = Shuffled(rows, size=5, seed=3)
    visited = [torch.cat([batches(2 * epoch + half, None)[0] for half in (0, 1)]) for epoch in (0, 1)]
    assert all(torch.equal(v.sort().values, rows) for v in visited)
    assert not torch.equal(*visited)
    assert torch.equal(batches(3, None)[0], visited[1][5:])


def test_rows_can_lie_along_another_axis():
    batches = Shuffled(torch.arange(12).view(2, 6), size=3, dim=1)
    assert batches(0, None)[0].shape == (2, 3)


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match="got 11 for 10 rows"):
        Shuffled(torch.arange(10), size=11)


def test_after_each_update_a_function_may_change_what_gradients_do_not(tmp_path):
    """A slow copy follows, with the share of training done; and a resumed run ends as one that never stopped."""

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.fast = nn.Linear(2, 1)
            self.slow = nn.Linear(2, 1).requires_grad_(False)

    def follow(pair, share):
        shares.append(share)
        with torch.no_grad():
            pair.slow.weight.lerp_(pair.fast.weight, 0.5 * share)

    def loss(pair, batch):
        if stop and len(shares) == stop:
            raise KeyboardInterrupt
        return {"error": (pair.fast(batch[0]) - 1).square().mean()}

    def run(checkpoint=None):
        torch.manual_seed(0)
        pair = Pair()
        fit(pair, loss, lambda k, g: (torch.randn(8, 2, generator=g),), steps=8, learning_rate=0.1, every=2,
            after_step=follow, checkpoint=checkpoint)  # fmt: skip
        return pair

    shares, stop = [], None
    whole = run()
    assert shares == [(k + 1) / 8 for k in range(8)]
    shares, stop = [], 5
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "c.pt")
    shares, stop = [], None
    resumed = run(tmp_path / "c.pt")
    assert len(shares) == 4  # from the checkpoint after the fourth step
    assert resumed.slow.weight.equal(whole.slow.weight)
    assert not whole.slow.weight.equal(whole.fast.weight)


def test_a_batch_may_hold_named_tuples():
    class Pair(NamedTuple):
        x: torch.Tensor
        y: torch.Tensor

    kinds = []

    def loss(net, batch):
        kinds.append(type(batch[1]))
        return {"error": (net(batch[1].x) - batch[1].y).square().mean()}

    fit(nn.Linear(2, 1), loss, lambda k, g: (torch.zeros(4), Pair(torch.ones(4, 2), torch.ones(4, 1))), steps=2,
        learning_rate=0.1)  # fmt: skip
    assert kinds == [Pair, Pair]
