from wm_core.lesson.sources import read, source, without_docstrings
from wm_core.lesson.tables import table


def sample(x):
    """One line."""
    # a comment stays
    return x + 1


class Sample:
    """A class.

    Over several lines.
    """

    size = 3

    def method(self):
        """Another."""
        return self.size


def test_the_docstring_goes_and_everything_else_stays():
    code, where = read(sample)
    assert code == "def sample(x):\n    # a comment stays\n    return x + 1"
    assert where.endswith("test_sources.py")


def test_a_class_keeps_its_body():
    assert read(Sample)[0] == "class Sample:\n    size = 3\n\n    def method(self):\n        return self.size"


def test_a_function_that_is_only_a_docstring_keeps_it():
    code = 'def f():\n    """All there is."""'
    assert without_docstrings(code) == code


def test_the_docstring_can_be_kept():
    assert '"""One line."""' in read(sample, docstring=True)[0]


def test_a_library_function_is_named_by_its_file(page, shown):
    source(table)
    text = shown[0]["text/markdown"]
    assert text.startswith("`wm_core/lesson/tables.py`\n\n```python\ndef table(")
    assert text.endswith("```")
