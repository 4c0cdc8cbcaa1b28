"""What must hold of every lesson, as it is written and as it is stored, without running it."""

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
from build_notebooks import MACHINE_COMMENT, convert, find_sources, notebook_for
from figure_border import is_cut_off

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SOURCES = {source.name[:2]: source for source in find_sources(NOTEBOOKS / "sources", [])}
TAGS = {"figure", "nbval-ignore-output", "raises-exception"}
TIMESTAMP = re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d")
MACHINE_PATH = re.compile(r"/(home|root|tmp|Users|site-packages|var/folders)/|\b[A-Z]:\\")
SHORTEST_ALT = 25

pytestmark = pytest.mark.parametrize("lesson", SOURCES)


@cache
def stored_notebook(lesson):
    path = notebook_for(SOURCES[lesson])
    assert path.exists(), f"{path.name} was never built: make notebooks NB={lesson}"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


@cache
def source_notebook(lesson):
    return convert(SOURCES[lesson])


@pytest.fixture
def notebook(lesson):
    return stored_notebook(lesson)


@pytest.fixture
def code(lesson):
    """Return the code cells as they are stored, with their outputs."""
    return [cell for cell in stored_notebook(lesson).cells if cell.cell_type == "code"]


@pytest.fixture
def written(lesson):
    """Return the code cells as the source has them: what a test of the text looks at."""
    return [cell for cell in source_notebook(lesson).cells if cell.cell_type == "code"]


@pytest.fixture
def text(lesson):
    cells = source_notebook(lesson).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def outputs(cells):
    return [output for cell in cells for output in cell.outputs]


def test_source_and_notebook_have_not_drifted(lesson, notebook):
    fresh = source_notebook(lesson)
    stored = [(cell.cell_type, cell.source, cell.metadata, cell["id"]) for cell in notebook.cells]
    wanted = [(cell.cell_type, cell.source, cell.metadata, cell["id"]) for cell in fresh.cells]
    pairs = zip(stored, wanted, strict=False)
    first = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(stored), len(wanted)))
    assert stored == wanted, f"cell {first + 1} differs: make notebooks NB={lesson}"
    assert notebook.metadata == fresh.metadata


def test_it_was_executed_from_top_to_bottom(code):
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(1, len(code) + 1))


def test_errors_are_stored_only_where_they_are_meant(code):
    for cell in code:
        failed = any(output.output_type == "error" for output in outputs([cell]))
        assert failed == ("raises-exception" in cell.metadata.get("tags", [])), cell.source


def test_tags(written):
    for cell in written:
        assert set(cell.metadata.get("tags", [])) <= TAGS, cell.source


def test_outputs_are_ignored_only_for_widgets_and_for_this_machine(written):
    for cell in written:
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            # The one form in which the browser test finds the sliders and moves them.
            widget = re.search(r"^_ = interact\(", cell.source, re.MULTILINE)
            assert widget or cell.source.startswith(MACHINE_COMMENT), (
                f"a cell whose output is not compared draws a widget or begins with "
                f"'{MACHINE_COMMENT}':\n{cell.source}"
            )


def test_a_cell_about_this_machine_is_not_compared(written):
    for cell in written:
        if cell.source.startswith(MACHINE_COMMENT):
            assert "nbval-ignore-output" in cell.metadata.get("tags", []), cell.source


def test_outputs_hold_no_widget_state_no_time_and_no_path_of_a_machine(notebook, code):
    assert "widgets" not in notebook.metadata
    for output in outputs(code):
        data = output.get("data", {})
        assert not [kind for kind in data if "widget" in kind]
        plain = {kind: value for kind, value in data.items() if not kind.startswith("image/")}
        shown = re.sub(r"base64,[A-Za-z0-9+/=]+", "", repr({**output, "data": plain}))
        assert not TIMESTAMP.search(shown), shown
        assert not MACHINE_PATH.search(shown), shown


def test_nothing_to_read_is_folded_away(code):
    for cell in code:
        if "figure" in cell.metadata.get("tags", []):
            assert cell.metadata["jupyter"] == {"source_hidden": True}
            kinds = {output.output_type for output in cell.outputs}
            assert kinds <= {"display_data"}, f"a folded cell prints:\n{cell.source}"


def test_every_figure_can_be_read_aloud(code):
    for output in outputs(code):
        if "image/png" in output.get("data", {}):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            assert len(alt) >= SHORTEST_ALT, f"alt text is missing or too short: {alt!r}"
            assert not re.match(r"(figure|plot|image|picture|graph)\s*\d*\.?$", alt, re.IGNORECASE)
            assert output.data["text/plain"] == alt


def test_no_figure_is_cut_off(code):
    for output in outputs(code):
        if "image/png" in output.get("data", {}):
            assert not is_cut_off(output.data["image/png"]), output.data["text/plain"]


def test_the_first_cell_says_where_figures_go(written):
    assert written[0].source.startswith("%matplotlib inline")


def test_nothing_in_the_code_that_nbval_does_not_understand(written):
    for cell in written:
        assert not re.search(r";\s*$", cell.source, re.MULTILINE), cell.source
        assert "clear_output" not in cell.source, cell.source
        assert "nbval" not in cell.source.lower(), "use a tag, not a comment"


def test_folded_blocks_are_closed_and_render(text):
    assert text.count("<details>") == text.count("</details>")
    assert not re.search(r"</summary>(?!\n\n)", text), "a blank line must follow a summary"


def test_stored_exercises_are_not_attempted(code):
    for cell in code:
        last = cell.source.splitlines()[-1]
        if last.startswith("checks."):
            shown = "".join(output.get("text", "") for output in cell.outputs)
            assert "not attempted yet" in shown, cell.source
