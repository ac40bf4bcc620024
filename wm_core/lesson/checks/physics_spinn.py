"""Checks for the exercises of *Ten million points on one core*."""

import torch

from wm_core.physics.spinn import combine

GENERATOR = torch.Generator().manual_seed(0)
F, F_BENT, G, G_BENT, H = (
    torch.randn(n, 3, generator=GENERATOR, dtype=torch.float64) for n in (4, 4, 5, 5, 6)
)  # rank 3
RANKS = {"exp(x + y)": 1, "(x + y)²": 3, "sin(x + y)": 2, "sin(x + y) + cos(x - y)": 1}


def plane_laplacian(answer) -> str | None:
    """Both second derivatives of a sum of products in the plane."""
    right = F_BENT @ G.T + F @ G_BENT.T
    try:
        got = answer(F, F_BENT, G, G_BENT)
    except RuntimeError as fault:
        return (
            f"The shapes do not fit ({fault}). The sum over r is a matrix product, (n, R) with (R, m): transpose one."
        )
    if not isinstance(got, torch.Tensor) or got.shape != right.shape:
        return f"It should be a grid of shape {tuple(right.shape)}; it is {getattr(got, 'shape', type(got).__name__)}."
    slips = [
        (F_BENT @ G_BENT.T, "That is the fourth derivative, twice along x and twice along y."),
        (F_BENT @ G_BENT.T + F @ G.T, "A second derivative along x replaces the factor along x and leaves the other alone."),
        (2 * F_BENT @ G.T, "Both terms bend along x. One of them should bend along y."),
        (2 * F @ G_BENT.T, "Both terms bend along y. One of them should bend along x."),
        (2 * F_BENT @ G_BENT.T, "Each term bends along both axes. Each should bend along one."),
        (2 * F @ G.T, "Nothing bends: these are values."),
    ]  # fmt: skip
    if torch.allclose(got, right):
        return None
    for wrong, sentence in slips:
        if torch.allclose(got, wrong):
            return sentence
    return "Each term is one axis' curvatures times the other's values, summed over r."


def mean_square(answer) -> str | None:
    """The mean square over a grid that is never built."""
    factors = [F, G, H]
    right = combine(factors).square().mean()
    got = torch.as_tensor(answer(factors), dtype=torch.float64)
    if got.ndim:
        return f"It should be one number; it has shape {tuple(got.shape)}."
    if torch.allclose(got, right):
        return None
    grams = [f.T @ f / len(f) for f in factors]
    slips = [
        (combine(factors).square().sum(), "That is the sum over the grid. The mean divides by the points of each axis."),
        (torch.stack([g.diagonal() for g in grams]).prod(0).sum(), "Only the squares of the terms are there. The square of a sum has mixed products too, r with s."),
        ((grams[0] @ grams[1] @ grams[2]).sum(), "The tables of different axes are multiplied entry by entry, as the terms r and s stay the same."),
        (torch.stack([f.square().mean() for f in factors]).prod(), "Those are means over points and ranks alike. Keep r and s apart until the end."),
        (torch.stack([f.mean(0) for f in factors]).prod(0).sum().square(), "That is the square of the mean, not the mean of the square."),
    ]  # fmt: skip
    for wrong, sentence in slips:
        if torch.allclose(got, wrong):
            return sentence
    return "For each axis, make the table (R, R) of the means over its points of f_r f_s; multiply the tables; add up."


def least_rank(answer) -> str | None:
    """Which sums of products hold which functions."""
    if isinstance(answer, list) and len(answer) == len(RANKS):
        answer = dict(zip(RANKS, answer, strict=True))
    if not isinstance(answer, dict) or set(answer) != set(RANKS):
        return f"Wanted a number for each of {', '.join(RANKS)}."
    if answer == RANKS:
        return None
    slips = [
        ("exp(x + y)", 2, "exp(x + y) is exp x times exp y."),
        ("(x + y)²", 2, "(x + y)² is x² + 2xy + y²: three products, x²·1, 2x·y and 1·y², and no two of the functions of x are one."),
        ("(x + y)²", 4, "(x + y)² is x² + 2xy + y²: the two mixed terms are the same product."),
        ("sin(x + y)", 1, "sin(x + y) is sin x cos y + cos x sin y. One product has all its rows alike; shift x and the row moves."),
        ("sin(x + y) + cos(x - y)", 4, "Write all four products down and collect them: (sin x + cos x) (sin y + cos y)."),
        ("sin(x + y) + cos(x - y)", 2, "Two waves, each of rank two, and yet together they are one product: expand and collect."),
    ]  # fmt: skip
    for name, wrong, sentence in slips:
        if answer[name] == wrong:
            return sentence
    wrong = next(name for name in RANKS if answer[name] != RANKS[name])
    return f"Not {answer[wrong]} for {wrong}. Put it on a grid and ask for the rank of the matrix."
