"""Runbooks, traces and the absence of texts, on an embedded AWS whose alarms are evaluated."""
