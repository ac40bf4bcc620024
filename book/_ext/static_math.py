"""Mathematics set by MathJax when the book is built, so that a page needs no script to show an equation.

All formulas of the book go to MathJax in one Node process (book/_ext/static_math.mjs); what comes back is cached by the
set of formulas. Each equation carries its MathML for those who listen to the page.
"""

import hashlib
import json
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from tools.paths import BUILD, STATIC
from tools.vendor import NODE_MODULES, node

SCRIPT = Path(__file__).with_suffix(".mjs")
CACHE = BUILD / "math.json"
log = logging.getLogger(__name__)


def set_all(app: Sphinx, env: BuildEnvironment) -> None:
    """Typeset every formula of every page, unless none has changed since the last build."""
    wanted = set()
    for docname in env.found_docs:
        doctree = env.get_doctree(docname)
        wanted |= {(n.astext(), False) for n in doctree.findall(nodes.math)}
        wanted |= {(n.astext(), True) for n in doctree.findall(nodes.math_block)}
    formulas = [{"tex": tex, "display": display} for tex, display in sorted(wanted)]
    key = hashlib.sha256((json.dumps(formulas) + SCRIPT.read_text()).encode()).hexdigest()
    cached = json.loads(CACHE.read_text()) if CACHE.exists() else {}
    if cached.get("key") != key:
        asked = subprocess.run(
            [node(), SCRIPT, NODE_MODULES], input=json.dumps(formulas), capture_output=True, text=True, check=False
        )
        if asked.returncode:
            raise RuntimeError(f"MathJax: {asked.stderr}")
        cached = {"key": key, **json.loads(asked.stdout)}
        CACHE.write_text(json.dumps(cached))
    for fault in cached["faults"]:
        log.warning("formula: %s", fault)
    app.wm_math = {(f["tex"], f["display"]): html for f, html in zip(formulas, cached["html"], strict=True)}
    STATIC.mkdir(parents=True, exist_ok=True)
    (STATIC / "mathjax.css").write_text(cached["css"])


def visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(self.builder.app.wm_math[node.astext(), False])
    raise nodes.SkipNode


def visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math-block">{self.builder.app.wm_math[node.astext(), True]}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    app.add_html_math_renderer("static", (visit_inline, None), (visit_block, None))
    app.connect("env-updated", set_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
