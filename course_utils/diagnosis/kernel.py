"""The Jupyter kernel ``python3``: the right one, and one that starts."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course_utils.diagnosis.finding import Finding, ok, problem
from course_utils.diagnosis.packages import lessons_folder, reinstall
from course_utils.diagnosis.places import home

SECONDS = 30.0  # until a kernel counts as one that does not start


def kernel() -> Iterator[Finding]:
    """Find the kernel as JupyterLab does, start it, ask which Python it is, and stop it."""
    if not all(map(importlib.util.find_spec, ("jupyter_client", "ipykernel"))):
        return  # `packages` has said so
    if any(finding.state == "PROBLEM" for finding in home()):
        return  # no kernel can start then, and `home` has said why
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        cure = f"{sys.executable} -m ipykernel install --sys-prefix --name python3"
        yield problem("kernel", "Jupyter has no kernel named python3", cure)
        return
    program = Path(spec.argv[0])
    if program.is_absolute() and program.parent != Path(sys.executable).parent:
        yield problem("kernel", f"python3 is another Python, {program}", _aside(spec.resource_dir))
        return
    trouble = started()
    if trouble and _is_foreign(spec.resource_dir):
        yield problem("kernel", f"python3 {trouble}", _aside(spec.resource_dir))
    elif trouble:
        yield problem("kernel", f"python3 {trouble}", reinstall("ipykernel"))
    else:
        yield ok("kernel", "python3 starts, answers and stops")


def started() -> str:
    """Start and stop the kernel; return what went wrong, or ``""``."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    try:
        manager.start_kernel(
            cwd=str(lessons_folder()), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        client = manager.client()
        client.start_channels()
        try:
            return _answer(client)
        finally:
            client.stop_channels()
    except Exception as error:  # whatever keeps it from starting is what is to be told
        return f"does not start: {type(error).__name__}: {error}"
    finally:
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)


def _answer(client: Any) -> str:
    client.wait_for_ready(timeout=SECONDS)
    prefix = "__import__('sys').prefix"
    asked = client.execute("", silent=True, user_expressions={"prefix": prefix})
    while (reply := client.get_shell_msg(timeout=SECONDS))["parent_header"].get("msg_id") != asked:
        pass  # a late answer to the question whether it is ready
    other = reply["content"]["user_expressions"]["prefix"]["data"]["text/plain"].strip("'")
    if not os.path.samefile(other, sys.prefix):
        return f"runs in another environment, {other}"
    return ""


def _is_foreign(folder: str) -> bool:
    return not Path(folder).is_relative_to(sys.prefix)


def _aside(folder: str) -> str:
    """Say how to get a kernel out of the way that comes before this environment's own."""
    cure = f"rename the folder {folder}, which comes first"
    entries = os.environ.get("JUPYTER_PATH", "").split(os.pathsep)
    if any(entry and Path(folder).is_relative_to(entry) for entry in entries):
        cure += ", or unset JUPYTER_PATH"
    return cure
