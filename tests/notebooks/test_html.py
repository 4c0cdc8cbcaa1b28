"""The export to web pages folds what JupyterLab folds."""

import nbformat
from build_notebooks import PROJECT
from nbconvert import HTMLExporter


def test_code_that_only_draws_is_folded_and_other_code_is_not():
    cells = [
        nbformat.v4.new_code_cell("draw()", metadata={"jupyter": {"source_hidden": True}}),
        nbformat.v4.new_code_cell("teach()"),
    ]
    exporter = HTMLExporter(
        template_name="course", extra_template_basedirs=[str(PROJECT / "tools" / "templates")]
    )
    page, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    folded = page.split("<details><summary>Code of the figure</summary>")
    assert len(folded) == 2
    assert "draw" in folded[1].split("</details>")[0]
    assert "teach" in folded[1].split("</details>")[1]
