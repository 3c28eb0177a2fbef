# MLflow on Cloud Run: paid for while it answers, at most one instance, and IAM lets nobody in unsigned.
locals {
  connection = google_sql_database_instance.database.connection_name
  store      = "postgresql+psycopg://mlflow@/mlflow?host=/cloudsql/${local.connection}" # its password is PGPASSWORD
}

# MLflow refuses a database older than itself, or, where tables are missing, migrates it while it starts and its probe waits:
# each release migrates first, while the old one still answers. deploy/release.sh keeps the old machine until then.
resource "google_cloud_run_v2_job" "migrate" {
  name                = "migrate"
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = google_service_account.account["mlflow"].email
      max_retries     = 1
      timeout         = "600s"
      containers {
        image = var.image
        args  = ["migrate"]
        env {
          name  = "MLFLOW_BACKEND_STORE_URI"
          value = local.store
        }
        env {
          name = "PGPASSWORD"
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.secret["mlflow-database-password"].secret_id
              version = "latest"
            }
          }
        }
        resources {
          limits = { cpu = "1", memory = "1Gi" }
        }
        volume_mounts {
          name       = "cloudsql"
          mount_path = "/cloudsql"
        }
      }
      volumes {
        name = "cloudsql"
        cloud_sql_instance {
          instances = [local.connection]
        }
      }
      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = google_compute_network.network.id
          subnetwork = google_compute_subnetwork.subnetwork.id
        }
      }
    }
  }
  depends_on = [google_secret_manager_secret_iam_member.reader, google_project_iam_member.role]
}

resource "terraform_data" "migrated" {
  triggers_replace = [var.image]
  provisioner "local-exec" {
    command = "gcloud run jobs execute ${google_cloud_run_v2_job.migrate.name} --project=${var.project} --region=${var.region} --wait"
  }
  depends_on = [terraform_data.user]
}

resource "google_cloud_run_v2_service" "mlflow" {
  name                 = "mlflow"
  location             = var.region
  ingress              = "INGRESS_TRAFFIC_ALL" # by IAM alone; people come by `gcloud run services proxy mlflow`
  custom_audiences     = [local.mlflow_url]
  deletion_protection  = true
  invoker_iam_disabled = false

  template {
    service_account                  = google_service_account.account["mlflow"].email
    timeout                          = "300s"
    max_instance_request_concurrency = 40
    scaling {
      min_instance_count = 0
      max_instance_count = 1 # two would be twice the connections, for readers that are never that many
    }
    containers {
      image = var.image
      args  = ["mlflow"]
      ports {
        container_port = 8080
      }
      env {
        name  = "MLFLOW_BACKEND_STORE_URI"
        value = local.store
      }
      env {
        name  = "MLFLOW_ARTIFACTS_DESTINATION" # through the server: whoever logs needs no right in this bucket
        value = "gs://${google_storage_bucket.bucket["artifacts"].name}"
      }
      env {
        name  = "MLFLOW_SERVER_ALLOWED_HOSTS" # Cloud Run knows it by two; gcloud's proxy asks for that which only it makes up
        value = "${trimprefix(local.mlflow_url, "https://")},mlflow-*.a.run.app"
      }
      env {
        name = "PGPASSWORD"
        value_source {
          secret_key_ref {
            secret  = google_secret_manager_secret.secret["mlflow-database-password"].secret_id
            version = "latest"
          }
        }
      }
      resources {
        limits            = { cpu = "1", memory = "1Gi" }
        cpu_idle          = true
        startup_cpu_boost = true
      }
      startup_probe {
        period_seconds    = 5
        failure_threshold = 36
        timeout_seconds   = 5
        http_get {
          path = "/health"
        }
      }
      volume_mounts {
        name       = "cloudsql"
        mount_path = "/cloudsql"
      }
    }
    volumes {
      name = "cloudsql"
      cloud_sql_instance {
        instances = [local.connection]
      }
    }
    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        network    = google_compute_network.network.id
        subnetwork = google_compute_subnetwork.subnetwork.id
      }
    }
  }
  depends_on = [terraform_data.migrated, google_storage_bucket_iam_member.grant]
}

locals {
  lookers = setunion(var.people, var.operators)
  invokers = merge(
    { machine = google_service_account.account["machine"].member },
    { uptime = "serviceAccount:service-${var.project_number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com" },
    { for looker in local.lookers : looker => looker },
  )
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = local.invokers
  name     = google_cloud_run_v2_service.mlflow.name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
  lifecycle {
    precondition {
      condition     = !contains(["allUsers", "allAuthenticatedUsers"], each.value)
      error_message = "MLflow is never for all: it has no passwords of its own."
    }
  }
}

resource "google_cloud_run_v2_service_iam_member" "viewer" { # gcloud's proxy asks for the service before it calls it
  for_each = local.lookers
  name     = google_cloud_run_v2_service.mlflow.name
  location = var.region
  role     = "roles/run.viewer"
  member   = each.value
}
