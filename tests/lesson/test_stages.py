from wm_core.lesson.stages import emit, run_dir, stage


def test_a_plain_process_is_a_script(monkeypatch):
    monkeypatch.delenv("WM_RUN_DIR", raising=False)
    assert stage() == "script"
    assert run_dir() is None


def test_a_build_is_a_page(page):
    assert stage() == "page"
    assert run_dir() == page


def test_a_kernel_is_a_notebook(monkeypatch):
    class Shell:
        kernel = object()

    monkeypatch.setattr("IPython.get_ipython", lambda: Shell())
    assert stage() == "notebook"


def test_a_script_prints_the_plain_form(capsys):
    emit("plain", html="<b>rich</b>")
    assert capsys.readouterr().out == "plain\n"


def test_a_page_shows_every_form(page, shown):
    emit("plain", html="<b>rich</b>")
    assert shown == [{"text/plain": "plain", "text/html": "<b>rich</b>"}]


def test_only_the_first_of_several_processes_speaks(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")
    emit("plain")
    assert capsys.readouterr().out == ""
