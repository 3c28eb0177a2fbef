# Where backtest_workers asks for any: a Dask scheduler on the machine, and a group of machines that backtest for it. They keep
# nothing, and a shard done twice is harmless, so they are Spot: for 60 % less at least, Google takes one away when it likes, and the
# group puts up another. Where all are gone the training fails and says so, the champion stays, and the next day trains again.
locals {
  group = var.backtest_workers > 0 ? 1 : 0
  dask  = local.group == 0 ? "" : "tcp://${google_compute_address.scheduler[0].address}:8786"
  backtests = join("\n", ["#cloud-config", yamlencode({
    write_files = [{
      path    = "/etc/systemd/system/footfall-backtests.service"
      content = templatefile("${path.module}/backtests/footfall-backtests.service", local.settings)
    }]
    runcmd = ["systemctl daemon-reload", "systemctl enable --now --no-block footfall-backtests"]
  })])
}

resource "google_compute_address" "scheduler" { # the same for each machine that comes after another
  count        = local.group
  name         = "footfall-scheduler"
  address_type = "INTERNAL"
  subnetwork   = google_compute_subnetwork.subnetwork.id
}

# It fetches the image and writes its log. What its machines answer is read by the machine as pickle, though, so they are
# trusted as it is: nobody may log in to one.
resource "google_service_account" "backtests" {
  count        = local.group
  account_id   = "footfall-backtests"
  display_name = "Workers of backtests"
}

resource "google_project_iam_member" "backtests" {
  count   = local.group
  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.backtests[0].member
}

resource "google_artifact_registry_repository_iam_member" "backtests" {
  count      = local.group
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.backtests[0].member
}

resource "google_compute_firewall" "scheduler" {
  count                   = local.group
  name                    = "footfall-scheduler"
  network                 = google_compute_network.network.id
  source_service_accounts = [google_service_account.backtests[0].email]
  target_service_accounts = [google_service_account.account["machine"].email]
  allow {
    protocol = "tcp"
    ports    = ["8786"]
  }
}

resource "google_compute_firewall" "backtests" { # from one to the other too: what all shards share, each fetches where it is
  count                   = local.group
  name                    = "footfall-backtests"
  network                 = google_compute_network.network.id
  source_service_accounts = [google_service_account.account["machine"].email, google_service_account.backtests[0].email]
  target_service_accounts = [google_service_account.backtests[0].email]
  allow {
    protocol = "tcp"
    ports    = ["8790-8809"] # as start.sh has them, of workers and of what starts them again
  }
}

resource "google_compute_instance_template" "backtests" {
  count        = local.group
  name_prefix  = "footfall-backtests-"
  machine_type = var.backtest_machine_type

  scheduling {
    provisioning_model = "SPOT"
    preemptible        = true
    automatic_restart  = false
  }
  disk {
    source_image = "cos-cloud/cos-stable"
    boot         = true
    auto_delete  = true
    disk_size_gb = 20
  }
  network_interface {
    subnetwork = google_compute_subnetwork.subnetwork.id
  }
  service_account {
    email  = google_service_account.backtests[0].email
    scopes = ["cloud-platform"] # roles decide
  }
  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }
  metadata = {
    user-data              = local.backtests
    enable-oslogin         = "TRUE"
    block-project-ssh-keys = "TRUE"
    google-logging-enabled = "true"
    cos-update-strategy    = "update_enabled"
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_instance_group_manager" "backtests" {
  count              = local.group
  name               = "footfall-backtests"
  zone               = local.zone
  base_instance_name = "footfall-backtests"
  target_size        = var.backtest_workers

  version {
    instance_template = google_compute_instance_template.backtests[0].id
  }
  update_policy { # of another release all at once: workers of the old one would be refused
    type                  = "PROACTIVE"
    minimal_action        = "REPLACE"
    max_surge_fixed       = 0
    max_unavailable_fixed = var.backtest_workers
  }
  depends_on = [
    google_project_iam_member.backtests, google_artifact_registry_repository_iam_member.backtests,
    google_compute_firewall.scheduler, google_compute_firewall.backtests, google_compute_router_nat.nat,
  ]
}
