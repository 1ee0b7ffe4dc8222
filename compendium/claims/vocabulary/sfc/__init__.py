"""The notation of Suresh, Frembs and Cavalcanti: `classical` for Secs. 2 and 3, `quantum` for what follows."""

from compendium.claims.vocabulary.sfc.notation import TEX

__all__ = ["TEX"]
