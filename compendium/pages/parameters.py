"""The parameters of a notebook that is run by hand: what papermill is given has to be one of them."""

from __future__ import annotations

import ast
from typing import Any

from IPython.core.getipython import get_ipython

INJECTED = "# Parameters"  # how papermill begins the cell that it writes in front of the one that calls `only`


def only(*known: str) -> None:
    """Stop a notebook that papermill was given a parameter for which it does not have.

    Papermill writes what it is given into a cell of its own, which runs before the cell that calls this; of a name
    that the notebook does not know it merely warns, and the run goes on with the published value.

    known : the names that the notebook's parameters cell assigns. Raises ``ValueError`` for any other.
    """
    shell = get_ipython()
    cells: list[str] = shell.user_ns.get("In", []) if shell else []
    refuse(cells[-2] if len(cells) > 1 else "", known)


def refuse(cell: str, known: tuple[str, ...]) -> None:
    """Raise ``ValueError`` if a cell that papermill wrote assigns another name than these.

    >>> refuse("# Parameters\\nseed = 3\\n", ("seed", "shots")), refuse("shotz = 10", ("seed", "shots"))
    (None, None)
    >>> refuse("# Parameters\\nshotz = 10\\n", ("seed", "shots"))
    Traceback (most recent call last):
    ValueError: there is no parameter 'shotz' in this notebook; it has seed, shots
    """
    if not cell.startswith(INJECTED):
        return
    given = [name.id for name in ast.walk(ast.parse(cell)) if isinstance(name, ast.Name) and _assigned(name)]
    if unknown := [name for name in given if name not in known]:
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise ValueError(f"there is no parameter {', '.join(map(repr, unknown))} in this notebook; {has}")


def _assigned(name: Any) -> bool:
    return isinstance(name.ctx, ast.Store)
