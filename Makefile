# The commands of the project; `make help` lists them. Everything is installed on first use.
PYTHON ?= python3
LAUNCH = $(PYTHON) tools/launch.py
BOT = bot/.venv/bin/python
SERVICE = .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run setup test check train evaluate bench bench-intake bench-page bench-console bench-telegram purge rotate-keys drop-old-keys staff-token staff-user \
	audit-check deliveries unsent faults import-times review format

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

evaluate: train ## measure the understanding: [FILE=examples.tsv] [JSON=out.json] [COST=1] [PEERS=1 EPOCHS=100] [PUBLIC=1 MASSIVE_DIR=…] [ABLATION=1] [FLOORS=1 [LOWER=1]]
	@$(BOT) -m tools.evaluate $(if $(FILE),"$(FILE)") $(if $(JSON),--json "$(JSON)") $(if $(OUTPUT),--output "$(OUTPUT)") \
		$(if $(COST),--cost) $(if $(PEERS),--peers --public) $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(PUBLIC),--public) \
		$(if $(MASSIVE_DIR),--massive "$(MASSIVE_DIR)") $(if $(ABLATION),--ablation) $(if $(FLOORS),--floors) \
		$(if $(LOWER),--lower-floors)

bench: ## measure speed and memory beside Rasa's own starter bot, then the intake backend: [BENCH_JSON=out.json]
	@$(PYTHON) tools/bench.py
	@$(MAKE) --no-print-directory bench-intake

bench-intake: setup ## measure the intake backend alone, on SQLite and PostgreSQL
	@$(SERVICE)/python -m tools.bench_intake

bench-console: setup train ## twenty call-takers at the console at once: [TAKERS=20] [PAUSE=4] [CONSOLE_JSON=out.json]
	@$(SERVICE)/python tools/bench_console.py --call-takers $(or $(TAKERS),20) --pause $(or $(PAUSE),4) \
		$(if $(CONSOLE_JSON),--json "$(CONSOLE_JSON)")

bench-telegram: setup train ## measure the worker for Telegram with 20 people at once: [BENCH_TELEGRAM_JSON=out.json]
	@$(SERVICE)/python -m tools.bench_telegram $(if $(BENCH_TELEGRAM_JSON),--json "$(BENCH_TELEGRAM_JSON)")

bench-page: setup train ## measure the chat page beside others from npm: [BENCH_PAGE_JSON=out.json]
	@$(SERVICE)/python -m tools.bench_page $(if $(BENCH_PAGE_JSON),--json "$(BENCH_PAGE_JSON)")

purge: ## remove requests that have been kept long enough: [DRY_RUN=1]
	@$(LAUNCH) manage intake.commands purge $(if $(DRY_RUN),--dry-run)

rotate-keys: ## seal the personal data with a new key; the old one stays until make drop-old-keys
	@$(LAUNCH) manage service.rotate
	@$(LAUNCH) manage console.commands rotate-keys

drop-old-keys: ## forget the keys that nothing is sealed with any more
	@$(LAUNCH) manage service.rotate --drop-old
	@$(LAUNCH) manage console.commands rotate-keys --drop-old

staff-token: ## let somebody of the staff in: NAME=ann ROLE=case_worker|supervisor|manager; out: NAME=ann REMOVE=1
	@test -n "$(NAME)" || { echo "Who? make staff-token NAME=ann ROLE=case_worker"; exit 2; }
	@$(LAUNCH) manage intake.commands staff-token "$(NAME)" $(if $(REMOVE),--remove,"$(ROLE)")

staff-user: ## an account for the call console: NAME=ann ROLE=call_taker|case_worker|supervisor|manager [ASK=1]; out: NAME=ann REMOVE=1
	@test -n "$(NAME)" || { echo "Who? make staff-user NAME=ann ROLE=supervisor"; exit 2; }
	@$(LAUNCH) manage console.commands staff-user "$(NAME)" $(if $(REMOVE),--remove,$(ROLE) $(if $(ASK),--ask))

audit-check: ## check that nothing in the audit trail was changed: [LAST=hash noted down before]
	@$(LAUNCH) manage intake.commands audit-check $(if $(LAST),--last "$(LAST)")

deliveries: ## stored requests that could not be delivered to the office: [AGAIN=1 tries them again]
	@$(LAUNCH) manage intake.commands deliveries $(if $(AGAIN),--again)

unsent: ## what could not be handed over yet, and what was left to staff: [AGAIN=1 tries the latter again]
	@$(LAUNCH) manage gateway.unsent $(if $(AGAIN),--again)

faults: setup train ## hand over requests while everything fails: [TRIALS=1000] [SEED=1] [FAULTS_JSON=out.json]
	@$(SERVICE)/python -m tools.faults --trials $(or $(TRIALS),1000) --seed $(or $(SEED),1) \
		$(if $(FAULTS_JSON),--json "$(FAULTS_JSON)")

review: setup ## go through the messages that were not understood: [EXPORT=queue.tsv] [IMPORT=queue.tsv] [AGAIN=1]
	@$(BOT) -m tools.review $(if $(EXPORT),--export "$(EXPORT)") $(if $(IMPORT),--import "$(IMPORT)") $(if $(AGAIN),--again)

import-times: setup ## read posted processing times from an export: FILE=times.csv
	@test -n "$(FILE)" || { echo "Which file? make import-times FILE=times.csv"; exit 2; }
	@$(SERVICE)/python -m tools.import_processing_times "$(FILE)"

format: setup ## put imports and layout in order
	@$(SERVICE)/ruff check --fix .
	@$(SERVICE)/ruff format .
