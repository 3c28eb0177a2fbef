# Four buckets, none of them public by accident: objects have no access lists of their own, and what is overwritten or
# deleted can be had back.
locals {
  buckets = {
    forecasts = "${var.project}-forecasts" # sets, snapshots, ledger: the product
    artifacts = "${var.project}-mlflow"    # what MLflow keeps
    pages     = "${var.project}-pages"     # what people may read: FOOTFALL_PAGES
    source    = "${var.project}-source"    # what is sent to Cloud Build
  }
}

resource "google_storage_bucket" "bucket" {
  for_each                    = local.buckets
  name                        = each.value
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = each.key == "pages" && var.pages_are_public ? "inherited" : "enforced"

  versioning {
    enabled = true
  }
  soft_delete_policy {
    retention_duration_seconds = 30 * 24 * 3600
  }
  lifecycle_rule { # of the ledger there is one version of each object; pointers and pages have many
    condition {
      days_since_noncurrent_time = 90
    }
    action {
      type = "Delete"
    }
  }
  dynamic "lifecycle_rule" {
    for_each = each.key == "source" ? [30] : []
    content {
      condition {
        age = lifecycle_rule.value
      }
      action {
        type = "Delete"
      }
    }
  }
  lifecycle {
    prevent_destroy = true
  }
}

locals {
  objects = "projects/_/buckets/${local.buckets.forecasts}/objects"
  grants = { # who may do what in which bucket
    "machine reads forecasts"   = { bucket = "forecasts", role = "roles/storage.objectViewer", account = "machine" }
    "machine creates forecasts" = { bucket = "forecasts", role = "roles/storage.objectCreator", account = "machine" }
    "machine puts up pages"     = { bucket = "pages", role = "roles/storage.objectUser", account = "machine" }
    "mlflow keeps artifacts"    = { bucket = "artifacts", role = "roles/storage.objectUser", account = "mlflow" }
    "build reads source"        = { bucket = "source", role = "roles/storage.objectViewer", account = "build" }
  }
}

resource "google_storage_bucket_iam_member" "grant" {
  for_each = local.grants
  bucket   = google_storage_bucket.bucket[each.value.bucket].name
  role     = each.value.role
  member   = google_service_account.account[each.value.account].member
}

# Pointers and pages are replaced; an entry of the ledger and a snapshot are created, and from then on nobody's to change.
resource "google_storage_bucket_iam_member" "replace" {
  bucket = google_storage_bucket.bucket["forecasts"].name
  role   = "roles/storage.objectUser"
  member = google_service_account.account["machine"].member
  condition {
    title      = "not in the ledger, nor a snapshot"
    expression = "!resource.name.startsWith('${local.objects}/ledger/') && !resource.name.startsWith('${local.objects}/snapshots/')"
  }
}

resource "google_storage_bucket_iam_member" "looker_reads_pages" {
  for_each = local.lookers
  bucket   = google_storage_bucket.bucket["pages"].name
  role     = "roles/storage.objectViewer"
  member   = each.value
}

resource "google_storage_bucket_iam_member" "anyone_reads_pages" {
  count  = var.pages_are_public ? 1 : 0
  bucket = google_storage_bucket.bucket["pages"].name
  role   = "roles/storage.legacyObjectReader" # reads what it knows the name of; lists nothing
  member = "allUsers"
}
