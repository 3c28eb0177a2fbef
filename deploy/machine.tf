# Prefect's server and the worker. The machine holds nothing: all that it must remember lies on a disk of its own, and every
# release is a new machine on the old disk: in the second step of deploy/release.sh, once MLflow is of the new release.
resource "google_compute_disk" "home" {
  name = "footfall-home"
  zone = local.zone
  type = "pd-balanced"
  size = 30
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_compute_resource_policy" "daily" {
  name = "footfall-home-daily"
  snapshot_schedule_policy {
    schedule {
      daily_schedule {
        days_in_cycle = 1
        start_time    = "03:00"
      }
    }
    retention_policy {
      max_retention_days = 14
    }
  }
}

resource "google_compute_disk_resource_policy_attachment" "daily" {
  name = google_compute_resource_policy.daily.name
  disk = google_compute_disk.home.name
  zone = local.zone
}

locals {
  settings = {
    project    = var.project
    region     = var.region
    registry   = split("/", var.image)[0]
    image      = var.image
    sql_proxy  = var.sql_proxy
    connection = google_sql_database_instance.database.connection_name
    mlflow_url = local.mlflow_url
    forecasts  = google_storage_bucket.bucket["forecasts"].name
    pages      = google_storage_bucket.bucket["pages"].name
    pages_url  = var.pages_are_public ? "https://storage.googleapis.com" : "https://storage.cloud.google.com" # which asks who one is
    dask       = local.dask
  }
  machine = "${path.module}/machine"
  files = merge(
    { for name in fileset(local.machine, "*.sh") : name => file("${local.machine}/${name}") },
    { for name in fileset(local.machine, "*.{env,service,target}") : name => templatefile("${local.machine}/${name}", local.settings) },
    local.group == 0 ? {} : { "footfall-scheduler.service" = templatefile("${path.module}/backtests/footfall-scheduler.service", local.settings) },
  )
  cloud_init = join("\n", ["#cloud-config", yamlencode({
    write_files = [for name, content in local.files : {
      path    = "${endswith(name, ".sh") || endswith(name, ".env") ? "/etc/footfall" : "/etc/systemd/system"}/${name}"
      content = content
    }]
    runcmd = ["systemctl daemon-reload", "systemctl enable --now --no-block footfall.target"]
  })])
}

resource "terraform_data" "cloud_init" {
  input = sha256(local.cloud_init)
}

resource "google_compute_instance" "machine" {
  name                      = "footfall"
  zone                      = local.zone
  machine_type              = var.machine_type
  allow_stopping_for_update = true

  boot_disk {
    initialize_params {
      image = "cos-cloud/cos-stable" # Google's own for containers: read-only, with Docker and cloud-init
      size  = 20
    }
  }
  attached_disk {
    source      = google_compute_disk.home.id
    device_name = "footfall"
  }
  network_interface {
    subnetwork = google_compute_subnetwork.subnetwork.id
    network_ip = one(google_compute_address.scheduler[*].address) # any, where no scheduler listens on it
  }
  service_account {
    email  = google_service_account.account["machine"].email
    scopes = ["cloud-platform"] # roles decide
  }
  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }
  metadata = {
    user-data              = local.cloud_init
    enable-oslogin         = "TRUE"
    block-project-ssh-keys = "TRUE"
    google-logging-enabled = "true"
    cos-update-strategy    = "update_enabled" # fetched by itself; a release, or `sudo systemctl reboot`, puts it in effect
  }
  lifecycle {
    replace_triggered_by = [terraform_data.cloud_init]
  }
  depends_on = [
    google_cloud_run_v2_service.mlflow, terraform_data.user, google_secret_manager_secret_iam_member.reader,
    google_artifact_registry_repository_iam_member.registry, google_compute_router_nat.nat,
  ]
}

# Operators come by SSH through IAP. Prefect listens on the machine itself and nowhere else, and whoever may ask it can have the
# worker run anything; whoever has a shell can ask the metadata server for a token of the machine's account. So nobody comes here
# only to look.
resource "google_iap_tunnel_instance_iam_member" "operator" {
  for_each = toset(var.operators)
  instance = google_compute_instance.machine.name
  zone     = local.zone
  role     = "roles/iap.tunnelResourceAccessor"
  member   = each.value
  lifecycle { # who may come to a machine is forgotten with it, though the next one has its name
    replace_triggered_by = [google_compute_instance.machine.instance_id]
  }
}

locals {
  logins = merge([for role in ["roles/compute.osAdminLogin", "roles/compute.viewer"] : { for operator in var.operators : "${operator} ${role}" => [operator, role] }]...)
}

resource "google_project_iam_member" "login" {
  for_each = local.logins
  project  = var.project
  role     = each.value[1]
  member   = each.value[0]
}

resource "google_service_account_iam_member" "login" { # OS Login asks for it where a machine has an account
  for_each           = toset(var.operators)
  service_account_id = google_service_account.account["machine"].name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}
