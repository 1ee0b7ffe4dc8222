"""The notation of Pearl and Cavalcanti."""

from __future__ import annotations

TEX: dict[str, str] = {}
