#!/bin/sh
# What a container of the image does, by its command; anything else is run as it stands: `footfall doctor`.
set -eu
# a secret piped with a line end has it still, which database_user.sh's $(…) took off
[ -z "${PGPASSWORD:-}" ] || PGPASSWORD=$(printf %s "$PGPASSWORD")
case ${1:-} in
    worker) exec footfall up ;; # the deployments, the alerts, and a worker that runs them one at a time
    prefect) exec prefect server start --host 127.0.0.1 --port "${PORT:-4200}" ;;
    mlflow) exec mlflow server --host 0.0.0.0 --port "${PORT:-8080}" --workers 1 ;; # the rest by MLFLOW_… variables
    scheduler) exec dask scheduler --host "$FOOTFALL_DASK" --no-dashboard ;;
    backtests) # hashed as in a kernel; from where no firewall is open these ports are
        export PYTHONHASHSEED=0
        exec dask worker "$FOOTFALL_DASK" --nthreads 1 --worker-port 8790:8799 --nanny-port 8800:8809 --no-dashboard ;;
    migrate) exec mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI" ;; # Prefect's server migrates its own when it starts
    *) exec "$@" ;;
esac
