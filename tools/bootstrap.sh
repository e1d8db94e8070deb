#!/bin/sh
# Makes a fresh Debian ready for what is asked, and does nothing where it already is.
#
#   tools/bootstrap.sh run [PROGRAM=PACKAGE…]   .venv with the locked packages that running takes, and this
#                                               project, editable; programs of Debian's, where they are missing
#   tools/bootstrap.sh dev [PROGRAM=PACKAGE…]   the same with what the tests, the linters and the build take
#
# Debian's packages are installed only by root or through a sudo that asks for no password. Anybody else is
# told the one command that root has to run, and nothing is half done. PYTHON=… chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."

venv=.venv

say() { printf 'auditor: %s\n' "$*" >&2; }

# as_root COMMAND…: runs it as root, or fails at once.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null 2>&1 && as_root apt-get --version >/dev/null 2>&1
}

apt_get() {
    as_root apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" </dev/null >&2
}

# install PACKAGE…: Debian's packages, or the command that a person has to run, and status 1.
install() {
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    if may_install; then
        say "installing Debian's packages: $*"
        # A fresh machine has no package lists, and old lists name versions that are gone.
        apt_get install "$@" || { apt_get update && apt_get install "$@"; } && return 0
        say "apt-get could not install: $*"
    else
        say "missing, and this user may not install it: $*"
    fi
    say "let root run this once, then give the same command again:"
    printf '\n    apt-get update && apt-get install -y %s\n\n' "$*" >&2
    exit 1
}

# The first interpreter that is new enough.
find_python() {
    for candidate in ${PYTHON:-python3.11 python3 python3.13 python3.12}; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

# The scripts of an environment hold its path, so a moved one is made anew; so is one without a pip.
venv_is_whole() {
    "$venv/bin/python" -c 'import pip' 2>/dev/null || return 1
    [ ! -f "$venv/.made-at" ] || [ "$(cat "$venv/.made-at")" = "$(pwd)" ]
}

# The packages whose programs are not there: all that are missing are asked for at once.
missing_packages() {
    for pair in "$@"; do
        case $pair in
        # A file, for packages without a program.
        /*) [ -e "${pair%%=*}" ] || printf ' %s' "${pair#*=}" ;;
        # Servers live where only root's PATH looks.
        *) PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%=*}" >/dev/null 2>&1 || printf ' %s' "${pair#*=}" ;;
        esac
    done
    venv_is_whole && return 0
    # Debian splits ensurepip off; without it venv makes an environment that has no pip.
    if ! python=$(find_python); then
        printf ' python3 python3-venv'
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        printf ' python3-venv'
    fi
}

make_venv() {
    if ! python=$(find_python) || ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        say "needs Python 3.11 or newer with its venv module (PYTHON=… names one)"
        exit 1
    fi
    rm -rf "$venv"
    say "making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
    pwd >"$venv/.made-at"
}

pip_install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps "$@"
}

# What an environment was made from: $1 is its lock file.
fingerprint() {
    cat pyproject.toml requirements-build.lock "$1" tools/bootstrap.sh | sha256sum
    "$venv/bin/python" -c 'import sys; print(sys.version)'
}

# stamped LEVEL LOCK: whether the environment is what that lock file asks for.
stamped() { [ -f "$venv/.stamp-$1" ] && [ "$(cat "$venv/.stamp-$1")" = "$(fingerprint "$2")" ]; }

environment() {
    level=$1
    lock=requirements.lock
    [ "$level" = run ] || lock=requirements-dev.lock
    venv_is_whole || make_venv
    # What the tests take holds all that running takes.
    if stamped "$level" "$lock" || stamped dev requirements-dev.lock; then return 0; fi
    say "installing the locked packages of $lock into $venv (once, a minute or two)"
    rm -f "$venv"/.stamp-*
    # The hashes make an altered file an error. Nothing is built in isolation, which would fetch build tools
    # that no lock names: they come first, locked as well.
    pip_install --require-hashes -r requirements-build.lock
    pip_install --require-hashes --no-build-isolation --use-pep517 -r "$lock"
    pip_install --no-build-isolation --no-index --editable .
    if ! wrong=$("$venv/bin/python" -m pip check --disable-pip-version-check 2>&1); then
        say "the lock files and pyproject.toml disagree: run make lock
$wrong"
        exit 1
    fi
    fingerprint "$lock" >"$venv/.stamp-$level"
}

case ${1-} in
run | dev)
    level=$1
    shift
    missing=$(missing_packages "$@")
    # shellcheck disable=SC2086  # a list of words
    [ -z "$missing" ] || install $missing
    environment "$level"
    ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
