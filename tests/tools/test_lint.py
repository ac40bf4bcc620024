"""Every rule of the lessons' form: a chapter that keeps them all, and one change for each rule that breaks it."""

import pytest

from tools.lint import faults_of, matches


def test_a_chapter_that_keeps_every_rule_has_no_fault(book):
    assert list(faults_of(book.lesson)) == []


def test_the_section_on_scale_may_stand_between_its_neighbours(book):
    assert list(faults_of(book.write(book.text.replace("# ## Exercises", "# ## At scale\n# ## Exercises")))) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# %% [markdown]\n# # A small chapter", "# %%\n1 + 1\n\n# %% [markdown]\n# # A small chapter", "1: the first cell"),
        ("# # A small", "# A small", "1: the first cell is Markdown and begins with the title"),
        ("# ## The idea\n", "", "'The idea' is missing or out of order (found 'The mathematics'"),
        ("# ## Play\n# ## The idea\n", "# ## The idea\n# ## Play\n", "'Play' is missing or out of order"),
        ("# ## Notes", "# ## Notes\n# ## Also", "'Also' is not part of a chapter's anatomy"),
        ("# ## Play", "# ## Play\n#\n# ```{note}\n# Look.\n# ```", "a MyST directive"),
        ("# ## Play", "# ## Play\n#\n# :::{note}\n# Look.\n# :::", "a MyST directive"),
        ("# ## Play", "# ## Play\n#\n# See {cite}`someone`.", "a MyST role"),
        ("# ## Play", "# ## Play\n#\n# See {py:func}`f`.", "a MyST role"),
        ("# ## Play", "# ## Play\n#\n# (here)=\n# ### Here", "a MyST target"),
        ("# ## Play", "# ## Play\n#\n# % hidden", "a MyST comment"),
        ("You will add", "You will simply add", "'simply' is not how the book speaks"),
        ("You will add two numbers.", "You will add two numbers!", "'!' is not how the book speaks"),
        ("You will add", "You will 🚀 add", "'🚀' is not how the book speaks"),
        ("![a diagram]", "![]", "has no alt text"),
        ("notation.md#", "nowhere.md#", "the link ../../book/nowhere.md#symbols leads nowhere"),
        ("fig, ax = figure()", "fig, ax = figure()\n" + "print(1)\n" * 40, "a cell of 43 lines, wanted at most 40"),
        ("fig, ax = figure()", "%matplotlib inline", "'%matplotlib inline' runs in notebooks only"),
        ("fig, ax = figure()", "!nvidia-smi", "'!nvidia-smi' runs in notebooks only"),
        ('# %% tags=["exercise"]\nagain', "# %%\nagain", "at least two exercises"),
        ('# %% tags=["solution"]\nagain', '# %% tags=["exercise"]\nagain', "at least two exercises"),
        ("again = ...", "again = answer", "the exercise has no hole"),
        ("again = answer", "more = answer", "the stub is not its solution minus the holes"),
        ('again = ...\ncheck("foundations/quickstart/keep_apart", again)', "again = ...", "the exercise has no check(...)"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named(book, old, new, fault):
    assert old in book.text
    faults = list(faults_of(book.write(book.text.replace(old, new, 1))))
    assert any(fault in found for found in faults), faults


@pytest.mark.parametrize(
    ("line", "fault"),
    [("See {cite}`someone`.", "role"), ("It is obviously so.", "speaks"), ("[x](nowhere.md)", "nowhere")],
)
def test_a_fault_is_found_at_its_line(book, line, fault):
    lesson = book.write(book.text.replace("# ## The code\n", f"# ## The code\n#\n# {line}\n"))
    (found,) = faults_of(lesson)
    assert fault in found
    assert int(found.split(":")[0]) == lesson.text.splitlines().index(f"# {line}") + 1


def test_code_and_mathematics_may_use_any_word_and_sign(book):
    inside = (
        "# ## The code\n#\n# `simply!` $n!$ https://example.org/powerful\n#\n# ```python\n# simply = 1  # wow!\n# ```\n"
    )
    assert list(faults_of(book.write(book.text.replace("# ## The code\n", inside)))) == []


@pytest.mark.parametrize(
    ("stub", "solution", "same"),
    [
        ("x = ...", "x = 1 + 1", True),
        ("x = ...\ny = ...", "x = 1\ny = 2", True),
        ("def f(x):\n    ...", "def f(x):\n    y = x\n    return y", True),
        ("x = ...", "y = 1", False),
        ("x = ...\ny = 2", "x = 1", False),
        ("x = ...", "x = ...", False),
    ],
)
def test_a_stub_is_its_solution_minus_the_holes(stub, solution, same):
    assert matches(stub, solution) is same
