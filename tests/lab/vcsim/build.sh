#!/bin/sh
# Builds the laboratory's vCenter from Debian's packages alone; nothing is fetched:
#   apt-get install --no-install-recommends golang-go golang-github-vmware-govmomi-dev
# Usage: build.sh OUTPUT
set -eu
cd "$(dirname "$0")"
# Debian's libraries lie in a GOPATH; GOFLAGS is emptied because -mod=... is an error there. No C compiler is needed.
GO111MODULE=off GOPATH=/usr/share/gocode GOPROXY=off GOFLAGS='' CGO_ENABLED=0 \
	exec go build -trimpath -ldflags '-s -w' -o "$1" .
