#!/bin/sh
# Make a base image without a registry: a minimal Debian with Python, as root, by mmdebstrap and buildah. Then:
#
#   BASE=localhost/cedrina-base make image
#
#   NAME   the name of the base image (localhost/cedrina-base)
#   SUITE  the release of Debian (bookworm)
set -eu

name=${NAME:-localhost/cedrina-base}
export BUILDAH_ISOLATION="${BUILDAH_ISOLATION:-chroot}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mmdebstrap --variant=minbase --include=python3,python3-venv,ca-certificates "${SUITE:-bookworm}" "$folder/base.tar"
container=$(buildah from scratch)
buildah add --quiet "$container" "$folder/base.tar" /
buildah commit --quiet --rm "$container" "$name"
