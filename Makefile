# The menu: `make` prints it. Everything is kept in .venv (the project) and .tools (the SAM CLI, uv); `make clean` removes both.

# The first Python on PATH that runs and is new enough; name another with `make install PYTHON=...`.
PYTHON ?= $(shell .ci/find-python)
BIN := .venv/bin
SAM := SAM_CLI_TELEMETRY=0 .tools/sam/bin/sam
COMPILE := .tools/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-strip-extras $(UPGRADE)

.PHONY: help install install-dev tools start test check bench format lock clean

help: ## Show this menu
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

install: .venv/.installed ## Make .venv with what the emulator needs to run
.venv/.installed: requirements.txt
	@.ci/venv "$(PYTHON)" .venv $< && touch $@

install-dev: .venv/.installed-dev ## The same, and what tests and checks need
.venv/.installed-dev: requirements-dev.txt
	@.ci/venv "$(PYTHON)" .venv $< && touch $@ .venv/.installed

tools: .tools/sam/.installed ## Install the real SAM CLI, in an environment of its own: its pins clash with ours
.tools/sam/.installed: requirements-sam.txt
	@.ci/venv "$(PYTHON)" .tools/sam $< && touch $@

start: install ## Run the story on this machine: page, stream and function (options: ARGS="--port 9000")
	@$(BIN)/python -m local $(ARGS)

test: install-dev ## Run the tests; the summary names what was left out and how to get it (options: ARGS="-k sse")
	@$(BIN)/pytest $(ARGS)

check: install-dev tools ## Lint, format, types, template: everything that can be told without running anything
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m tests.deploy.transform | $(BIN)/cfn-lint
	$(SAM) validate --lint

bench: install .tools/bench/.installed ## Measure the cold start, beside a bare Python and FastAPI under uvicorn
	@$(BIN)/python tests/bench/cold_start.py $(ARGS)
.tools/bench/.installed: requirements-bench.txt
	@.ci/venv "$(PYTHON)" .tools/bench $< && touch $@

format: install-dev ## Put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: .tools/uv/bin/uv ## Write the pinned, hashed requirements from pyproject.toml (newest versions: UPGRADE=--upgrade)
	$(COMPILE) pyproject.toml --output-file requirements.txt
	$(COMPILE) pyproject.toml --group dev --constraints requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --group sam --output-file requirements-sam.txt
	$(COMPILE) --group bench --output-file requirements-bench.txt
	$(COMPILE) --group story --constraints requirements.txt --output-file functions/story/requirements.txt
	@! grep -n "://" requirements*.txt functions/*/requirements.txt || { echo "A requirements file names an address; it must not."; exit 1; }

.tools/uv/bin/uv:
	@$(PYTHON) -m venv .tools/uv && .tools/uv/bin/pip install --quiet --quiet --disable-pip-version-check uv

clean: ## Remove everything that was installed, built or cached here
	rm -rf .venv .tools .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
