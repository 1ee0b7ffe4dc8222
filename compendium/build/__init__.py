"""From chapters to website: plan, execute, collate, render.

The rules are in ``Snakefile``; the modules, in reading order:

`bootstrap`
    makes ``.venv`` from ``requirements.lock`` (standard library only: it runs before anything is installed)
`plan`
    what there is to do: chapters, the digest of all that each depends on, parameter profiles
`reach`
    which definitions some code can depend on, read off the syntax tree
`secrets`
    keys that must not be stored
`children`
    what a build's processes inherit, and that they end with it
`warm`, `kernel`
    a process with everything imported, whose forks do the jobs and run the chapters' cells
`execute`
    one chapter: jupytext reads it, papermill runs it
`takeaway`
    what a reader takes away: notebooks, figures with their data, the edition without solutions
`site`
    the ledger, the generated files, the website
`pdf`
    the website as one PDF
`build`
    runs Snakemake, shows progress, sums up
`mutations`, `mutants`
    derivations with one thing altered: which checks do not notice?
"""
