"""The real builder, on tiny lessons in temporary git repositories."""

import os
import subprocess

import build_notebooks
import nbformat
import pytest

TINY = """\
# %% [markdown]
# # Tiny

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
from ipywidgets import interact
from tqdm.auto import tqdm

# %% tags=["nbval-ignore-output"]
# About this machine
import os

print(f"≈ {os.getpid()} steps")

# %%
fig, ax = plt.subplots()
_ = ax.plot([1, 2])

# %% tags=["nbval-ignore-output"]
_ = interact(lambda k: print(k), k=(0, 9))

# %%
for _ in tqdm(range(3)):
    pass

# %%
import time

print(1, flush=True)
time.sleep(0.3)
print(2)

# %% tags=["raises-exception"]
1 / 0
"""


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """A source in a git repository, its notebook not yet built."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    source = tmp_path / "notebooks" / "sources" / "01_tiny.py"
    source.parent.mkdir(parents=True)
    source.write_text("# %%\nprint(1 + 1)\n", encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    return source


@pytest.fixture
def not_run(monkeypatch):
    """Cells are counted and not run: a kernel takes a second, and here only files matter."""

    def count(notebook, folder):
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for number, cell in enumerate(code, 1):
            cell.execution_count = number
            cell.outputs = [nbformat.v4.new_output("stream", text=f"output {number}\n")]

    monkeypatch.setattr(build_notebooks, "execute", count)
    monkeypatch.setattr(build_notebooks, "list_fonts", lambda: None)


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(source):
    git(source.parents[2], "add", "--all")
    git(source.parents[2], "commit", "--quiet", "--message", "tiny")


def make(source, *arguments):
    return build_notebooks.main([*arguments, "--sources", str(source.parent)])


def test_what_is_stored_and_a_rebuild_gives_the_same_bytes(lesson):
    lesson.write_text(TINY, encoding="utf-8")
    assert make(lesson) == 0
    path = build_notebooks.notebook_for(lesson)
    assert_clean(path.read_text(encoding="utf-8"), lesson.parents[2])
    first = path.read_bytes()
    commit(lesson)
    assert make(lesson, "1") == 0
    assert path.read_bytes() == first
    assert sorted(file.name for file in path.parent.iterdir()) == ["01_tiny.ipynb", "sources"]


def assert_clean(text, folder):
    for noise in ("widget", "model_id", "iopub", "timestamp", "Traceback", str(folder)):
        assert noise not in text.replace("ipywidgets", "")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4, 5, 6, 7]
    assert code[2].outputs[0].data["image/png"]
    assert code[3].outputs[0].data["text/plain"] == build_notebooks.WIDGET_TEXT
    assert code[4].outputs[0].data["text/plain"] == " [progress bar, 3 steps]"
    assert [output.text for output in code[5].outputs] == ["1\n2\n"]  # though sent in two pieces
    assert code[6].outputs[0].traceback == ["ZeroDivisionError: division by zero"]
    assert code[6].metadata == {"tags": ["raises-exception"]}


def test_a_new_cell_renames_no_other(lesson):
    before = build_notebooks.convert(lesson)
    lesson.write_text("# %%\nx = 0\n\n# %%\nprint(1 + 1)\n\n# %%\nprint(1 + 1)\n", encoding="utf-8")
    ids = [cell["id"] for cell in build_notebooks.convert(lesson).cells]
    assert ids[1] == before.cells[0]["id"]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [("≈ 1.5 s", "≈ 2.5 s", True), ("1 core", "2 cores", False), ("official", "stand-in", False)],
)
def test_a_cell_about_this_machine_keeps_its_times(first, second, kept):
    old, new = (machine_notebook("# About this machine\n", text) for text in (first, second))
    build_notebooks.keep_machine_outputs(new, old)
    assert new.cells[0].outputs[0].text == (first if kept else second)


def test_cells_about_this_machine_speak_of_one_run():
    words = ("≈ 1 s", "none stored"), ("≈ 2 s", "one stored")
    old, new = (nbformat.v4.new_notebook() for _ in words)
    for notebook, texts in zip((old, new), words, strict=True):
        for name, text in zip(("first", "second"), texts, strict=True):
            (cell,) = machine_notebook("# About this machine\n", text).cells
            notebook.cells.append({**cell, "id": name})
        notebook.cells = [nbformat.from_dict(cell) for cell in notebook.cells]
    build_notebooks.keep_machine_outputs(new, old)
    assert [cell.outputs[0].text for cell in new.cells] == ["≈ 2 s", "one stored"]


def test_any_other_cell_gets_its_new_numbers():
    old, new = (machine_notebook("# Result\n", text) for text in ("≈ 97 %", "≈ 98 %"))
    build_notebooks.keep_machine_outputs(new, old)
    assert new.cells[0].outputs[0].text == "≈ 98 %"


def machine_notebook(source, text):
    cell = nbformat.v4.new_code_cell(source, id="same")
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    return nbformat.v4.new_notebook(cells=[cell])


def test_an_error_names_its_cell_and_leaves_the_old_notebook(lesson, capsys):
    notebook = build_notebooks.notebook_for(lesson)
    nbformat.write(build_notebooks.convert(lesson), notebook)
    commit(lesson)
    before = notebook.read_bytes()
    lesson.write_text("# %%\n1\n\n# %% [markdown]\n# a\n\n# %%\nint('x')\n\n# %%\n3\n")
    assert make(lesson) == 1
    said = capsys.readouterr().err
    assert "01_tiny.ipynb: code cell 2: ValueError: invalid literal for int()" in said
    assert notebook.read_bytes() == before
    assert len(list(notebook.parent.iterdir())) == 2


def test_an_edited_notebook_is_not_overwritten(lesson, capsys, not_run):
    notebook = build_notebooks.notebook_for(lesson)
    make(lesson)
    commit(lesson)
    notebook.write_text(notebook.read_text().replace("print(1 + 1)", "print('mine')"))
    edited = notebook.read_bytes()
    assert make(lesson) == 1
    assert "it may hold edits of yours (M notebooks/01_tiny.ipynb)" in capsys.readouterr().err
    assert notebook.read_bytes() == edited
    assert make(lesson, "--force") == 0
    assert notebook.read_bytes() != edited


@pytest.mark.parametrize("ignored", [False, True])
def test_a_notebook_that_git_does_not_hold_is_not_overwritten(lesson, ignored, not_run):
    notebook = build_notebooks.notebook_for(lesson)
    notebook.write_text("mine")
    if ignored:
        (notebook.parent / ".gitignore").write_text("*.ipynb\n")
    assert make(lesson) == 1
    assert notebook.read_text() == "mine"


def test_without_git_nothing_is_overwritten(lesson, capsys, not_run):
    (lesson.parents[2] / ".git").rename(lesson.parents[2] / "not-git")
    assert make(lesson) == 0
    assert make(lesson) == 1
    assert "git cannot tell" in capsys.readouterr().err
    assert make(lesson, "--force") == 0


def test_a_notebook_edited_while_it_is_built_is_kept(lesson, monkeypatch, not_run):
    notebook = build_notebooks.notebook_for(lesson)
    make(lesson)
    commit(lesson)
    monkeypatch.setattr(build_notebooks, "execute", lambda *_: notebook.write_text("mine"))
    monkeypatch.setattr(build_notebooks, "keep_machine_outputs", lambda *_: None)
    monkeypatch.setattr(build_notebooks.nbformat, "read", lambda *_, **__: None)
    assert make(lesson) == 1
    assert notebook.read_text() == "mine"


def test_an_unknown_lesson_is_named(lesson, capsys, not_run):
    assert make(lesson, "07") == 1
    assert "no lesson 07; there are 01" in capsys.readouterr().err


CLAIM = """\
# %%
x = 1

# %% tags=["claim"]
# x is one
y = x
assert y == 1

# %%
print(x)
"""


def test_a_students_notebook_has_no_claims(lesson, not_run):
    lesson.write_text(CLAIM, encoding="utf-8")
    assert make(lesson) == 0
    cells = nbformat.read(build_notebooks.notebook_for(lesson), as_version=4).cells
    assert [cell.source for cell in cells] == ["x = 1", "print(x)"]
    assert [cell.execution_count for cell in cells] == [1, 2]


def test_a_claim_changes_no_byte_of_the_students_notebook(lesson, not_run):
    notebook = build_notebooks.notebook_for(lesson)
    lesson.write_text(CLAIM, encoding="utf-8")
    make(lesson)
    commit(lesson)
    with_claim = notebook.read_bytes()
    head, _, tail = CLAIM.split("# %%")[1:]
    lesson.write_text(f"# %%{head}# %%{tail}", encoding="utf-8")
    make(lesson)
    assert notebook.read_bytes() == with_claim


def test_a_cell_that_only_draws_is_stored_folded(lesson, not_run):
    lesson.write_text('# %% tags=["figure"]\nprint(1)\n\n# %%\nprint(2)\n', encoding="utf-8")
    make(lesson)
    first, second = nbformat.read(build_notebooks.notebook_for(lesson), as_version=4).cells
    assert first.metadata == {"jupyter": {"source_hidden": True}, "tags": ["figure"]}
    assert second.metadata == {}


READS = {
    "print(y)": True,
    "y = 2\nprint(y)": False,
    "def f():\n    return y": True,
    "def f(y):\n    return y": False,
    "print([y for y in range(2)])": False,
    "print(lambda: y)": True,
    "def f():\n    y = 1\n    return y": False,
}


@pytest.mark.parametrize("code", READS)
def test_a_name_that_only_a_claim_stores_is_refused_with_both_places(lesson, code, capsys):
    lesson.write_text(CLAIM.replace("print(x)", code), encoding="utf-8")
    assert make(lesson, "--check") == int(READS[code])
    if READS[code]:
        said = capsys.readouterr().err
        assert "code cell 2 reads `y`, which only the claim «x is one» stores" in said


@pytest.mark.parametrize("store", ["for y in [1]: pass", "import y", "(y := 1)", "def y(): 0"])
def test_every_way_of_storing_a_name_counts(lesson, store, capsys):
    text = CLAIM.replace("y = x", store).replace("print(x)", "print(y)")
    lesson.write_text(text, encoding="utf-8")
    assert make(lesson, "--check") == 1
    assert "reads `y`" in capsys.readouterr().err


def test_a_name_that_the_lesson_stored_before_is_the_lessons(lesson):
    text = CLAIM.replace("x = 1\n", "x = 1\ny = 5\n").replace("print(x)", "print(y)")
    lesson.write_text(text, encoding="utf-8")
    assert make(lesson, "--check") == 0


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# x is one\n", "", "its first line must be a comment"),
        ("assert y == 1\n", "", "it asserts nothing"),
    ],
)
def test_a_claim_says_a_sentence_and_can_fail(lesson, old, new, fault, capsys):
    lesson.write_text(CLAIM.replace(old, new), encoding="utf-8")
    assert make(lesson, "--check") == 1
    assert fault in capsys.readouterr().err


def test_a_sentence_is_mended_without_a_run(lesson, monkeypatch, not_run):
    lesson.write_text("# %% [markdown]\n# Two\n\n# %%\nprint(1 + 1)\n", encoding="utf-8")
    make(lesson)
    commit(lesson)
    monkeypatch.setattr(build_notebooks, "execute", lambda *_: pytest.fail("it runs"))
    lesson.write_text("# %% [markdown]\n# Three\n\n# %%\nprint(1 + 1)\n", encoding="utf-8")
    assert make(lesson, "--text") == 0
    text, code = nbformat.read(build_notebooks.notebook_for(lesson), as_version=4).cells
    assert text.source == "Three"
    assert code.outputs[0].text == "output 1\n"
    assert code.execution_count == 1


def test_changed_code_has_to_run(lesson, capsys, not_run):
    make(lesson)
    commit(lesson)
    lesson.write_text("# %%\nprint(1 + 2)\n", encoding="utf-8")
    assert make(lesson, "--text") == 1
    assert "more than text has changed" in capsys.readouterr().err
