"""The exercises of lessons/jepa/vl_jepa.py."""

import math

import torch
import torch.nn.functional as F

from wm_core.objectives.info_nce import info_nce


def find_your_own(answer) -> str | None:
    """The symmetric InfoNCE of cosines."""
    generator = torch.Generator().manual_seed(0)
    predicted, targets = (torch.randn(6, 4, generator=generator) for _ in range(2))
    predicted, targets = 2 * predicted, targets + predicted
    got = torch.as_tensor(answer(predicted, targets, 0.5))
    if got.shape:
        return f"It should return one number; it returns a tensor of shape {tuple(got.shape)}."
    wanted = info_nce(predicted, targets, 0.5)
    if torch.isclose(got, wanted, atol=1e-5):
        return None
    unit = [F.normalize(z, dim=-1) for z in (predicted, targets)]
    scores, right = unit[0] @ unit[1].T, torch.arange(6)
    rows, columns = F.cross_entropy(scores / 0.5, right), F.cross_entropy(scores.T / 0.5, right)
    slips = {
        float(rows): "Each prediction finds its answer; the answers should find their predictions too.",
        float(columns): "Each answer finds its prediction; the predictions should find their answers too.",
        float(rows + columns): "That is the sum of the two directions. Take their mean.",
        float(info_nce(predicted, targets, 1.0)): "Divide the cosines by the temperature.",
        float(info_nce(predicted, targets, 2.0)): "The cosines were multiplied by the temperature. Divide by it.",
        float(_of(predicted @ targets.T / 0.5)): "Bring both to length 1 first, or long vectors win every comparison.",
    }
    for value, sentence in slips.items():
        if math.isclose(float(got), value, abs_tol=1e-5):
            return sentence
    return f"On six pairs at a temperature of 0.5 it gives {float(got):.3f}; wanted {float(wanted):.3f}."


def when_to_speak(answer) -> str | None:
    """Speak when the stream has moved from what was said last."""
    turn = torch.deg2rad(
        torch.tensor([0.0, 0, 0, 90, 90, 90, 0, 0, 10, 20, 30, 40, 50, 60, 70, 70])
    )  # two jumps, then a drift
    z = torch.stack([turn.cos(), turn.sin()], -1)
    got = [int(frame) for frame in answer(z, 0.4)]
    if got == [0, 3, 6, 13]:
        return None
    if got == [0, 3, 6]:
        return "It speaks at jumps and sleeps through a slow drift: it compares neighbours. Compare with what was said last."
    if got == [0, 3, 4, 5, 13, 14, 15]:
        return "It compares with the first frame for ever. What was said last has to be remembered anew each time it speaks."
    if got == [3, 6, 13]:
        return "It should speak at the first frame too: nothing has been said before."
    if got and got[-1] >= len(z):
        return f"There are {len(z)} frames, numbered from 0; it speaks at frame {got[-1]}."
    return f"On a stream with jumps at frames 3 and 6 and a drift from 8 on it speaks at {got}; wanted [0, 3, 6, 13]."


def floor(answer) -> str | None:
    """The least InfoNCE where each meaning comes ten times."""
    got = float(answer)
    if abs(got - math.log(10)) < 0.02:
        return None
    if abs(got) < 0.02:
        return "Zero would mean that each picture finds its own answer among ten that mean the same. Nothing in it says which."
    if abs(got - math.log(60)) < 0.02:
        return "That is a guess among all 60. The colour is known, so only the answers of that colour are left to guess among."
    if abs(got - math.log(6)) < 0.02:
        return "The colour, one of six, is known. What cannot be known is which of the equal answers is meant."
    return "How many answers of the batch are equally near to a prediction? Guessing among k costs log k nats."


def _of(scores: torch.Tensor) -> torch.Tensor:
    """The symmetric cross-entropy of finding the diagonal."""
    right = torch.arange(len(scores))
    return (F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)) / 2
