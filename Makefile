# Two commands matter: `make demo` and `make test`. Everything else is done by them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := $(shell command -v uv 2>/dev/null)

export TILLWAY_INSECURE_COOKIES ?= true

.PHONY: install demo test lint types checks bench browser windows clean

install: $(STAMP)

$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.12 …"; exit 1; }
ifeq ($(UV),)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
else
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python -r requirements-dev.txt
endif
	@touch $(STAMP)

demo: install
	@$(BIN)/python manage.py demo $(ARGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m tests.architecture.commit_subjects

types: install
	$(BIN)/mypy agents fleet

checks: install
	$(BIN)/python manage.py makemigrations --check --dry-run
	TILLWAY_INSECURE_COOKIES=false $(BIN)/python manage.py check --deploy --fail-level WARNING

browser: install
	@sh tests/browser/install-chromium.sh

windows: install
	@sh tests/windows/install-wine.sh

test: lint types checks browser windows
	$(BIN)/python -m pytest $(ARGS)
	$(BIN)/python -m tests.postgres $(BIN)/python -m pytest tests/services tests/api tests/faults/test_trials.py tests/hostile

bench: install
	$(BIN)/python manage.py bench $(ARGS)

clean:
	rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
