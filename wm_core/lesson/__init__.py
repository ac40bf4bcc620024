"""What only lessons use: showing figures, claims, live models, source and exercises.

The same call works in three places, and `stage` tells which one it is in:

- *page*: the book's build runs the lesson and keeps what it shows (`WM_RUN_DIR` is set);
- *notebook*: a reader runs it in Jupyter or on Colab;
- *script*: ``python lessons/part/name.py``, headless.
"""

from wm_core.lesson.checks import check
from wm_core.lesson.claims import ClaimFailed, claim
from wm_core.lesson.figures import colour, figure, floor_plan, picture, show
from wm_core.lesson.live_figure import live
from wm_core.lesson.scales import checkpoint, scale, scale_name
from wm_core.lesson.sliders import explore
from wm_core.lesson.sources import source
from wm_core.lesson.stages import stage
from wm_core.lesson.tables import pretty, table

__all__ = [
    "ClaimFailed",
    "check",
    "checkpoint",
    "claim",
    "colour",
    "explore",
    "figure",
    "floor_plan",
    "live",
    "picture",
    "pretty",
    "scale",
    "scale_name",
    "show",
    "source",
    "stage",
    "table",
]
