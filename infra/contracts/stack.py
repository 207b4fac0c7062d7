"""What the contracts own in an account: a place for their releases, and the version in use."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.stack import ServiceStack
from cdk_constructs.stage import Stage

SERVICE: Final = "contracts"


class ContractsStack(ServiceStack):
    """Nothing at run time depends on it: a service carries the contracts' wheel in its bundle."""

    def __init__(self, scope: Construct, stage: Stage, version: str) -> None:
        """`version` is the contracts' own, which this deployment announces."""
        super().__init__(scope, SERVICE, stage, version=version)
        bucket = s3.Bucket(
            self,
            "Releases",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=not stage.emulated,
            # A release is never changed; a mistake can be undone.
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                    noncurrent_version_expiration=cdk.Duration.days(30),
                )
            ],
            removal_policy=self.removal_policy,
        )
        acknowledge(
            bucket,
            "AwsSolutions-S1",
            "A log bucket for a few releases would need one of its own; CloudTrail sees them",
            since="2026-11-22",
        )
        self.publish("version", version)
        self.publish("release-bucket", bucket.bucket_name)
        self.output("Version", version)
        self.output("ReleaseBucket", bucket.bucket_name)
