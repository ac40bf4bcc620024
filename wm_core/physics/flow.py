"""A field and an integrator together, as a world model."""

from types import SimpleNamespace

from jaxtyping import Float
from torch import Tensor

from wm_core.nets.dynamics import unroll
from wm_core.physics.integrators import Step, rk4


class Flow:
    """A world model whose latent is the mechanical state itself and whose action is an external force.

    Args:
        model: has ``field(x, u)``.
        h: seconds that one action lasts.
        step: the integrator.
        substeps: integrator steps within ``h``.
    """

    def __init__(self, model: object, h: float, step: Step = rk4, substeps: int = 1):
        self.model, self.h, self.step, self.substeps = model, h, step, substeps

    def encode(self, x: Float[Tensor, "*batch state"]) -> Float[Tensor, "*batch state"]:
        """The state is observed as it is."""
        return x

    def predict(
        self, z: Float[Tensor, "*batch state"], a: Float[Tensor, "*batch force"]
    ) -> Float[Tensor, "*batch state"]:
        """The state ``h`` seconds later, the force ``a`` being held meanwhile."""
        held = SimpleNamespace(field=lambda x: self.model.field(x, a))
        for _ in range(self.substeps):
            z = self.step(held, z, self.h / self.substeps)
        return z

    def rollout(
        self, z: Float[Tensor, "*batch state"], actions: Float[Tensor, "*batch horizon force"]
    ) -> Float[Tensor, "*batch horizon state"]:
        """The states after each action."""
        return unroll(self.predict, z, actions)
