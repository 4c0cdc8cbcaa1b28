"""What is wrong with a claim can be told before it runs: what it says, asserts, and leaves behind.

A claim runs in a copy of the namespace, so a name that it stores is not there for the lesson.
"""

import ast
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode


class BuildError(Exception):
    """A notebook was not built; the message says why, and what to do."""


@dataclass(frozen=True)
class Cell:
    """A code cell, where it stands, and the names of the namespace that it stores and reads."""

    place: str
    stores: frozenset[str]
    reads: frozenset[str]


def refuse_faulty_claims(notebook: NotebookNode, source: Path) -> None:
    """Look at all claims of a lesson.

    Raises:
        BuildError: a claim does not begin with the sentence it holds, asserts nothing, or stores a
            name that a cell of the lesson reads and no cell has stored before.
    """
    stored_by_claims: dict[str, str] = {}
    stored: set[str] = set()
    number = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if "claim" in cell.metadata.get("tags", []):
            first = cell.source.splitlines()[0] if cell.source else ""
            place = f"the claim «{first.removeprefix('#').strip()}»"
            _refuse_unless_it_can_fail(cell.source, first, f"{source.name}: {place}")
            names = names_of(cell.source, place).stores - stored
            stored_by_claims |= dict.fromkeys(names - stored_by_claims.keys(), place)
            continue
        number += 1
        seen = names_of(cell.source, f"code cell {number}")
        for name in sorted((seen.reads - stored - seen.stores) & stored_by_claims.keys()):
            raise BuildError(
                f"{source.name}: {seen.place} reads `{name}`, which only {stored_by_claims[name]} "
                "stores; a student's notebook has no claims: store it in a cell of the lesson."
            )
        stored |= seen.stores


def _refuse_unless_it_can_fail(text: str, first: str, where: str) -> None:
    if not first.startswith("# "):
        raise BuildError(f"{where}: its first line must be a comment, the sentence that it holds")
    if not re.search(r"^\s*assert |\bassert_\w+\(", text, re.MULTILINE):
        raise BuildError(f"{where}: it asserts nothing, so it cannot fail")


def names_of(text: str, place: str) -> Cell:
    """Return the names that a cell stores in the notebook's namespace, and those it reads there."""
    plain = re.sub(r"^[%!].*$", "", text, flags=re.MULTILINE)
    stores: set[str] = set()
    reads: set[str] = set()
    for table in _tables(symtable.symtable(plain, place, "exec")):
        for symbol in table.get_symbols():
            at_the_top = table.get_type() == "module" or symbol.is_global()
            if at_the_top and (symbol.is_assigned() or symbol.is_imported()):
                stores.add(symbol.get_name())
            if at_the_top and symbol.is_referenced():
                reads.add(symbol.get_name())
    for node in ast.walk(ast.parse(plain)):
        if isinstance(node, ast.Delete):
            reads |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return Cell(place, frozenset(stores), frozenset(reads))


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)
