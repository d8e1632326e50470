# The menu: `make` prints it. Everything is kept in .venv (the project) and .tools (SAM and AWS CLI, uv); `make clean` removes both.

# The first Python on PATH that runs and is new enough; name another with `make install PYTHON=...`.
PYTHON ?= $(shell .ci/find-python)
# The Python that the functions run on; `sam build` takes no other.
RUNTIME = $(shell .ci/find-python 3.13)
# As `$(BIN)/python -m pytest`, since the first line of `$(BIN)/pytest` leads nowhere once the clone has been moved.
BIN := .venv/bin
SAM := SAM_CLI_TELEMETRY=0 .tools/sam/bin/sam
COMPILE := .tools/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-strip-extras $(UPGRADE)

.PHONY: help install install-dev tools node-runtime start cloud deploy-here test test-edge parity check build bench bench-1000 format lock clean

help: ## Show this menu
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

install: .venv/.installed ## Make .venv with what the emulator needs to run
.venv/.installed: requirements.txt
	@.ci/venv "$(PYTHON)" .venv $< && touch $@

install-dev: .venv/.installed-dev ## The same, and what tests and checks need
.venv/.installed-dev: requirements-dev.txt
	@.ci/venv "$(PYTHON)" .venv $< && touch $@ .venv/.installed

tools: .tools/sam/.installed .tools/aws/.installed .tools/checkov/.installed ## Install the real SAM and AWS CLI and checkov, each in an environment of its own
.tools/sam/.installed: requirements-sam.txt
	@.ci/venv "$(PYTHON)" .tools/sam $< && touch $@
.tools/aws/.installed: requirements-aws.txt
	@.ci/venv "$(PYTHON)" .tools/aws $< && touch $@

.tools/checkov/.installed: requirements-checkov.txt
	@.ci/venv "$(PYTHON)" .tools/checkov $< && touch $@

# Programs from npm, each set with a lock of its own below .ci/npm: hashes, and no addresses.
.tools/npm/%/.installed: .ci/npm/%/package-lock.json
	@mkdir -p $(@D) && cp .ci/npm/$*/package.json $< $(@D)
	@cd $(@D) && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error && touch .installed

node-runtime: .tools/npm/ric/.installed ## Install AWS's runtime client for Node, which tests run (needs npm, g++ and cmake; a minute)
# It builds an addon, against the headers of the Node that comes with it: Node's own site is not asked for them.
MACHINE := $(subst aarch64,arm64,$(subst x86_64,x64,$(shell uname -m)))
.tools/npm/ric/.installed: export npm_config_nodedir = $(CURDIR)/.tools/npm/ric/node_modules/node-linux-$(MACHINE)

start: install ## Run the story on this machine: page, stream and function (options: ARGS="--port 9000")
	@$(BIN)/python -m local $(ARGS)

cloud: .tools/cloud/.installed ## An empty local cloud that waits for deployments (options: ARGS="--port 9000")
	@.tools/cloud/bin/python -m local --empty $(ARGS)

# What was built for the template's Python holds extension modules for it, so the cloud runs on that one where it is there.
.tools/cloud/.installed: requirements.txt
	@.ci/venv "$(or $(RUNTIME),$(PYTHON))" .tools/cloud $< && touch $@

# Into that cloud; the functions are built for the processor they will run on.
HERE := http://localhost:8081
deploy-here: tools ## Build, and deploy into the cloud that `make cloud` runs (options: HERE=http://localhost:9001)
	$(MAKE) build ARGS="--parameter-overrides Architecture=$(PROCESSOR)"
	AWS_ENDPOINT_URL=$(HERE) AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any \
		$(SAM) deploy --no-confirm-changeset --parameter-overrides Architecture=$(PROCESSOR)
PROCESSOR = $(if $(filter x86_64 AMD64,$(shell uname -m)),x86_64,arm64)

# The rules for accessibility, where there is an npm to get them with; else the tests that need them are left out.
AXE := $(if $(shell command -v npm),.tools/npm/axe/.installed)
test: install-dev $(AXE) ## Run the tests; the summary names what was left out and how to get it (options: ARGS="-k sse")
	@$(BIN)/python -m pytest $(ARGS)

test-edge: install-dev ## Check a deployment over HTTP, by default the local stack (options: URL=https://... STORY_URL=... BUCKET_URL=...)
	@EDGE_URL="$(URL)" EDGE_STORY_URL="$(STORY_URL)" EDGE_BUCKET_URL="$(BUCKET_URL)" EDGE_PACE=real \
		$(BIN)/python -m pytest tests/edge -m edge $(ARGS)

LOCAL ?= http://localhost:8080
parity: install-dev ## Compare the answers of two deployments, as Markdown (LOCAL=http://localhost:8080 URL=https://...)
	@$(BIN)/python -m tests.edge.parity "$(LOCAL)" "$(URL)"

check: install-dev tools ## Lint, format, types, template: everything that can be told without running anything
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m tests.deploy.transform | $(BIN)/cfn-lint
	.ci/checkov
	$(BIN)/python -m local lint
	$(SAM) validate --lint

build: install tools ## Make what `sam deploy` deploys: sam build, without what is unused, with bytecode (options: ARGS="--parameter-overrides Architecture=x86_64")
	@[ -n "$(RUNTIME)" ] || { echo "sam build needs python3.13, as the template names it, and there is none: install it and put it on PATH."; exit 1; }
	PATH="$(dir $(RUNTIME)):$$PATH" $(SAM) build $(ARGS)
	$(RUNTIME) .ci/finish.py .aws-sam/build
	$(BIN)/python -m local lint .aws-sam/build/template.yaml

compare: install-dev ## Measure one story over server-sent events and over polling; it takes as long as the story twice
	@PYTHONPATH=.:functions/layers/stories/python $(BIN)/python -m tests.bench.compare $(ARGS)

bench-1000: install-dev ## Measure a thousand stories at once, each in an environment of its own (options: ARGS="--streams 100")
	@PYTHONPATH=.:functions/layers/stories/python $(BIN)/python -m tests.bench.thousand $(ARGS)

bench: install .tools/sam/.installed .tools/bench/.installed .tools/bench/.api ## Measure this beside other servers and emulators, in about ten minutes (options: ARGS="--only lag --streams 1000")
	@PYTHONPATH=.:functions/layers/stories/python $(BIN)/python -m tests.bench $(ARGS)
.tools/bench/.installed: requirements-bench.txt
	@.ci/venv "$(PYTHON)" .tools/bench $< && touch $@
.tools/bench/.api: functions/api/requirements.txt .tools/bench/.installed
	@rm -rf .tools/bench/api
	@.tools/bench/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes \
		--target .tools/bench/api -r $< && touch $@

format: install-dev ## Put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: .tools/uv/bin/uv ## Write the pinned, hashed requirements from pyproject.toml (newest versions: UPGRADE=--upgrade)
	$(COMPILE) pyproject.toml --group functions --output-file requirements.txt
	$(COMPILE) pyproject.toml --group functions --group dev --constraints requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --group sam --output-file requirements-sam.txt
	$(COMPILE) --group aws --output-file requirements-aws.txt
	$(COMPILE) --group checkov --output-file requirements-checkov.txt
	$(COMPILE) --group story --constraints requirements.txt --output-file functions/story/requirements.txt
	$(COMPILE) --group api --constraints requirements.txt --output-file functions/api/requirements.txt
	$(COMPILE) --group bench --constraints functions/api/requirements.txt --output-file requirements-bench.txt
	for folder in .ci/npm/*/; do (cd "$$folder" && npm install --package-lock-only --omit-lockfile-registry-resolved \
		--no-audit --no-fund --loglevel=error) || exit 1; done
	@! grep -n '"resolved"' .ci/npm/*/package-lock.json || { echo "An npm lock names an address; it must not."; exit 1; }
	@! grep -n "://" requirements*.txt functions/*/requirements.txt || { echo "A requirements file names an address; it must not."; exit 1; }

.tools/uv/bin/uv:
	@$(PYTHON) -m venv .tools/uv && .tools/uv/bin/python -m pip install --quiet --quiet --disable-pip-version-check uv

clean: ## Remove everything that was installed, built or cached here
	rm -rf .venv .tools .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
