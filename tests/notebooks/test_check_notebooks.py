"""The superset of a tiny lesson, under the real nbval: which cells turn red, and which do not.

In the same run: a notebook whose outputs differ from the stored ones, as the course allows or not.
"""

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import build_notebooks
import check_notebooks
import nbformat
import pytest

LESSON = """\
# %% [markdown]
# # Tiny

# %%
import torch

x = torch.ones(3)
_ = torch.manual_seed(0)

# %% tags=["claim"]
# the sum is three
y = torch.rand(3)
assert x.sum() == 3

# %% tags=["claim"]
# the sum is four
assert x.sum() == 4

# %% tags=["claim"]
# it changes the lesson
x.add_(1).sub_(1)
assert True

# %% tags=["claim"]
# it prints
print(len(x))
assert True

# %%
print(torch.rand(1))

# %%
print(x.mean())

# %%
print(len(x))
"""
# The cells of the superset in order, whether each passes, and what a red one says.
CELLS = {
    "the magic": (True, ""),
    "a cell as it is stored": (True, ""),
    "a true claim": (True, ""),
    "a false claim": (False, "no longer true: the sum is four"),
    "a claim that changes the lesson": (False, "deepcopy"),
    "a claim that prints": (False, "unexpected output"),
    "a random number after a claim that drew some": (True, ""),
    "an output that is not as stored": (False, "mismatch"),
    "a cell below": (True, ""),
}

INFERENCE = "Inference tensors cannot be saved for backward."
# What is stored, what the cell prints now, and whether that passes: nbval_sanitize.cfg says it.
OUTPUTS = {
    "same": ("accuracy ≈ 98.2 %", "accuracy ≈ 98.2 %", True),
    "folded": ("accuracy ≈ 98.2 % on 10,000", "accuracy ≈ 97.1 % on 10,000", True),
    "aligned": ("≈  9.81", "≈ 10.02", True),
    "signed": ("slope ≈ -1.2e-07", "slope ≈ 3.1e+02", True),
    "word": ("accuracy ≈ 98.2 % good", "accuracy ≈ 98.2 % bad", False),
    "exact": ("loss 0.1256", "loss 0.1257", False),
    "unit": ("≈ 3 ms", "≈ 3 s", False),
    "nan": ("loss ≈ 0.3", "loss ≈ nan", False),
    "missing": ("loss ≈ 0.3", "loss 0.3", False),
    "advice": (f"{INFERENCE} Please do not.", f"{INFERENCE} You can clone.", True),
    "bar": ("all: [progress bar, 3 steps]", "all:   0%|          | 0/3 [00:00<?, ?it/s]", True),
    "longer bar": (" [progress bar, 3 steps]", "  0%|          | 0/4 [00:00<?, ?it/s]", False),
    "live text": ("It comes here.", "HTML(value='<em>It comes here.</em>')", True),
    "other error": (f"{INFERENCE} Please do not.", "Tensors are missing. Please do not.", False),
}


def run_here(notebook, folder):
    """Run the cells without a kernel, which takes seconds; nbval's run has a real one."""
    space = {}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(cell.source, space)
        cell.execution_count = number
        cell.outputs = stream(printed.getvalue())


def stream(text):
    return [nbformat.v4.new_output("stream", text=text)] if text else []


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A built lesson; afterwards a bug is planted in a cell, whose output stays the stored one."""
    path = tmp_path_factory.mktemp("course") / "notebooks" / "sources" / "01_tiny.py"
    path.parent.mkdir(parents=True)
    path.write_text(LESSON, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_notebooks, "execute", run_here)
        patch.setattr(build_notebooks, "list_fonts", lambda: None)
        assert build_notebooks.main(["--force", "--sources", str(path.parent)]) == 0
    notebook = build_notebooks.notebook_for(path)
    for file in (path, notebook):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("x.mean()", "2 * x.mean()"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def outcome(source):
    folder = source.parents[2] / "claims"
    paths = [*check_notebooks.write_supersets(folder, [source]), folder / "outputs.ipynb"]
    cells = [
        nbformat.v4.new_code_cell(
            f"print({given!r})", execution_count=1, outputs=stream(old + "\n")
        )
        for old, given, _ in OUTPUTS.values()
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), paths[-1])
    settings = folder / "pytest.ini"
    settings.touch()
    # A kernel alone takes about 50 MB, and several times that with PyTorch.
    command = [sys.executable, "-m", "pytest", *check_notebooks.NBVAL, "--most-megabytes=150"]
    done = subprocess.run(
        [*command, *paths, "-v", "-c", settings],
        cwd=folder,
        env=check_notebooks.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_is_green_or_red_as_it_should_be(outcome, cell):
    passes, says = CELLS[cell]
    number = list(CELLS).index(cell)
    assert f"01_tiny::ipynb::Cell {number} {'PASSED' if passes else 'FAILED'}" in outcome, outcome
    assert says in outcome.lower()


@pytest.mark.parametrize("case", OUTPUTS)
def test_only_numbers_behind_the_sign_may_differ(outcome, case):
    passes = OUTPUTS[case][2]
    number = list(OUTPUTS).index(case)
    assert f"outputs::ipynb::Cell {number} {'PASSED' if passes else 'FAILED'}" in outcome, outcome


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell")
def test_memory_of_each_notebook_is_measured(outcome):
    told = {line.split()[0]: line for line in outcome.splitlines() if line.endswith(" MB")}
    assert [name for name in told if "FAILED: more than 150 MB" in told[name]] == ["01_tiny.ipynb"]
    assert "outputs.ipynb" in told


def test_the_sanitize_file_is_ascii_and_no_rule_has_an_empty_replacement():
    text = (check_notebooks.TOOLS / "nbval_sanitize.cfg").read_text(encoding="ascii")
    rules = [line.split(": ", 1) for line in text.splitlines() if line.startswith("re")]
    assert [rule[0] for rule in rules] == ["regex", "replace"] * (len(rules) // 2)
    assert all(rule[1].strip() for rule in rules)


def test_what_is_stored_in_the_place_of_a_widget_is_compared_in_the_same_way():
    text = (check_notebooks.TOOLS / "nbval_sanitize.cfg").read_text(encoding="ascii")
    for live, still in build_notebooks.STILL.items():
        assert f"regex: {live}\nreplace: {still}\n" in text


def test_a_notebook_that_is_not_its_source_is_refused(source):
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("torch.rand(1)", "torch.rand(2)"), encoding="utf-8")
    try:
        with pytest.raises(build_notebooks.BuildError, match="cell 3 is not what its source says"):
            check_notebooks.superset(source)
    finally:
        source.write_text(text, encoding="utf-8")


def test_a_notebook_that_was_never_built_is_refused(tmp_path):
    source = tmp_path / "notebooks" / "sources" / "01_tiny.py"
    source.parent.mkdir(parents=True)
    source.write_text(LESSON, encoding="utf-8")
    with pytest.raises(build_notebooks.BuildError, match="never built: make notebooks NB=01"):
        check_notebooks.superset(source)


def test_a_kernel_gets_the_projects_environment_and_the_cpu(monkeypatch):
    foreign = {"MPLBACKEND", "OMP_NUM_THREADS", "PYTHONOPTIMIZE", "MATPLOTLIBRC", "JUPYTER_PATH"}
    for name in foreign | {"PYTHONPATH", "COURSE_DEVICE"}:
        monkeypatch.setenv(name, "foreign")
    env = check_notebooks.environment()
    assert env["PYTHONPATH"] == str(check_notebooks.TOOLS)
    assert env["COURSE_DEVICE"] == "cpu"
    assert not env.keys() & foreign
    build = build_notebooks.PROJECT / "build"
    for name in ("MPLCONFIGDIR", "IPYTHONDIR", "JUPYTER_DATA_DIR"):
        assert Path(env[name]).is_relative_to(build)
