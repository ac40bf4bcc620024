"""Checks for the exercises of *Why nothing collapses*."""

import torch

from wm_core.objectives.sigreg import directions, quadrature, sigreg


def slope(answer) -> str | None:
    """The derivative of the statistic of Epps and Pulley by each sample, written out."""
    die = torch.Generator().manual_seed(0)
    clouds = [
        torch.randn(n, generator=die) * scale + shift for n, scale, shift in ((40, 1, 0.5), (90, 2, 1), (60, 0.1, -2))
    ]
    try:
        with torch.no_grad():  # where autograd has nothing to say
            got = [torch.as_tensor(answer(x.clone())) for x in clouds]
    except RuntimeError as error:
        if "does not require grad" in str(error) or "does not have a grad_fn" in str(error):
            return "That asks autograd. Differentiate the cosines and sines yourself."
        raise
    if got[0].numel() == 1:
        return "It should return one number for each sample; it returns one in all. Do not sum over the samples."
    if got[0].shape != clouds[0].shape:
        return f"It should return a tensor of shape (40,); it returns {tuple(got[0].shape)}. Sum over the knots."

    def variant(phi=1.0, imaginary=1.0, times_t=True, swapped=False, twice_weighted=False):
        values = []
        for x in clouds:
            t, weight = quadrature(17, 3.0, x)
            bell, angle = torch.exp(-t.square() / 2), x[:, None] * t
            sin, cos = (angle.cos(), angle.sin()) if swapped else (angle.sin(), angle.cos())
            each = (phi * bell - angle.cos().mean(0)) * sin + imaginary * angle.sin().mean(0) * cos
            values.append(2 * (each * (t if times_t else 1)) @ (weight * bell if twice_weighted else weight))
        return values

    expected = variant()
    if _all_near(got, expected):
        return None
    for words, mistaken in (
        ("The sign is turned: that is the way downhill. The slope points uphill.", [-e for e in expected]),
        ("Half of it: the derivative of a square brings a 2.", [e / 2 for e in expected]),
        (
            "Too small by the factor N. A mean over N samples changes by 1/N of a sample's change, and T has a factor N.",
            [e / len(e) for e in expected],
        ),
        (
            "Too large by the factor N. T has a factor N, but a mean changes by only 1/N of a sample's change.",
            [e * len(e) for e in expected],
        ),
        ("Nothing is held to φ: the real part's gap is its mean cosine minus φ.", variant(phi=0)),
        (
            "The imaginary part pulls too: only where the cloud is symmetric is its mean sine zero.",
            variant(imaginary=0),
        ),
        ("The imaginary part has the wrong sign: the derivative of a sine is plus a cosine.", variant(imaginary=-1)),
        ("The derivative of cos(tx) by x brings a factor t.", variant(times_t=False)),
        ("Sine and cosine are swapped: the derivative of a cosine is minus a sine.", variant(swapped=True)),
        ("`quadrature`'s weights hold exp(-t²/2) already.", variant(twice_weighted=True)),
    ):
        if _all_near(got, mistaken):
            return words
    return f"The first sample's slope should be {float(expected[0][0]):.3f}; it is {float(got[0][0]):.3f}."


def hide(answer) -> str | None:
    """A cloud of independent numbers that random lines take for normal and an axis does not."""
    clouds = [torch.as_tensor(answer(256, 16, torch.Generator().manual_seed(seed))).float() for seed in range(40)]
    if clouds[0].shape != (256, 16):
        return f"It should return a tensor of shape (256, 16); it returns {tuple(clouds[0].shape)}."
    every = torch.cat(clouds)
    mean, variance = float(every.mean()), float(every.var())
    if abs(mean) > 0.05:
        return f"Its mean is {mean:.2f}. Every line sees that; make it 0."
    if abs(variance - 1) > 0.05:
        return f"Its variance is {variance:.2f}. Every line sees that; make it 1."
    lines = directions(16, 128, torch.Generator().manual_seed(1))
    seen = sum(float(sigreg(cloud, along=lines)) for cloud in clouds) / len(clouds)
    axis = sum(float(sigreg(cloud, along=torch.eye(16))) for cloud in clouds) / len(clouds)
    if axis < 5:
        return f"An axis gives {axis:.1f}: that is too near to normal (1.05). Put the numbers on few values."
    if seen > 1.12:
        fourth = float(every.pow(4).mean())
        return (
            f"Random lines give {seen:.2f} on average, where a normal cloud gives 1.05. Sums over 16 numbers still show the "
            f"fourth moment: yours is {fourth:.2f}, a normal's is 3."
        )
    return None


def weight_without_n(answer) -> str | None:
    """The weight that a loss without the factor N needs at N = 256."""
    got, right = float(answer), 256 * 0.05 / 0.95
    if abs(got - right) < 0.3:
        return None
    if abs(got - 256 * 0.05) < 0.3:
        return "That is 256 · 0.05. In LeJEPA the prediction is weighted too, by 0.95; here its weight is 1."
    if got < 0.06:
        return "Smaller? Without the factor N the test's value is 256 times smaller. Its weight must make up for that."
    if abs(got - 256) < 1:
        return "That is N alone. The test had the weight 0.05 before."
    return f"Not {got:g}. Write both losses out, divide each by what multiplies its prediction, and compare."


def _all_near(got, expected) -> bool:
    return all(torch.allclose(g.to(e), e, rtol=1e-3, atol=1e-4) for g, e in zip(got, expected, strict=True))
