# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.bin:$(PATH)

UV_VERSION := 0.13.9
PYTHON := .venv/bin/python
ENVIRONMENT := .venv/.installed
ENVIRONMENTS := dev staging prod

.PHONY: help
help: ## What can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(ENVIRONMENT): requirements.lock pyproject.toml
	@tools/environment.sh $(UV_VERSION)
	@touch $@

.PHONY: setup
setup: $(ENVIRONMENT) ## Install the locked Python environment and the pinned tools
	@tools/build.sh helm helm-unittest kubeconform kube-score helm4

.PHONY: demo
demo: $(ENVIRONMENT) ## The main job on the shipped example: spec, sizes, values, manifests
	@tools/build.sh helm
	@tools/demo.sh

.PHONY: check
check: setup ## Lint and types
	ruff check .
	ruff format --check .
	mypy
	yamllint -s schemas values charts/llm-serving/values.yaml charts/llm-serving/ci
	helm lint --strict --kube-version 1.34.0 charts/llm-serving -f charts/llm-serving/ci/minimal-values.yaml

.PHONY: test
test: check ## Lint, types, and every test that needs no cluster, API server or Prometheus
	helm-unittest --strict -f 'tests/**/*_test.yaml' charts/llm-serving
	pytest

.PHONY: apiserver
apiserver: setup ## Install, upgrade and roll back all environments against a real API server
	@tools/build.sh kube-apiserver
	pytest -m apiserver tests/apiserver

.PHONY: wheel
wheel: setup ## Build the wheel and use it away from the repository
	pytest -m wheel tests/wheel

.PHONY: prometheus
prometheus: setup ## Alerts, dashboards, triggers and gates against a real Prometheus that watches fake engines and the gateway
	@tools/build.sh promtool prometheus
	pytest -m prometheus tests/observability

.PHONY: pictures
pictures: setup ## Draw the dashboards from such a Prometheus into docs/images (about six minutes)
	@tools/build.sh prometheus
	$(PYTHON) -m tests.observability.pictures docs/images

.PHONY: cluster
cluster: ## Start a one-node cluster for `make e2e` on this machine, a Debian without Docker; `tools/cluster/cluster down` ends it
	@tools/cluster/possible
	@tools/cluster/cluster up >/dev/null
	@tools/cluster/cluster istio
	@tools/cluster/cluster keda
	@tools/cluster/cluster gpus 8
	@echo "export KUBECONFIG=$$(tools/cluster/cluster up) E2E_BUILD_IMAGE='$(CURDIR)/tools/cluster/cluster image' E2E_XDS=$$(tools/cluster/cluster xds)"

.PHONY: e2e
e2e: setup ## The chart and a fake engine on the cluster of $KUBECONFIG
	@tools/e2e.sh

.PHONY: nightly
nightly: setup ## Compare the fake engine and sizing with real vLLM on the CPU; VLLM_PYTHON names its Python
	@tools/nightly.sh

.PHONY: golden
golden: setup ## Write goldens and bad cases anew; read the diff and commit it with the change
	pytest -q tests/golden tests/bad --update-golden
	@git diff --stat -- tests
	@echo "review the diff and commit it with the change"

.PHONY: schemas
schemas: $(ENVIRONMENT) ## Bundle the contracts to JSON
	@$(PYTHON) tools/generate.py schemas

.PHONY: values
values: setup ## Render the shipped environments
	@for env in $(ENVIRONMENTS); do llmgen render values/$$env/spec.yaml -o values/$$env/values.yaml 2>/dev/null; done

.PHONY: docs
docs: $(ENVIRONMENT) ## Generate the reference pages
	@$(PYTHON) tools/generate.py docs

.PHONY: verify
verify: setup ## Generate everything anew and fail on any difference or untracked file
	@$(MAKE) -s schemas docs values
	@pytest -q -p no:warnings tests/golden tests/bad --update-golden >/dev/null
	@git diff --exit-code
	@untracked=$$(git ls-files --others --exclude-standard); [ -z "$$untracked" ] || { echo "untracked: $$untracked"; exit 1; }

.PHONY: bench
bench: setup ## Benchmarks; each prints a table
	$(PYTHON) benchmarks/render.py
	$(PYTHON) benchmarks/sizing.py
	$(PYTHON) benchmarks/gateway.py --requests 2000 --repeat 3 --streams 60 --tokens 120

.PHONY: clean
clean: ## Remove what was built
	rm -rf .venv .bin dist .mypy_cache .ruff_cache .hypothesis
