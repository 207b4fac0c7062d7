"""The CDK app of a deployable."""

from __future__ import annotations

import aws_cdk as cdk

from cdk_constructs.stage import Stage


def service_app(stage: Stage) -> cdk.App:
    """An app that refuses to synthesise what cdk-nag objects to, unless it is acknowledged.

    The embedded AWS is spared the check: it gets the same constructs.
    """
    app = cdk.App(analytics_reporting=False)
    if not stage.emulated:
        # Imported here: loading it costs a local synthesis a third of its time.
        from cdk_nag import AwsSolutionsChecks

        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app
