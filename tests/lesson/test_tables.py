import pytest

from wm_core.lesson.tables import pretty, table


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0"), (0.123456, "0.1235"), (12.0, "12"), (1234.5678, "1235"), (123456.0, "123456"), (1.5e-5, "1.5e-05"),
     (-0.25, "-0.25"), (float("nan"), "nan"), (float("-inf"), "-inf"), (2.5e7, "2.5e+07")],
)  # fmt: skip
def test_pretty(number, text):
    assert pretty(number) == text


def test_a_page_gets_a_markdown_table(page, shown):
    table(["model", "error / px"], [["ours", 0.12345], ["theirs", (1.0, 0.5, 2.0)]])
    assert shown[0]["text/markdown"] == (
        "| model | error / px |\n| --- | ---: |\n| ours | 0.123 |\n| theirs | 1.00 (0.500 to 2.00) |"
    )


def test_a_bar_in_a_cell_does_not_end_it(page, shown):
    table(["field", "h |div u|"], [["|k| = 1", 0.5]])
    assert shown[0]["text/markdown"].splitlines() == [
        r"| field | h \|div u\| |",
        "| --- | ---: |",
        r"| \|k\| = 1 | 0.500 |",
    ]


def test_a_terminal_gets_aligned_columns(capsys):
    table(["model", "error"], [["ours", 1.0]])
    assert capsys.readouterr().out == "model  error\nours   1.00\n"


def test_a_short_row_is_refused():
    with pytest.raises(ValueError, match="got 1 cells, wanted 2"):
        table(["a", "b"], [["only one"]])
