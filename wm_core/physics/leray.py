"""The Leray projection: of all flows without sources, the one nearest to a given field.

A field u~ is split into a flow that neither appears nor vanishes anywhere and a slope of something, u~ = u + grad phi. The divergence of both
sides is Poisson's equation, laplacian phi = div u~. Solve it, and take grad phi away. Divergence, Laplacian and gradient must be one and the
same discretisation: the Laplacian is the divergence of the gradient *as they are computed*, or something is left over.

Source: Chorin, *Numerical Solution of the Navier-Stokes Equations* (1968), whose projection this is; Fourier form in any text on turbulence.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wm_core.physics.boxes import Box, check_faces, check_nodes, check_scalar, cut, mirror_velocity
from wm_core.physics.operators import Scheme, face_divergence, face_gradient, slope_numbers


def leray(u: Tensor, box: Box, scheme: Scheme = "spectral") -> Float[Tensor, "*points"]:
    """The part of a velocity at nodes that has no divergence, as `divergence` of the same scheme measures it.

    The mean flow stays, and so does what the scheme gives no slope: a wave with two nodes to a period. Energy never grows, and projecting
    twice is projecting once. A closed box is treated as a quarter of a periodic one in which everything is mirrored.

    Args:
        u: ``(*batch, dims, *nodes)``; for a closed box with nothing flowing through the walls.
        box: the box.
        scheme: how a slope is measured.

    Raises:
        ValueError: the field does not fit the box, flows through its walls, or is not finite. No finite field that fits is refused.
    """
    check_nodes("u", u, box)
    if not box.periodic:
        return cut(remove_sources(mirror_velocity(u, box), box.mirrored, scheme), box)
    return remove_sources(u, box, scheme)


def remove_sources(u: Tensor, box: Box, scheme: Scheme = "spectral") -> Tensor:
    """The projection itself, in a periodic box: from each wave take its part along its own direction. Use `leray`, which looks at ``u`` first."""
    waves = torch.fft.rfftn(u, dim=box.axes).unbind(-box.dims - 1)
    ks = slope_numbers(box, u, scheme)
    square = sum(k * k for k in ks)
    square = torch.where(square == 0, 1, square)  # the mean and Nyquist's waves have no direction: they stay
    along = sum(k * wave for k, wave in zip(ks, waves, strict=True)) / square  # i times the potential's waves
    kept = torch.stack([wave - k * along for k, wave in zip(ks, waves, strict=True)], -box.dims - 1)
    return torch.fft.irfftn(kept, s=box.cells, dim=box.axes)


def leray_faces(faces: tuple[Tensor, ...], box: Box) -> tuple[Tensor, ...]:
    """The part of a velocity at faces that brings as much into each cell as it takes out.

    Poisson's equation on the cells is solved exactly, by a Fourier transform, or in a closed box by a cosine transform: the walls mirror
    the pressure, so that the transform of the mirrored box will do.

    Args:
        faces: one tensor per axis, ``(*batch, *faces)``.
        box: the box.

    Raises:
        ValueError: the flow does not fit the box's faces, goes through its walls, or is not finite.
    """
    phi = solve_poisson(face_divergence(check_faces("faces", faces, box), box), box)
    return tuple(flow - slope for flow, slope in zip(faces, face_gradient(phi, box), strict=True))


def solve_poisson(source: Tensor, box: Box) -> Float[Tensor, "*points"]:
    """The phi at the cells' middles, of mean 0, of which `face_divergence` of `face_gradient` is the source (less its mean).

    Raises:
        ValueError: the source ``(*batch, *cells)`` does not fit the box's cells, or is not finite.
    """
    check_scalar("source", source, Box(box.cells, box.size))  # as many middles as a periodic box has nodes
    space = box
    if not box.periodic:
        space = box.mirrored
        for dim in box.axes:
            source = torch.cat(
                [source, source.flip(dim)], dim
            )  # middles lie off the wall: each is mirrored, none twice
    wave = torch.fft.rfftn(source, dim=box.axes)
    square = 0
    for axis, (n, h) in enumerate(zip(space.cells, space.spacing, strict=True)):
        last = axis == box.dims - 1
        turn = (torch.fft.rfftfreq if last else torch.fft.fftfreq)(n, dtype=source.dtype, device=source.device)
        k = 2 * torch.sin(math.pi * turn) / h
        square = square + (k * k).view([-1 if i == axis else 1 for i in range(box.dims)])
    phi = torch.where(square == 0, 0, -wave / torch.where(square == 0, 1, square))
    phi = torch.fft.irfftn(phi, s=space.cells, dim=box.axes)
    for dim, n in zip(box.axes, box.cells, strict=True):
        phi = phi.narrow(dim, 0, n)
    return phi


class MatrixLeray(nn.Module):
    """The same projection of a flat periodic box, as products of matrices: for what has no Fourier transform, such as a browser.

    The derivative along an axis is a matrix D (antisymmetric: what rises to the right falls to the left). Waves make D squared diagonal, D² =
    -Q diag(k'²) Qᵀ, so Poisson's equation is a division between two changes of basis. Costs n³ where a transform costs n² log n.

    Args:
        box: flat and periodic.
        scheme: how a slope is measured.

    Raises:
        ValueError: the box is not flat, or not periodic.
    """

    def __init__(self, box: Box, scheme: Scheme = "spectral"):
        super().__init__()
        if box.dims != 2 or not box.periodic:
            raise ValueError(f"box: got {box.wanted()}, wanted a flat periodic one")
        square = 0
        for axis, (name, n, h) in enumerate(zip("xy", box.cells, box.spacing, strict=True)):
            line = Box((n, n), (n * h, n * h))
            k = slope_numbers(line, torch.zeros(1, dtype=torch.float64), scheme)[0][
                :, 0
            ]  # of the waves 0, 1 ... -2, -1
            place = torch.arange(n, dtype=torch.float64)
            angle = 2 * math.pi * torch.outer(place, torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)) / n
            basis = (torch.cos(angle) + torch.sin(angle)) / math.sqrt(
                n
            )  # Hartley's waves: real, of length 1, at right angles
            slope = torch.fft.ifft(
                1j * k[:, None] * torch.fft.fft(torch.eye(n, dtype=torch.float64), dim=0), dim=0
            ).real
            self.register_buffer(f"D{name}", slope.float())
            self.register_buffer(f"Q{name}", basis.float())
            square = square + (k * k).view((-1, 1) if axis == 0 else (1, -1))
        self.register_buffer("inverse", torch.where(square == 0, 0, -1 / torch.where(square == 0, 1, square)).float())

    def forward(self, u: Tensor, sign: Tensor | float = 1.0) -> tuple[Tensor, Tensor]:
        """The field less ``sign`` times grad phi, and the field's divergence: (..., 2, n, m), (..., n, m). A sign of -1 is the wrong one."""
        along_x, along_y = u[..., 0, :, :], u[..., 1, :, :]
        div = self.Dx @ along_x + along_y @ self.Dy.T
        phi = self.Qx @ ((self.Qx.T @ div @ self.Qy) * self.inverse) @ self.Qy.T
        kept = torch.stack([along_x - sign * (self.Dx @ phi), along_y - sign * (phi @ self.Dy.T)], -3)
        return kept, div
