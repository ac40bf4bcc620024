"""The exercises of lessons/jepa/surprise.py."""

import torch


def looks_back(answer) -> str | None:
    """Who may look at whom, where whole moments are predicted from earlier ones."""
    moments, places = 3, 2
    moment = torch.arange(6) // 2
    right = moment <= moment[:, None]
    got = answer(moments, places)
    if not isinstance(got, torch.Tensor) or got.shape != right.shape:
        shape = tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
        return f"Three moments of two places are six tokens: wanted a table of shape (6, 6), got {shape}."
    got = got.bool()
    if torch.equal(got, right):
        return None
    if torch.equal(got, right.T):
        return (
            "This looks ahead: the row is who looks, the column is who is looked at. What is asked for would be seen."
        )
    if torch.equal(got, torch.ones(6, 6).tril().bool()):
        return "That goes token by token: places of one's own moment with higher numbers may be looked at, too."
    if torch.equal(got, moment < moment[:, None]):
        return (
            "A moment may look at itself: what is asked for is the next one. Here the first moment sees nothing at all."
        )
    if torch.equal(got, moment == moment[:, None]):
        return "Each token sees its own moment alone, so nobody can remember what went behind the occluder."
    if torch.equal(got, torch.arange(6) % 3 <= (torch.arange(6) % 3)[:, None]):
        return "Time is the slowest axis: a moment's tokens come one after another, so divide by the places and drop the rest."
    return "Some token may look where it must not, or not where it may. Compare each token's moment with every other's."


def both_scores(answer) -> str | None:
    """Pairs won, and all combinations won, with ties as half."""
    possible, impossible = torch.tensor([1.0, 4.0, 7.0, 3.0]), torch.tensor([2.0, 5.0, 8.0, 3.0])
    right, flipped = (0.875, 9.5 / 16), (0.125, 6.5 / 16)
    got = answer(possible, impossible)
    try:
        got = tuple(float(each) for each in got)
    except (TypeError, ValueError, RuntimeError):
        return f"Two numbers are wanted, the share of pairs and the share of all combinations; it gave {got!r}."
    if len(got) != 2:
        return f"Two numbers are wanted, the share of pairs and the share of all combinations; it gave {len(got)}."
    near = [abs(a - b) <= 1e-4 for a, b in zip(got, right, strict=True)]
    if all(near):
        return None
    if all(abs(a - b) <= 1e-4 for a, b in zip(got, flipped, strict=True)):
        return "These are the shares in which the possible clip surprises more."
    if any(abs(got[0] - wrong) <= 1e-4 for wrong in (0.75, 1.0)):
        return "One pair of four is a tie. It counts half: a coin would win it every other time."
    if near[0] and abs(got[1] - got[0]) <= 1e-4:
        return "The second number compares partners again. Every impossible clip meets every possible one: sixteen combinations."
    if near[1]:
        return f"The combinations are right. Of the four pairs three and a half are won, 0.875; it gave {got[0]:.3f}."
    return f"Here they should be 0.875 and {right[1]:.3f}; they are {got[0]:.3f} and {got[1]:.3f}."


def oddness(answer) -> str | None:
    """Surprise, and what is left of it when the expected surprise is taken off."""
    outcomes = torch.tensor([-1.0, -1.0, -1.0, 1.0, 3.0])
    for now, right in ((1.0, (2.0, 0.8)), (-1.0, (0.0, -1.2))):
        try:
            got = tuple(float(each) for each in answer(outcomes, torch.tensor(now)))
        except (TypeError, ValueError) as error:
            return f"Two numbers are wanted, the surprise and what is odd about it ({error})."
        if len(got) != 2:
            return f"Two numbers are wanted, the surprise and what is odd about it; it gave {len(got)}."
        if all(abs(a - b) <= 1e-4 for a, b in zip(got, right, strict=True)):
            continue
        if abs(got[0] - abs(now - 0.2)) <= 1e-4:
            return "That expects the mean. The absolute difference is least at the median."
        if abs(got[0] - right[0]) <= 1e-4 and abs(got[1] - right[0]) <= 1e-4:
            return (
                "Nothing is taken off. What was to be expected is the mean distance of the outcomes from their median."
            )
        if abs(got[0] - right[0]) <= 1e-4 and abs(got[1] + right[1]) <= 1e-4:
            return (
                "The sign is turned: what is odd is the surprise minus the expected one, and may be less than nothing."
            )
        if abs(got[0] - right[0]) <= 1e-4:
            return f"The surprise is right. Take off 1.2, the mean distance of the outcomes from their median, not {got[0] - got[1]:.2f}."
        return f"For the outcomes {outcomes.tolist()} and {now:g} now it should be {right[0]:g} and {right[1]:g}; it gave {got}."
    return None
