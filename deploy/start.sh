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
    backtests) # it hashes as a kernel does, has the machine's memory to itself, and the ports that the firewall names
        export PYTHONHASHSEED=0
        exec dask worker "$FOOTFALL_DASK" --nthreads 1 --memory-limit 0.9 --no-dashboard \
            --worker-port 8790:8799 --nanny-port 8800:8809 ;;
    migrate) exec mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI" ;; # Prefect's server migrates its own when it starts
    *) exec "$@" ;;
esac
