"""The CDK app that lets the pipelines deploy without long-lived keys."""
