"""The upper of two clocks: a model that ticks once in several steps, and sees what a faster one encodes.

At each tick it looks at the latent z of the level below. What was done between two ticks, k actions, is summarised by one
*macro-action* m = A(a_1, …, a_k), whose code is learned (Zhang et al., 2026). From a latent w = E(z) of its own and a macro-action a
recurrent state-space model (see `rssm`) foresees its next latent, read from memory and stochastic latent by ŵ = R(h, s).

A clock that ticks k times less often needs k times fewer predictions to look equally far, and a search on it has fewer numbers to
choose. Slow levels above fast ones are as old as El Hihi & Bengio (1995); Clockwork VAE (Saxena et al., 2021) has RSSMs on both.
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from wm_core.nets.mlp import mlp
from wm_core.nets.rssm import RSSM, Seen, State


class SlowLevel(nn.Module):
    """Its own latent, its macro-actions, and what they lead to.

    A planner that uses it as a model hands over latents w and *standardised* macro-actions: 0 is the mean of those that walks had, and
    1 their spread in every direction. `measure` says what they had; before it is asked, macro-actions are taken as they come.

    Args:
        dim: width of the latent below.
        every: k, steps of the level below to one tick (10 in Zhang et al.'s maze).
        macro_dim: numbers in a macro-action (8 there).
        width: numbers in w; None takes the latent below as it is, as Zhang et al. do.
        action_dim: numbers in an action.
        deter, stoch, classes: the RSSM's memory, and its latent: Gaussian, or of ``stoch`` groups with ``classes`` each.
        hidden: width of all hidden layers.
        action_scale: the size of a large action.
    """

    def __init__(
        self,
        dim: int,
        every: int = 8,
        macro_dim: int = 4,
        width: int | None = 32,
        action_dim: int = 2,
        deter: int = 64,
        stoch: int = 16,
        classes: int | None = None,
        hidden: int = 128,
        action_scale: float = 1.5,
    ):
        super().__init__()
        for name, count in (("every", every), ("macro_dim", macro_dim)):
            if count < 1:
                raise ValueError(f"{name}: got {count}, wanted at least 1")
        self.every, self.macro_dim, self.action_scale = every, macro_dim, action_scale
        self.width = dim if width is None else width
        self.encode = nn.Identity() if width is None else mlp(dim, hidden, hidden, width)
        self.summary = mlp(every * action_dim, hidden, macro_dim)
        self.rssm = RSSM(self.width, macro_dim, deter, stoch, classes, hidden)
        self.read = mlp(deter + self.rssm.width, hidden, self.width)
        self.inverse = mlp(2 * self.width, hidden, every * action_dim)
        self.register_buffer("centre", torch.zeros(macro_dim))
        self.register_buffer("stretch", torch.eye(macro_dim))
        self.register_buffer("radius", torch.tensor(torch.inf))

    def stretches(self, actions: Float[Tensor, "batch steps action"]) -> Float[Tensor, "batch ticks numbers"]:
        """The actions between one tick and the next in a row, in units of a large one.

        Raises:
            ValueError: the steps are no whole number of ticks.
        """
        if actions.shape[1] % self.every:
            raise ValueError(f"actions: got {actions.shape[1]} steps, wanted a multiple of {self.every}")
        return actions.unflatten(1, (-1, self.every)).flatten(2) / self.action_scale

    def codes(self, actions: Float[Tensor, "batch steps action"]) -> Float[Tensor, "batch ticks macro"]:
        """The macro-action of every ``every`` actions, as the networks know it."""
        return self.summary(self.stretches(actions))

    def macros(self, actions: Float[Tensor, "batch steps action"]) -> Float[Tensor, "batch ticks macro"]:
        """The same, standardised."""
        return (self.codes(actions) - self.centre) @ torch.linalg.inv(self.stretch)

    def watch(
        self,
        w: Float[Tensor, "batch moments width"],
        codes: Float[Tensor, "batch moments-1 macro"],
        generator: Generator | None = None,
    ) -> tuple[Seen, Float[Tensor, "batch moments-1 width"]]:
        """Prior and posterior at each tick, and the latents that are foreseen from the first one alone: drawn, not the likeliest."""
        seen = self.rssm.observe(w, codes, generator=generator)
        first = State(seen.state.h[:, 0], seen.state.z[:, 0])
        return seen, self.read(self.rssm.imagine(first, codes, generator).features)

    def rollout(
        self, w: Float[Tensor, "batch width"], macros: Float[Tensor, "batch ticks macro"]
    ) -> Float[Tensor, "batch ticks width"]:
        """`foresee` as a planner asks for it: from standardised macro-actions."""
        return self.foresee(w, macros @ self.stretch + self.centre)

    def foresee(
        self, w: Float[Tensor, "batch width"], codes: Float[Tensor, "batch ticks macro"]
    ) -> Float[Tensor, "batch ticks width"]:
        """The latents after each macro-action, always the likeliest. Memory begins at ``w``: what was before, nobody says."""
        start = self.rssm.start(len(w))
        h = self.rssm.remember(start, w.new_zeros(len(w), self.macro_dim))
        first = State(h, self.rssm.posterior(h, w).mode())
        return self.read(self.rssm.rollout(first.features, codes))

    @torch.no_grad()
    def measure(self, actions: Float[Tensor, "batch steps action"], share: float = 0.99) -> None:
        """From now on macro-actions are standardised by those of these walks, and `bound` is what a share of them keeps to.

        The cloud of codes is taken for an ellipsoid. Where it is curved, some of what is inside was never seen.

        Args:
            actions: of walks, of a whole number of ticks.
            share: 1 takes in the strangest walk. A model says most about what it has seen often.
        """
        seen = self.codes(actions).flatten(0, 1)
        self.centre.copy_(seen.mean(0))
        spread, directions = torch.linalg.eigh((seen - self.centre).T.cov().reshape(self.macro_dim, self.macro_dim))
        spread = spread.clamp_min(1e-8 * spread.max()).sqrt()
        self.stretch.copy_((directions * spread) @ directions.T)  # the root of the covariance
        self.radius.copy_(((seen - self.centre) @ torch.linalg.inv(self.stretch)).norm(dim=-1).quantile(share))

    def bound(self, macros: Float[Tensor, "*batch macro"]) -> Float[Tensor, "*batch macro"]:
        """Macro-actions that are no stranger than those of walks: shortened, in standardised numbers, to the radius of `measure`."""
        length = macros.norm(dim=-1, keepdim=True)
        return macros * (self.radius / length.clamp_min(1e-9)).clamp_max(1.0)
