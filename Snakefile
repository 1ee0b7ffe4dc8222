"""The pipeline: execute the chapters, collate the ledger, build the website.

`make book` runs this with readable progress. On its own: `snakemake --cores all`, `snakemake --config profile=quick`,
and on a cluster `snakemake --executor slurm` (see the page "Reproducing").
"""

import re
import sys

sys.path.insert(0, workflow.basedir)
from pipeline.plan import Plan

plan = Plan(config.get("profile", "paper"), edition=config.get("edition", "instructor"))
if workflow.is_main_process:
    plan.write_inputs()

RUN = f"{sys.executable} -m pipeline.warm"
TARGETS = {
    name: (str(file.relative_to(plan.root)), [str(source.relative_to(plan.root)) for source in sources])
    for name, (file, sources) in plan.targets().items()
}


def one_of(slugs):
    return "|".join(map(re.escape, slugs)) or "(?!)"


localrules: all, ledger


rule all:
    default_target: True
    input:
        [file for file, _ in TARGETS.values()],


rule chapter:
    input:
        lambda wildcards: TARGETS[wildcards.slug][1],
    output:
        f"_build/{plan.profile}/executed/{{slug}}.ipynb",
    wildcard_constraints:
        slug=one_of(plan.notebooks),
    shell:
        "{RUN} execute {wildcards.slug} --profile {plan.profile}"


rule ledger:
    input:
        TARGETS["ledger"][1],
    output:
        TARGETS["ledger"][0],
    shell:
        "{RUN} ledger --profile {plan.profile}"


rule website:
    input:
        TARGETS["website"][1],
    output:
        TARGETS["website"][0],
    threads: workflow.cores
    shell:
        "{RUN} site --profile {plan.profile} --edition {plan.edition} --jobs {threads}"
