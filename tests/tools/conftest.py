"""A made-up book in a folder of its own: the tools work on it as they work on the real one."""

from types import SimpleNamespace

import pytest

from tools import build, execute, lessons, notebooks, site

LESSON = """\
# %% [markdown]
# # A small chapter
#
# You will add two numbers.

# %%
from wm_core.lesson import check, claim, figure, show

fig, ax = figure()
show(fig, caption="An empty figure.", alt="Nothing.")

# %% [markdown]
# ## The question
#
# See ![a diagram](../../book/_static/diagrams/plan.svg), [the notation](../../book/notation.md#symbols) and
# [a paper](https://arxiv.org/abs/1803.10122). What is $1 + 1$?
#
# ## Play
# ## The idea
# ## The mathematics
# ## The code
# ## The experiment
# ## The evidence

# %%
claim("One and one make two", 1 + 1, "==", 2)

# %% [markdown]
# ## What breaks
# ## Exercises

# %% tags=["exercise"]
answer = ...
check("foundations/quickstart/keep_apart", answer)

# %% tags=["solution"]
answer = lambda z: (1 - (z.var(0) + 1e-4).sqrt()).relu().mean()
check("foundations/quickstart/keep_apart", answer)

# %% tags=["exercise"]
again = ...
check("foundations/quickstart/keep_apart", again)

# %% tags=["solution"]
again = answer
check("foundations/quickstart/keep_apart", again)

# %% [markdown]
# ## Notes
"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book of one lesson, ``part/small``: its folders, the lesson, and ``write(text)`` to change the lesson's text."""
    folders = {
        "ROOT": tmp_path,
        "BUILD": tmp_path / "_build",
        "HTML": tmp_path / "_build" / "html",
        "RUNS": tmp_path / "_build" / "lessons",
        "STATIC": tmp_path / "_build" / "site_static",
        "EXTRA": tmp_path / "_build" / "site_extra",
        "EVIDENCE": tmp_path / "_build" / "evidence.json",
        "TOC": tmp_path / "_toc.yml",
    }
    for module in (lessons, execute, notebooks, site, build):
        for name in folders.keys() & vars(module).keys():
            monkeypatch.setattr(module, name, folders[name])
    folders["TOC"].write_text("root: index\nparts:\n- caption: Part\n  chapters:\n  - file: lessons/part/small\n")
    for file in ("book/_static/diagrams/plan.svg", "book/notation.md"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    source = tmp_path / "lessons" / "part" / "small.py"
    source.parent.mkdir(parents=True)

    def write(text: str = LESSON) -> lessons.Lesson:
        source.write_text(text, encoding="utf-8")
        return lessons.Lesson("part/small")

    return SimpleNamespace(
        **{name.lower(): path for name, path in folders.items()}, lesson=write(), write=write, text=LESSON
    )
