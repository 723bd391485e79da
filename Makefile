# Needs make and Python 3.11 or newer (another one than found: make PYTHON=...). Each target prepares .venv by itself.

PYTHON ?= $(firstword $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p; done))
PHOTOS ?=
QUERY ?=
BIN := .venv/bin
NO_FAISS = $(BIN)/python -m pip uninstall --quiet --yes faiss-cpu faiss-gpu
GPU_FAISS = $(BIN)/python -m pip install --quiet 'faiss-gpu>=1.15,<2'

WORKERS := -n auto --maxprocesses 8
# Cognitive complexity: up to 20 a function (pyproject.toml), and 15 in the query language.
SIMPLE = $(BIN)/complexipy --plain --failed --exclude 'facesearch/query/**' && \
	$(BIN)/complexipy --plain --failed --max-complexity-allowed 15 facesearch/query

.PHONY: demo check test soak gpu screenshots

# Index a folder of photos into a temporary catalogue, search it, and show where the results lie.
demo: .venv/ready
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh tests/demo.sh "$(PHOTOS)" "$(QUERY)"

# Before each commit, in a minute: rules, types, and the tests that take no time.
check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(SIMPLE)
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m fast $(WORKERS)

# What every change must pass.
test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(SIMPLE)
	$(BIN)/mypy
	$(BIN)/python -m pytest -q $(WORKERS)

# The tests that `make test` leaves out: every one of the damaged and odd files.
soak: .venv/ready
	$(BIN)/python -m pytest -q -m soak

# Every page over the gallery, in both colour schemes and three widths, into screenshots/. Needs Chromium.
screenshots: .venv/ready
	$(BIN)/python -m tests.screenshots screenshots

# FAISS and torch with CUDA instead of those for the CPU (several GB). Two kinds of FAISS must never be installed at once.
gpu: .venv/ready
	$(NO_FAISS)
	$(GPU_FAISS)
	@touch .venv/gpu
	$(BIN)/python -m pip uninstall --quiet --yes torch
	$(BIN)/python -m pip install --quiet 'torch>=2.6,<2.14'
	@$(BIN)/python -c "import faiss, torch; print('FAISS sees', faiss.get_num_gpus(), 'GPUs; torch', torch.__version__, 'can' if torch.cuda.is_available() else 'cannot', 'use one')"

.venv/ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found: install it, or name it with make PYTHON=..." >&2; exit 1; }
	@echo "Preparing .venv: a few minutes, the first time"
	test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@test ! -e .venv/gpu || $(NO_FAISS)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@test ! -e .venv/gpu || { $(NO_FAISS) && $(GPU_FAISS); } # the line above brings faiss-cpu
	@touch $@
