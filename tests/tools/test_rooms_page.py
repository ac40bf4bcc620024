"""The table of Two Rooms: every arm in both kinds of layout, all seeds of an arm counted together."""

import re
import sys

import pytest

from tools.paths import ROOT
from wm_core.metrics.intervals import wilson


@pytest.fixture(scope="module")
def page():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "book" / "_ext"), *sys.path])
        import rooms_page

        yield rooms_page


def arm(name, role, seed, hits, of=10, ms=None, error=2.0, steps=None):
    found = {key: hits / of for key in ("at_end", "ever", "hit", "crossed")}
    found |= {"count": of, "error": error, "steps": steps, "detour": steps}
    return {"name": name, "role": role, "seed": seed, "alone_ms": ms, "layouts": {"random": found, "fixed": found}}


def test_seeds_are_counted_together_and_an_arm_that_never_arrives_has_no_steps(page):
    arms = [arm("stay", "floor", 0, 0), *(arm("ours", "learned", k, 7 + k, ms=10.0, steps=20.0 + k) for k in range(3))]
    text = page.table(arms, "random")
    _, low, high = (100 * value for value in wilson(24, 30))
    assert text.count(f"<td>80<small>{low:.0f} to {high:.0f}</small></td>") == 4
    assert "ours<small>30 trials</small>" in text
    assert "<td>0<small>0 to " in text
    assert "<td>21<small>20 to 22</small></td>" in text
    assert text.count("<td>–</td>") == 3  # steps, detour and milliseconds of who stays


def test_every_arm_of_the_file_is_in_the_table_once(page):
    import json

    found = json.loads(page.RESULTS.read_text())
    names = {arm["name"] for arm in found["arms"]}
    for kind in page.KINDS:
        heads = re.findall(r'<th scope="row">([^<]*)<small>', page.table(found["arms"], kind))
        assert sorted(heads) == sorted(names)
