# Three accounts, and two where they are asked for (release.tf, backtests.tf), none with a key, each with what it does and no more;
# tests/cloud/test_terraform.py has the whole table.
locals {
  accounts = {
    machine = "Prefect's server and the worker"
    mlflow  = "MLflow's server and its migration"
    build   = "Cloud Build"
  }
  roles = {
    machine = ["roles/cloudsql.client", "roles/logging.logWriter", "roles/monitoring.metricWriter"]
    mlflow  = ["roles/cloudsql.client"]
    build   = ["roles/logging.logWriter"]
  }
  project_roles = merge([for account, roles in local.roles : { for role in roles : "${account} ${role}" => [account, role] }]...)
}

resource "google_service_account" "account" {
  for_each     = local.accounts
  account_id   = "footfall-${each.key}"
  display_name = each.value
}

resource "google_project_iam_member" "role" {
  for_each = local.project_roles
  project  = var.project
  role     = each.value[1]
  member   = google_service_account.account[each.value[0]].member
}
