"""How Sphinx makes the reading site of the pages that tools/build_site.py lays out."""

import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

project = "Neural networks, from a straight line on"
language = "en"
root_doc = "index"
extensions = ["myst_nb", "sphinx.ext.mathjax"]

html_theme = "furo"
html_title = project
html_favicon = "static/icon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
pygments_dark_style = "a11y-dark"

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_merge_streams = True

# From the site itself: MathJax and its fonts lie in a package, and are copied from there.
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}
MATHJAX_FILES = ["tex-chtml.js", "input/tex/extensions", "output/chtml/fonts/woff-v2"]


def setup(app: Sphinx) -> None:
    """Connect what is below."""
    app.add_node(HideCodeCellNode, override=True, html=(open_folded, close_folded))
    app.connect("builder-inited", copy_mathjax)
    app.connect("html-page-context", stay_in_the_section)
    app.connect("html-page-context", level_the_captions, priority=900)  # after the theme


def open_folded(translator: HTML5Translator, node: HideCodeCellNode) -> None:
    """Begin what is folded with the one element that hints and solutions have, too."""
    translator.body.append("<details><summary>Code of the figure</summary>")


def close_folded(translator: HTML5Translator, node: HideCodeCellNode) -> None:
    """End what is folded."""
    translator.body.append("</details>")


def copy_mathjax(app: Sphinx) -> None:
    """Put MathJax into the site."""
    package = Path(str(files("sphinx-mathjax-offline"))) / "static" / "mathjax"
    for name in MATHJAX_FILES:
        source, target = package / name, app.outdir / "_static" / "mathjax" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)


def stay_in_the_section(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Let "next" and "previous" not lead from a student's page to an instructors' one."""
    _, previous, following = app.builder.relations.get(page, ("", "", ""))
    for key, other in (("prev", previous), ("next", following)):
        if other and for_instructors(page) != for_instructors(other):
            context[key] = None


def level_the_captions(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Give the captions in the sidebar, which are headings, the level that they must have."""
    tree = context["furo_navigation_tree"]
    context["furo_navigation_tree"] = tree.replace('"heading"', '"heading" aria-level="2"')


def for_instructors(page: str) -> bool:
    """Say whether a page is in the instructors' section."""
    return page.startswith(("docs/classroom", "docs/instructors/"))
