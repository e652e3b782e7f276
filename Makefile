# Each target creates what it needs. A fresh machine has Python 3.11 (or newer) with venv and pip.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
AXE := build/axe# finds what people with disabilities stumble over; from npm where that is
ANVIL := build/anvil# a local chain, for tests and for demo --chain; from npm where that is
PYTHON := $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)

.DEFAULT_GOAL := help
.PHONY: anvil axe help demo test check bench bench-meshes bench-peers sim soak fuzz chaos contract fmt clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found. Install it, for example with: apt-get install python3.11 python3.11-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11. Install Python 3.11 or newer."; exit 1; }
	@echo "setting up $(VENV) (about a minute the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"  # the first that knows --group
	@$(BIN)/python -m pip install --quiet --group dev --editable .
	@touch $@

axe:
	@ls $(AXE)/node_modules/axe-core/axe.min.js >/dev/null 2>&1 || ! command -v npm >/dev/null || \
		npm install --prefix $(AXE) --ignore-scripts --no-audit --no-fund --silent axe-core@4.14.1 || echo "axe-core cannot be had; what needs it is skipped"

anvil:
	@command -v anvil >/dev/null || ls $(ANVIL)/node_modules/@foundry-rs/anvil-*/bin/anvil >/dev/null 2>&1 || ! command -v npm >/dev/null || \
		npm install --prefix $(ANVIL) --ignore-scripts --no-audit --no-fund --silent @foundry-rs/anvil@1.7.1 || echo "anvil cannot be had; what needs it is skipped"

demo: $(STAMP) $(if $(findstring --chain,$(ARGS)),anvil) ## start a mesh here and move traffic through it; ARGS="--once" ends by itself, ARGS=--chain pays debts
	@$(BIN)/masq demo $(ARGS)

test: $(STAMP) anvil axe ## run all tests that CI runs
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(STAMP) ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/.bench: $(STAMP)
	@$(BIN)/python -m pip install --quiet --group bench
	@touch $@

bench: $(STAMP) $(VENV)/.bench ## measure against references in the same run; figures also in build/bench/*.json
	PYTHONPATH=tests $(BIN)/python -m bench.bench_mesh
	PYTHONPATH=tests $(BIN)/python -m bench.bench_fairness
	PYTHONPATH=tests $(BIN)/python -m bench.bench_workers
	PYTHONPATH=tests $(BIN)/python -m bench.bench_stall
	PYTHONPATH=tests $(BIN)/python -m bench.bench_gossip
	PYTHONPATH=tests $(BIN)/python -m bench.bench_restart
	PYTHONPATH=tests $(BIN)/python -m bench.bench_ledger
	PYTHONPATH=tests $(BIN)/python -m bench.bench_api
	PYTHONPATH=tests $(BIN)/python -m bench.bench_meshes

bench-meshes: $(STAMP) $(VENV)/.bench ## the same for whole simulated meshes; SIZES="100 1000 10000" (an hour or two)
	PYTHONPATH=tests $(BIN)/python -m bench.bench_meshes $(SIZES)

bench-peers: $(STAMP) $(VENV)/.bench ## the same client and server through this project, Tor and bare TLS relays, in turn; ROUNDS=5
	@command -v tor tor-gencert >/dev/null || { [ "$$(id -u)" != 0 ] || apt-get install -y tor; }
	PYTHONPATH=tests $(BIN)/python -m bench.bench_peers $(ROUNDS)

sim: $(STAMP) ## random histories of a simulated mesh; SEEDS=1000 FIRST=0
	MASQ_SIM_SEEDS=$(or $(SEEDS),1000) MASQ_SIM_FIRST=$(or $(FIRST),0) \
		$(BIN)/python -m pytest -n 2 --timeout 600 tests/simulation/test_mischief.py

soak: $(STAMP) ## full load on a mesh, and whether anything grows; MINUTES=60
	PYTHONPATH=tests $(BIN)/python -m bench.soak $(or $(MINUTES),60)

fuzz: $(STAMP) ## ten million inputs for everything that parses a stranger's bytes; INPUTS=10000000 SEED=1
	$(BIN)/python -m pip install --quiet --group fuzz
	PYTHONPATH=tests $(BIN)/python -m fuzz.campaign $(or $(INPUTS),10000000) $(or $(SEED),1)

contract: $(STAMP) ## more than 20,000 requests to a running node, and every answer as described; EXAMPLES=700 SEED=1
	MASQ_CONTRACT_EXAMPLES=$(or $(EXAMPLES),700) MASQ_CONTRACT_SEED=$(or $(SEED),1) \
		$(BIN)/python -m pytest -s tests/e2e/test_contract.py

chaos: $(STAMP) anvil ## kill the accountant and the bus at random moments under load; KILLS=200 SEED=1
	MASQ_CHAOS_KILLS=$(or $(KILLS),200) MASQ_CHAOS_SEED=$(or $(SEED),1) \
		$(BIN)/python -m pytest -s tests/integration/test_ledger_chaos.py \
		tests/integration/test_settlement_crashes.py

fmt: $(STAMP) ## format the code and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
