"""The notation of Wang and Zhang."""

from __future__ import annotations

TEX = {
    "M": "M_{{{0}|{1}}}",
    "N": "N_{{{0}|{1}}}",
    "x1": "x'",
    "z1": "z'",
    "y00": "y_{00}",
    "y01": "y_{01}",
    "y10": "y_{10}",
    "y11": "y_{11}",
    "ACE": r"\ACE",
}
