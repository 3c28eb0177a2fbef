"""Terraform's root: sound, tested, and every mutant refused that would open it, forget something, or grant too much."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRET = re.compile(r"password|secret|token|auth|key", re.IGNORECASE)
GRANTS = """
group:forecasting@example.org | project | roles/compute.osLogin
group:forecasting@example.org | instance | roles/iap.tunnelResourceAccessor
group:forecasting@example.org | mlflow | roles/run.invoker
uptime | mlflow | roles/run.invoker
machine | mlflow | roles/run.invoker
machine | project | roles/cloudsql.client
machine | project | roles/logging.logWriter
machine | project | roles/monitoring.metricWriter
machine | till-forecasts | roles/storage.objectViewer
machine | till-forecasts | roles/storage.objectCreator
machine | till-forecasts | roles/storage.objectUser, if not in the ledger, nor a snapshot
machine | till-pages | roles/storage.objectUser
machine | registry | roles/artifactregistry.reader
machine | alert-url | roles/secretmanager.secretAccessor
machine | prefect-auth-string | roles/secretmanager.secretAccessor
machine | prefect-database-password | roles/secretmanager.secretAccessor
mlflow | project | roles/cloudsql.client
mlflow | till-mlflow | roles/storage.objectUser
mlflow | mlflow-database-password | roles/secretmanager.secretAccessor
build | project | roles/logging.logWriter
build | registry | roles/artifactregistry.writer
build | till-source | roles/storage.objectViewer
"""  # who | where | which role: all there are, and a role that is not here is one too many


@pytest.fixture(scope="module")
def tested(terraform_in, tmp_path_factory):
    """What Terraform's own tests came to, and the plans that they made."""
    return terraform_in(tmp_path_factory.mktemp("terraform")).test()


def grants(plan):
    """Who may do what where, as the plan has it."""
    changes = [change for change in plan["resource_changes"] if change["type"].endswith("_iam_member")]
    return {_grant(change["change"]["after"], change) for change in changes}


def _grant(after, change):
    account = re.match(r"serviceAccount:footfall-(\w+)@", after["member"])
    who = account[1] if account else re.sub(r"serviceAccount:.*monitoring.*", "uptime", after["member"])
    kind = change["type"].removeprefix("google_").removesuffix("_iam_member")
    where = {
        "project": "project", "cloud_run_v2_service": "mlflow", "iap_tunnel_instance": "instance",
        "artifact_registry_repository": "registry", "secret_manager_secret": str(change.get("index")),
    }  # fmt: skip
    condition = f", if {after['condition'][0]['title']}" if after.get("condition") else ""
    return f"{who} | {where.get(kind) or after['bucket']} | {after['role']}{condition}"


def faults(terraform):
    """What is wrong with a root: what Terraform's tests say, or its plan and its text show; nothing if sound."""
    code, said, plans = terraform.test()
    if code:
        return said
    variables = re.findall(r'^variable "(\w+)"', (terraform.folder / "variables.tf").read_text(), re.MULTILINE)
    secret = [f"variable {name}: a secret is in no variable" for name in variables if SECRET.search(name)]
    return sorted(grants(plans["as_it_is"]) ^ set(GRANTS.strip().splitlines())) + secret


def test_it_is_formatted_and_valid(terraform_in, tmp_path):
    terraform = terraform_in(tmp_path)
    assert (done := terraform("fmt", "-check", "-recursive", "-diff")).returncode == 0, done.stdout
    assert (done := terraform("validate")).returncode == 0, done.stdout + done.stderr


def test_it_is_sound(terraform_in, tmp_path):
    assert not faults(terraform_in(tmp_path))


MUTANTS = {
    "MLflow for all, by its grants": (
        "mlflow.tf", "{ machine = google_service_account.account[\"machine\"].member },", '{ all = "allUsers" },', "for all",
    ),
    "MLflow for all who have an account": (
        "mlflow.tf", "member   = each.value\n", 'member   = "allAuthenticatedUsers"\n', "for all",
    ),
    "MLflow without IAM": (
        "mlflow.tf", "iam_disabled = false", "iam_disabled = true", "IAM",
    ),
    "a tag for MLflow": (
        "mlflow.tf", "image = var.image\n      args  = [\"mlflow\"]", "image = \"${local.registry}/footfall:1\"\n      args  = [\"mlflow\"]", "same release",
    ),
    "a tag on the machine": (
        "machine.tf", "image      = var.image", 'image      = "${local.registry}/footfall:1"', "on the machine",
    ),
    "any image": ("variables.tf", 'can(regex("^[a-z0-9-]+-docker', 'can(regex("^[a-z0-9-]*|-docker', "image"),
    "no versions": ("storage.tf", "versioning {\n    enabled = true", "versioning {\n    enabled = false", "keeps versions"),
    "no soft delete": ("storage.tf", "30 * 24 * 3600", "0", "had back"),
    "public objects": ("storage.tf", '&& var.pages_are_public ? "inherited"', '? "inherited"', "public"),
    "a ledger that can be rewritten": ("storage.tf", "!resource.name.startsWith('${local.objects}/ledger/') && ", "", "ledger"),
    "a role too many": ("identities.tf", '["roles/cloudsql.client"]', '["roles/cloudsql.client", "roles/editor"]', "roles/editor"),
    "a grant of its own": (
        "identities.tf", "locals {", 'resource "google_project_iam_member" "owner" {\n  project = var.project\n'
        '  role = "roles/owner"\n  member = "user:ana@example.org"\n}\nlocals {', "roles/owner",
    ),
    "a secret in a variable's default": (
        "variables.tf", 'variable "project" {', 'variable "prefect_auth" {\n  type = string\n  default = "footfall:word"\n}\n\n'
        'variable "project" {', "prefect_auth",
    ),
    "two MLflow servers": ("mlflow.tf", "max_instance_count = 1", "max_instance_count = 2", "one at most"),
    "a database with an address": ("database.tf", "ipv4_enabled    = false", "ipv4_enabled    = true", "address outside"),
    "no way back in the database": ("database.tf", "recovery_enabled = true", "recovery_enabled = false", "set back"),
    "a firewall that is open": ("network.tf", '"35.235.240.0/20"', '"0.0.0.0/0"', "through IAP"),
    "a misspelt argument": ("storage.tf", "uniform_bucket_level_access", "uniform_bucket_access", "uniform_bucket_access"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_refused(name, terraform_in, tmp_path):
    file, right, wrong, word = MUTANTS[name]
    terraform = terraform_in(tmp_path)
    path = terraform.folder / file
    assert path.read_text().count(right) >= 1, "there is no such place any more"
    path.write_text(path.read_text().replace(right, wrong))
    assert word in str(faults(terraform))
