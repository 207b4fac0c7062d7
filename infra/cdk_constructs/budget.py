"""A limit on what a service may cost, which rings before it is reached."""

from __future__ import annotations

from aws_cdk import aws_budgets as budgets

from cdk_constructs.alarms import AlarmBell
from cdk_constructs.stack import ServiceStack


def monthly_budget(stack: ServiceStack, bell: AlarmBell) -> budgets.CfnBudget:
    """Ring at 80 % of the month's budget spent, and at 100 % forecast.

    It counts what bears the stack's `service` tag; the tag must be a cost allocation tag.
    """
    subscriber = budgets.CfnBudget.SubscriberProperty(
        subscription_type="SNS", address=bell.topic.topic_arn
    )
    return budgets.CfnBudget(
        stack,
        "Budget",
        budget=budgets.CfnBudget.BudgetDataProperty(
            budget_name=stack.named("monthly"),
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(
                amount=stack.deploy_stage.monthly_budget_usd, unit="USD"
            ),
            cost_filters={"TagKeyValue": [f"user:service${stack.service}"]},
        ),
        notifications_with_subscribers=[
            budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    notification_type=kind,
                    comparison_operator="GREATER_THAN",
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=[subscriber],
            )
            for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
        ],
    )
