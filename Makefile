# Two commands do everything: `make run` and `make test`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
BASE_PYTHON := $(shell command -v python3.11 || command -v python3)
ifdef HOST
export HOST
endif
ifdef PORT
export PORT
endif
ifdef VAR_DIR
export VAR_DIR
endif

.PHONY: help run demo test lint bench lighthouse faults clients fresh bare sbom clean

help: ## Show these targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/bin/pip:
	@$(BASE_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: install it and try again." >&2; exit 1; }
	@$(BASE_PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; \
	  else echo "Python's venv module is missing: install Debian's package python3-venv and try again." >&2; exit 1; fi; }
	@$(BASE_PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/pip
	@echo "Installing what it needs (once) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt | $(VENV)/bin/pip
	@echo "Installing what development needs (once) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp

run: $(VENV)/run.stamp ## A live status page, nothing else needed (HOST, PORT, VAR_DIR)
	@exec $(PY) manage.py up

demo: $(VENV)/run.stamp ## Watch an outage happen, in about four minutes: STORY=widgetify (default), chat or 503
	@exec $(PY) manage.py demo --story $(or $(STORY),widgetify)

# the tests start the program many times, and pytest reads its files in six processes: compiled once
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/dev.stamp ## All tests, on SQLite and on PostgreSQL
	@bash tests/chromium.sh
	@TEST_DATABASE=sqlite $(PY) -m pytest -q -n 3 --dist worksteal
	@TEST_DATABASE=postgres $(PY) -m pytest -q -n 3 --dist worksteal -m data

lint: $(VENV)/dev.stamp ## Format, rules, types, architecture, templates, known weaknesses
	@$(VENV)/bin/ruff format --check -q .
	@$(VENV)/bin/ruff check -q .
	@$(VENV)/bin/lint-imports --no-cache
	@$(VENV)/bin/mypy
	@$(VENV)/bin/djlint --quiet --lint templates
	@$(PY) -m tests.audit

bench: $(VENV)/dev.stamp ## Measure, each figure beside a reference in the same run
	@$(PY) -m benchmarks

# by hand, against a page that runs; npm brings it into var/lighthouse
LIGHTHOUSE := 13.5.0
URL ?= http://localhost:8000
lighthouse: $(VENV)/dev.stamp ## Lighthouse on the pages readers open first (URL)
	@command -v npm >/dev/null || { echo "Lighthouse needs Node.js 22 or newer with npm: install them and try again." >&2; exit 1; }
	@npm install --silent --no-audit --no-fund --prefix $(or $(VAR_DIR),var)/lighthouse lighthouse@$(LIGHTHOUSE)
	@$(PY) -m benchmarks.lighthouse $(URL)

# whose short form is only a part of the long one
LONG := tests/statuspage/ops/test_parts_away.py tests/statuspage/test_odd_requests.py tests/statuspage/ops/test_up.py \
	tests/statuspage/staff/test_login.py tests/statuspage/staff/test_matrix.py tests/incidents/test_model_of_life.py \
	tests/statuspage/test_xss.py tests/journeys tests/subscribers/test_limits.py tests/components/test_mutated_answers.py tests/upgrade
faults: $(VENV)/dev.stamp ## Break things on purpose, the long form
	@FAULTS=long $(PY) -u -m pytest -q tests/faults $(LONG)

clients: $(VENV)/dev.stamp ## Read a live page with feed readers, calendars and Statuspage's clients
	@$(PY) -m tests.clients

fresh: ## Both of these in a bare Debian, made for it (root; Linux)
	@bash tests/fresh.sh

# by hand, for a release; its tool has an environment of its own
CYCLONEDX := 7.5.0
SBOM := $(or $(VAR_DIR),var)/sbom
sbom: $(VENV)/bin/pip ## What requirements.txt brings, as CycloneDX: var/statuspage.cdx.json
	@$(BASE_PYTHON) -m venv $(SBOM) && $(SBOM)/bin/pip install --quiet --disable-pip-version-check cyclonedx-bom==$(CYCLONEDX)
	@PYTHONWARNINGS=ignore $(SBOM)/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml \
	  --output-reproducible -o $(SBOM)/../statuspage.cdx.json
	@echo "Written and validated: $(or $(VAR_DIR),var)/statuspage.cdx.json"

bare: $(VENV)/dev.stamp ## The steps of docs/install.md and of the Dockerfile in a bare Debian (root; Linux)
	@$(PY) -m tests.bare

clean: ## Remove the environment and everything under var/
	@rm -rf $(VENV) var
