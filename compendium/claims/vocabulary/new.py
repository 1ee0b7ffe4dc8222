"""The notation of the theorems of this book, ids ``new:…``.

v is the visibility of a Werner state, S = 2 sqrt(2) v its CHSH value, s = S/4 the correlation of each pair of settings.
"""

from __future__ import annotations

TEX: dict[str, str] = {
    "v": "v",
    "s": "s",
    "S": "S",
    "ACE": r"\ACE",
}
