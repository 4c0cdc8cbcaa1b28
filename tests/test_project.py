"""What must hold of the project as a whole: dependencies, files, the shape of the helpers."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {
    "jupyter-client": "jupyter_client",
    "matplotlib": "matplotlib-base",
    "torch": "pytorch",
}
MOST_FILE_LINES, MOST_FUNCTION_LINES = 150, 20

# In two halves, so that this file does not name what it looks for.
REGISTRIES = [
    "py" + "pi.org",
    "files.python" + "hosted.org",
    "conda." + "anaconda.org",
    "registry." + "npmjs.org",
    "deb." + "debian.org",
]
MACHINE_PATHS = ["/wo" + "rk/", "/ro" + "ot/", "/tmp/ba" + "sh", "/ho" + "me/"]

HELPERS = sorted((ROOT / "course_utils").rglob("*.py"))
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in HELPERS
]


def relative(path):
    return str(path.relative_to(ROOT))


@cache
def lock():
    """Return the lock file's requirements, each with its hashes."""
    text = (ROOT / "requirements.txt").read_text(encoding="ascii").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    parts = [re.split(r"\s+--hash=", line) for line in lines]
    return [(Requirement(first.strip()), hashes) for first, *hashes in parts]


def wanted():
    return [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]


@pytest.mark.parametrize("line", wanted())
def test_the_lock_file_satisfies_every_dependency(line):
    need = Requirement(line)
    pins = [pin for pin, _ in lock() if pin.name == need.name]
    assert pins, f"{need.name} is not locked: make lock"
    for pin in pins:
        (version,) = [spec.version for spec in pin.specifier if spec.operator == "=="]
        assert need.specifier.contains(version), f"{pin} against {need}: make lock"


def test_everything_locked_has_hashes():
    for pin, hashes in lock():
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value.strip()) for value in hashes), pin


def test_the_lock_file_holds_no_url_host_path_or_option():
    text = (ROOT / "requirements.txt").read_text(encoding="ascii")
    assert "://" not in text
    assert " @ " not in text
    assert not re.search(r"(^|\s)[.~]?/", text)
    assert set(re.findall(r"(?<!\S)--?[a-z-]+", text)) == {"--hash"}


def test_every_dependency_has_a_lower_bound_and_no_upper_one():
    for line in wanted():
        assert [spec.operator for spec in Requirement(line).specifier] == [">="], line


@cache
def environment():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def test_environment_holds_the_same_packages_and_bounds():
    listed = {line for line in environment()["dependencies"] if isinstance(line, str)}
    needs = [Requirement(line) for line in PROJECT["dependencies"]]
    same = {f"{CONDA_NAMES.get(need.name, need.name)}{need.specifier}" for need in needs}
    build = {line for line in wanted() if line.startswith("setuptools")}
    assert listed == same | build | {f"python{PROJECT['requires-python']}", "pip"}


def test_environment_is_conda_forge_and_installs_the_course():
    assert environment()["channels"] == ["conda-forge"]
    assert environment()["dependencies"][-1] == {"pip": ["-e ."]}


@cache
def project_files():
    """Return the files that git holds or would hold."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"]
    try:
        done = subprocess.run(
            [*command, "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository: which files belong to the project is not known")
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("needle", REGISTRIES + MACHINE_PATHS)
def test_no_file_names_a_registry_or_a_path_of_a_machine(needle):
    found = [relative(path) for path in project_files() if needle.encode() in path.read_bytes()]
    assert not found


def test_every_notebook_has_a_source_and_the_reverse():
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert notebooks == {path.stem for path in (ROOT / "notebooks" / "sources").glob("*.py")}


def test_nothing_that_is_made_is_held():
    for path in project_files():
        inside = path.relative_to(ROOT).parts[0]
        assert inside not in {"data", "results", ".venv"}, relative(path)
        assert path.stat().st_size < 2_000_000, relative(path)


def test_the_readme_names_only_commands_that_exist():
    readme = ROOT / "README.md"
    texts = [path.read_text(encoding="utf-8") for path in (readme, ROOT / "CONTRIBUTING.md")]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:`|^|\$ )make ([a-z][a-z-]*)", "\n".join(texts), re.MULTILINE))
    assert {"lab", "test"} <= named
    assert named <= targets


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_to_files_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("path", HELPERS, ids=relative)
def test_a_helper_is_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_FILE_LINES
    long = [
        (f.name, n) for f in functions(text) if (n := code_lines(f, text)) > MOST_FUNCTION_LINES
    ]
    assert not long


def functions(text):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]


def code_lines(function, text):
    """Count a function's lines without its docstring, blank lines and comments."""
    lines = set(range(function.lineno, function.end_lineno + 1))
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= set(range(docstring.lineno, docstring.end_lineno + 1))
    shown = [text.splitlines()[line - 1].strip() for line in lines]
    return sum(bool(line) and not line.startswith("#") for line in shown)


@pytest.mark.parametrize("path", HELPERS, ids=relative)
def test_a_helper_is_documented_and_typed(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    for function in functions(path.read_text(encoding="utf-8")):
        arguments = function.args
        everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        bare = [a.arg for a in everything if a.annotation is None and a.arg not in {"self", "cls"}]
        assert not bare, f"{function.name}: {bare}"
        assert function.returns is not None, function.name


@cache
def imported_by_tests():
    """Return the modules of the course that the tests import, and the lessons with mistakes."""
    found = {f"course_utils.checks.lesson_{f.stem[-2:]}" for f in ROOT.glob("tests/mistakes_*.py")}
    for path in (ROOT / "tests").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", HELPERS, ids=relative)
def test_a_helper_is_imported_by_a_test(path):
    """By its own name, or through the module or package that it is a part of."""
    if functions(path.read_text(encoding="utf-8")):
        module = MODULES[HELPERS.index(path)]
        family = module.rpartition("_")[0] if "_" in path.stem.strip("_") else module
        package = module.rpartition(".")[0]
        names = {module, family, package} - {"course_utils", "course_utils.checks"}
        assert names & imported_by_tests()


IMPORT = """
import contextlib, importlib, io, random, sys
import matplotlib.pyplot as plt, numpy as np, torch

def state():
    shape, keys, *rest = np.random.get_state()
    return (random.getstate(), keys.tolist(), rest, torch.initial_seed(),
            torch.get_rng_state().tolist(), torch.get_num_threads(), torch.get_default_dtype(),
            torch.is_grad_enabled(), dict(plt.rcParams), plt.get_fignums())

for module in sys.argv[1:]:
    before, said = state(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        importlib.import_module(module)
    assert not said.getvalue(), f"{module} prints when it is imported"
    assert state() == before, f"{module} changes something when it is imported"
print("quiet", len(sys.argv) - 1)
"""


def test_importing_the_helpers_does_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", IMPORT, *MODULES],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"quiet {len(MODULES)}\n", done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "path",
    [*(ROOT / "notebooks" / "sources").glob("*.py"), *HELPERS],
    ids=lambda path: path.stem,
)
def test_what_is_loaded_can_hold_no_code(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            assert "weights_only=True" in map(ast.unparse, node.keywords), ast.unparse(node)
