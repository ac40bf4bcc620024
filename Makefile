# The book's commands. `make help` lists them. All that they need is Python 3.11 to 3.13 and git.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help book serve test lint lesson full bench new-lesson clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(READY) ## build the site into _build/html
	@$(PY) -m tools.build

serve: book ## build the site and serve it on http://localhost:8000
	@echo "Serving on http://localhost:8000 (Ctrl-C stops)"
	@$(PY) -m http.server 8000 --bind 127.0.0.1 --directory _build/html

test: book ## run every test: units, lessons under nbval, the site in a real browser
	@$(PY) -m tools.test

lint: $(READY) ## check code style, and that lessons are portable
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(PY) -m tools.lint

lesson: $(READY) ## run one lesson and build a draft of the site: make lesson L=physics/hamiltonian
	@$(PY) -m tools.build --lesson $(or $(L),$(error say which: make lesson L=part/name))

full: $(READY) ## run one lesson at full scale and write its artefacts: make full L=physics/hamiltonian
	@WM_SCALE=full $(PY) lessons/$(or $(L),$(error say which: make full L=part/name)).py

bench: $(READY) ## time steps, planners and physics beside others', and run what is missing of the JEPA family's table
	@$(PY) -m benchmarks.jepa
	@$(PY) -m benchmarks.planners
	@$(PY) -m benchmarks.physics
	@$(PY) -m benchmarks.jepa_family

new-lesson: $(READY) ## lay down a new chapter from the template: make new-lesson L=part/name [T="Its title"]
	@$(PY) -m tools.new_lesson $(or $(L),$(error say which: make new-lesson L=part/name)) $(if $(T),--title "$(T)")

clean: ## remove everything a build made, except .venv
	rm -rf _build book/node_modules

# The environment: made once, and again when the pins change.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); sys.exit(0 if ok else "the book needs Python 3.11 to 3.13, %s is %s: say which with make PYTHON=python3.12" % (sys.executable, sys.version.split()[0]))'
	@echo "making $(VENV): this installs PyTorch and Jupyter Book, some minutes the first time"
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install $$([ -t 1 ] || echo --quiet) --requirement requirements.txt
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
