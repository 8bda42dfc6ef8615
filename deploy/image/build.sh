#!/bin/sh
# Build the image with docker, podman or buildah, whichever is there; write its list of components (CycloneDX), and say
# how large it is. Run it in the folder of the Dockerfile.
#
#   IMAGE          its name (cedrina)
#   BASE           the base image (that of the Dockerfile): Python 3.11 or newer
#   BUILDER        docker, podman or buildah
#   BUILD_OPTIONS  further options, such as "--volume /etc/pip.conf:/etc/pip.conf:ro"
#   REQUIREMENTS   what is installed: prod, or telemetry, with the extras for traces and for reports of errors
#   COMPONENTS     where the list is written (.data/image/components.json)
set -eu

is_there() {
    command -v "$1" > /dev/null && case $1 in docker) docker info > /dev/null 2>&1 ;; esac
}
image=${IMAGE:-cedrina}
requirements=${REQUIREMENTS:-prod}
components=${COMPONENTS:-.data/image/components.json}
builder=${BUILDER:-$(for name in docker podman buildah; do if is_there $name; then echo $name; break; fi; done)}
[ -n "$builder" ] || { echo "Neither docker (running), podman nor buildah is here. Install one of them." >&2; exit 1; }
python=${PYTHON:-.venv/bin/python}

# Of what the Dockerfile installs: the locked requirements without those that no server imports.
mkdir -p "$(dirname "$components")"
"$python" deploy/image/requirements.py "requirements/$requirements.txt" | "$python" -m cyclonedx_py requirements \
    --output-reproducible --output-format JSON --output-file "$components" -

set -- --tag "$image" --file Dockerfile --build-arg "REQUIREMENTS=$requirements" ${BASE:+--build-arg "BASE=$BASE"}
# shellcheck disable=SC2086 - several options in one variable
case $builder in
buildah)
    buildah bud --layers --format docker "$@" ${BUILD_OPTIONS:-} .
    size() { buildah inspect --type image --format '{{.FromImageID}}' "$1" > /dev/null; buildah images --format '{{.Size}}' "$1"; }
    ;;
*)
    "$builder" build "$@" ${BUILD_OPTIONS:-} .
    size() { "$builder" images --format '{{.Size}}' "$1"; }
    ;;
esac
echo "$image: $(size "$image"); base $(size "${BASE:-python:3.12-slim-bookworm}"); components in $components"
