"""The notation of Wang and Zhang."""

from __future__ import annotations

TEX: dict[str, str] = {
    "M(_, _)": "M_{{{0}}}^{{{1}}}",
    "N(_, _)": "N_{{{0}}}^{{{1}}}",
    "P(_, _, _)": r"\mathbb{{P}}(Y({1}, {2}) = {0})",  # Eq. (6)
    "P0(_, _, _)": r"\mathbb{{P}}(Y({1}, {2}) = {0} \mid Z = 0)",
    "P(_, _, _, _, _)": r"\mathbb{{P}}(X = {0}, Y({2}, {3}) = {1} \mid Z = {4})",  # Eq. (5)
    "P(_, _, _, _, z1)": r"\mathbb{{P}}(Y({0}, {1}) = {2}, X = {3} \mid Z = {4})",  # Eq. (10)
    "Y(_)": "Y({0})",
    "Y(_, _)": "Y({0}, {1})",
    "q(_, _, _, _, _, _)": "q_{{{0},{1},{2},{3},{4}|{5}}}",
    "s": "+",  # in the place of an index: summed over
    "x1": "x'",
    "z1": "z'",
    "y00": "y_{00}",
    "y01": "y_{01}",
    "y10": "y_{10}",
    "y11": "y_{11}",
    "Λ": r"\Lambda",
    "ACE": r"\ACE",
}
