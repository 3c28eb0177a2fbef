# What notices from outside. Prefect's own alerts (FOOTFALL_ALERT_URL) say what is wrong with a run; these, that nobody is left.
resource "google_monitoring_notification_channel" "mail" {
  display_name = "Footfall"
  type         = "email"
  labels       = { email_address = var.alert_email }
}

resource "google_billing_budget" "budget" {
  billing_account = var.billing_account
  display_name    = "Footfall"
  budget_filter {
    projects = ["projects/${var.project_number}"]
  }
  amount {
    specified_amount {
      units = tostring(var.budget)
    }
  }
  dynamic "threshold_rules" {
    for_each = [0.8, 1.0] # an ordinary month stays below the first
    content {
      threshold_percent = threshold_rules.value
    }
  }
  all_updates_rule {
    monitoring_notification_channels = [google_monitoring_notification_channel.mail.id]
  }
}

resource "google_monitoring_uptime_check_config" "mlflow" {
  display_name = "MLflow"
  period       = "900s"
  timeout      = "60s" # the longest there is; where it has to start first, the first location fails and the others find it up
  http_check {
    path         = "/health"
    port         = 443
    use_ssl      = true
    validate_ssl = true
    service_agent_authentication {
      type = "OIDC_TOKEN"
    }
  }
  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = trimprefix(local.mlflow_url, "https://") }
  }
}

locals {
  silent = { # a count below one, also where there is nothing to count
    "MLflow does not answer" = {
      filter = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id = \"${google_monitoring_uptime_check_config.mlflow.uptime_check_id}\""
      period = "1800s", aligner = "ALIGN_COUNT_TRUE", lasts = "600s", says = "See drill 'rollback' in deploy/README.md: the release before answers within minutes."
    }
    "The machine is gone" = {
      filter = "resource.type = \"gce_instance\" AND metric.type = \"compute.googleapis.com/instance/uptime\" AND resource.labels.instance_id = \"${google_compute_instance.machine.instance_id}\""
      period = "900s", aligner = "ALIGN_COUNT", lasts = "600s", says = "Terraform brings a new one to the old disk: drill 'the machine is lost' in deploy/README.md."
    }
    "No forecast for a day" = { # pages alone: into the other bucket each run writes its snapshot, whatever becomes of it
      filter = "resource.type = \"gcs_bucket\" AND metric.type = \"storage.googleapis.com/api/request_count\" AND metric.labels.method = \"WriteObject\" AND metric.labels.response_code = \"OK\" AND resource.labels.bucket_name = \"${local.buckets.pages}\""
      # two hours more: of the clock change, or of a run that took longer than the one before; 25 hours in all are the most
      # that Cloud Monitoring looks back, and it refuses more
      period = "82800s", aligner = "ALIGN_SUM", lasts = "7200s", says = "footfall status on the machine names the days that are missing and the command for them."
    }
  }
}

resource "google_monitoring_alert_policy" "silent" {
  for_each              = local.silent
  display_name          = each.key
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.mail.id]
  conditions {
    display_name = each.key
    condition_threshold {
      filter                  = each.value.filter
      comparison              = "COMPARISON_LT"
      threshold_value         = 1
      duration                = each.value.lasts
      evaluation_missing_data = "EVALUATION_MISSING_DATA_ACTIVE"
      aggregations {
        alignment_period     = each.value.period
        per_series_aligner   = each.value.aligner
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    content = each.value.says
  }
}
