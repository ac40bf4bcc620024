"""Eddies in a flat periodic box: an incompressible fluid with a little viscosity, whose true motion is known to many digits.

The state is the velocity at the nodes, ``(*batch, 2, n, n)``, component 0 along axis 0. The box has the side 2π and the fluid the density 1.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Velocity = Float[Tensor, "*batch 2 n n"]


@dataclass(frozen=True)
class Vortices:
    """The Navier-Stokes equations in two dimensions, for the vorticity, by waves and Runge-Kutta steps.

    Attributes:
        n: nodes along a side.
        viscosity: how fast differences of velocity even out.
        h: a step, in units of time in which the fluid goes a length of about 1.
    """

    n: int = 32
    viscosity: float = 0.005
    h: float = 0.05

    def starts(self, count: int, generator: torch.Generator, waves: float = 3.0) -> Velocity:
        """Flows at random, of root mean square speed 1, most of whose energy is in waves about ``waves`` to a side."""
        noise = torch.fft.rfft2(torch.randn(count, self.n, self.n, generator=generator, dtype=torch.float64))
        square = self._waves(noise.device)[2]
        stream = noise * torch.exp(-square / waves**2)
        u = self._velocity(stream * square)
        return u / u.square().sum(1, keepdim=True).mean((2, 3), keepdim=True).sqrt()

    def step(self, u: Velocity, steps: int = 1) -> Velocity:
        """The velocity ``steps`` steps of h later. What the field has of sources and of mean flow is lost: this world has neither."""
        kx, ky, square = self._waves(u.device)
        waves = torch.fft.rfft2(u.double())
        spin = 1j * kx * waves[..., 1, :, :] - 1j * ky * waves[..., 0, :, :]
        kept = (kx.abs() < self.n / 3) & (
            ky < self.n / 3
        )  # products of longer waves would be mistaken for shorter ones

        def slope(spin: Tensor) -> Tensor:
            u = self._velocity(spin)
            carried = torch.fft.rfft2(u * torch.fft.irfft2(spin, s=(self.n, self.n))[..., None, :, :])
            return (
                kept * (-1j * kx * carried[..., 0, :, :] - 1j * ky * carried[..., 1, :, :])
                - self.viscosity * square * spin
            )

        for _ in range(steps):
            k1 = slope(spin)
            k2 = slope(spin + self.h / 2 * k1)
            k3 = slope(spin + self.h / 2 * k2)
            k4 = slope(spin + self.h * k3)
            spin = spin + self.h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return self._velocity(spin).to(u.dtype)

    def film(self, u: Velocity, frames: int, every: int = 1) -> Float[Tensor, "frames *batch 2 n n"]:
        """The start and ``frames`` - 1 further velocities, ``every`` steps apart."""
        seen = [u]
        for _ in range(frames - 1):
            seen.append(u := self.step(u, every))
        return torch.stack(seen)

    def _waves(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        k = torch.fft.fftfreq(self.n, 1 / self.n, dtype=torch.float64, device=device)
        k = torch.where(k.abs() == self.n / 2, 0, k)
        kx, ky = k[:, None], k[: self.n // 2 + 1][None].abs()
        return kx, ky, kx * kx + ky * ky

    def _velocity(self, spin: Tensor) -> Tensor:
        kx, ky, square = self._waves(spin.device)
        stream = torch.where(square == 0, 0, spin / torch.where(square == 0, 1, square))
        return torch.fft.irfft2(torch.stack([1j * ky * stream, -1j * kx * stream], -3), s=(self.n, self.n))
