#!/bin/sh
# Makes .venv with a Python that fits: PYTHON, or the first found. What the machine lacks is installed where that may be
# done, as root with apt-get, and otherwise named, before anything is downloaded.
python='' seen='' clear=''
for name in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null) || continue
    seen="$seen, $name is $version"
    case $version in 3.11 | 3.12 | 3.13) ;; *) continue ;; esac
    "$name" -c 'import ensurepip, venv' 2> /dev/null && python=$name && break
    python=${python:-$name}  # if no other has its venv
done
if [ -z "$python" ]; then
    seen=${seen:-, there is no ${PYTHON:-python3}}
    echo "Footfall needs Python 3.11, 3.12 or 3.13, and here ${seen#, }: install one, with its venv, and make again," \
        "with PYTHON=/path/to/python if it is not on the PATH." >&2
    exit 1
fi

missing() {  # by the names of Debian's packages; LightGBM's wheel takes libgomp from the machine
    "$python" -c 'import ensurepip, venv' || "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    "$python" -c 'import ctypes, sys; sys.platform == "linux" and ctypes.CDLL("libgomp.so.1")' || echo libgomp1
} 2> /dev/null
packages=$(missing)
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    { apt-get update -qq && apt-get install -y -qq $packages; } > /dev/null
    packages=$(missing)
fi
if [ -n "$packages" ]; then
    packages=$(echo $packages)
    echo "Missing on this machine, as Debian names it: $packages. As root run" \
        "'apt-get update && apt-get install -y $packages', and make again." >&2
    exit 1
fi

[ "$(.venv/bin/python -V 2> /dev/null)" = "$("$python" -V)" ] || clear=--clear  # another Python's is not mixed with it
exec "$python" -m venv $clear .venv
