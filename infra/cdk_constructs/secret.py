"""Secrets that nobody chooses: generated at the first deployment, read by functions."""

from __future__ import annotations

import json

from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.stack import ServiceStack

LENGTH = 64


def generated_secret(stack: ServiceStack, resource: str, purpose: str) -> secretsmanager.Secret:
    """A random string of 64 letters and digits."""
    return _secret(
        stack,
        resource,
        purpose,
        secretsmanager.SecretStringGenerator(password_length=LENGTH, exclude_punctuation=True),
    )


def rotating_keys(stack: ServiceStack, resource: str, purpose: str) -> secretsmanager.Secret:
    """`{"current": "<64 letters and digits>"}`; to rotate, move it to `previous`."""
    return _secret(
        stack,
        resource,
        purpose,
        secretsmanager.SecretStringGenerator(
            password_length=LENGTH,
            exclude_punctuation=True,
            secret_string_template=json.dumps({}),
            generate_string_key="current",
        ),
    )


def arn_of(secret: secretsmanager.Secret) -> str:
    """The secret's ARN, by its attribute `Id`: on the embedded AWS a `Ref` is the bare name."""
    resource = secret.node.default_child
    assert isinstance(resource, secretsmanager.CfnSecret)
    return resource.attr_id


def _secret(
    stack: ServiceStack,
    resource: str,
    purpose: str,
    generator: secretsmanager.SecretStringGenerator,
) -> secretsmanager.Secret:
    secret = secretsmanager.Secret(
        stack,
        "".join(word.capitalize() for word in resource.split("-")),
        secret_name=stack.named(resource),
        description=purpose,
        generate_secret_string=generator,
        removal_policy=stack.removal_policy,
    )
    acknowledge(
        secret,
        "AwsSolutions-SMG4",
        "Rotated by hand (see the runbook): whoever holds a link would lose it",
        since="2026-11-22",
    )
    return secret
