"""The pipeline: execute the chapters, collate the ledger, build the website.

`make book` runs this with readable progress. On its own: `snakemake --cores all`, `snakemake --config profile=quick`,
and on a cluster `snakemake --executor slurm` (see the page "Reproducing").

Each target's name holds the digest of all that it is made from (compendium/build/plan.py): it is up to date if and only if it
is there.
"""

import re
import shlex
import sys

sys.path.insert(0, workflow.basedir)
from compendium.build.plan import Plan

plan = Plan(config.get("profile", "paper"), edition=config.get("edition", "instructor"))
if workflow.is_main_process:
    plan.write_record()

RUN = f"exec {shlex.quote(sys.executable)} -m compendium.build.warm"
TARGETS = {name: file.relative_to(plan.root).as_posix() for name, file in plan.targets.items()}


def sources(name):
    return [TARGETS[source] for source in plan.sources(name)]


localrules: all, ledger


rule all:
    default_target: True
    input:
        list(TARGETS.values()),


rule chapter:
    input:
        lambda wildcards: sources(wildcards.slug),
    output:
        f"_build/{plan.profile}/executed/{{slug}}/{{digest}}/notebook.ipynb",
    wildcard_constraints:
        slug="|".join(map(re.escape, plan.notebooks)) or "(?!)",
        digest="[0-9a-f]+",
    priority: lambda wildcards: plan.priority(wildcards.slug)
    resources:
        mem_mb=2000,
        runtime=20,
    shell:
        "{RUN} execute {wildcards.slug} --profile {plan.profile} --digest {wildcards.digest}"


rule ledger:
    input:
        sources("ledger"),
    output:
        TARGETS["ledger"],
    shell:
        "{RUN} ledger --profile {plan.profile}"


rule website:
    input:
        sources("website"),
    output:
        TARGETS["website"],
    resources:
        mem_mb=2000,
        runtime=20,
    threads: 2  # more gain nothing: one page takes as long as all others together
    shell:
        "{RUN} site --profile {plan.profile} --edition {plan.edition} --jobs {threads}"
