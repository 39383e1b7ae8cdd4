# The commands of the project; `make help` lists them. Everything is installed on first use.
PYTHON ?= python3
LAUNCH = $(PYTHON) tools/launch.py
BOT = bot/.venv/bin/python
SERVICE = .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run setup test check train evaluate bench import-times format

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## install what is missing, train if needed, start everything; Ctrl-C stops it
	@$(LAUNCH) run

setup: ## only install what is missing
	@$(LAUNCH) setup

test: ## everything: lint, types, boundaries, unit tests, understanding, whole conversations with the running system
	@$(PYTHON) tools/test.py $(ONLY)

check: ## the quick part of it: lint, types, boundaries, unit tests
	@$(PYTHON) tools/test.py --quick

train: ## train the model if what it is made from has changed
	@$(LAUNCH) train

evaluate: train ## measure the understanding: FILE=examples.tsv [JSON=out.json]
	@test -n "$(FILE)" || { echo "Which file? make evaluate FILE=examples.tsv"; exit 2; }
	@$(BOT) -m tools.evaluate "$(FILE)" $(if $(JSON),--json "$(JSON)")

bench: ## measure speed and memory beside Rasa's own starter bot: [BENCH_JSON=out.json]
	@$(PYTHON) tools/bench.py

import-times: setup ## read posted processing times from an export: FILE=times.csv
	@test -n "$(FILE)" || { echo "Which file? make import-times FILE=times.csv"; exit 2; }
	@$(SERVICE)/python -m tools.import_processing_times "$(FILE)"

format: setup ## put imports and layout in order
	@$(SERVICE)/ruff check --fix .
	@$(SERVICE)/ruff format .
