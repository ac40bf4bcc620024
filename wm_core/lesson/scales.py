"""One dial for scale: the same lesson on a laptop's CPU, on a GPU, and at full length."""

import os
from pathlib import Path
from typing import Literal, TypeVar

ScaleName = Literal["tiny", "gpu", "full"]
NAMES: tuple[ScaleName, ...] = ("tiny", "gpu", "full")
Choice = TypeVar("Choice")


def scale_name() -> ScaleName:
    """The scale of this run: ``WM_SCALE`` if it is set, else ``gpu`` where CUDA is there, else ``tiny``.

    Raises:
        ValueError: ``WM_SCALE`` is none of the three names.
    """
    asked = os.environ.get("WM_SCALE")
    if asked is None:
        import torch

        return "gpu" if torch.cuda.is_available() else "tiny"
    if asked not in NAMES:
        raise ValueError(f"WM_SCALE: got {asked!r}, wanted one of {', '.join(NAMES)}")
    return asked


def scale(*, tiny: Choice, gpu: Choice | None = None, full: Choice | None = None) -> Choice:
    """Pick the settings for this run's scale; a scale that is left out falls back to the one below it.

    Args:
        tiny: what a CPU can do within the lesson's minute. CI and the site use it.
        gpu: what to do when CUDA is there.
        full: what ``WM_SCALE=full`` does, usually to make a published artefact.

    Example:
        >>> settings = scale(tiny=dict(steps=400), full=dict(steps=20_000))
    """
    choices = {"tiny": tiny, "gpu": gpu, "full": full}
    up_to_here = NAMES[: NAMES.index(scale_name()) + 1]
    return next(choices[name] for name in reversed(up_to_here) if choices[name] is not None)


def checkpoint(name: str) -> Path | None:
    """Where a training of this lesson keeps its checkpoint, or None where it is short enough to start over.

    At full scale that is ``_build/checkpoints`` below the current folder, so that a run that was stopped goes on;
    ``WM_CHECKPOINTS`` names another folder, at any scale.
    """
    folder = os.environ.get("WM_CHECKPOINTS")
    if folder is None and scale_name() != "full":
        return None
    return Path(folder or "_build/checkpoints") / f"{name.replace(' ', '-')}.pt"
