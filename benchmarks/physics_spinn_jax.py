"""The rival of `benchmarks.physics_spinn`: a training step written in JAX as the authors of SPINN write theirs.

Networks per axis, `jax.jit` around loss and gradient, and second derivatives by `jax.jvp` inside `jax.jvp`. Adam is written out.
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
from jax import jvp


def networks(key, width: int, layers: int, rank: int, axes: int = 3) -> list:
    """Weights of every axis' network: Glorot normal, biases zero."""
    sizes = [(1, width)] * 3 + [(width, width)] * (layers - 1) + [(width, rank)]
    params = []
    for key_of_axis in jax.random.split(key, axes):
        keys = jax.random.split(key_of_axis, len(sizes))
        params.append(
            [
                ((2 / (a + b)) ** 0.5 * jax.random.normal(k, (a, b)), jnp.zeros(b))
                for k, (a, b) in zip(keys, sizes, strict=True)
            ]
        )
    return params


def spinn(params, *points):
    """The values on the grid, the networks of the three axes one after another."""
    outs = []
    for layers, x in zip(params, points, strict=True):
        low, high, h = (jnp.tanh(x @ w + b) for w, b in layers[:3])
        for w, b in layers[3:-1]:
            z = jnp.tanh(h @ w + b)
            h = (jnp.ones_like(z) - z) * low + z * high
        outs.append((h @ layers[-1][0] + layers[-1][1]).T)
    xy = jnp.einsum("fx,fy->fxy", outs[0], outs[1])
    return jnp.einsum("fxy,fz->xyz", xy, outs[2])


def second(f, x):
    """Forward over forward."""
    ones = jnp.ones(x.shape)
    return jvp(lambda at: jvp(f, (at,), (ones,))[1], (x,), (ones,))


def helmholtz_loss(params, points, source):
    """Residual and 100 times the six faces."""
    x, y, z = points
    u = lambda *at: spinn(params, *at)  # noqa: E731
    uxx = second(lambda x: u(x, y, z), x)[1]
    uyy = second(lambda y: u(x, y, z), y)[1]
    uzz = second(lambda z: u(x, y, z), z)[1]
    residual = jnp.mean((uxx + uyy + uzz + u(x, y, z) - source) ** 2)
    ends = [jnp.array([[1.0]]), jnp.array([[-1.0]])]
    faces = [(e, y, z) for e in ends] + [(x, e, z) for e in ends] + [(x, y, e) for e in ends]
    return residual + 100 * sum(jnp.mean(u(*face) ** 2) for face in faces)


def klein_gordon_loss(params, data):
    """Residual, the state at the start, four faces."""
    (t, x, y), source, start, faces, edge = data
    u = lambda *at: spinn(params, *at)  # noqa: E731
    utt = second(lambda t: u(t, x, y), t)[1]
    uxx = second(lambda x: u(t, x, y), x)[1]
    uyy = second(lambda y: u(t, x, y), y)[1]
    residual = jnp.mean((utt - uxx - uyy + u(t, x, y) ** 2 - source) ** 2)
    first = jnp.mean((u(jnp.zeros((1, 1)), x, y) - start) ** 2)
    return residual + first + sum(jnp.mean((u(*f) - e) ** 2) for f, e in zip(faces, edge, strict=True))


def diffusion_loss(params, data, alpha=0.05):
    """Residual, the state at the start, four faces."""
    (t, x, y), start, faces = data
    u = lambda *at: spinn(params, *at)  # noqa: E731
    now = u(t, x, y)
    ut = jvp(lambda t: u(t, x, y), (t,), (jnp.ones(t.shape),))[1]
    ux, uxx = both(lambda x: u(t, x, y), x)
    uy, uyy = both(lambda y: u(t, x, y), y)
    residual = jnp.mean((ut - alpha * (ux**2 + now * uxx + uy**2 + now * uyy)) ** 2)
    first = jnp.mean((u(jnp.zeros((1, 1)), x, y) - start) ** 2)
    return residual + first + sum(jnp.mean(u(*f) ** 2) for f in faces)


def both(f, x):
    """First and second derivative, forward over forward."""
    ones = jnp.ones(x.shape)
    return jvp(lambda at: jvp(f, (at,), (ones,))[1], (x,), (ones,))


def adam(params, grads, state, rate=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    """One update."""
    step, m, v = state
    step = step + 1
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, grads)
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, grads)
    params = jax.tree.map(
        lambda p, m, v: p - rate * (m / (1 - b1**step)) / (jnp.sqrt(v / (1 - b2**step)) + eps), params, m, v
    )
    return params, (step, m, v)


def fresh(params):
    """Adam's state before the first update."""
    zeros = jax.tree.map(jnp.zeros_like, params)
    return 0, zeros, zeros


def trainer(loss):
    """Loss, gradient and update, compiled as two functions as the authors' are."""
    value = jax.jit(lambda params, data: jax.value_and_grad(lambda p: loss(p, *data))(params))
    update = jax.jit(adam)

    def step(params, state, data):
        error, grads = value(params, data)
        return *update(params, grads, state), error

    return step
