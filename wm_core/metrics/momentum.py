"""What a trajectory of bodies does to momentum and angular momentum.

Both errors are shares of the sum of the bodies' own, since the total may be zero.
"""

from jaxtyping import Float
from torch import Tensor

from wm_core.worlds.particles import angular_momentum, momentum

Path = Float[Tensor, "time *batch n 4"]


def momentum_error(path: Path) -> Float[Tensor, "*batch"]:
    """max over t of |P(t) - P(0)| / Σ|p_i(0)|, P being the momentum of all bodies together.

    Args:
        path: positions and momenta (x, y, px, py) of n bodies.

    Raises:
        ValueError: all bodies are at rest at first, so that there is nothing to compare with.
    """
    scale = path[0, ..., 2:].norm(dim=-1).sum(-1)
    return _share((momentum(path) - momentum(path[0])).norm(dim=-1), scale)


def angular_momentum_error(path: Path) -> Float[Tensor, "*batch"]:
    """max over t of |L(t) - L(0)| / Σ|q_i(0)||p_i(0)|, L being the angular momentum about the origin.

    Raises:
        ValueError: all bodies are at rest, or at the origin, at first.
    """
    scale = (path[0, ..., :2].norm(dim=-1) * path[0, ..., 2:].norm(dim=-1)).sum(-1)
    return _share((angular_momentum(path) - angular_momentum(path[0])).abs(), scale)


def _share(change: Tensor, scale: Tensor) -> Tensor:
    if not bool((scale > 0).all()):
        raise ValueError("path: got bodies without momentum at first, wanted some that move")
    return change.amax(0) / scale
