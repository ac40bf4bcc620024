"""The Leray projection: no divergence is left, energy never grows, twice is once; at nodes and at faces, with walls and without."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wm_core.physics.boxes import Box, shut
from wm_core.physics.leray import MatrixLeray, leray, leray_faces, solve_poisson
from wm_core.physics.operators import (
    curl,
    divergence,
    face_divergence,
    face_gradient,
    gradient,
    kinetic_energy,
)

few = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 2**31)
sides = st.integers(2, 20)
boxes = st.builds(
    Box, st.tuples(sides, sides) | st.tuples(sides, sides, st.integers(2, 8)), st.floats(0.1, 30), st.booleans()
)
schemes = st.sampled_from(["spectral", "central"])
F64 = torch.float64


def at_random(box, seed=0, dtype=F64, batch=()):
    """A velocity at nodes that fits the box, as rough as can be."""
    generator = torch.Generator().manual_seed(seed)
    return shut(torch.randn(*batch, box.dims, *box.nodes, generator=generator, dtype=F64), box).to(dtype)


def at_faces(box, seed=0, dtype=F64, batch=()):
    generator, faces = torch.Generator().manual_seed(seed), []
    for axis in range(box.dims):
        flow = torch.randn(*batch, *box.faces(axis), generator=generator, dtype=F64)
        if not box.periodic:
            flow.movedim(axis - box.dims, -1)[..., [0, -1]] = 0
        faces.append(flow.to(dtype))
    return tuple(faces)


def left_over(div, box, u):
    """h |div u| / |u|, both norms."""
    return float(min(box.spacing) * div.norm() / u.norm())


@few
@given(boxes, schemes, seeds)
def test_no_divergence_is_left_and_energy_never_grows(box, scheme, seed):
    u = at_random(box, seed)
    v = leray(u, box, scheme)
    assert left_over(divergence(v, box, scheme), box, u) < 1e-14
    assert kinetic_energy(v, box) <= kinetic_energy(u, box) * (1 + 1e-14)
    assert (leray(v, box, scheme) - v).abs().max() <= 1e-12


@few
@given(boxes, seeds)
def test_at_faces_too(box, seed):
    faces = at_faces(box, seed)
    kept = leray_faces(faces, box)
    size = sum(flow.square().sum() for flow in faces).sqrt()
    assert left_over(face_divergence(kept, box), box, size) < 1e-13
    assert sum(flow.square().sum() for flow in kept).sqrt() <= size * (1 + 1e-14)
    for once, twice in zip(kept, leray_faces(kept, box), strict=True):
        assert (once - twice).abs().max() <= 1e-12


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("n", [32, 64, 128, 256])
def test_the_largest_divergence_of_a_smooth_field(n, periodic):
    box = Box((n, n), periodic=periodic)
    place = torch.arange(box.nodes[0], dtype=F64) * box.spacing[0]
    x, y = place[:, None], place[None]
    if periodic:
        field = torch.stack([torch.sin(x + 2 * y) + torch.cos(3 * x), torch.cos(2 * x - y) * torch.sin(3 * y)])
    else:
        field = torch.stack([torch.sin(x) * torch.cos(1.5 * y), torch.cos(x) * torch.sin(y / 2) * torch.sin(y)])
        field = shut(field, box)
    assert divergence(field, box).abs().max() > 1
    assert divergence(leray(field, box), box).abs().max() <= 1e-13


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("n", [32, 128, 256])
def test_float32_leaves_a_hundred_thousandth(n, periodic):
    box = Box((n, n), periodic=periodic)
    u = at_random(box, 1, torch.float32)
    v = leray(u, box)
    assert v.dtype == torch.float32
    assert left_over(divergence(v, box), box, v) <= 1e-5
    faces = leray_faces(at_faces(box, 1, torch.float32), box)
    size = sum(flow.square().sum() for flow in faces).sqrt()
    assert left_over(face_divergence(faces, box), box, size) <= 1e-5


@few
@given(st.builds(Box, st.tuples(sides, sides), st.floats(0.5, 9), st.booleans()), schemes, seeds)
def test_a_gradient_vanishes_and_a_whirl_stays(box, scheme, seed):
    s = torch.randn(box.nodes, generator=torch.Generator().manual_seed(seed), dtype=F64)
    slope = shut(gradient(s, box, scheme), box)
    assert leray(slope, box, scheme).abs().max() <= 1e-12 * (1 + slope.abs().max())
    u = at_random(box, seed)
    v = leray(u, box, scheme)
    torch.testing.assert_close(curl(v, box, scheme), curl(u, box, scheme), atol=1e-10, rtol=1e-10)


def test_the_mean_and_nyquists_waves_stay():
    box = Box((8, 8))
    place = torch.arange(8)
    zigzag = (-1.0) ** place
    u = torch.stack([3 + zigzag[:, None].expand(8, 8), -2 + zigzag[None].expand(8, 8)]).double()
    assert divergence(u, box).abs().max() < 1e-14
    torch.testing.assert_close(leray(u, box), u)


@few
@given(boxes, seeds)
def test_poissons_equation_is_solved(box, seed):
    source = torch.randn(box.cells, generator=torch.Generator().manual_seed(seed), dtype=F64)
    source = source - source.mean()
    phi = solve_poisson(source, box)
    assert abs(phi.mean()) < 1e-10 * max(box.size) ** 2
    torch.testing.assert_close(face_divergence(face_gradient(phi, box), box), source, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("scheme", ["spectral", "central"])
@pytest.mark.parametrize("n", [(16, 16), (9, 12), (64, 64)])
def test_matrices_do_what_the_transform_does(n, scheme):
    box = Box(n, (1.0, 3.0))
    u = at_random(box, 2, torch.float32, (2,))
    kept, div = MatrixLeray(box, scheme)(u)
    torch.testing.assert_close(kept, leray(u, box, scheme), atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(div, divergence(u, box, scheme), atol=1e-5 * float(div.abs().max()), rtol=1e-4)


def test_a_matrix_takes_the_wrong_sign_too_and_measures_what_came_in():
    box = Box((12, 9), (2.0, 3.0))
    u = at_random(box, 4, torch.float32)
    right, wrong = MatrixLeray(box)(u), MatrixLeray(box)(u, -1.0)
    torch.testing.assert_close(wrong[0] + right[0], 2 * u, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(right[0], leray(u, box), atol=1e-5, rtol=1e-5)
    assert torch.equal(right[1], wrong[1])
    torch.testing.assert_close(divergence(wrong[0], box), 2 * right[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("periodic", [True, False])
def test_each_scheme_removes_what_it_measures(periodic):
    box = Box((10, 12), (2.0, 3.0), periodic)
    u = at_random(box, 6)
    for scheme, other in (("spectral", "central"), ("central", "spectral")):
        v = leray(u, box, scheme)
        assert divergence(v, box, scheme).abs().max() < 1e-12
        assert divergence(v, box, other).abs().max() > 1e-2


@pytest.mark.parametrize("periodic", [True, False])
def test_the_mean_of_a_source_is_left_out(periodic):
    box = Box((6, 8), (2.0, 3.0), periodic)
    source = torch.randn(6, 8, generator=torch.Generator().manual_seed(7), dtype=F64)
    phi = solve_poisson(source, box)
    assert phi.mean().abs() < 1e-12
    torch.testing.assert_close(phi, solve_poisson(source + 5, box))
    torch.testing.assert_close(face_divergence(face_gradient(phi, box), box), source - source.mean())


def test_the_wrong_sign_doubles_the_divergence_and_the_wrong_operator_hides_some():
    box = Box((64, 64))
    x = (torch.arange(64, dtype=F64) * box.spacing[0])[:, None]
    u = torch.stack([torch.sin(x + 2 * x.T) + torch.cos(3 * x - x.T), torch.cos(2 * x + x.T)])
    v = leray(u, box)
    wrong = u + (u - v)
    assert divergence(wrong, box).abs().max() / divergence(u, box).abs().max() == pytest.approx(2, abs=1e-12)
    assert divergence(v, box).abs().max() < 1e-13
    assert divergence(v, box, "central").abs().max() > 1e-3


@pytest.mark.parametrize("periodic", [True, False])
def test_batches_gradients_and_transforms(periodic):
    box = Box((6, 5), periodic=periodic)
    u = at_random(box, 3, batch=(2, 3))
    one_by_one = torch.stack([torch.stack([leray(v, box) for v in row]) for row in u])
    torch.testing.assert_close(leray(u, box), one_by_one)
    again = torch.func.vmap(torch.func.vmap(lambda v: leray(v, box)))(u)
    torch.testing.assert_close(again, one_by_one)
    assert torch.autograd.gradcheck(lambda v: leray(shut(v, box), box), u[0, :1].requires_grad_())
    jacobian = torch.func.jacrev(lambda v: leray(shut(v, box), box))(u[0, 0].detach()).reshape(u[0, 0].numel(), -1)
    torch.testing.assert_close(jacobian @ jacobian, jacobian)  # a projection
    if periodic:
        torch.testing.assert_close(jacobian, jacobian.T)  # the nearest point
    faces = at_faces(box, 3, batch=(4,))
    together = leray_faces(faces, box)
    alone = torch.func.vmap(lambda *parts: leray_faces(parts, box))(*faces)
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a, b)
