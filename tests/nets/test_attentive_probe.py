"""A probe that can choose where to look reads what a mean over tokens drowns."""

import torch

from wm_core.metrics.probe import LinearProbe
from wm_core.nets.attentive_probe import AttentiveProbe


def test_the_order_of_tokens_does_not_matter():
    probe, tokens = AttentiveProbe(16, 3), torch.randn(4, 9, 16)
    torch.testing.assert_close(probe(tokens), probe(tokens[:, torch.randperm(9)]), atol=1e-5, rtol=1e-4)


def test_it_finds_the_one_token_that_matters_where_a_mean_cannot():
    generator = torch.Generator().manual_seed(0)

    def draw(n):
        """One marked token of 24 holds the answer; all the others hold as much noise."""
        tokens = torch.randn(n, 24, 16, generator=generator)
        tokens[..., 0] = 0
        place = torch.randint(24, (n,), generator=generator)
        tokens[torch.arange(n), place, 0] = 6.0
        return tokens, tokens[torch.arange(n), place, 1:2]

    torch.manual_seed(0)
    probe = AttentiveProbe(16, 1)
    optimiser = torch.optim.Adam(probe.parameters(), 1e-2)
    for _ in range(150):
        tokens, answer = draw(128)
        loss = (probe(tokens) - answer).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    tokens, answer = draw(2000)
    fresh, truth = draw(1000)
    residual = (probe(fresh) - truth).square().mean() / truth.var()
    assert LinearProbe(tokens.mean(1), answer).r2(fresh.mean(1), truth) < 0.15
    assert 1 - residual > 0.6
