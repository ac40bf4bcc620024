"""The recurrent state-space model: memory that is certain, and a latent that need not be (PlaNet, Hafner et al., 2019).

h' = GRU(h, z, a) remembers. The posterior q(z | h, e) says what the state is once an observation's embedding e is there; the
prior p(z | h) says it before. Dreamer (2020), DreamerV2 (2021) and DreamerV3 (2025) share this block.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from wm_core.nets.mlp import mlp
from wm_core.nets.stochastic import Belief, Categorical, Gaussian, stack


class State(NamedTuple):
    """Where a model is: memory and latent, (..., deter) and (..., stoch)."""

    h: Tensor
    z: Tensor

    @property
    def features(self) -> Float[Tensor, "*batch both"]:
        """Both in a row: what decoders and heads read."""
        return torch.cat([self.h, self.z], -1)


class Seen(NamedTuple):
    """A clip that was watched; every part has the axes batch and time.

    Attributes:
        state: memory, and a sample of the posterior.
        posterior: belief at each moment, with its observation.
        prior: belief at each moment, without it.
    """

    state: State
    posterior: Belief
    prior: Belief


class RSSM(nn.Module):
    """Memory, prior and posterior.

    Args:
        embed: width of an observation's embedding.
        action: numbers in an action.
        deter: width of the memory h (200 in PlaNet).
        stoch: numbers of a Gaussian latent (30 in PlaNet), or groups of a categorical one (32 in DreamerV2).
        classes: of each group (32 in DreamerV2), or None for a Gaussian latent.
        hidden: width of the hidden layers.
        least: least standard deviation of a Gaussian latent (0.1 in PlaNet).
        uniform: share of the uniform distribution in a categorical one (0.01 in DreamerV3).
        action_scale: the size of a large action, so that the network sees numbers of order 1.
    """

    def __init__(
        self,
        embed: int,
        action: int = 2,
        deter: int = 128,
        stoch: int = 16,
        classes: int | None = None,
        hidden: int = 128,
        least: float = 0.1,
        uniform: float = 0.01,
        action_scale: float = 1.0,
    ):
        super().__init__()
        self.deter, self.stoch, self.classes = deter, stoch, classes
        self.least, self.uniform, self.action_scale = least, uniform, action_scale
        numbers = stoch * (2 if classes is None else classes)
        self.into = nn.Sequential(nn.Linear(self.width + action, hidden), nn.ReLU())
        self.memory = nn.GRUCell(hidden, deter)
        # As DreamerV3's bias of -1 on its update gate, of opposite sense: at first memory is kept.
        with torch.no_grad():
            self.memory.bias_ih[deter : 2 * deter] += 1
        self.before = mlp(deter, hidden, numbers)
        self.after = mlp(deter + embed, hidden, numbers)

    @property
    def width(self) -> int:
        """Numbers in a latent z."""
        return self.stoch * (self.classes or 1)

    def start(self, batch: int) -> State:
        """Nothing remembered, nothing seen: zeros, as many as ``batch``."""
        like = self.memory.weight_hh
        return State(like.new_zeros(batch, self.deter), like.new_zeros(batch, self.width))

    def prior(self, h: Float[Tensor, "*batch deter"]) -> Belief:
        """p(z | h): what the model expects."""
        return self._read(self.before(h))

    def posterior(self, h: Float[Tensor, "*batch deter"], embedding: Float[Tensor, "*batch embed"]) -> Belief:
        """q(z | h, e): what it believes once it has looked."""
        return self._read(self.after(torch.cat([h, embedding], -1)))

    def remember(self, state: State, action: Float[Tensor, "batch action"]) -> Float[Tensor, "batch deter"]:
        """h' = GRU(h, z, a)."""
        return self.memory(self.into(torch.cat([state.z, action / self.action_scale], -1)), state.h)

    def step(
        self,
        state: State,
        action: Float[Tensor, "batch action"],
        embedding: Float[Tensor, "batch embed"] | None = None,
        generator: Generator | None = None,
    ) -> State:
        """The state after an action: drawn from the posterior where there is an embedding to look at, else from the prior."""
        h = self.remember(state, action)
        belief = self.prior(h) if embedding is None else self.posterior(h, embedding)
        return State(h, belief.sample(generator))

    def observe(
        self,
        embeddings: Float[Tensor, "batch time embed"],
        actions: Float[Tensor, "batch time-1 action"],
        state: State | None = None,
        generator: Generator | None = None,
        before: Float[Tensor, "batch action"] | None = None,
    ) -> Seen:
        """Watch a clip with open eyes; what there is to learn from is the posterior and the prior of each moment.

        Args:
            embeddings: of the observations.
            actions: action number t lies between observations t and t + 1.
            state: before the first observation; `start` without it.
            generator: decides the samples.
            before: the action that led from that state to the first observation; none (zeros) without it. To go on with a clip,
                give both.
        """
        state = self.start(len(embeddings)) if state is None else state
        first = actions.new_zeros(len(actions), actions.shape[-1]) if before is None else before
        led = torch.cat([first[:, None], actions], 1)  # what led to each observation
        states, posteriors = [], []
        for embedding, action in zip(embeddings.unbind(1), led.unbind(1), strict=True):
            h = self.remember(state, action)
            posteriors.append(self.posterior(h, embedding))
            state = State(h, posteriors[-1].sample(generator))
            states.append(state)
        states = State(*(torch.stack(parts, 1) for parts in zip(*states, strict=True)))
        return Seen(states, stack(posteriors), self.prior(states.h))

    def imagine(
        self, state: State, actions: Float[Tensor, "batch horizon action"], generator: Generator | None = None
    ) -> State:
        """Go on with closed eyes: one possible future, as states after each action, (batch, horizon, ...)."""
        states = []
        for action in actions.unbind(1):
            state = self.step(state, action, generator=generator)
            states.append(state)
        return State(*(torch.stack(parts, 1) for parts in zip(*states, strict=True)))

    def state(self, features: Float[Tensor, "*batch both"]) -> State:
        """The state whose `State.features` these are."""
        return State(*features.split([self.deter, self.width], -1))

    def rollout(
        self, z: Float[Tensor, "batch both"], actions: Float[Tensor, "batch horizon action"]
    ) -> Float[Tensor, "batch horizon both"]:
        """Go on with closed eyes as a planner asks for it: from the features of states to those after each action.

        Each latent is the likeliest one, not a sample. Plans are then compared by what they do and not by their luck, and the same
        plan always costs the same; a future that is only possible is not seen. Unlike `imagine` it can be exported.
        """
        state, features = self.state(z), []
        for action in actions.unbind(1):
            h = self.remember(state, action)
            state = State(h, self.prior(h).mode())
            features.append(state.features)
        return torch.stack(features, 1)

    def _read(self, numbers: Tensor) -> Belief:
        if self.classes is None:
            return Gaussian.read(numbers, self.least)
        return Categorical.read(numbers.unflatten(-1, (self.stoch, self.classes)), self.uniform)
