#!/bin/sh
# The disk that outlives every machine: given a file system the first time, checked and mounted each time.
set -eu
device=/dev/disk/by-id/google-footfall folder=/mnt/disks/footfall
start() { head -c 1048576 "$1" | sha256sum; }
code=0
type=$(blkid -p -o value -s TYPE "$device") || code=$?
if [ "$code" = 2 ] && [ "$(start "$device")" = "$(start /dev/zero)" ]; then # blkid says 2 also of what it cannot read
    mkfs.ext4 -q -m 0 "$device" # without a terminal it asks nobody, and overwrites whatever is there
elif [ "$code $type" != "0 ext4" ]; then
    echo "$device is neither empty nor ext4 (blkid says $code ${type:-nothing}), and stays as it is. Is it the disk with" \
        "the records? If nothing on it is wanted: dd if=/dev/zero of=$device bs=1M count=1" >&2
    exit 1
fi
fsck.ext4 -p "$device" || [ $? -eq 1 ] # 1: errors were corrected
mkdir -p "$folder"
mountpoint -q "$folder" || mount -o noexec,nosuid,nodev,discard "$device" "$folder"
resize2fs "$device" # the disk may have grown
chown 10001:10001 "$folder"
chmod 700 "$folder" # as a home that footfall makes itself: records and databases, for nobody else
