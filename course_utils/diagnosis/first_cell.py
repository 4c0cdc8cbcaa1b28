"""Do what a lesson's first cell does, step by step, and report each step: run by ``packages``.

It runs in a process of its own, in the folder where lessons run: what crashes here takes nobody
along, and what lies beside a lesson is in its way here too. One JSON object a line, ``MARK`` before
it: subject and place when a step begins, and its outcome when it ends.
"""

import importlib
import importlib.util
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from types import ModuleType

MARK = "@doctor "
# What breaks others comes first, so that it is named itself.
IMPORTS = (
    *("numpy", "PIL.Image", "matplotlib.pyplot", "tqdm.auto", "psutil", "filelock"),
    *("IPython", "ipykernel", "jupyter_client", "ipywidgets", "torch", "torchvision.datasets"),
    *("course_utils.plotting", "course_utils.lessons.classifier"),
)
# Steps that are no import.
OWNER = {"figure": "matplotlib", "threads": "torch", "memory": "psutil", "results": "torch"}


def main(names: list[str]) -> None:
    """Try the steps named, all if none is."""
    steps: list[tuple[str, Callable[[], str]]] = [(name, _importing(name)) for name in IMPORTS]
    steps += [("figure", figure), ("device", device), ("threads", threads)]
    steps += [("memory", memory), ("results", results)]
    for subject, work in steps:
        if not names or subject in names:
            _tell(subject=subject, place=_place(package(subject)))
            _tell(subject=subject, **_outcome(subject, work))


def figure() -> str:
    """Draw a figure with the course's style, to memory."""
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    plt.style.use(["default", "course_utils.course"])
    _, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], label="a line")
    ax.set(title="a title", xlabel="$x$", ylabel="y")
    ax.legend()
    drawn = io.BytesIO()
    plt.savefig(drawn, format="png")
    plt.close("all")
    return f"{len(drawn.getvalue())} bytes"


def device() -> str:
    """Pick the device that lessons will use."""
    from course_utils.device import pick_device

    return str(pick_device())


def threads() -> str:
    """Return the threads that PyTorch uses, and the cores of this machine."""
    import torch

    return f"{torch.get_num_threads()} {os.cpu_count() or 1}"


def memory() -> str:
    """Return the free memory in GB."""
    import psutil

    return str(psutil.virtual_memory().available / 1e9)


def results() -> str:
    """Return what is wrong with files that earlier lessons left, and the way out, as JSON."""
    from course_utils import paths
    from course_utils.lessons import classifier
    from course_utils.lessons import results as kept

    wrong = []
    for folder in (
        paths.results_folder(create=False),
        paths.results_folder(create=False) / "standin",
    ):
        for path in sorted(folder.glob("*.pt")):
            try:
                if path.name == classifier.FILE:
                    classifier.read_judge(path)
                elif path.stem in kept.LESSONS:
                    kept.read_samples(path)
            except kept.Unreadable as why:
                again = "run lesson 2 again; until then a net like its own is trained"
                is_judge = path.name == classifier.FILE
                wrong.append((str(why), again if is_judge else kept.way_out(path.stem)))
    return json.dumps(wrong)


def _importing(name: str) -> Callable[[], str]:
    def work() -> str:
        importlib.import_module(name)
        top = sys.modules[_top(name)]
        if getattr(top, "__file__", None) is None:
            raise ImportError(f"only an empty folder is left of it: {next(iter(top.__path__))}")
        return str(getattr(top, "__version__", ""))

    return work


def _outcome(subject: str, work: Callable[[], str]) -> dict[str, str]:
    """Return ``text`` and ``place`` of a step, or its ``error`` and the package to blame."""
    top = package(subject)
    try:
        return {"text": work(), "place": _place(top)}
    except BaseException as error:  # a broken package may raise anything
        root = _root(error) or top
        words = (str(error).splitlines() or [""])[0][:200]
        return {"error": f"{type(error).__name__}: {words}", "root": root, "place": _place(root)}


def package(subject: str) -> str:
    """Return the package that is to blame where a step fails for no better reason."""
    return OWNER.get(subject) or _top(subject)


def _top(name: str) -> str:
    return name.partition(".")[0]


def _root(error: BaseException) -> str:
    """Return the package that an error comes from, or ``""``."""
    if isinstance(error, ImportError) and error.name:  # the one that lacks what is asked of it
        return _top(error.name)
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return _top(error.obj.__name__)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        name = _package_of(frame.filename)
        if name and name not in sys.stdlib_module_names:
            return name
    return ""


def _package_of(file: str) -> str:
    for entry in sorted(sys.path, key=len, reverse=True):
        below = file[len(entry) :].lstrip(os.sep)
        if entry and file.startswith(entry.rstrip(os.sep) + os.sep) and file != __file__:
            return below.partition(os.sep)[0].partition(".")[0]
    return ""


def _place(top: str) -> str:
    """Return where a package lies, or ``""``."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return ""
    if spec is None:
        return ""
    if spec.origin and os.path.isabs(spec.origin):
        return spec.origin
    return next(iter(spec.submodule_search_locations or ()), "")


def _tell(**what: str) -> None:
    print(MARK + json.dumps(what), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[2:])
