"""The README's pictures are the notebooks' own."""

import re

import pictures
import pytest


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_is_the_one_its_notebook_holds(name):
    stored = (pictures.PROJECT / "docs" / "images" / name).read_bytes()
    assert stored == pictures.picture(*pictures.PICTURES[name]), (
        f"docs/images/{name} is stale; run: make notebooks"
    )


def test_the_readme_shows_these_pictures_and_no_others_each_with_alt_text():
    readme = (pictures.PROJECT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[([^\]]*)\]\(docs/images/([^)]+)\)", readme)
    assert {name for _, name in shown} == set(pictures.PICTURES)
    assert {path.name for path in (pictures.PROJECT / "docs" / "images").iterdir()} == set(
        pictures.PICTURES
    )
    assert all(len(alt) > 20 for alt, _ in shown)


def test_a_figure_that_is_not_there_is_named():
    with pytest.raises(LookupError, match="0 figures whose alt text begins with: No such"):
        pictures.picture("01", "No such figure")
