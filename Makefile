# Two commands matter: `make book` and `make test`. `make help` lists all.
#   PROFILE=quick         parameters from data/parameters/quick.yml instead of the published ones
#   EDITION=student       without the solutions to the exercises, in a folder of its own (book, serve, pdf, zip, notebooks)
#   JOBS=1                how many chapters at once (default: one per core)
#   PYTHON=python3.12     which Python .venv is made with (default: the first of 3.11, 3.12, 3.13 that is found)
PROFILE ?= paper
EDITION ?= instructor
JOBS ?= all
PORT ?= 8000
SEED ?= 0
HTML := html$(if $(filter-out instructor,$(EDITION)),-$(EDITION))
BIN := .venv/bin
BOOTSTRAP := $(or $(shell command -v python3),$(shell command -v python),$(PYTHON))
# The shell's wishes for other Pythons; byte code is written, or each kernel and test would compile this tree anew.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONDONTWRITEBYTECODE
export PYTHON
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help venv book test mutants serve pdf zip notebooks lab bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

venv: ## .venv from requirements.lock (the other commands do this by themselves)
	@$(BOOTSTRAP) compendium/build/bootstrap.py

book: venv ## execute what changed, check every claim, build the website
	@$(BIN)/python -m compendium.build book --profile $(PROFILE) --edition $(EDITION) --jobs $(JOBS)

test: venv ## unit, property and doctests, the ledger and its mutants, the built book
	@$(BIN)/python -m pytest -n auto --dist loadgroup -q

mutants: venv ## change what every claim rests on, a little at a time: which checks do not notice? (SHARE=0.1: a sample; TESTS=1: nor the library's tests)
	@$(BIN)/python -m compendium.build mutants --seed $(SEED) $(if $(SHARE),--share $(SHARE)) $(if $(CELLS),--cells) $(if $(TESTS),--tests) $(CHAPTERS)

serve: book ## the website on http://127.0.0.1:8000 (PORT=...), visible on this machine only
	@echo "http://127.0.0.1:$(PORT)/ (stop with Ctrl-C)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/$(PROFILE)/$(HTML)

pdf: book ## the website as one PDF; needs Chromium or Chrome
	@$(BIN)/python -m compendium.build pdf --profile $(PROFILE) --edition $(EDITION)

zip: book ## the website as one zip for a course server (EDITION=student: without solutions)
	@$(BIN)/python -m compendium.build zip --profile $(PROFILE) --edition $(EDITION)

notebooks: venv ## the chapters as .ipynb in notebooks/, paired with their sources, for JupyterLab
	@$(BIN)/python -m compendium.build notebooks --edition $(EDITION)

lab: venv ## JupyterLab on the chapters, in lab/: change anything, nothing of yours is overwritten
	@$(BOOTSTRAP) compendium/build/bootstrap.py lab
	@$(BIN)/python -m compendium.build lab --edition $(EDITION)

bench: venv ## how fast the main computations are
	@$(BIN)/python -m pytest benchmarks --benchmark-only -q

clean: ## remove everything that was built, except .venv and the paired notebooks
	rm -rf _build data/generated .snakemake .jupyter_cache .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis
