"""What the symbols of a paper mean and how they are typeset, one module a paper: wz, kang, pc, sfc; and new,
for the theorems of this book.

Each module offers `TEX`, the typeset form of the names that stand in the paper's transcriptions, and functions that
give printed notation its meaning, so that a chapter's check is what was derived and the claim's id.
"""

from __future__ import annotations

from collections.abc import Mapping

PAPERS = ("wz", "kang", "pc", "sfc", "new")


def tex_names(paper: str) -> Mapping[str, str]:
    """The names and signatures of a paper's transcriptions as TeX; ``{0}`` stands for a call's first argument.

    In the TeX of a signature every other brace is doubled.

    Raises ``ValueError`` for a paper that is not one of `PAPERS`.

    >>> tex_names("wz")["N(_, _)"]
    'N_{{{0}}}^{{{1}}}'
    """
    if paper not in PAPERS:
        raise ValueError(f"paper: {paper!r} should be one of {', '.join(PAPERS)}")
    match paper:  # each by its name: the build follows imports that it can read
        case "wz":
            from compendium.claims.vocabulary.wz import TEX
        case "kang":
            from compendium.claims.vocabulary.kang import TEX
        case "pc":
            from compendium.claims.vocabulary.pc import TEX
        case "new":
            from compendium.claims.vocabulary.new import TEX
        case _:
            from compendium.claims.vocabulary.sfc import TEX
    return TEX
