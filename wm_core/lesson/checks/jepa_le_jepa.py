"""Checks for the exercises of *Why nothing collapses*."""

import torch

from wm_core.objectives.sigreg import directions, epps_pulley, quadrature, sigreg


def split_test(answer) -> str | None:
    """The statistic of Epps and Pulley from cosines and sines."""
    die = torch.Generator().manual_seed(0)
    clouds = [
        torch.randn(n, generator=die) * scale + shift for n, scale, shift in ((40, 1, 0), (90, 2, 1), (60, 0.1, -2))
    ]
    got = [torch.as_tensor(answer(x)) for x in clouds]
    if any(g.numel() != 1 for g in got):
        return (
            f"It should return one number; it returns {tuple(got[0].shape)}. Average over samples before you compare."
        )
    expected = [float(epps_pulley(x)) for x in clouds]
    if _near(got, expected):
        return None
    if _near(got, [e / len(x) for e, x in zip(expected, clouds, strict=True)]):
        return "The factor N is missing: the same cloud with more samples must give more."

    def variant(real_target, imaginary_target, mean=lambda part: part.mean(0)):
        values = []
        for x in clouds:
            t, weight = quadrature(17, 3.0, x)
            phi = torch.exp(-t.square() / 2)
            real, imaginary = mean((x[:, None] * t).cos()), mean((x[:, None] * t).sin())
            gap = (real - real_target * phi).square() + (imaginary - imaginary_target * phi).square()
            values.append(float(len(x) * (gap * weight).sum()))
        return values

    if _near(got, variant(1, 1)):
        return "The imaginary part is held to φ as well. A standard normal is symmetric: its mean sine is zero."
    if _near(got, variant(0, 0)):
        return "Nothing is held to φ: this measures how far the cloud is from having no waves at all."
    if _near(got, variant(0, 1)) or _near(got, variant(1, 0, lambda part: part.sum(0))):
        return "Real and imaginary part are means over samples; the real one, the mean cosine, is held to φ."
    if float(got[0]) < 0:
        return "It is negative. Both gaps are squared."
    return f"For three clouds it gives {', '.join(f'{float(g):.2f}' for g in got)}; wanted {', '.join(f'{e:.2f}' for e in expected)}."


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


def _near(got, expected) -> bool:
    return all(abs(float(g) - e) < 1e-3 * max(1.0, abs(e)) for g, e in zip(got, expected, strict=True))
