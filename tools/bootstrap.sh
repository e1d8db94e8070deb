#!/bin/sh
# Makes a fresh Debian ready for what is asked, and does nothing where it already is.
#
#   tools/bootstrap.sh run      .venv with the locked packages that running takes, and this project, editable
#   tools/bootstrap.sh dev      the same with what the tests, the linters and the build take
#   tools/bootstrap.sh nmap     the nmap program
#   tools/bootstrap.sh debian PROGRAM=PACKAGE…   programs of Debian's packages, where they are missing
#
# Debian's packages are installed only by root or through a sudo that asks for no password. Anybody else is
# told the one command that root has to run, and nothing is half done. PYTHON=… chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."

venv=.venv

say() { printf 'auditor: %s\n' "$*" >&2; }

# What is missing, and the command that mends it; ends with status 1.
give_up() {
    say "$1"
    shift
    say "run this once as root, then the same make command again:"
    for line in "$@"; do printf '\n    %s\n' "$line" >&2; done
    printf '\n' >&2
    exit 1
}

# "" for root, "sudo -n" where sudo lets us use apt-get without a password; fails for everybody else.
as_root() {
    command -v apt-get >/dev/null 2>&1 || return 1
    if [ "$(id -u)" = 0 ]; then
        echo ""
    elif command -v sudo >/dev/null 2>&1 && sudo -n apt-get --version >/dev/null 2>&1; then
        echo "sudo -n"
    else
        return 1
    fi
}

# apt_install PACKAGE…: status 1 where we may not, or where apt could not.
apt_install() {
    root=$(as_root) || return 1
    say "installing from Debian: $*"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    # A fresh machine has no package lists, and old ones name versions that are gone.
    for attempt in first second; do
        # shellcheck disable=SC2086  # two words, or none
        $root apt-get install -y -q --no-install-recommends "$@" </dev/null >&2 && return 0
        [ "$attempt" = second ] || $root apt-get update -q </dev/null >&2 || return 1
    done
    return 1
}

# need_debian PROGRAM=PACKAGE…: installs the packages whose programs are not there.
need_debian() {
    missing=
    for pair in "$@"; do
        # Servers live where only root's PATH looks.
        PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing ${pair#*=}"
    done
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086  # a list of words
    apt_install $missing || give_up "not installed here, and not to be installed by this user:$missing" \
        "apt-get update && apt-get install -y$missing"
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

make_venv() {
    python=$(find_python) || {
        apt_install python3 python3-venv || give_up "Python 3.11 or newer is not installed" \
            "apt-get update && apt-get install -y python3 python3-venv"
        python=$(find_python) || give_up "Debian's python3 is older than 3.11" "install Python 3.11 or newer"
    }
    # Debian splits ensurepip off; without it venv makes an environment that has no pip.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        apt_install python3-venv || give_up "Python's venv module is not whole (no ensurepip)" \
            "apt-get update && apt-get install -y python3-venv"
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
    # The scripts of an environment hold its path, so a moved one is made anew; so is one without a pip.
    if ! "$venv/bin/python" -c 'import pip' 2>/dev/null || [ "$(cat "$venv/.made-at" 2>/dev/null)" != "$(pwd)" ]; then
        make_venv
    fi
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
run | dev) environment "$1" ;;
nmap) need_debian nmap=nmap ;;
debian)
    shift
    need_debian "$@"
    ;;
*)
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
