"""The notation of Suresh, Frembs and Cavalcanti."""

from __future__ import annotations

TEX: dict[str, str] = {}
