#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/proof/fresh_machine.sh [--only-run]: the two commands on a machine that has nothing. A minimal Debian 12 with git, make and ca-certificates is
# made in a temporary folder, HEAD is cloned into it, and there run `make run`, until its page answers, and `make test`. Says how long each took; fails
# when one does. `make run` compiles everything; `make test` is given this machine's compiler cache, since what it shows here is that nothing is missing.
# DRWATCH_FRESH=FOLDER is how the proof calls it: both have the cache FOLDER/ccache, which is emptied first, so that `make run` compiles everything as
# well, and which serves others afterwards; the results of `make test` are left as FOLDER/*.xml.
# As root: it mounts. All of it, mounts, processes and folder, is gone at the end.
set -eu

PATIENCE_ROOT=1800 PATIENCE_RUN=3600 PATIENCE_TEST=5400  # seconds; a busy machine with two cores needs a part of it

case "${1:-}" in
  ''|--only-run|--inside) ;;
  *) echo "usage: $0 [--only-run]" >&2; exit 2 ;;
esac

if [ "${1:-}" != --inside ]; then
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "fresh_machine: needs root, to mount in a namespace of its own, and there is no sudo" >&2; exit 1; }
    exec sudo --preserve-env=DRWATCH_NO_SKIPS,DRWATCH_FRESH,TMPDIR "$0" "$@"
  fi
  if [ -n "${DRWATCH_FRESH:-}" ]; then # also what an earlier commit left: nothing of it may be taken for this one's
    rm -rf "$DRWATCH_FRESH/ccache" "$DRWATCH_FRESH"/*.xml
    mkdir -p "$DRWATCH_FRESH/ccache"
  fi
  # With its own mounts and processes nothing can be left over, whatever ends it.
  own="unshare --mount --pid --fork --kill-child --mount-proc --propagation private"
  if ! refusal=$($own true 2>&1); then
    case "$refusal" in
      *"not permitted"*|*"Invalid argument"*) ;;
      *) echo "fresh_machine: $refusal" >&2; exit 1 ;;
    esac
    [ "${DRWATCH_NO_SKIPS:-}" != 1 ] || { echo "fresh_machine: nothing may be skipped here (DRWATCH_NO_SKIPS=1): $refusal" >&2; exit 1; }
    echo "SKIPPED fresh_machine: no mount and process namespace can be made here: ${refusal##*: }"
    exit 0
  fi
  work=$(mktemp -d "${TMPDIR:-/tmp}/drwatch-fresh-XXXXXX")
  inside=
  # shellcheck disable=SC2317 # called by the trap
  over() {
    trap - EXIT INT TERM HUP
    if [ -n "$inside" ]; then
      kill -KILL "$inside" 2>/dev/null || true # unshare blocks the milder signals; the rest dies with it
      wait "$inside" 2>/dev/null || true
    fi
    [ -z "${DRWATCH_FRESH:-}" ] || chown -R --reference="$DRWATCH_FRESH" "$DRWATCH_FRESH" || true # whose folder it is writes to it after sudo
    rm -rf --one-file-system "$work" 2>/dev/null || { sleep 2; rm -rf --one-file-system "$work"; }
  }
  trap over EXIT
  trap 'exit 130' INT TERM HUP
  $own "$0" --inside "$work" "${1:-}" &
  inside=$!
  code=0
  wait "$inside" || code=$?
  inside=
  exit "$code"
fi

# ---- in namespaces of its own
work=$2 only=${3:-} root=$2/root
top=$(cd "$(dirname "$0")/../.." && pwd)
now() { date +%s; }

# The end of a log, without the names of the machine's package mirrors: what this prints may be kept.
told() {
  # shellcheck disable=SC2086 # a list of files without spaces
  hosts=$(sed -nE 's#.*[a-z]+://([^/ @]*@)?([^/ :]+).*#\2#p' $sources 2>/dev/null | sort -u | sed 's/[.]/\\./g' | paste -sd'|')
  tail -n "${2:-40}" "$1" | sed -E "s#[a-z+]+://[^ ]*#(a mirror)#g; s#\[IP: [^]]*\]##g; s#(${hosts:-no mirror})#(a mirror)#g" >&2
}
fail() { echo "fresh_machine: $1" >&2; [ -z "${2:-}" ] || told "$2"; exit 1; }

# The machine's own sources of Debian 12, and no others.
sources=
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  if [ -f "$file" ] && grep -qE '^[^#]*\bbookworm(-updates|-security)?([[:space:]]|$)' "$file"; then sources="$sources $file"; fi
done
[ -n "$sources" ] || fail "this machine's apt has no source of Debian 12 (bookworm)"
# How they are reached: a proxy, or a mirror that stands still.
apt-config dump Acquire | grep -E '^Acquire::(https?|Check|Retries)' >"$work/apt.conf" || true

began=$(now)
# shellcheck disable=SC2086 # a list of files without spaces
timeout -k 10 "$PATIENCE_ROOT" mmdebstrap --mode=root --variant=minbase --format=directory --include=git,make,ca-certificates \
  --dpkgopt=force-unsafe-io --aptopt="$work/apt.conf" bookworm "$root" $sources >"$work/root.log" 2>&1 </dev/null ||
  fail "a minimal Debian 12 could not be made" "$work/root.log"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
# "/" is no mount point in it: whoever takes that for granted is found out.
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
git clone -q --no-hardlinks "$top" "$root/home/drwatch" 2>"$work/clone.log" || fail "HEAD could not be cloned" "$work/clone.log"
echo "a minimal Debian 12 with HEAD ($(git -C "$root/home/drwatch" rev-parse --short HEAD)): $(($(now) - began)) s"

home=/root
there() { # there SECONDS COMMAND: in the root, with an environment as empty as a first log-in's
  seconds=$1
  shift
  exec timeout -k 30 "$seconds" env -i HOME="$home" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
    chroot "$root" sh -c 'cd /home/drwatch && exec "$@"' sh "$@" </dev/null
}
lend() { # lend FOLDER: as the compiler cache in the root, where ccache looks for it
  mkdir -p "$root$home/.cache/ccache"
  mount --bind "$1" "$root$home/.cache/ccache"
}
[ -z "${DRWATCH_FRESH:-}" ] || lend "$DRWATCH_FRESH/ccache"

began=$(now)
: >"$work/run.log"
(there "$PATIENCE_RUN" make run) >"$work/run.log" 2>&1 &
run=$!
page=
while [ -z "$page" ]; do
  kill -0 "$run" 2>/dev/null || fail "make run ended after $(($(now) - began)) s" "$work/run.log"
  sleep 1
  page=$(sed -nE 's#^drwatch watches .*page  (http://127\.0\.0\.1:[0-9]+/).*#\1#p' "$work/run.log")
done
curl -fsS --max-time 10 --retry 5 --retry-connrefused -o "$work/page" "$page" 2>"$work/curl.log" || fail "its page does not answer" "$work/curl.log"
grep -qi '<html' "$work/page" || fail "its page is none" "$work/page"
echo "make run: its page answered after $(($(now) - began)) s"
kill "$run" # timeout hands it on to make, and make to the sample platform
began=$(now)
while kill -0 "$run" 2>/dev/null; do
  [ $(($(now) - began)) -lt 60 ] || fail "make run does not end when told to" "$work/run.log"
  sleep 1
done
if curl -s --max-time 5 -o /dev/null "$page"; then fail "make run ended and left its page behind" "$work/run.log"; fi
[ "$only" != --only-run ] || exit 0

cache=$(ccache -k cache_dir 2>/dev/null) || cache=
if [ -z "${DRWATCH_FRESH:-}" ] && [ -d "$cache" ]; then lend "$cache"; fi
began=$(now)
failed=
(there "$PATIENCE_TEST" make test) >"$work/test.log" 2>&1 || failed="make test failed after $(($(now) - began)) s"
[ -z "${DRWATCH_FRESH:-}" ] || cp "$root/home/drwatch/build/checks/"*.xml "$DRWATCH_FRESH" 2>/dev/null || true # none if it did not come to the tests
[ -z "$failed" ] || fail "$failed" "$work/test.log"
told "$work/test.log" 3
echo "make test: passed after $(($(now) - began)) s"
