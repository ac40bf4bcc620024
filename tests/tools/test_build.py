"""The wheel that the site serves, and the browser that tests it."""

import re
import tomllib
import zipfile

import pytest

from tools import browser, build
from tools import test as make_test
from tools.paths import ROOT


@pytest.mark.slow
def test_the_wheel_holds_the_library_and_its_live_figures_and_is_built_once(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "EXTRA", tmp_path / "extra")
    monkeypatch.setattr(build, "BUILD", tmp_path)
    name = build.build_wheel()
    file = tmp_path / "extra" / "wheels" / name
    with zipfile.ZipFile(file) as wheel:
        held = {path for path in wheel.namelist() if path.startswith("wm_core/")}
        metadata = wheel.read(next(path for path in wheel.namelist() if path.endswith("METADATA"))).decode()
    sources = [path for path in (ROOT / "wm_core").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert held == {path.relative_to(ROOT).as_posix() for path in sources}
    wanted = re.findall(r"^Requires-Dist: ([\w-]+)(.*)$", metadata, flags=re.MULTILINE)
    assert {"torch", "numpy", "matplotlib", "ipywidgets", "anywidget"} <= {name for name, _ in wanted}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    floor = rf"\s*>=[\d.]+( *; extra == .({'|'.join(extras)}).)?"
    assert all(re.fullmatch(floor, version) for _, version in wanted), wanted
    stamp = file.stat().st_mtime_ns
    assert build.build_wheel() == name
    assert file.stat().st_mtime_ns == stamp
    (tmp_path / "wheel.sha256").write_text("of another library")
    build.build_wheel()
    assert file.stat().st_mtime_ns != stamp


def test_a_browser_can_be_named(tmp_path, monkeypatch):
    chosen = tmp_path / "browser"
    chosen.touch()
    monkeypatch.setenv("WM_BROWSER", str(chosen))
    assert browser.find_browser() == str(chosen)


def test_without_a_browser_ci_fails_and_says_how_to_get_one(monkeypatch, capsys):
    monkeypatch.setattr(make_test, "find_browser", lambda: None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(SystemExit, match="CI=true"):
        make_test.main()
    assert "apt install chromium" in capsys.readouterr().out
