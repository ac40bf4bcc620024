"""Where everything is, said once."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
HTML = BUILD / "html"
RUNS = BUILD / "lessons"  # one folder a lesson: what its run left behind
STATIC = BUILD / "site_static"  # becomes _static/ of the site, beside book/_static
EXTRA = BUILD / "site_extra"  # becomes the root of the site: notebooks/, wheels/
EVIDENCE = BUILD / "evidence.json"
TOC = ROOT / "_toc.yml"
