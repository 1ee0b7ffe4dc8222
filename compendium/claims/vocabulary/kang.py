"""The notation of Kang."""

from __future__ import annotations

TEX: dict[str, str] = {}
