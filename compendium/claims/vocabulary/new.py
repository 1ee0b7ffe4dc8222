"""The notation of the theorems of this book, ids ``new:…``.

p(x, y, z) is P(X=x, Y=y | Z=z), w the arm that z is not.
v is the visibility of a Werner state, S = 2 sqrt(2) v its CHSH value, s = S/4 the correlation of each pair of settings.
"""

from __future__ import annotations

TEX: dict[str, str] = {
    "v": "v",
    "s": "s",
    "S": "S",
    "CS": r"\mathit{CS}",
    "do(_, _)": r"P(Y={0}\mid\do{{X={1}}})",
    "ACE": r"\ACE",
    "p(_, _, _)": r"p({0}{1}\mid {2})",  # P(X=x, Y=y | Z=z)
    "max(_, _)": r"\max\{{{0}, {1}\}}",
    "xo": r"\bar{x}",  # the other value of x
    "yo": r"\bar{y}",
}
