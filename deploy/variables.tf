variable "project" {
  type        = string
  description = "The project's id."
}

variable "project_number" {
  type        = string
  description = "The project's number: it stands in the address of MLflow."
}

variable "billing_account" {
  type        = string
  description = "Who pays: the budget is set on it."
}

variable "region" {
  type        = string
  default     = "europe-southwest1"
  description = "Where everything lies; Madrid is next to Lisbon."
}

variable "image" {
  type        = string
  description = "The release: the image that the build printed, by its digest."
  validation {
    condition     = can(regex("^[a-z0-9-]+-docker\\.pkg\\.dev/[^@:]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "A release is a digest, REGION-docker.pkg.dev/…@sha256:…: what a tag means changes, and no record could name it."
  }
}

variable "sql_proxy" {
  type        = string
  description = "Google's image of the Cloud SQL proxy, by its digest."
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.sql_proxy))
    error_message = "Name the proxy's image by its digest, …@sha256:…, as deploy/bootstrap.sh writes it into terraform.tfvars."
  }
}

variable "alert_email" {
  type        = string
  description = "Who is written to when something is down, or costs more than it should."
}

variable "people" {
  type        = list(string)
  default     = []
  description = "Who may look: at MLflow and the pages. Such as user:ana@example.org or group:forecasting@example.org."
  validation {
    condition     = alltrue([for member in var.people : can(regex("^(user|group|serviceAccount):[^@]+@[^@]+$", member))])
    error_message = "Name people one by one or by group, user:… or group:…: MLflow has no passwords of its own, and is never for all."
  }
}

variable "operators" {
  type        = list(string)
  default     = []
  description = "Who operates: all that people may, and Prefect and the machine, as its administrator. Named as people are."
  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(user|group|serviceAccount):[^@]+@[^@]+$", member))])
    error_message = "Name operators one by one or by group, user:… or group:…: whoever operates can do all that the machine can."
  }
}

variable "pages_are_public" {
  type        = bool
  default     = false
  description = "Whether anyone may read the pages. Closed unless chosen: how busy a place is expected to be is its owner's to show."
}

variable "machine_type" {
  type        = string
  default     = "e2-standard-2"
  description = "8 GB: a notebook may take 4, Prefect's server takes 1."
}

variable "backtest_workers" {
  type        = number
  default     = 0
  description = "Machines that backtest markets of very many series, beside the machine; at 0 it backtests alone."
  validation {
    condition     = var.backtest_workers >= 0 && floor(var.backtest_workers) == var.backtest_workers
    error_message = "So many machines: 0, or a whole number above."
  }
}

variable "backtest_machine_type" {
  type        = string
  default     = "e2-standard-2"
  description = "A worker asks two candidates at a time: two cores, and 8 GB for a thousand series."
}

variable "budget" {
  type        = number
  default     = 150
  description = "A month, in the billing account's currency; mails go out at four fifths and at all of it."
}

variable "github_repository" {
  type        = string
  default     = ""
  description = "owner/name of the repository whose workflow on main may build images; none if empty."
}
