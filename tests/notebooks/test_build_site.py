"""The site holds every lesson, and a stored notebook becomes a page on which nothing runs."""

import re

import build_site
import nbformat
import pytest
from build_notebooks import PROJECT, WIDGET_TEXT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.lessons import digit_pad

LESSON = "notebooks/02_mlp_mnist.ipynb"


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    build_site.lay_out(folder, "https://github.com/somebody/course")
    return folder


def test_every_lesson_and_document_is_a_page_in_the_contents(laid_out):
    listed = set()
    for contents in [laid_out / "index.md", laid_out / "docs" / "instructors" / "index.md"]:
        lists = re.findall(r"```{toctree}\n(.*?)```", contents.read_text(), re.DOTALL)
        assert lists, contents
        entries = [
            line for text in lists for line in text.splitlines() if line[:1] not in ("", ":")
        ]
        for entry in entries:
            name = re.sub(r".*<(.*)>", r"\1", entry)
            found = [*contents.parent.glob(f"{name}.md"), *contents.parent.glob(f"{name}.ipynb")]
            assert found, entry
            listed |= set(found)
    pages = {*laid_out.rglob("*.md"), *laid_out.rglob("*.ipynb")}
    assert listed == pages - {laid_out / "index.md"}
    names = {path.name for path in listed}
    assert names >= {path.name for path in (PROJECT / "notebooks").glob("*.ipynb")}
    assert names >= {path.name for path in (PROJECT / "docs").glob("*.md")}


def test_launch_links_stand_below_the_title_where_the_address_is_known(laid_out):
    cells = nbformat.read(laid_out / LESSON, as_version=4).cells
    assert re.findall('href="(.*?)"', cells[1].source) == [
        f"https://colab.research.google.com/github/somebody/course/blob/main/{LESSON}",
        f"https://mybinder.org/v2/gh/somebody/course/main?urlpath=lab/tree/{LESSON}",
        "https://codespaces.new/somebody/course",
    ]


@pytest.mark.parametrize("address", ["", "https://gitlab.com/somebody/course"])
def test_there_are_no_launch_links_without_an_address_that_they_know(address):
    assert build_site.launch_line(address, "02_mlp_mnist.ipynb") == ""


def for_reading(*outputs, **metadata):
    cells = [
        new_markdown_cell("# Title"),
        new_code_cell("draw()", outputs=list(outputs), **metadata),
    ]
    return build_site.for_reading(new_notebook(cells=cells)).cells[1]


def display(text, **data):
    return new_output("display_data", {"text/plain": text, **data})


def test_only_code_that_is_folded_in_the_notebook_is_folded_on_the_page():
    folded = for_reading(metadata={"jupyter": {"source_hidden": True}, "tags": ["figure"]})
    assert folded.metadata.tags == ["figure", "hide-input"]
    assert "tags" not in for_reading().metadata


def test_a_figure_keeps_its_description():
    figure = display("", **{"image/png": "iVBOR"})
    figure.metadata = {"image/png": {"alt": "A line."}}
    assert for_reading(figure).metadata.mystnb == {"image": {"alt": "A line."}}


def test_a_progress_bar_is_left_out_and_a_table_is_not():
    bar, table = (
        display("epochs: [progress bar, 5 steps]"),
        display("a | 5 %\nb | 6 %"),
    )
    assert for_reading(bar, table).outputs == [table]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (
            "It is drawn here while the cell runs.",
            "<p><em>It is drawn here while the cell runs.</em></p>",
        ),
        (WIDGET_TEXT, f"<p><em>{WIDGET_TEXT}</em></p>"),
        (digit_pad.IN_WORDS, f"<p><em>{digit_pad.IN_WORDS}</em></p>"),
    ],
)
def test_a_live_widget_becomes_its_words(stored, shown):
    (output,) = for_reading(display(stored)).outputs
    assert output.data == {"text/html": shown}
