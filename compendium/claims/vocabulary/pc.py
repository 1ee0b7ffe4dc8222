"""The notation of Pearl and Cavalcanti."""

from __future__ import annotations

SETS = "ABCDEWXYZ"  # sets of variables; with an index, one variable of the set, or those with indices in a set

TEX: dict[str, str] = {
    **{name: rf"\mathbf{{{name}}}" for name in SETS},
    **{f"{name}(_)": rf"\mathbf{{{{{name}}}}}_{{{{{{0}}}}}}" for name in SETS},
    **{f"{name}({index})": f"{name}_{{{{{{0}}}}}}" for name in SETS for index in "ijk"},
    "g": r"\gamma",
    "rest": r"\setminus i",
    "compl(_)": r"\setminus {0}",
    "C_upto(_)": r"\{{C_1, C_2, \dots, C_{{{0}}}\}}",
    "union(_, _)": "{0}{1}",
    "union(_, _, _)": "{0}{1}{2}",
    "setminus(_, _)": r"{0} \setminus {1}",
    "subsets(_)": r"\{{\mathbf{{S}} : \mathbf{{S}} \subseteq {0}\}}",
    "given(_, _)": "{0}{1}",
    "given(_, _, _)": "{0}{1}{2}",
    "Pa(_)": r"\mathrm{{Pa}}({0})",
    "Nd(_)": r"\mathrm{{Nd}}({0})",
    "max_over(c, _)": r"\max_{{c \in \mathcal{{C}}}} {1}",
    "indep(_, _)": r"({0} \indep {1})",
    "indep(_, _, _)": r"({0} \indep {1} \mid {2})",
    "dsep(_, _)": r"({0} \indep {1})_d",
    "dsep(_, _, _)": r"({0} \indep {1} \mid {2})_d",
}
