# What must be true of every plan. tests/cloud/test_terraform.py runs it, and plants mutants that it must refuse.
mock_provider "google" {}

override_resource {
  target          = google_service_account.account["machine"]
  override_during = plan
  values = {
    name   = "projects/till/serviceAccounts/footfall-machine@till.iam.gserviceaccount.com"
    email  = "footfall-machine@till.iam.gserviceaccount.com"
    member = "serviceAccount:footfall-machine@till.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_service_account.account["mlflow"]
  override_during = plan
  values = {
    email  = "footfall-mlflow@till.iam.gserviceaccount.com"
    member = "serviceAccount:footfall-mlflow@till.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_service_account.account["build"]
  override_during = plan
  values = {
    name   = "projects/till/serviceAccounts/footfall-build@till.iam.gserviceaccount.com"
    email  = "footfall-build@till.iam.gserviceaccount.com"
    member = "serviceAccount:footfall-build@till.iam.gserviceaccount.com"
  }
}

override_resource {
  target          = google_sql_database_instance.database
  override_during = plan
  values          = { connection_name = "till:europe-southwest1:footfall" }
}

variables {
  project         = "till"
  project_number  = "123456789012"
  billing_account = "012345-6789AB-CDEF01"
  alert_email     = "ana@example.org"
  people          = ["group:forecasting@example.org"]
  operators       = ["group:operators@example.org"]
  image           = "europe-southwest1-docker.pkg.dev/till/footfall/footfall@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  sql_proxy       = "gcr.io/cloud-sql-connectors/cloud-sql-proxy@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
}

run "as_it_is" {
  command = plan
  assert {
    condition     = alltrue([for bucket in google_storage_bucket.bucket : bucket.versioning[0].enabled])
    error_message = "Every bucket keeps versions."
  }
  assert {
    condition     = alltrue([for bucket in google_storage_bucket.bucket : bucket.uniform_bucket_level_access])
    error_message = "Objects have no access lists of their own."
  }
  assert {
    condition     = alltrue([for bucket in google_storage_bucket.bucket : bucket.soft_delete_policy[0].retention_duration_seconds >= 7 * 24 * 3600])
    error_message = "What is deleted can be had back for a week at least."
  }
  assert {
    condition     = alltrue([for bucket in google_storage_bucket.bucket : bucket.public_access_prevention == "enforced"])
    error_message = "Nothing is public unless chosen."
  }
  assert {
    condition     = strcontains(google_storage_bucket_iam_member.replace.condition[0].expression, "!resource.name.startsWith('projects/_/buckets/till-forecasts/objects/ledger/')")
    error_message = "An entry of the ledger is created and never replaced."
  }
  assert {
    condition     = alltrue([for grant in google_cloud_run_v2_service_iam_member.invoker : !startswith(grant.member, "all")])
    error_message = "MLflow is never for all."
  }
  assert {
    condition     = google_cloud_run_v2_service.mlflow.invoker_iam_disabled != true
    error_message = "MLflow is behind IAM."
  }
  assert {
    condition     = google_cloud_run_v2_service.mlflow.template[0].scaling[0] == { min_instance_count = 0, max_instance_count = 1 }
    error_message = "Nothing while nobody asks, and one at most: a small database has few connections."
  }
  assert {
    condition     = google_cloud_run_v2_service.mlflow.template[0].containers[0].resources[0].limits.memory == "1Gi"
    error_message = "MLflow needs 1 GiB."
  }
  assert {
    condition     = one([for env in google_cloud_run_v2_service.mlflow.template[0].containers[0].env : env.value if env.name == "MLFLOW_SERVER_ALLOWED_HOSTS"]) == "mlflow-123456789012.europe-southwest1.run.app,mlflow-*.a.run.app"
    error_message = "MLflow answers under its own two names alone: that with the project's number, and that which gcloud's proxy asks for."
  }
  assert {
    condition     = alltrue([for env in google_cloud_run_v2_service.mlflow.template[0].containers[0].env : length(env.value_source) == 1 if env.name == "PGPASSWORD"])
    error_message = "The password comes from Secret Manager."
  }
  assert {
    condition     = google_cloud_run_v2_service.mlflow.template[0].containers[0].image == var.image && google_cloud_run_v2_job.migrate.template[0].template[0].containers[0].image == var.image
    error_message = "The server and its migration are of the same release."
  }
  assert {
    condition     = alltrue([for unit in ["prefect", "worker"] : strcontains(local.files["footfall-${unit}.service"], "${var.image} ${unit}")])
    error_message = "And so is what runs on the machine."
  }
  assert {
    condition     = !google_sql_database_instance.database.settings[0].ip_configuration[0].ipv4_enabled
    error_message = "The database has no address outside."
  }
  assert {
    condition     = google_sql_database_instance.database.settings[0].backup_configuration[0].point_in_time_recovery_enabled
    error_message = "The database can be set back to any minute of the week."
  }
  assert {
    condition     = length(google_compute_instance.machine.network_interface[0].access_config) == 0
    error_message = "The machine has no address outside."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.silent["No forecast for a day"].conditions[0].condition_threshold[0].filter, "bucket_name = \"till-pages\"")
    error_message = "What only a publication writes: a run that fails has kept its snapshot by then."
  }
  assert {
    condition = alltrue([for policy in google_monitoring_alert_policy.silent : sum([for seconds in [
      policy.conditions[0].condition_threshold[0].duration,
      policy.conditions[0].condition_threshold[0].aggregations[0].alignment_period,
    ] : tonumber(trimsuffix(seconds, "s"))]) <= 25 * 3600])
    error_message = "Cloud Monitoring refuses a condition that looks back more than 25 hours."
  }
  assert {
    condition     = strcontains(local.files["worker.env"], "FOOTFALL_PAGES_URL=https://storage.cloud.google.com\n")
    error_message = "A link to a page leads to where Google asks who one is."
  }
  assert {
    condition     = google_compute_instance.machine.metadata["cos-update-strategy"] == "update_enabled"
    error_message = "The machine's system fetches its updates."
  }
  assert {
    condition     = length(google_artifact_registry_repository.images.cleanup_policies) == 0
    error_message = "No image is deleted: it may be the one in service."
  }
  assert {
    condition     = google_compute_firewall.iap.source_ranges == toset(["35.235.240.0/20"])
    error_message = "Nothing comes in but through IAP."
  }
  assert {
    condition     = var.backtest_workers == 0 && length(google_compute_instance_group_manager.backtests) == 0
    error_message = "The machine backtests alone unless chosen."
  }
  assert {
    condition     = !strcontains(local.cloud_init, "FOOTFALL_DASK") && !strcontains(local.cloud_init, "footfall-scheduler")
    error_message = "And knows of no scheduler."
  }
}

run "backtests_go_to_a_group_by_choice" {
  command = plan
  variables {
    backtest_workers = 2
  }
  override_resource {
    target          = google_service_account.backtests[0]
    override_during = plan
    values = {
      email  = "footfall-backtests@till.iam.gserviceaccount.com"
      member = "serviceAccount:footfall-backtests@till.iam.gserviceaccount.com"
    }
  }
  override_resource {
    target          = google_compute_address.scheduler[0]
    override_during = plan
    values          = { address = "10.20.0.5" }
  }
  assert {
    condition     = google_compute_instance_group_manager.backtests[0].target_size == 2
    error_message = "As many machines as were asked for."
  }
  assert {
    condition     = google_compute_instance_group_manager.backtests[0].update_policy[0].type == "PROACTIVE" && google_compute_instance_group_manager.backtests[0].update_policy[0].max_unavailable_fixed == 2
    error_message = "A release replaces them all at once."
  }
  assert {
    condition     = alltrue([for text in [local.backtests, local.cloud_init] : strcontains(text, "FOOTFALL_DASK=tcp://10.20.0.5:8786")]) && google_compute_instance.machine.network_interface[0].network_ip == "10.20.0.5"
    error_message = "All know the scheduler by the machine's private address."
  }
  assert {
    condition     = strcontains(local.files["worker.env"], "FOOTFALL_DASK=tcp://10.20.0.5:8786\n") && strcontains(local.files["footfall.target"], " footfall-scheduler.service\n")
    error_message = "The machine starts a scheduler, and its worker asks that."
  }
  assert {
    condition     = strcontains(local.backtests, "${var.image} backtests\n") && strcontains(local.files["footfall-scheduler.service"], "${var.image} scheduler\n")
    error_message = "Scheduler and group are of the machine's release."
  }
  assert {
    condition     = length(google_compute_instance_template.backtests[0].network_interface[0].access_config) == 0
    error_message = "The group has no address outside."
  }
  assert {
    condition     = google_compute_instance_template.backtests[0].service_account[0].email == "footfall-backtests@till.iam.gserviceaccount.com"
    error_message = "The group is an account of its own."
  }
}

run "fewer_than_none_are_refused" {
  command = plan
  variables {
    backtest_workers = -1
  }
  expect_failures = [var.backtest_workers]
}

run "pages_are_public_by_choice" {
  command = plan
  variables {
    pages_are_public = true
  }
  assert {
    condition     = [for name, bucket in google_storage_bucket.bucket : name if bucket.public_access_prevention != "enforced"] == ["pages"]
    error_message = "The pages, and nothing else."
  }
  assert {
    condition     = strcontains(local.files["worker.env"], "FOOTFALL_PAGES_URL=https://storage.googleapis.com\n")
    error_message = "And a link to one asks nobody who he is."
  }
}

run "github_builds_from_main_alone" {
  command = plan
  variables {
    github_repository = "till/footfall"
  }
  override_resource {
    target          = google_service_account.github[0]
    override_during = plan
    values = {
      name   = "projects/till/serviceAccounts/footfall-github@till.iam.gserviceaccount.com"
      email  = "footfall-github@till.iam.gserviceaccount.com"
      member = "serviceAccount:footfall-github@till.iam.gserviceaccount.com"
    }
  }
  override_resource {
    target          = google_iam_workload_identity_pool.github[0]
    override_during = plan
    values          = { name = "projects/123456789012/locations/global/workloadIdentityPools/github" }
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.github[0].attribute_condition == "assertion.repository == 'till/footfall' && assertion.ref == 'refs/heads/main'"
    error_message = "One branch of one repository."
  }
  assert {
    condition     = google_service_account_iam_member.github["it is the workflow"].member == "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/attribute.repository/till/footfall"
    error_message = "By the repository's name: what GitHub writes as a token's subject is not the same for all."
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.github[0].attribute_mapping["attribute.repository"] == "assertion.repository"
    error_message = "The name is what GitHub says."
  }
}

run "a_tag_is_no_release" {
  command = plan
  variables {
    image = "europe-southwest1-docker.pkg.dev/till/footfall/footfall:latest"
  }
  expect_failures = [var.image]
}

run "a_proxy_by_its_tag_is_refused" {
  command = plan
  variables {
    sql_proxy = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2"
  }
  expect_failures = [var.sql_proxy]
}

run "nobody_is_everybody" {
  command = plan
  variables {
    people    = ["allAuthenticatedUsers"]
    operators = ["allUsers"]
  }
  expect_failures = [var.people, var.operators]
}
