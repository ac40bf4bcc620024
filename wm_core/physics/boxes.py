"""A box of fluid cut into cells, and where in it numbers live.

Axis 0 of the box is x, axis 1 is y, axis 2 is z. A *field at nodes* is one tensor ``(*batch, dims, *nodes)``, component i pointing along axis
i. A periodic box of (n, m) cells has n × m nodes: the edge at the far side is the near one again. A closed box has (n + 1) × (m + 1):
both walls have nodes of their own, and nothing flows through a wall. A *field at faces* is a tuple, one tensor per axis, each number the
flow through one face between two cells; a closed box has one more face than cells along that face's axis.

That a field is not periodic cannot be seen from its numbers, since any numbers at nodes are those of some periodic field. So a box says
what it is, and shapes and walls tell: what belongs in a closed box does not fit a periodic one of as many cells, nor the other way round.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wm_core.physics.checked import finite, transformed

#: What a field may be made of: PyTorch transforms no shorter numbers on every device.
REAL = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Box:
    """Two or three sides, each cut into equal cells.

    Attributes:
        cells: along each axis.
        size: the box's sides. One number is meant for every axis; the default, a full turn, makes the slowest wave's number 1.
        periodic: what leaves at one side comes in at the other. False: free-slip walls, along which the fluid slides.

    Raises:
        ValueError: not two or three axes, fewer than two cells along one or no whole number, or a side that is not a positive number.
    """

    cells: tuple[int, ...]
    size: tuple[float, ...] | float = 2 * math.pi
    periodic: bool = True

    def __post_init__(self):
        if not isinstance(self.cells, tuple | list):
            raise ValueError(f"cells: got {self.cells!r}, wanted two or three numbers, one for each axis")
        object.__setattr__(self, "cells", tuple(self.cells))
        sides = self.size if isinstance(self.size, tuple | list) else (self.size,) * len(self.cells)
        object.__setattr__(self, "size", tuple(float(side) for side in sides))
        if len(self.cells) not in (2, 3) or len(self.size) != len(self.cells):
            raise ValueError(f"cells, size: got {self.cells} and {self.size}, wanted two or three of each")
        if not all(2 <= n < math.inf and int(n) == n for n in self.cells):
            raise ValueError(f"cells: got {self.cells}, wanted at least two along every axis, and whole ones")
        object.__setattr__(self, "cells", tuple(int(n) for n in self.cells))
        if not all(0 < side < math.inf for side in self.size):
            raise ValueError(f"size: got {self.size}, wanted positive lengths")

    @property
    def dims(self) -> int:
        """How many axes."""
        return len(self.cells)

    @property
    def spacing(self) -> tuple[float, ...]:
        """The side of a cell along each axis."""
        return tuple(side / n for side, n in zip(self.size, self.cells, strict=True))

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of the box in a tensor, from the last backwards."""
        return tuple(range(-self.dims, 0))

    @property
    def nodes(self) -> tuple[int, ...]:
        """How many nodes along each axis."""
        return self.cells if self.periodic else tuple(n + 1 for n in self.cells)

    def faces(self, axis: int) -> tuple[int, ...]:
        """How many faces that look along ``axis``, along each axis."""
        return tuple(n + (i == axis and not self.periodic) for i, n in enumerate(self.cells))

    @property
    def mirrored(self) -> "Box":
        """The periodic box of twice the size of which a closed one is a quarter (an eighth in space)."""
        return Box(tuple(2 * n for n in self.cells), tuple(2 * side for side in self.size))

    def wanted(self) -> str:
        """In words, what a box like this holds."""
        kind = "periodic" if self.periodic else "closed"
        return f"a {kind} box of {' × '.join(map(str, self.cells))} cells"


def check_scalar(name: str, s: Tensor, box: Box) -> Tensor:
    """``s`` itself, once it is known to be a scalar at the nodes of the box.

    Raises:
        ValueError: its shape is another, or it holds numbers that are not finite.
    """
    if not isinstance(s, Tensor):
        raise ValueError(f"{name}: got a {type(s).__name__}, wanted one tensor: a scalar at nodes")
    if tuple(s.shape[-box.dims :]) != box.nodes or s.dtype not in REAL or s.numel() == 0:
        raise ValueError(
            f"{name}: got {_told(s)}, wanted float32 or float64 (..., {_listed(box.nodes)}): the nodes of {box.wanted()}{_hint(s, box)}"
        )
    return finite(name, s)


def check_nodes(name: str, u: object, box: Box) -> Tensor:
    """``u`` itself, once it is known to be a velocity at the nodes of the box, with nothing flowing through its walls.

    Raises:
        ValueError: its shape is another, it holds numbers that are not finite, or it flows through a wall.
    """
    if not isinstance(u, Tensor):
        raise ValueError(
            f"{name}: got a {type(u).__name__}, wanted one tensor: a field at nodes. Fields at faces have functions of their own"
        )
    if tuple(u.shape[-box.dims - 1 :]) != (box.dims, *box.nodes) or u.dtype not in REAL or u.numel() == 0:
        raise ValueError(
            f"{name}: got {_told(u)}, wanted float32 or float64 (..., {_listed((box.dims, *box.nodes))}): a velocity at the nodes of {box.wanted()}{_hint(u, box)}"
        )
    finite(name, u)
    if not box.periodic:
        for axis in range(box.dims):
            _check_wall(name, u.select(-box.dims - 1, axis), axis, box, [u.abs().amax(-box.dims - 1)])
    return u


def check_faces(name: str, faces: object, box: Box) -> tuple[Tensor, ...]:
    """``faces`` itself, once it is known to be a velocity at the faces of the box, with nothing flowing through its walls.

    Raises:
        ValueError: it is no tuple of one tensor an axis, a shape is another, or it flows through a wall.
    """
    if not isinstance(faces, tuple | list) or len(faces) != box.dims or not all(isinstance(f, Tensor) for f in faces):
        got = f"{len(faces)} parts" if isinstance(faces, tuple | list) else f"one {type(faces).__name__}"
        raise ValueError(f"{name}: got {got}, wanted a tuple of {box.dims}: the flow through the faces along each axis")
    for axis, flow in enumerate(faces):
        if tuple(flow.shape[-box.dims :]) != box.faces(axis) or flow.dtype not in REAL or flow.numel() == 0:
            raise ValueError(
                f"{name}[{axis}]: got {_told(flow)}, wanted float32 or float64 (..., {_listed(box.faces(axis))}): the faces along axis {axis} of {box.wanted()}{_hint(flow, box)}"
            )
        finite(f"{name}[{axis}]", flow)
    if not box.periodic:
        for axis, flow in enumerate(faces):
            _check_wall(name, flow, axis, box, faces)
    return faces


def _check_wall(name: str, flow: Tensor, axis: int, box: Box, whole: Sequence[Tensor]) -> None:
    """Whether nothing goes through the two walls, but for a rounded zero: a millionth of the fastest flow of the same member of the batch."""
    if any(transformed(part) for part in (flow, *whole)):
        return
    walls = flow.movedim(axis - box.dims, -1)[..., [0, -1]].abs().amax(box.axes)
    fastest = torch.stack(torch.broadcast_tensors(*(part.abs().amax(box.axes) for part in whole))).amax(0)
    if bool((walls > 1e-6 * fastest).any()):
        raise ValueError(
            f"{name}: got a flow of {float(walls.max()):.2g} through a wall along axis {axis}, wanted 0 at the walls of {box.wanted()}; "
            "a field that need not be 0 there belongs in a periodic box, or has its walls shut first (see shut)"
        )


def shut(u: Tensor, box: Box) -> Tensor:
    """A velocity at nodes with its flow through the walls of a closed box set to zero; a periodic one as it is."""
    if box.periodic:
        return u
    parts = []
    for axis, part in enumerate(u.unbind(-box.dims - 1)):
        inside = part.narrow(axis - box.dims, 1, box.cells[axis] - 1)
        wall = torch.zeros_like(part.narrow(axis - box.dims, 0, 1))
        parts.append(torch.cat([wall, inside, wall], axis - box.dims))
    return _stacked(parts, box)


def mirror(part: Tensor, box: Box, odd_along: int | None = None) -> Tensor:
    """Continue what a closed box holds at its nodes to the mirrored box: odd along one axis, even along the others."""
    for axis in range(box.dims):
        back = part.narrow(axis - box.dims, 1, box.cells[axis] - 1).flip(axis - box.dims)
        part = torch.cat([part, -back if axis == odd_along else back], axis - box.dims)
        part = part.narrow(axis - box.dims, 0, 2 * box.cells[axis])
    return part


def mirror_velocity(u: Tensor, box: Box) -> Tensor:
    """Continue a velocity at nodes to the mirrored box: each component is odd along its own axis."""
    return _stacked([mirror(part, box, axis) for axis, part in enumerate(u.unbind(-box.dims - 1))], box)


def cut(part: Tensor, box: Box) -> Tensor:
    """The closed box's own nodes out of the mirrored one."""
    for axis, n in enumerate(box.nodes):
        part = part.narrow(axis - box.dims, 0, n)
    return part


def _stacked(parts: list[Tensor], box: Box) -> Tensor:
    return torch.stack(parts, -box.dims - 1)


def _told(x: Tensor) -> str:
    return f"{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)}"


def _listed(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _hint(x: Tensor, box: Box) -> str:
    """What a field that is one too long or too short is likely to be."""
    if x.numel() == 0:
        return "; at least one of them"
    ends = tuple(x.shape[-box.dims :])
    if box.periodic and any(got == n + 1 for got, n in zip(ends, box.cells, strict=False)):
        return "; one more along an axis belongs to a closed box, or repeats the first edge, which a periodic box holds once"
    if not box.periodic and ends == box.cells:
        return "; one fewer along an axis belongs to a periodic box"
    return ""
