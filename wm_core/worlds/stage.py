"""Stage: shapes that pass behind occluders and bounce off walls, seen from the side and without gravity.

A shape moves level at a constant speed, in either direction, in and out of the picture. An occluder is a flat pale bar and
hides what passes behind it. A wall is a thin striped one from top to bottom; it turns shapes back. Where both stand in one
place the wall is behind, and its ends are seen. `worlds.events` makes things happen here that cannot.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wm_core.worlds.drawing import COLOURS, HALF_WIDTH, KINDS, REACH, Look, bar, draw_hues, integers, rgb, uniform
from wm_core.worlds.film import Layer, Track, film

#: What there is in a clip of `Stage.occluded`, and how often.
SCENES = {"plain": 0.2, "occluder": 0.35, "wall": 0.15, "wall behind occluder": 0.2, "nothing moves": 0.1}


class Occluded(NamedTuple):
    """Possible clips.

    Attributes:
        frames: (n, T, 3, size, size) in [0, 1].
        scene: (n,) index into the keys of `SCENES`.
        track: what is where. One object; where it is absent, the track says where it would be.
        seen: (n, T) the share of the shape's area that is seen.
        occluder: (n, 4) left, top, right and bottom, in sides; all 0 where there is none.
        wall: (n, 4) the same.
        texture: (n, 3, waves) weights of the background.
    """

    frames: Tensor
    scene: Tensor
    track: Track
    seen: Tensor
    occluder: Tensor
    wall: Tensor
    texture: Tensor


class Script(NamedTuple):
    """What chance decides for each clip: everything but what happens in it.

    Attributes:
        kinds: (n, 2) two different kinds. Here and below the first is what is there to begin with, and the second what an
            event may put in its place; the other order is as likely.
        hues: (n, 2) of two different colours.
        heights: (n, 2) of the path in plain sight, 0.2 to 0.4 sides apart.
        level: (n,) height of the path behind an occluder, and of the occluder's middle.
        radius: (n,) of the shape, in sides.
        direction: (n,) 1 to the right, -1 to the left.
        centre: (n,) of occluder and wall.
        wide: (n,) half the occluder's width: enough to hide the broader of the two kinds whole, or before a wall the first.
        tall: (n,) half its height.
        paint: (n, 3) its colour.
        speed: (n,) in sides per frame.
        progress: (n, T) how far past the centre a shape that nothing stops is, along its direction.
        texture: (n, 3, waves) weights of the background.
    """

    kinds: Tensor
    hues: Tensor
    heights: Tensor
    level: Tensor
    radius: Tensor
    direction: Tensor
    centre: Tensor
    wide: Tensor
    tall: Tensor
    paint: Tensor
    speed: Tensor
    progress: Tensor
    texture: Tensor


@dataclass(frozen=True)
class Stage(Look):
    """The world and how it looks; see `drawing.Look` for size (here at least 24), detail, texture and detail_over.

    Attributes:
        frames: how many a clip has; at least 8.
        radii: least and greatest radius of a shape, in sides, a fifth less where there is a wall. Larger ones would not find room
            beside an occluder that hides them whole.
        travel: least and greatest way from the first to the last frame, in sides.
        thickness: of a wall, in sides.
    """

    frames: int = 16
    radii: tuple[float, float] = (2.2 / 24, 2.6 / 24)
    travel: tuple[float, float] = (0.75, 1.4)
    thickness: float = 1.5 / 24

    def occluded(
        self, n: int, generator: torch.Generator, frames: int | None = None, device: torch.device | str | None = None
    ) -> Occluded:
        """``n`` random possible clips to learn this world from, on ``device`` or else where the generator lives.

        `SCENES` says how often there is plain motion, an occluder, a wall, or a wall behind an occluder. In some clips
        nothing moves: without them an empty stage would be a sign of something impossible.
        """
        shares = torch.tensor(list(SCENES.values()), device=generator.device)
        scene = torch.multinomial(shares, n, replacement=True, generator=generator)
        script = self.script(n, generator, (scene == 2) | (scene == 3), frames, device)
        scene = scene.to(script.radius.device)
        hidden, walled = (scene == 1) | (scene >= 3), (scene == 2) | (scene == 3)
        present = (scene != 4)[:, None].expand_as(script.progress)
        track = self.track(script, hidden, walled, present)
        occluder, wall, layers = self.scenery(script, hidden, walled)
        pictures, seen = film(self, script.texture, track, generator, layers)
        return Occluded(pictures, scene, track, seen, occluder, wall, script.texture)

    def script(
        self,
        n: int,
        generator: torch.Generator,
        walled: Bool[Tensor, " n"] | None = None,
        frames: int | None = None,
        device: torch.device | str | None = None,
    ) -> Script:
        """Random draws for ``n`` clips.

        The occluder is as broad as it must be to hide the shape whole in a frame or more, also, where ``walled``, when it
        touches a wall on either side. For that to leave room, shapes are a fifth smaller there. Slow draws are made faster
        where a shape would otherwise be behind the occluder in the first or last frame.
        """
        frames = self.frames if frames is None else frames
        if frames < 8 or self.size < 24:
            raise ValueError(f"frames is {frames} and size {self.size}; wanted at least 8 and 24 to see what happens")
        kinds, colours = _two_of(len(KINDS), n, generator), _two_of(len(COLOURS), n, generator)
        radius = uniform((n,), generator, *self.radii)
        walled = torch.zeros_like(radius, dtype=torch.bool) if walled is None else walled.to(radius.device)
        radius = torch.where(walled, 0.8 * radius, radius)
        halves = radius[:, None] * torch.tensor(HALF_WIDTH, device=radius.device)[kinds]
        half = torch.where(walled, halves[:, 0], halves.amax(1))
        need = torch.where(walled, 2 * half + self.thickness / 2, half) + uniform((n,), generator, 0.8 / 24, 1.2 / 24)
        tall = REACH * radius + uniform((n,), generator, 2 / 24, 3 / 24)
        last = frames - 1
        speed = uniform((n,), generator, *self.travel) / last
        speed = speed.maximum((need + half) / (last / 2 - last / 15 - 0.5))
        wide = need + (speed / 2).clamp(min=0.6 / 24)  # so that one frame at least finds the shape behind it
        early = (wide + half) / speed + last / 15
        crossing = early + (last - 2 * early) * uniform((n,), generator)  # the frame in which it is at the centre
        middle, apart = uniform((n,), generator, 0.4, 0.6), _sign(n, generator) * uniform((n,), generator, 0.2, 0.4)
        script = Script(
            kinds=kinds,
            hues=draw_hues(colours, generator),
            heights=torch.stack([middle - apart / 2, middle + apart / 2], 1),
            level=uniform((n,), generator, 0.36, 0.64),
            radius=radius,
            direction=_sign(n, generator),
            centre=0.5 + torch.where(walled, 0.02, 0.08) * uniform((n,), generator, -1, 1),
            wide=wide,
            tall=tall,
            paint=rgb(uniform((n,), generator), saturation=0.3, value=0.8),
            speed=speed,
            progress=speed[:, None] * (torch.arange(frames, device=speed.device) - crossing[:, None]),
            texture=self.textures(n, generator),
        )
        return Script(*(each.to(device or generator.device) for each in script))

    def track(
        self,
        script: Script,
        hidden: Bool[Tensor, " n"],
        walled: Bool[Tensor, " n"],
        present: Bool[Tensor, "n time"],
        **second: Bool[Tensor, "n time"],
    ) -> Track:
        """What is where in each frame.

        Args:
            script: what chance decided.
            hidden: True where the shape is to take the path behind the occluder, and not the one in plain sight.
            walled: True where a wall turns it back.
            present: when it is there at all.
            **second: when the script's second of ``kinds``, ``hues`` or ``heights`` stands in the place of the first.
        """
        first = torch.zeros_like(present)
        kind, hue, height = (
            torch.where(second.get(name, first), getattr(script, name)[:, 1:], getattr(script, name)[:, :1])
            for name in ("kinds", "hues", "heights")
        )
        height = torch.where(hidden[:, None], script.level[:, None], height)
        half = torch.tensor(HALF_WIDTH, device=kind.device)[kind] * script.radius[:, None]
        contact = -half - self.thickness / 2
        back = walled[:, None] & (script.progress > contact)
        progress = torch.where(back, 2 * contact - script.progress, script.progress)
        position = torch.stack([script.centre[:, None] + script.direction[:, None] * progress, height], -1)
        pace = torch.where(back, -1.0, 1.0) * (script.direction * script.speed)[:, None]
        velocity = torch.stack([pace, torch.zeros_like(pace)], -1)
        radius = script.radius[:, None].expand_as(hue)
        return Track(kind, hue, radius, torch.zeros_like(hue), position, velocity, present)

    def scenery(
        self, script: Script, hidden: Bool[Tensor, " n"], walled: Bool[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n 4"], Float[Tensor, "n 4"], tuple[Layer, Layer]]:
        """The boxes of occluders and walls where they are wanted, and what they look like: the wall, then the occluder."""
        x, y, half = script.centre, script.level, self.thickness / 2
        occluder = torch.stack([x - script.wide, y - script.tall, x + script.wide, y + script.tall], 1)
        wall = torch.stack([x - half, torch.zeros_like(x), x + half, torch.ones_like(x)], 1)
        occluder, wall = occluder * hidden[:, None], wall * walled[:, None]
        stripes = 0.05 + 0.9 * ((torch.arange(self.size, device=x.device) * 12 // self.size) % 2)
        stripes = stripes[:, None].expand(len(x), 3, self.size, self.size)
        flat = script.paint[..., None, None].expand_as(stripes)
        return occluder, wall, (Layer(bar(wall, self.size), stripes), Layer(bar(occluder, self.size), flat))


def _two_of(count: int, n: int, generator: torch.Generator) -> Int[Tensor, "n 2"]:
    """Two different numbers below ``count``; every ordered pair is as likely."""
    first = integers((n,), generator, count)
    return torch.stack([first, (first + 1 + integers((n,), generator, count - 1)) % count], 1)


def _sign(n: int, generator: torch.Generator) -> Float[Tensor, " n"]:
    """1 or -1."""
    return 2.0 * integers((n,), generator, 2) - 1
