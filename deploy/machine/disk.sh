#!/bin/sh
# The disk that outlives every machine: given a file system the first time, checked and mounted each time.
set -eu
device=/dev/disk/by-id/google-footfall folder=/mnt/disks/footfall
[ "$(blkid -o value -s TYPE "$device" || true)" = ext4 ] || mkfs.ext4 -q -m 0 "$device" # fails on any other file system
fsck.ext4 -p "$device" || [ $? -eq 1 ] # 1: errors were corrected
mkdir -p "$folder"
mountpoint -q "$folder" || mount -o noexec,nosuid,nodev,discard "$device" "$folder"
resize2fs "$device" # the disk may have grown
chown 10001:10001 "$folder"
chmod 700 "$folder" # as a home that footfall makes itself: records and databases, for nobody else
