"""The notation of Kang."""

from __future__ import annotations

TEX: dict[str, str] = {
    "CS": r"\mathit{CS}",
    "CH": r"\mathit{CH}",
    "S_CHSH": "S",
    "M_exp": r"\langle M \rangle",
    "P_imp": r"P_{\mathrm{imp}}",
    "P_do(_, _)": r"P(B = {0} \mid \do{{A = {1}}})",
    "P_see(_, _)": r"P(B = {0} \mid A = {1})",
    "P(_)": "P({0})",
    "do(_)": r"\do{{{0}}}",
    "corr(_, _)": "E({0}, {1})",
    "M(_, _)": "M_{{{0},{1}}}",
    "rho_AB": r"\rho_{AB}",
    "Eff": "E",
    "Phi+": r"\ket{\Phi^+}",
    "ket00": r"\ket{00}",
    "ket11": r"\ket{11}",
}
