"""The SES identity that reports are sent from: one per account and region, whatever the stages.

SES knows an identity by its name alone, so the stacks of two stages in one account cannot both
create it. This stack is deployed once, before the Reporter, and belongs to no stage.
"""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_constructs.stack import PRODUCT
from reporter.settings import Sender

NAME: Final = f"{PRODUCT}-reporter-sender"


class ReporterSenderStack(cdk.Stack):
    """Its outputs are the DNS records of DKIM, when the sender has a domain of its own."""

    def __init__(self, scope: Construct, sender: Sender) -> None:
        """SES asks the owner to confirm an address; a domain is confirmed by its DNS records."""
        super().__init__(
            scope, NAME, stack_name=NAME, synthesizer=cdk.CliCredentialsStackSynthesizer()
        )
        cdk.Tags.of(self).add("product", PRODUCT)
        cdk.Tags.of(self).add("service", "reporter")
        identity = sender_identity(self, sender)
        if sender.domain is not None:
            for number, record in enumerate(identity.dkim_records, start=1):
                cdk.CfnOutput(self, f"Cname{number}", value=f"{record.name} {record.value}")


def sender_identity(scope: Construct, sender: Sender) -> ses.EmailIdentity:
    """The domain with DKIM where the owner has one, else the address alone."""
    identity = (
        ses.Identity.email(sender.address)
        if sender.domain is None
        else ses.Identity.domain(sender.domain)
    )
    return ses.EmailIdentity(scope, "Sender", identity=identity)
