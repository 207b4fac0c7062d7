"""A limit on what a service may cost in a stage, with a notification before it is reached."""

from __future__ import annotations

from aws_cdk import aws_budgets as budgets

from cdk_constructs.alarms import ServiceAlarms
from cdk_constructs.stack import ServiceStack


def monthly_budget(stack: ServiceStack, alarms: ServiceAlarms) -> budgets.CfnBudget:
    """Notify at 80 % of the month's budget spent, and at 100 % forecast.

    It counts what has the stack's tags `service` and `stage`; both must be cost allocation tags.
    """
    subscriber = budgets.CfnBudget.SubscriberProperty(
        subscription_type="SNS", address=alarms.topic.topic_arn
    )
    return budgets.CfnBudget(
        stack,
        "Budget",
        budget=budgets.CfnBudget.BudgetDataProperty(
            budget_name=stack.global_name("monthly"),
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(
                amount=stack.deploy_stage.monthly_budget_usd, unit="USD"
            ),
            # A list of `CostFilters` values means any of them; only an expression means both tags.
            filter_expression=_tagged(service=stack.service, stage=stack.deploy_stage.name),
            metrics=["UnblendedCost"],
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


def _tagged(**tags: str) -> budgets.CfnBudget.ExpressionProperty:
    return budgets.CfnBudget.ExpressionProperty(
        and_=[
            budgets.CfnBudget.ExpressionProperty(
                tags=budgets.CfnBudget.TagValuesProperty(
                    key=f"user:{key}", values=[value], match_options=["EQUALS"]
                )
            )
            for key, value in tags.items()
        ]
    )
