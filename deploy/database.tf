# One PostgreSQL for MLflow and Prefect: 14 connections in all, of the 25 that the smallest instance has.
resource "google_sql_database_instance" "database" {
  name                = "footfall"
  database_version    = "POSTGRES_15"
  deletion_protection = true
  depends_on          = [google_service_networking_connection.services]

  settings {
    tier                        = "db-f1-micro"
    edition                     = "ENTERPRISE"
    availability_type           = "ZONAL" # a day without forecasts is no disaster; the drill in README.md brings it back
    disk_size                   = 10
    disk_autoresize             = true
    deletion_protection_enabled = true
    connector_enforcement       = "REQUIRED" # the proxy, by an account's identity, or nothing

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.network.id
      ssl_mode        = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    }
    backup_configuration {
      enabled                        = true
      start_time                     = "02:00"
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = 14
      }
    }
    # who came and went, what was altered, and what took long
    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }
    database_flags {
      name  = "log_connections"
      value = "on"
    }
    database_flags {
      name  = "log_disconnections"
      value = "on"
    }
    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }
    database_flags {
      name  = "log_statement"
      value = "ddl"
    }
    database_flags {
      name  = "log_min_duration_statement"
      value = "5000"
    }
    maintenance_window {
      day  = 7
      hour = 10 # hours after the day's forecast
    }
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_sql_database" "database" {
  for_each = toset(["mlflow", "prefect"])
  name     = each.key
  instance = google_sql_database_instance.database.name
  lifecycle {
    prevent_destroy = true
  }
}

# The users' passwords go from Secret Manager to Cloud SQL, past the state.
resource "terraform_data" "user" {
  for_each         = google_sql_database.database
  triggers_replace = [each.value.id]
  provisioner "local-exec" {
    command = "sh ${path.module}/database_user.sh ${var.project} ${google_sql_database_instance.database.name} ${each.key}"
  }
  depends_on = [google_secret_manager_secret.secret]
}
