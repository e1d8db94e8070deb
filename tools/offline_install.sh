#!/bin/sh
# Installs or upgrades the program from the bundle that this file lies in. No network is asked, and no site's folder
# is touched. 从本离线包安装或升级程序：不联网，不改动任何站点目录。
#
#   sh install.sh [--prefix DIR] [--python PROGRAM] [--key PUBLIC.pem] [--no-doctor]
#   sh install.sh --rollback [--prefix DIR]     back to the version before 退回上一版本
#   sh install.sh --check [--key PUBLIC.pem]    only checks the bundle 只核对离线包
#
#   --prefix DIR      where to; default /opt/auditor. DIR/bin/auditor is the program, whichever version is in use
#   --python PROGRAM  the interpreter; default: the first of those that the bundle is for
#   --key FILE        the Ed25519 public key (PEM) that the checksums must be signed with; needs openssl
#   --no-doctor       install although 'auditor doctor' finds a fault, such as no nmap on a machine that never scans
#
# The old version stays in use until the new one has run, and is kept for --rollback. Killed at any moment, the version
# in use is the old one or the new one, whole.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
prefix=/opt/auditor python='' key='' mode=install doctor=yes

say() { printf 'install.sh: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}
usage() {
    sed -n '2,18s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --prefix | --python | --key)
        [ $# -ge 2 ] || usage
        case $1 in
        --prefix) prefix=$2 ;;
        --python) python=$2 ;;
        --key) key=$2 ;;
        esac
        shift 2
        ;;
    --rollback) mode=rollback && shift ;;
    --check) mode=check && shift ;;
    --no-doctor) doctor=no && shift ;;
    *) usage ;;
    esac
done
case $prefix in
/*) ;;
*) die "--prefix $prefix is no absolute path" ;;
esac

# --- the bundle ---------------------------------------------------------------------------------------------

# told NAME: a value of the bundle's description.
told() { sed -n "s/^$1=//p" "$here/BUNDLE"; }

check_bundle() {
    [ -f "$here/SHA256SUMS" ] || die "SHA256SUMS is missing: this is no whole bundle"
    if [ -n "$key" ]; then
        [ -f "$here/SHA256SUMS.sig" ] || die "the bundle is not signed"
        openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$here/SHA256SUMS" \
            -sigfile "$here/SHA256SUMS.sig" >/dev/null 2>&1 || die "the signature is not by the key $key"
    fi
    bad=$(cd "$here" && LC_ALL=C sha256sum --check --strict --quiet SHA256SUMS 2>&1) ||
        die "the bundle is damaged, or was changed 离线包已损坏或被改动:
$bad"
    # A file that the checksums do not name was put there by somebody else.
    listed=$(cut -c 67- "$here/SHA256SUMS" | LC_ALL=C sort)
    found=$(cd "$here" && find . -type f ! -name SHA256SUMS ! -name SHA256SUMS.sig | cut -c 3- | LC_ALL=C sort)
    [ "$listed" = "$found" ] || die "the bundle holds files that its checksums do not name"
    [ -z "$(find "$here" -type l)" ] || die "the bundle holds links"
}

check_machine() {
    arch=$(uname -m)
    [ "$arch" = "$(told arch)" ] ||
        die "this machine is $arch, and the bundle is for $(told arch) 处理器架构不符"
    libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || die "this machine has no glibc: take a Debian, Kylin or UOS"
    newest=$(printf '%s\n%s\n' "${libc#glibc }" "$(told glibc)" | sort -V | tail -n 1)
    [ "$newest" = "${libc#glibc }" ] || die "$libc is older than the $(told glibc) that the bundle needs"
}

# fits PROGRAM: whether it is a Python that the bundle is for, with venv and its pip.
fits() {
    command -v "$1" >/dev/null 2>&1 || return 1
    tag=$("$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || return 1
    [ -f "$here/requirements-$tag.txt" ] || return 1
    "$1" -I -c 'import ensurepip, venv' 2>/dev/null || {
        say "$1 has no venv: apt-get install python3-venv"
        return 1
    }
}

find_python() {
    if [ -n "$python" ]; then
        fits "$python" || die "$python is not Python $(told pythons) with its venv module"
        return
    fi
    for version in $(told pythons); do
        for candidate in "python$version" python3; do
            if fits "$candidate"; then
                python=$candidate
                return
            fi
        done
    done
    die "needs Python $(told pythons) with its venv module (--python names one)"
}

# --- versions -----------------------------------------------------------------------------------------------

# point NAME TARGET: makes the link NAME lead to TARGET, in one step.
point() {
    rm -f "$prefix/.$1.new"
    ln -s "$2" "$prefix/.$1.new"
    mv -fT "$prefix/.$1.new" "$prefix/$1"
}

# leads NAME: where a link leads, or nothing.
leads() { readlink "$prefix/$1" 2>/dev/null || true; }

runs() { (cd / && env -i PATH="$PATH" HOME=/nonexistent "$1/bin/auditor" --version); }

lock() {
    mkdir -p "$prefix/versions"
    exec 9>"$prefix/.lock"
    flock -n 9 || die "another installation into $prefix is under way"
}

# Remains of installations that were killed, and versions that are neither in use nor the one before.
tidy() {
    for one in "$prefix"/versions/*; do
        [ -d "$one" ] || continue
        case versions/${one##*/} in
        "$(leads current)" | "$(leads previous)") ;;
        *) rm -rf "$one" ;;
        esac
    done
}

rollback() {
    lock
    before=$(leads previous)
    [ -n "$before" ] && [ -f "$prefix/$before/.complete" ] || die "there is no version before the one in use"
    runs "$prefix/$before" || die "the version before does not run: nothing was changed"
    now=$(leads current)
    point current "$before"
    point previous "$now"
    say "in use again; restart what runs of it. A ledger that the newer version has brought up to its own schema is"
    say "refused by this one: put back the copy from before the upgrade"
}

install() {
    check_machine
    find_python
    lock
    name="$(told version)-$(sha256sum "$here/SHA256SUMS" | cut -c 1-12)"
    home=$prefix/versions/$name
    if [ "$(leads current)" = "versions/$name" ] && [ -f "$home/.complete" ]; then
        say "this very bundle is in use already"
        return
    fi
    [ -f "$home/.complete" ] || {
        tidy
        rm -rf "$home"
        build
    }
    now=$(leads current)
    [ -e "$prefix/bin" ] || point bin current/bin
    # The order matters: killed between the two, the version in use is still the old one.
    [ -z "$now" ] || [ "$now" = "versions/$name" ] || point previous "$now"
    point current "versions/$name"
    tidy
    say "$prefix/bin/auditor is $(told version); restart what runs of the version before"
}

build() {
    trap 'rm -rf "$home"' EXIT
    trap 'exit 130' INT TERM HUP
    tag=$("$python" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "installing $(told version) into $home"
    "$python" -I -m venv "$home"
    # Neither the settings of this machine's pip nor of its user's reach it, and so no index either.
    env -i PATH="$PATH" HOME="$home" PIP_CONFIG_FILE=/dev/null LC_ALL=C.UTF-8 "$home/bin/python" -I -m pip --isolated \
        install --quiet --disable-pip-version-check --no-input --no-index --no-deps --only-binary :all: \
        --require-hashes -f "$here/wheels" -r "$here/requirements-$tag.txt" ||
        die "the packages could not be installed: nothing was changed"
    env -i PATH="$PATH" HOME="$home" PIP_CONFIG_FILE=/dev/null "$home/bin/python" -I -m pip --isolated check \
        --disable-pip-version-check >/dev/null || die "the packages do not fit together: nothing was changed"
    runs "$home" >&2 || die "the new version does not run: nothing was changed"
    (cd "$home" && env -i PATH="$PATH" HOME="$home" LC_ALL=C.UTF-8 "$home/bin/auditor" doctor) >&2 || [ "$doctor" = no ] ||
        die "'auditor doctor' finds a fault: mend it, or give --no-doctor. Nothing was changed"
    sync
    : >"$home/.complete"
    trap - EXIT INT TERM HUP
}

case $mode in
rollback) rollback ;;
check)
    check_bundle
    say "the bundle is as it was made: $(told version) for $(told arch), Python $(told pythons)"
    ;;
install)
    check_bundle
    install
    ;;
esac
