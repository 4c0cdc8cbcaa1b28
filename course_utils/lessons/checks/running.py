"""How a check is run: one printed line, in peace, within a time limit."""

import contextlib
import copy
import dis
import functools
import inspect
import io
import linecache
import random
import signal
import sys
import sysconfig
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NoReturn, TypeAlias

import numpy as np
import torch

Check: TypeAlias = Callable[..., str]

IDLE = {"RESUME", "NOP", "CACHE", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "POP_TOP"}
# Where a line is not the student's: Python's folders, and the checks'.
FOREIGN = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
FOREIGN |= {str(Path(__file__).parent), "<frozen", "<__array_function__"}

# What the checks of this process have said: exercise and line. Read by course_utils.progress.
SAID: list[tuple[str, str]] = []


class Wrong(Exception):  # noqa: N818 - reads as what it says: raise Wrong("the sign is flipped")
    """The work was tried and is not right yet; the message says what to look at."""


class _TooLong(BaseException):
    """The time is up. No ``except Exception`` of a student's catches it."""


def exercise(number: str, seconds: float = 10) -> Callable[[Check], Callable[..., None]]:
    """Turn a check into a call that prints one line, never raises, and ends after ``seconds``."""

    def decorate(check: Check) -> Callable[..., None]:
        @functools.wraps(check)
        def run(*work: Any, **more: Any) -> None:
            work = (*work, *more.values())
            said = _not_attempted(work) or _verdict(check, work, seconds)
            line = " ".join(said.split())
            SAID.append((number, line))
            print(f"Exercise {number} {line}")  # noqa: T201

        return run

    return decorate


def _not_attempted(work: tuple[Any, ...]) -> str:
    stubs = [one for one in work if is_stub(one)]
    if len(stubs) == len(work) or any(one is None or one is ... for one in work):
        return "· not attempted yet"
    return f"· {name_of(stubs[0])} is not attempted yet" if stubs else ""


def is_stub(function: object) -> bool:
    """Say whether a function's body is only a docstring, ``...`` or ``pass``."""
    code = _code(function)
    if code is None:
        return False
    steps = list(dis.get_instructions(code))
    values = [step.argval for step in steps if step.opname in {"LOAD_CONST", "RETURN_CONST"}]
    return {step.opname for step in steps} <= IDLE and all(v is None or v is ... for v in values)


def _code(work: object) -> CodeType | None:
    with contextlib.suppress(ValueError):
        work = inspect.unwrap(work) if callable(work) else work
    while isinstance(work, functools.partial):
        work = work.func
    return getattr(work, "__code__", None)


def name_of(function: object) -> str:
    """Return a function's name, for a sentence."""
    name = getattr(function, "__name__", "<lambda>")
    return "your function" if name == "<lambda>" else name


def _verdict(check: Check, work: tuple[Any, ...], seconds: float) -> str:
    printed = io.StringIO()
    try:
        with _in_peace(printed, work), _time_limit(seconds):
            return f"✓ {check(*work)}"
    except Wrong as wrong:
        said = str(wrong)
    except _TooLong as error:
        still = f"your code was still running after {seconds:g} seconds: an endless loop?"
        said = still + _own_line(error, work)
    except BaseException as error:  # whatever a student's code may raise is part of the answer
        said = _stopped(error, work)
    shown = " ".join(printed.getvalue().split())
    return f"✗ {said}" + (f" (it printed: {shown[:60]})" if shown else "")


def _stopped(error: BaseException, work: tuple[Any, ...]) -> str:
    line = _own_line(error, work)
    if isinstance(error, SystemExit):
        return f"your code ended the program with SystemExit{line}"
    if isinstance(error, KeyboardInterrupt):
        return f"stopped before your code came to its end{line}"
    text = " ".join(str(error).split())[:200]
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if "NVIDIA" in text or "CUDA" in text:
        what += "; make tensors where those are that you are given: device=x.device"
    asking = {frame.name for frame in traceback.extract_tb(error.__traceback__)}
    if line or asking & {"ask", "slopes", "follows_device"}:
        return f"your code stopped with {what}{line}"
    return f"the check cannot read what your code gave ({what})"


def _own_line(error: BaseException, work: tuple[Any, ...]) -> str:
    """Return the last line that ran in the student's own cell, in brackets."""
    codes = [code for code in map(_code, work) if code and _is_own(code.co_filename)]
    cells = {code.co_filename for code in codes}
    # A function whose arguments do not fit has not even begun: then its first line.
    begun = [code for code in codes if f"{code.co_name}()" in str(error)]
    lines = [(code.co_filename, code.co_firstlineno, code.co_firstlineno) for code in begun]
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.lineno and (frame.filename in cells if cells else _is_own(frame.filename)):
            lines.append((frame.filename, frame.lineno, frame.end_lineno or frame.lineno))
    name, first, last = lines[-1] if lines else ("", 0, 0)
    text = " ".join(linecache.getline(name, n).strip() for n in range(first, last + 1))
    return f" (line: {text if len(text) < 120 else text[:117] + '...'})" if text else ""


def _is_own(filename: str) -> bool:
    return not filename.startswith(tuple(FOREIGN)) and "site-packages" not in filename


@contextlib.contextmanager
def _in_peace(printed: io.StringIO, work: tuple[Any, ...]) -> Iterator[None]:
    """Keep the student's code from printing, warning, and changing what later cells rely on."""
    dtype, states = torch.get_default_dtype(), _random_states(work)
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        torch.inference_mode(False),  # which lets gradients flow, too
    ):
        warnings.simplefilter("ignore")
        try:
            random.seed(0)
            np.random.seed(0)  # noqa: NPY002 - a student may draw from the global generator
            torch.default_generator.manual_seed(0)
            yield
        finally:
            torch.set_default_dtype(dtype)
            for restore, state in states:
                restore(state)


def _random_states(work: tuple[Any, ...]) -> list[tuple[Callable[[Any], Any], Any]]:
    """Return how to put back every generator that the student's code can reach."""
    states: list[tuple[Callable[[Any], Any], Any]] = [
        (random.setstate, random.getstate()),
        (np.random.set_state, np.random.get_state()),  # noqa: NPY002
        (torch.set_rng_state, torch.get_rng_state()),
    ]
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states.append((torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all()))
    if torch.backends.mps.is_available():
        states.append((torch.mps.set_rng_state, torch.mps.get_rng_state()))
    reachable = {id(v): v for one in work for v in getattr(one, "__globals__", {}).values()}
    for value in reachable.values():
        if isinstance(value, np.random.Generator):
            put = functools.partial(setattr, value.bit_generator, "state")
            states.append((put, copy.deepcopy(value.bit_generator.state)))
        elif isinstance(value, torch.Generator):
            states.append((value.set_state, value.get_state()))
        elif isinstance(value, random.Random):
            states.append((value.setstate, value.getstate()))
    return states


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Stop what runs longer, where the system can: on the main thread of Linux and macOS."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        files = [one.f_code.co_filename for one, _ in traceback.walk_stack(frame)]
        if any(name.startswith("<frozen importlib") for name in files):
            # PyTorch loads parts of itself late, and half a module would stay broken: more time.
            signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
        else:
            _stop(frame)

    tracing = sys.gettrace()
    before = signal.signal(signal.SIGALRM, ring)
    rest, _ = signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.settrace(tracing)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, rest)


def _stop(frame: FrameType | None) -> NoReturn:
    """Raise where the student's code is, and once more in an ``except:`` that catches that."""

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            raise _TooLong
        return trace

    sys.settrace(lambda frame, event, arg: None)
    while frame and frame.f_code.co_filename != __file__:
        frame.f_trace = trace
        frame = frame.f_back
    raise _TooLong
