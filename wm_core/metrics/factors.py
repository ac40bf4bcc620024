"""What frozen features say of each hidden factor of a scene: one way of asking for every encoder of the book."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from wm_core.metrics.probe import LinearClassifier, LinearProbe
from wm_core.nets.attentive_probe import AttentiveProbe
from wm_core.training import fit


class Factors(NamedTuple):
    """Known factors by name.

    Attributes:
        classes: class numbers (n,) and how many classes there are.
        numbers: (n, k) values each.
    """

    classes: dict[str, tuple[Int[Tensor, " n"], int]]
    numbers: dict[str, Float[Tensor, "n k"]]


@dataclass(frozen=True)
class Attention:
    """How long an attentive probe is trained: one query for all factors together."""

    steps: int = 300
    batch: int = 128
    learning_rate: float = 5e-3
    seed: int = 0


def read_linearly(
    seen: Float[Tensor, "n tokens dim"], known: Factors, fresh: Float[Tensor, "m tokens dim"], truth: Factors
) -> dict[str, float]:
    """What a linear map reads off the mean over tokens.

    Args:
        seen, known: features and factors that the probe is fitted on.
        fresh, truth: others, for measuring.

    Returns:
        For each class the accuracy, for each number R² (1 is all of its variance, 0 none), on the fresh ones.
    """
    z, test = seen.mean(1), fresh.mean(1)
    found = {}
    for name, (labels, classes) in known.classes.items():
        found[name] = LinearClassifier(z, labels, classes).accuracy(test, truth.classes[name][0])
    for name, values in known.numbers.items():
        found[name] = LinearProbe(z, values).r2(test, truth.numbers[name])
    return found


def read_attentively(
    seen: Float[Tensor, "n tokens dim"],
    known: Factors,
    fresh: Float[Tensor, "m tokens dim"],
    truth: Factors,
    training: Attention = Attention(),
) -> dict[str, float]:
    """What a probe reads that may choose its tokens; see `read_linearly` and `AttentiveProbe`."""
    mean, spread = seen.mean((0, 1)), seen.std((0, 1)) + 1e-6
    seen, fresh = (seen - mean) / spread, (fresh - mean) / spread
    answers, widths = _targets(known)
    torch.manual_seed(training.seed)
    probe = AttentiveProbe(seen.shape[2], sum(widths))

    def some(step: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(seen), (training.batch,), generator=generator)
        return seen[rows], answers[rows]

    def loss(net: AttentiveProbe, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        guess, wanted = (part.split(widths, 1) for part in (net(batch[0]), batch[1]))
        pairs = list(zip(guess, wanted, strict=True))
        named = len(known.classes)
        classes = [cross_entropy(g, w) for g, w in pairs[:named]]
        numbers = [(g - w).square().mean() for g, w in pairs[named:]]
        return {"probe": torch.stack([*classes, *numbers]).sum()}

    fit(
        probe, loss, some, steps=training.steps, learning_rate=training.learning_rate, seed=training.seed, title="probe"
    )
    with torch.no_grad():
        guess = dict(zip([*known.classes, *known.numbers], probe.cpu()(fresh).split(widths, 1), strict=True))
    found = {name: float((guess[name].argmax(1) == truth.classes[name][0]).double().mean()) for name in known.classes}
    for name, values in known.numbers.items():
        wanted = (truth.numbers[name] - values.mean(0)) / values.std(0)
        about = wanted - wanted.mean(0)
        found[name] = float(1 - (guess[name] - wanted).square().sum() / about.square().sum())
    return found


def _targets(known: Factors) -> tuple[Float[Tensor, "n k"], list[int]]:
    """All factors side by side, classes as one-hot rows and numbers standardised, and the width of each."""
    parts = [one_hot(labels, classes).float() for labels, classes in known.classes.values()]
    parts += [(values - values.mean(0)) / values.std(0) for values in known.numbers.values()]
    return torch.cat(parts, 1), [part.shape[1] for part in parts]
