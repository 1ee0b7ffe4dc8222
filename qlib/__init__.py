"""qlib: small pure functions for causality and quantum theory, the mathematics behind the compendium.

Operators are NumPy arrays, exact (SymPy numbers in object arrays) or floating-point; the same functions serve both.
Conventions that every module keeps are written in the book's page on notation.
"""
