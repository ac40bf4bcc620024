"""Equations on grids: their solutions solve them, their losses vanish there and are those of the definition, and training finds them."""

import pytest
import torch

from wm_core.physics.grid_equations import Diffusion, GridEquation, Heat, Helmholtz, KleinGordon, reference_diffusion
from wm_core.physics.spinn import SPINN, Factors

float64 = torch.float64


class Known(torch.nn.Module):
    """Stands where a network stands, with factors that are given as functions of a coordinate."""

    def __init__(self, *along):
        super().__init__()
        self.along = along

    def factors(self, *points):
        def derive(f, x):
            orders = [f(x)]
            for _ in range(2):
                columns = [
                    torch.autograd.grad(c.sum(), x, create_graph=True, allow_unused=True, materialize_grads=True)[0]
                    if c.requires_grad
                    else torch.zeros_like(x)
                    for c in orders[-1].unbind(-1)
                ]
                orders.append(torch.stack(columns, -1))
            return Factors(*orders)

        return [derive(f, x.detach().clone().requires_grad_()) for f, x in zip(self.along, points, strict=True)]


def waves(*numbers):
    return Known(*(lambda x, a=a: torch.sin(a * torch.pi * x)[:, None] for a in numbers))


def moving(k):
    """The solution of Klein-Gordon's equation as three products."""
    one = torch.ones_like
    return Known(
        lambda t: torch.stack([torch.cos(k * t), torch.cos(k * t), torch.sin(k * t)], -1),
        lambda x: torch.stack([x, one(x), x], -1),
        lambda y: torch.stack([one(y), y, y], -1),
    )


def cooling(alpha):
    return Known(
        lambda t: torch.exp(-2 * alpha * torch.pi**2 * t)[:, None],
        *(lambda x: torch.sin(torch.pi * x)[:, None],) * 2,
    )


CASES = {
    "Helmholtz in 3-D": (Helmholtz(), waves(4, 4, 3)),
    "Helmholtz in 2-D": (Helmholtz((1, 3)), waves(1, 3)),
    "Klein-Gordon": (KleinGordon(), moving(2.0)),
    "Klein-Gordon with a velocity": (KleinGordon(velocity=True), moving(2.0)),
    "heat": (Heat(), cooling(0.1)),
}


def drawn(equation, n=6, dtype=float64):
    draw = equation.draw(n, torch.Generator().manual_seed(0))
    draw = draw._replace(points=[x.to(dtype) for x in draw.points])
    inner = [x[:n] for x in draw.points]
    given = (
        [equation.solution(*face) for face in equation.faces_of(draw.points, n)]
        if equation.set_to_solution
        else draw.given
    )
    return draw._replace(source=equation.source(*inner), given=given)


@pytest.mark.parametrize("name", CASES)
def test_the_solution_makes_every_term_zero(name):
    equation, solution = CASES[name]
    for term, value in equation.loss(solution, drawn(equation)).items():
        assert value.item() < 1e-20, term


@pytest.mark.parametrize("name", CASES)
def test_another_function_makes_every_term_large(name):
    equation, _ = CASES[name]
    other = SPINN(len(equation.low), rank=3, width=8).double()
    for term, value in equation.loss(other, drawn(equation)).items():
        assert value.item() > 1e-6, term


def test_the_residual_of_diffusion_is_autograds():
    equation, model = Diffusion(), SPINN(rank=4, width=8, layers=2, seed=3).double()
    draw = drawn(equation, 4)
    t, x, y = (p[:4].clone().requires_grad_() for p in draw.points)

    def at(i, j, k):
        u = model(t[i : i + 1], x[j : j + 1], y[k : k + 1]).sum()
        u_t, u_x, u_y = (torch.autograd.grad(u, p, create_graph=True)[0] for p in (t, x, y))
        flow_x, flow_y = u * u_x[j], u * u_y[k]
        return u_t[i] - 0.05 * (
            torch.autograd.grad(flow_x, x, retain_graph=True)[0][j] + torch.autograd.grad(flow_y, y)[0][k]
        )

    expected = torch.stack([at(i, j, k) for i in range(4) for j in range(4) for k in range(4)]).square().mean()
    torch.testing.assert_close(equation.loss(model, draw)["residual"], expected, atol=1e-10, rtol=1e-10)


def test_boundary_terms_are_the_means_of_the_definition():
    equation, model = Helmholtz(weight=3.0), SPINN(rank=4, width=8).double()
    draw = drawn(equation)
    inner = [p[:6] for p in draw.points]
    end = torch.ones(1, dtype=float64)
    faces = [
        model(*[s * end if i == axis else p for i, p in enumerate(inner)]).square().mean()
        for axis in range(3)
        for s in (-1, 1)
    ]
    torch.testing.assert_close(equation.loss(model, draw)["boundary"], 3 * sum(faces))


def test_every_side_of_a_spreading_bump_counts_alike():
    ones = Known(*(lambda x: torch.ones_like(x)[:, None],) * 3)
    equation = Diffusion()
    assert equation.loss(ones, drawn(equation))["boundary"].item() == pytest.approx(
        4
    )  # four sides, at each of which u misses 0 by 1


def test_six_faces_in_one_product_are_the_faces_one_by_one():
    equation, model = Helmholtz(), SPINN(rank=4, width=8, seed=2).double()
    draw = drawn(equation, 5)
    factors = model.factors(*draw.points)
    together, apart = equation.faces(factors, draw), GridEquation.faces(equation, factors, draw)
    torch.testing.assert_close(torch.stack(together), torch.stack(apart))


def test_the_reference_of_diffusion_converges_and_keeps_its_mass():
    coarse, fine = reference_diffusion(0.05, 50, 20), reference_diffusion(0.05, 100, 20)
    finer = reference_diffusion(0.05, 200, 20)
    first, second = (fine[:, ::2, ::2] - coarse).norm(), (finer[:, ::4, ::4] - fine[:, ::2, ::2]).norm()
    assert float(second / coarse.norm()) < 1e-3
    assert 3 < float(first / second) < 5  # of second order
    mass = finer.sum((1, 2))
    assert float((mass[-1] / mass[0] - 1).abs()) < 1e-3
    x = torch.linspace(-1, 1, 101, dtype=float64)
    torch.testing.assert_close(
        Diffusion().solution(torch.zeros(1, dtype=float64), x, x)[0, 1:-1, 1:-1], Diffusion.start(x, x)[1:-1, 1:-1]
    )


@pytest.mark.slow
def test_training_finds_the_heat():
    equation, model = Heat(), SPINN(rank=16)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    generator = torch.Generator().manual_seed(0)
    for step in range(400):
        if step % 100 == 0:
            draw = equation.draw(16, generator)
        optimiser.zero_grad()
        sum(equation.loss(model, draw).values()).backward()
        optimiser.step()
    assert equation.error(model, 40) < 0.05


def test_an_even_draw_has_one_point_in_each_part():
    for axis, (low, high) in zip(
        KleinGordon().draw(10, torch.Generator().manual_seed(0)).points, ((0, 10), (-1, 1), (-1, 1)), strict=True
    ):
        assert (10 * (axis[:10] - low) / (high - low)).floor().tolist() == list(range(10))
    anywhere = KleinGordon().draw(10, torch.Generator().manual_seed(0), even=False).points[1][:10]
    assert len(set((5 * (anywhere + 1)).floor().tolist())) < 10


def test_no_points_are_refused():
    with pytest.raises(ValueError, match="n: got 0"):
        Helmholtz().draw(0, torch.Generator())
