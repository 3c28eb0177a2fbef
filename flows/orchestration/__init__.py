"""Prefect: schedule, deaths, alerts, automations."""
