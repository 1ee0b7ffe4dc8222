"""Generated pages: ledger, first page, explorables, citations, exercises."""
