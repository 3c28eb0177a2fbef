# A network of our own: nothing in it has an address outside, and nothing comes in but SSH through IAP.
resource "google_compute_network" "network" {
  name                    = "footfall"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "subnetwork" {
  name                     = "footfall"
  network                  = google_compute_network.network.id
  ip_cidr_range            = "10.20.0.0/24"
  private_ip_google_access = true
  log_config {
    aggregation_interval = "INTERVAL_15_MIN"
    flow_sampling        = 0.1
  }
}

resource "google_compute_firewall" "iap" {
  name                    = "footfall-ssh-through-iap"
  network                 = google_compute_network.network.id
  source_ranges           = ["35.235.240.0/20"] # IAP's
  target_service_accounts = [google_service_account.account["machine"].email]
  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

# The way out: to the sources of figures and weather, and to where alerts go.
resource "google_compute_router" "router" {
  name    = "footfall"
  network = google_compute_network.network.id
}

resource "google_compute_router_nat" "nat" {
  name                               = "footfall"
  router                             = google_compute_router.router.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

# Cloud SQL's side, reached by private addresses alone.
resource "google_compute_global_address" "services" {
  name          = "footfall-services"
  network       = google_compute_network.network.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.network.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
}
