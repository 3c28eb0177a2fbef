#!/bin/sh
# The commit that a clone stands on, in full, with -dirty behind it where files differ: what an image is told it was built from.
exec git -C "$(dirname "$0")/.." describe --always --dirty --abbrev=40 --exclude='*'
