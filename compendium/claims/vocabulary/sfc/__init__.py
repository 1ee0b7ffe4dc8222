"""The notation of Suresh, Frembs and Cavalcanti: `classical` for Secs. 2 and 3, `quantum` for what follows."""

from compendium.claims.vocabulary.sfc import classical, quantum

TEX: dict[str, str] = {**classical.TEX, **quantum.TEX}
