"""Generated pages: ledger, first page, explorables, citations, exercises, course; their prose and formulas."""
