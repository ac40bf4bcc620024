"""A training step of the book's JEPAs beside a plain one made of torch.nn.TransformerEncoder, and beside the machine, in one run.

Both have the same architecture, batch, masks or views, and optimiser. Repeats are interleaved, so that whatever else the machine does
hits both; what is reported is the median of the ratios. Ours is also held against the fastest matrix product of the device that
trainings use here: on CUDA in bfloat16, compiled, and with large batches.

Usage: python -m benchmarks.jepa [--repeats 30] [--out FILE]
"""

import argparse
import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wm_core.artefacts import device_name
from wm_core.jepa.i_jepa import IJEPA, i_jepa_loss
from wm_core.jepa.le_jepa import LeJEPA, le_jepa_loss
from wm_core.nets.ema import update_ema
from wm_core.nets.positions import sincos_positions
from wm_core.nets.vit import TokenPredictor, ViT, patches, take
from wm_core.objectives.masking import Masks, block_masks
from wm_core.throughput import share_of_peak

BATCH, DIM, DEPTH, HEADS, NARROW, SHALLOW = 64, 64, 3, 2, 32, 2
VIEWS, EMBEDDING, HIDDEN, SLICES, KNOTS = 2, 16, 128, 256, 17


def stack(dim: int, depth: int, heads: int) -> nn.TransformerEncoder:
    """A pre-norm transformer of PyTorch's own blocks."""
    layer = nn.TransformerEncoderLayer(
        dim, heads, 4 * dim, dropout=0.0, activation=F.gelu, batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(dim), enable_nested_tensor=False)


class PlainEncoder(nn.Module):
    """A ViT of 4 × 4 patches on pictures of 24 × 24."""

    def __init__(self):
        super().__init__()
        self.embed, self.body = nn.Linear(48, DIM), stack(DIM, DEPTH, HEADS)
        self.register_buffer("places", sincos_positions((6, 6), DIM))

    def forward(self, images: Tensor, keep: Tensor | None = None) -> Tensor:
        x = self.embed(patches(images, (4, 4))) + self.places
        return self.body(x if keep is None else take(x, keep))


class PlainIJEPA(nn.Module):
    """I-JEPA as one would write it down first, the four blocks in one batch as ours has them."""

    def __init__(self):
        super().__init__()
        self.encoder = PlainEncoder()
        self.target = copy.deepcopy(self.encoder).requires_grad_(False)
        self.squeeze, self.widen = nn.Linear(DIM, NARROW), nn.Linear(NARROW, DIM)
        self.mask_token = nn.Parameter(torch.zeros(NARROW))
        self.body = stack(NARROW, SHALLOW, 1)
        self.register_buffer("places", sincos_positions((6, 6), NARROW))

    def loss(self, images: Tensor, masks: Masks) -> Tensor:
        blocks = masks.ask.shape[1]
        with torch.no_grad():
            targets = F.layer_norm(self.target(images), (DIM,))
        seen = (self.squeeze(self.encoder(images, masks.keep)) + self.places[masks.keep]).repeat_interleave(blocks, 0)
        asked = self.mask_token + self.places[masks.ask.flatten(0, 1)]
        guess = self.widen(self.body(torch.cat([seen, asked], 1))[:, seen.shape[1] :])
        return F.smooth_l1_loss(guess, take(targets, masks.ask.flatten(1)).view_as(guess))


class Pooled(nn.Module):
    """The mean over an encoder's tokens."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> Tensor:
        return self.encoder(images).mean(1)


class PlainLeJEPA(nn.Module):
    """LeJEPA as one would write it down first: the test of Epps and Pulley on random lines, by cosines and sines."""

    def __init__(self):
        super().__init__()
        self.encoder = Pooled(PlainEncoder())
        self.project = nn.Sequential(
            nn.Linear(DIM, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, EMBEDDING)
        )
        t = torch.linspace(0, 3, KNOTS)
        weight = torch.full((KNOTS,), 2 * 3 / (KNOTS - 1))
        weight[[0, -1]] /= 2
        self.register_buffer("t", t)
        self.register_buffer("normal", torch.exp(-t.square() / 2))
        self.register_buffer("weight", weight * self.normal)

    def loss(self, views: Tensor) -> Tensor:
        z = self.project(self.encoder(views.flatten(0, 1))).view(len(views), VIEWS, EMBEDDING)
        lines = torch.randn(EMBEDDING, SLICES)
        angle = (z @ (lines / lines.norm(dim=0)))[..., None] * self.t
        gap = (angle.cos().mean(0) - self.normal).square() + angle.sin().mean(0).square()
        apart = (z - z.mean(1, keepdim=True)).square().mean()
        return 0.95 * apart + 0.05 * (len(z) * (gap @ self.weight)).mean()


def step_of(model: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """One update of the model, and of its slow copy where it has one."""
    optimiser = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], 1e-3, fused=True)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        optimiser.step()
        if hasattr(model, "target"):
            update_ema(model.target, model.encoder, 0.996)

    return step


def i_jepas() -> tuple[IJEPA, PlainIJEPA]:
    """Ours and the plain one."""
    encoder = ViT(dim=DIM, depth=DEPTH, heads=HEADS)
    return IJEPA(encoder, TokenPredictor(encoder, NARROW, SHALLOW, 1)), PlainIJEPA()


def le_jepas() -> tuple[LeJEPA, PlainLeJEPA]:
    """Ours and the plain one."""
    return LeJEPA(Pooled(ViT(dim=DIM, depth=DEPTH, heads=HEADS)), DIM, EMBEDDING, HIDDEN), PlainLeJEPA()


def i_jepa_steps(batch: int = BATCH, device: str = "cpu") -> dict[str, Callable[[], None]]:
    """A step of either, on the same pictures and masks."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(batch, 3, 24, 24, generator=generator).to(device)
    masks = Masks(*(part.to(device) for part in block_masks(batch, (6, 6), generator, at_least=8)))
    ours, plain = (model.to(device) for model in i_jepas())
    return {
        "ours": step_of(ours, lambda: i_jepa_loss(ours, images, masks)["prediction"]),
        "plain": step_of(plain, lambda: plain.loss(images, masks)),
    }


def le_jepa_steps(batch: int = BATCH, device: str = "cpu") -> dict[str, Callable[[], None]]:
    """A step of either, on the same two views of each picture."""
    torch.manual_seed(0)
    views = torch.rand(batch, VIEWS, 3, 24, 24, generator=torch.Generator().manual_seed(0)).to(device)
    ours, plain = (model.to(device) for model in le_jepas())
    return {
        "ours": step_of(ours, lambda: sum(le_jepa_loss(ours, views, slices=SLICES).values())),
        "plain": step_of(plain, lambda: plain.loss(views)),
    }


def compare(steps: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median processor milliseconds of each step, and the median of ours over plain."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for name in steps:
        steps[name]()  # warm up
    for _ in range(repeats):
        for name, step in steps.items():
            start = time.process_time()
            step()
            times[name].append(1e3 * (time.process_time() - start))
    ratio = median(a / b for a, b in zip(times["ours"], times["plain"], strict=True))
    return {**{name: median(values) for name, values in times.items()}, "ratio": ratio}


def share(steps: Callable[..., dict[str, Callable[[], None]]], repeats: int) -> float:
    """The operations of our step per second as a share of the device's fastest matrix product."""
    on_cuda = torch.cuda.is_available()
    device, dtype, batch = ("cuda", torch.bfloat16, 4096) if on_cuda else ("cpu", torch.float32, BATCH)
    with torch.autocast(device, dtype, enabled=on_cuda):
        plain = steps(batch, device)["ours"]
        step = torch.compile(plain) if on_cuda else plain
        for _ in range(3):
            step()
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            step()
            if on_cuda:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return share_of_peak(plain, device, dtype, median(times))


def main() -> None:
    """Print and write the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    systems = {"i_jepa": i_jepa_steps, "le_jepa": le_jepa_steps}
    found = {
        name: compare(steps(), options.repeats) | {"share": share(steps, options.repeats)}
        for name, steps in systems.items()
    }
    for name, row in found.items():
        print(f"{name}: ours {row['ours']:.1f} ms, plain {row['plain']:.1f} ms, ratio {row['ratio']:.2f}")
        print(f"{name}: {100 * row['share']:.1f} % of the matrix peak of this {device_name()}")
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
