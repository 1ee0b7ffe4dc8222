"""The pipeline: execute the chapters, collate the ledger, build the website.

`make book` runs this with readable progress. On its own: `snakemake --cores all`, `snakemake --config profile=quick`,
and on a cluster `snakemake --executor slurm` (see the page "Reproducing").
"""

import re
import sys

sys.path.insert(0, workflow.basedir)
from pipeline.plan import Plan

plan = Plan(config.get("profile", "paper"))
if workflow.is_main_process:
    plan.write_inputs()

B = f"_build/{plan.profile}"
LEDGER = plan.ledger.relative_to(plan.root).as_posix()
RUN = f"{sys.executable} -m pipeline"


def one_of(slugs):
    return "|".join(map(re.escape, slugs)) or "(?!)"


localrules: all, ledger


rule all:
    default_target: True
    input:
        f"{B}/html/index.html",


rule chapter:
    input:
        f"{B}/inputs/{{slug}}.json",
    output:
        f"{B}/executed/{{slug}}.ipynb",
    wildcard_constraints:
        slug=one_of(plan.chapters),
    shell:
        "{RUN} execute {wildcards.slug} --profile {plan.profile}"


rule ledger:
    input:
        f"{B}/inputs/_ledger.json",
        expand(f"{B}/executed/{{slug}}.ipynb", slug=plan.chapters),
    output:
        LEDGER,
    shell:
        "{RUN} ledger --profile {plan.profile}"


rule ledger_page:
    input:
        f"{B}/inputs/{{slug}}.json",
        LEDGER,
    output:
        f"{B}/executed/{{slug}}.ipynb",
    wildcard_constraints:
        slug=one_of(plan.ledger_pages),
    shell:
        "{RUN} execute {wildcards.slug} --profile {plan.profile}"


rule site:
    input:
        f"{B}/inputs/_site.json",
        expand(f"{B}/executed/{{slug}}.ipynb", slug=plan.notebooks),
    output:
        f"{B}/html/index.html",
    shell:
        "{RUN} site --profile {plan.profile}"
