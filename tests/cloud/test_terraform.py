"""Terraform's root: sound, tested, and every mutant refused that would open it, forget something, or grant too much."""

import re
import shutil

import pytest
from terraform_root import Terraform, mirror

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(not shutil.which("terraform"), reason="no Terraform here: install 1.11 to try deploy/"),
]
SECRET = re.compile(r"password|secret|token|auth|key", re.IGNORECASE)
OPENED = """
group:forecasting@example.org | mlflow | roles/run.invoker
group:forecasting@example.org | mlflow | roles/run.viewer
group:forecasting@example.org | till-pages | roles/storage.objectViewer
group:operators@example.org | mlflow | roles/run.invoker
group:operators@example.org | mlflow | roles/run.viewer
group:operators@example.org | till-pages | roles/storage.objectViewer
group:operators@example.org | project | roles/compute.osAdminLogin
group:operators@example.org | project | roles/compute.viewer
group:operators@example.org | the account machine | roles/iam.serviceAccountUser
group:operators@example.org | instance | roles/iap.tunnelResourceAccessor
group:operators@example.org | prefect-auth-string | roles/secretmanager.secretAccessor
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
machine | worker-variables | roles/secretmanager.secretAccessor
machine | prefect-auth-string | roles/secretmanager.secretAccessor
machine | prefect-database-password | roles/secretmanager.secretAccessor
mlflow | project | roles/cloudsql.client
mlflow | till-mlflow | roles/storage.objectUser
mlflow | mlflow-database-password | roles/secretmanager.secretAccessor
build | project | roles/logging.logWriter
build | registry | roles/artifactregistry.writer
build | till-source | roles/storage.objectViewer
35.235.240.0/20 -> machine 22
"""  # who | where | which role; from where -> to whom by which ports: all there are, and one not here is one too many
MORE = {  # what else there is where somebody chose it, by the run of Terraform's tests
    "as_it_is": "",
    "pages_are_public_by_choice": "allUsers | till-pages | roles/storage.legacyObjectReader",
    "github_builds_from_main_alone": """
workflow | the account github | roles/iam.workloadIdentityUser
github | the account build | roles/iam.serviceAccountUser
github | project | roles/cloudbuild.builds.editor
github | project | roles/logging.viewer
github | project | roles/serviceusage.serviceUsageConsumer
github | till-source | roles/storage.objectUser
github | till-source | roles/storage.legacyBucketReader
""",
    "backtests_go_to_a_group_by_choice": """
backtests | project | roles/logging.logWriter
backtests | registry | roles/artifactregistry.reader
backtests -> machine 8786
machine and backtests -> backtests 8790-8809
""",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return mirror(tmp_path_factory.mktemp("mirror"))


@pytest.fixture
def terraform(settings, tmp_path):
    """Terraform in a copy of its own."""
    return Terraform(tmp_path, settings)


def opened(plan):
    """Who may do what where, and what firewalls let in, as the plan has it."""
    changes = plan["resource_changes"]
    grants = {_grant(one["change"]["after"], one) for one in changes if one["type"].endswith("_iam_member")}
    return grants | {_door(one["change"]["after"]) for one in changes if one["type"] == "google_compute_firewall"}


def _grant(after, change):
    account = re.match(r"serviceAccount:footfall-(\w+)@", after["member"])
    who = account[1] if account else re.sub(r"serviceAccount:.*monitoring.*", "uptime", after["member"])
    who = re.sub(r"principalSet://.*", "workflow", who)
    kind = change["type"].removeprefix("google_").removesuffix("_iam_member")
    where = {
        "project": "project", "cloud_run_v2_service": "mlflow", "iap_tunnel_instance": "instance",
        "artifact_registry_repository": "registry", "secret_manager_secret": after.get("secret_id"),
        "service_account": re.sub(r".*/footfall-(\w+)@.*", r"the account \1", after.get("service_account_id", "")),
    }  # fmt: skip
    condition = f", if {after['condition'][0]['title']}" if after.get("condition") else ""
    return f"{who} | {where.get(kind) or after['bucket']} | {after['role']}{condition}"


def _door(after):
    sources = [name for kind in ("service_accounts", "ranges", "tags") for name in after.get(f"source_{kind}") or []]
    names = [re.sub(r"footfall-(\w+)@.*", r"\1", name) for name in [*sources, *after["target_service_accounts"]]]
    allowed = [
        f"{one['protocol']} {','.join(one.get('ports') or ['all'])}".removeprefix("tcp ") for one in after["allow"]
    ]
    return f"{' and '.join(sorted(names[:-1], reverse=True))} -> {names[-1]} {'; '.join(allowed)}"


def faults(terraform):
    """What is wrong with a root: what Terraform's tests say, or its plan and its text show; nothing if sound."""
    code, said, plans = terraform.test()
    if code:
        return said
    variables = re.findall(r'^variable "(\w+)"', (terraform.folder / "variables.tf").read_text(), re.MULTILINE)
    secret = [f"variable {name}: a secret is in no variable" for name in variables if SECRET.search(name)]
    wrong = [f"{run}: {line}" for run, more in MORE.items()
             for line in opened(plans[run]) ^ set(filter(None, f"{OPENED}{more}".splitlines()))]  # fmt: skip
    return sorted(wrong) + secret


def test_it_is_formatted_and_valid(terraform):
    assert (done := terraform("fmt", "-check", "-recursive", "-diff")).returncode == 0, done.stdout
    assert (done := terraform("validate")).returncode == 0, done.stdout + done.stderr


def test_it_is_sound(terraform):
    assert not faults(terraform)


RELEASES = """
run "in_service" {}
run "first_step" {
  command = plan
  variables { image = "NEXT" }
  plan_options { target = [TARGET] }
}
run "second_step" {
  command = plan
  variables { image = "NEXT" }
}
"""


def test_what_may_fail_of_a_release_is_done_before_the_old_machine_goes(terraform, tmp_path):
    (tmp_path / "gcloud").write_text("#!/bin/sh\n")  # refuses nothing
    (tmp_path / "gcloud").chmod(0o755)
    terraform.environment["PATH"] = f"{tmp_path}:{terraform.environment['PATH']}"
    (target,) = re.findall(r"-target=(\S+)", (terraform.folder / "release.sh").read_text())
    (tests,) = (terraform.folder / "tests").iterdir()
    given = tests.read_text().partition('\nrun "')[0]
    given = re.sub(r" *override_during.*\n", "", given)  # with it Terraform's own stand-in contradicts itself
    given = given.replace('= "till"\n', '= "till"\n  backtest_workers = 2\n', 1)
    image = re.search(r'image += "(.*)"', given)[1]
    runs = RELEASES.replace("NEXT", image.replace("aaaa", "cccc")).replace("TARGET", target)
    tests.write_text(given + runs)
    _, said, plans = terraform.test()
    assert {"first_step", "second_step"} == plans.keys(), said
    first, second = ({change["address"]: change["change"]["actions"] for change in plans[step]["resource_changes"]}
                     for step in ("first_step", "second_step"))  # fmt: skip
    assert first["terraform_data.migrated"] == ["delete", "create"]
    assert first["google_cloud_run_v2_service.mlflow"] == ["update"]
    assert not any(address.startswith("google_compute_instance") for address in first)
    assert "delete" in second["google_compute_instance.machine"], "for which the first step is there"
    # the stand-in does not know that no template is ever changed, but made anew
    assert second["google_compute_instance_template.backtests[0]"] != ["no-op"], "the group is of the new release too"


def test_an_ordinary_month_writes_no_mail(terraform):
    (budget,) = [change["change"]["after"] for change in terraform.test()[2]["as_it_is"]["resource_changes"]
                 if change["type"] == "google_billing_budget"]  # fmt: skip
    first = min(rule["threshold_percent"] for rule in budget["threshold_rules"])
    month = re.search(r"\*\*in all\*\* \| \*\*(\d+)\*\*", (terraform.folder / "README.md").read_text())
    assert first * int(budget["amount"][0]["specified_amount"][0]["units"]) > int(month[1])


TAG = 'image = "${local.registry}/footfall:1"'
OWNER = """resource "google_project_iam_member" "owner" {
  project = var.project
  role    = "roles/owner"
  member  = "user:ana@example.org"
}
locals {"""
WORD = """variable "prefect_auth" {
  type    = string
  default = "footfall:word"
}

variable "project" {"""
MACHINE = '{ machine = google_service_account.account["machine"].member }'
BUCKET = '\\"${local.buckets.pages}\\""'
ENTRIES = "!resource.name.startsWith('${local.objects}/ledger/') && "
CLIENT = '["roles/cloudsql.client"]'
OF_GROUP = "source_service_accounts = [google_service_account.backtests[0].email]"
READER = """resource "google_storage_bucket_iam_member" "backtests" {
  count  = local.group
  bucket = google_storage_bucket.bucket["forecasts"].name
  role   = "roles/storage.objectViewer"
  member = google_service_account.backtests[0].member
}

resource "google_compute_address" "scheduler" {"""
TAGGED = f'backtests.service", merge(local.settings, {{ {TAG} }})'
ITS_ACCOUNT = "email  = google_service_account.backtests[0].email"
MACHINES = 'email = google_service_account.account["machine"].email'
INSIDE = "subnetwork = google_compute_subnetwork.subnetwork.id\n"
MUTANTS = {  # the file, what stands there, what is put in its place, a word of the refusal
    "MLflow for all, by a grant": ("mlflow", MACHINE, '{ all = "allUsers" }', "for all"),
    "MLflow for all with an account": ("mlflow", "= each.value\n", '= "allAuthenticatedUsers"\n', "for all"),
    "MLflow without IAM": ("mlflow", "iam_disabled = false", "iam_disabled = true", "behind IAM"),
    "MLflow under any name": ("mlflow", ",mlflow-*.a.run.app", ",*", "two names alone"),
    "two servers of MLflow": ("mlflow", "max_instance_count = 1", "max_instance_count = 2", "one at most"),
    "a tag for MLflow": ("mlflow", 'image = var.image\n      args  = ["mlflow"]', TAG, "same release"),
    "a tag on the machine": ("machine", "image      = var.image", TAG, "on the machine"),
    "a tag as a release": ("variables", "@sha256:[0-9a-f]{64}$", "", "var.image"),
    "no versions": ("storage", "enabled = true", "enabled = false", "keeps versions"),
    "no soft delete": ("storage", "30 * 24 * 3600", "0", "had back"),
    "public objects": ("storage", ' && var.pages_are_public ? "inherited"', ' ? "inherited"', "unless chosen"),
    "a ledger to rewrite": ("storage", ENTRIES, "", "never replaced"),
    "a role too many": ("identities", CLIENT, '["roles/cloudsql.client", "roles/editor"]', "roles/editor"),
    "a grant apart": ("identities", "locals {", OWNER, "roles/owner"),
    "a role too many for GitHub": ("release", '"roles/logging.viewer",', '"roles/owner",', "roles/owner"),
    "GitHub's subject": ("release", "attribute.repository/$", "subject/repo:$", "repository's name"),
    "no look at the bucket": ("release", ', "roles/storage.legacyBucketReader"]', "]", "legacyBucketReader"),
    "who looks may be the machine": ("machine", "toset(var.operators)", "local.lookers", "the account machine"),
    "what every run writes": ("watch", BUCKET, BUCKET.replace("pages", "forecasts"), "only a publication writes"),
    "a condition that Google refuses": ("watch", "82800s", "86400s", "more than 25 hours"),
    "a secret in a default": ("variables", 'variable "project" {', WORD, "prefect_auth"),
    "a database with an address": ("database", "ipv4_enabled    = false", "ipv4_enabled    = true", "address outside"),
    "no way back": ("database", "recovery_enabled = true", "recovery_enabled = false", "set back"),
    "an open firewall": ("network", '"35.235.240.0/20"', '"0.0.0.0/0"', "through IAP"),
    "a scheduler for all": ("backtests", OF_GROUP, 'source_ranges = ["0.0.0.0/0"]', "0.0.0.0/0 -> machine"),
    "a scheduler for all inside": ("backtests", OF_GROUP, 'source_ranges = ["10.20.0.0/24"]', "0/24 -> machine"),
    "every port of the machine": ("backtests", '    ports    = ["8786"]\n', "", "machine all"),
    "every port of the group": ("backtests", '["8790-8809"]', '["0-65535"]', "backtests 0-65535"),
    "workers that ask no other": ("backtests", "email, google_service_account.backtests[0].email]", "email]", "8790"),
    "a group that reads the bucket": ("backtests", READER.splitlines()[-1], READER, "till-forecasts"),
    "a group that is the machine": ("backtests", ITS_ACCOUNT, MACHINES, "of its own"),
    "a tag for the group": ("backtests", 'backtests.service", local.settings', TAGGED, "machine's release"),
    "a group with an address": (
        "backtests",
        f"{INSIDE}  }}",
        f"{INSIDE}    access_config {{}}\n  }}",
        "address outside",
    ),
    "a group unasked": ("variables", "default     = 0", "default     = 1", "unless chosen"),
    "a release that leaves the group": ("backtests", "PROACTIVE", "OPPORTUNISTIC", "all at once"),
    "a misspelt argument": ("storage", "uniform_bucket_level", "uniform_bucket", "uniform_bucket_access"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_refused(name, terraform):
    file, right, wrong, word = MUTANTS[name]
    path = terraform.folder / f"{file}.tf"
    assert path.read_text().count(right) >= 1, "there is no such place any more"
    path.write_text(path.read_text().replace(right, wrong))
    assert word in str(faults(terraform))
