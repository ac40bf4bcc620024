"""Events: pairs of clips that begin in the same way, of which one goes on as the world does and the other does not.

This is the method of violated expectation. Up to one frame the two clips are the same, pixel for pixel and noise and all;
a model that knows the world should be surprised by one of them from there on. No single frame may give it away. So what
comes out from behind an occluder is drawn as evenly as what went in, and a picture of the impossible clip is a picture of
some possible one. The world is that of `worlds.stage`.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from wm_core.worlds.film import Track, film
from wm_core.worlds.stage import Script, Stage

#: What can happen in an impossible clip; `pairs` says what each is.
EVENTS = ("vanish", "appear", "shape", "colour", "pass_through", "teleport")


class Pairs(NamedTuple):
    """Possible clips, each with an impossible one that begins in the same way.

    Attributes:
        possible: (n, T, 3, size, size) in [0, 1].
        impossible: (n, T, 3, size, size), equal to ``possible`` before the frame ``event``.
        event: (n,) the first frame in which the two differ, be it by a sliver.
        possible_track: what is where in the possible clip. One object; where it is absent, the track says where it would be.
        impossible_track: the same of the impossible clip.
        possible_seen: (n, T) the share of the shape's area that is seen.
        impossible_seen: (n, T).
        occluder: (n, 4) left, top, right and bottom, in sides; all 0 where there is none.
        wall: (n, 4) the same.
        texture: (n, 3, waves) weights of the background.
    """

    possible: Tensor
    impossible: Tensor
    event: Tensor
    possible_track: Track
    impossible_track: Track
    possible_seen: Tensor
    impossible_seen: Tensor
    occluder: Tensor
    wall: Tensor
    texture: Tensor


def pairs(
    stage: Stage,
    n: int,
    generator: torch.Generator,
    event: str,
    frames: int | None = None,
    device: torch.device | str | None = None,
) -> Pairs:
    """``n`` random pairs with one kind of event, on ``device`` or else where the generator lives.

    Args:
        stage: the world and how it looks.
        n: how many.
        generator: where everything is drawn from.
        event: one of `EVENTS`.

            - "vanish": a shape goes behind the occluder and does not come out.
            - "appear": nothing goes behind the occluder, and a shape comes out. In the possible clip nothing does.
            - "shape": what comes out is of another kind.
            - "colour": it has another colour.
            - "pass_through": behind the occluder stands a wall, whose ends are seen above and below. The shape comes out on
              the far side. In the possible clip it comes back.
            - "teleport": in plain sight, without an occluder, the shape is suddenly at another height, and goes on there.
        frames: how many a clip has, if not as many as the world says.
        device: where the pairs are wanted.
    """
    if event not in EVENTS:
        raise ValueError(f"event is {event!r}; wanted one of {', '.join(EVENTS)}")
    walled = torch.full((n,), event == "pass_through")
    script = stage.script(n, generator, walled, frames, device)
    usual, unusual = two_ways(script, event)
    tracks = stage.track(script, **usual), stage.track(script, **(usual | unusual))
    occluder, wall, layers = stage.scenery(script, usual["hidden"], usual["walled"])
    noise = generator.get_state()
    possible, possible_seen = film(stage, script.texture, tracks[0], generator, layers)
    generator.set_state(noise)
    impossible, impossible_seen = film(stage, script.texture, tracks[1], generator, layers)
    first = (possible != impossible).flatten(2).any(2).int().argmax(1)
    return Pairs(possible, impossible, first, *tracks, possible_seen, impossible_seen, occluder, wall, script.texture)


def two_ways(script: Script, event: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What `Stage.track` is told of the possible clips, and what an impossible one is told in its place.

    Args:
        script: of the clips.
        event: one of `EVENTS`; any other is nothing unusual.
    """
    past = script.progress > 0  # from here on the two may differ; behind an occluder it is seen a little later
    walled = torch.full_like(past[:, 0], event == "pass_through")
    hidden, present = torch.full_like(walled, event != "teleport"), torch.full_like(past, event != "appear")
    usual = {"hidden": hidden, "walled": walled, "present": present}
    unusual = {
        "vanish": {"present": ~past},
        "appear": {"present": past},
        "shape": {"kinds": past},
        "colour": {"hues": past},
        "pass_through": {"walled": ~walled},
        "teleport": {"heights": past},
    }
    return usual, unusual.get(event, {})
