#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/proof/reproducible.sh [--all]: whether two buildings give one hash. HEAD is cloned into two folders whose paths differ, also in their length.
# Without --all, of a build that is there (build/release), in two minutes:
#   some units compiled in both folders without a cache, debug information included; the program linked twice of the same objects, as it is there;
#   the package and the tarball of that program made in both folders.
# It does not show that every unit is compiled alike; `--all` (make reproducible) does: everything is compiled in both folders, and the programs, the
# packages and the tarballs are compared. Neither shows anything of another compiler or of other versions of the libraries.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
case "${1:-}" in
  ''|--all) ;;
  *) echo "usage: $0 [--all]" >&2; exit 2 ;;
esac
fail() { echo "reproducible: $1" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/drwatch-reproducible-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
one=$work/one two=$work/a-longer/path/to-another
export CCACHE_DISABLE=1
for folder in "$one" "$two"; do
  git clone -q --no-hardlinks "$top" "$folder" || fail "HEAD could not be cloned"
done

same() { # same FILE...: below both folders
  for file in "$@"; do
    for folder in "$one" "$two"; do [ -f "$folder/$file" ] || fail "$file was not made"; done
    cmp -s "$one/$file" "$two/$file" || fail "$file differs between two folders"
    echo "  the same: $(sha256sum <"$one/$file" | cut -c1-16)  $file"
  done
}
quietly() { # what it says is shown when it fails
  "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; fail "$* failed"; }
}

if [ "${1:-}" = --all ]; then
  for folder in "$one" "$two"; do (cd "$folder" && quietly debian/rules binary && quietly release/tarball.py build/package/drwatch_*.deb); done
  same build/release/drwatch
else
  [ -x "$top/build/release/drwatch" ] || fail "there is no build/release/drwatch; 'make build' makes it"
  # Coroutines, names without linkage, and what was written while building. Each compiled by its own command, without the units that ninja would
  # compile before it.
  units="daemon/CMakeFiles/drwatch_tasks.dir/__/batches/daemon_tasks_sources_1.cpp.o config/CMakeFiles/drwatch_config.dir/rows/cron.cpp.o
    probes/CMakeFiles/drwatch_outcome.dir/outcome.cpp.o daemon/CMakeFiles/drwatch_web.dir/__/generated/page_texts.cpp.o
    daemon/CMakeFiles/drwatch.dir/__/generated/version.cpp.o"
  for folder in "$one" "$two"; do
    cd "$folder"
    quietly cmake --preset release -DBUILD_TESTING=OFF
    cd build/release
    quietly ninja drwatch_version
    for unit in generated/page_texts.cpp generated/scenario_texts.cpp $units; do
      mkdir -p "${unit%/*}"
      quietly sh -c "$(ninja -t commands "$unit" | tail -n 1)"
    done
  done
  for file in $units generated/page_texts.cpp generated/scenario_texts.cpp; do same "build/release/$file"; done

  link=$(ninja -C "$top/build/release" -t commands drwatch | tail -n 1)
  for folder in "$one" "$two"; do
    (cd "$top/build/release" && sh -c "$(printf '%s' "$link" | sed "s# -o drwatch # -o $folder/build/release/drwatch #")") || fail "it could not be linked"
  done
  same build/release/drwatch
  cmp -s "$one/build/release/drwatch" "$top/build/release/drwatch" || fail "linked anew it is another program than build/release/drwatch"
  for folder in "$one" "$two"; do
    (cd "$folder" && quietly debian/rules PROGRAM="$top/build/release/drwatch" binary && quietly release/tarball.py build/package/drwatch_*.deb)
  done
fi
for folder in "$one" "$two"; do (cd "$folder/build" && mv package/drwatch_*.deb drwatch.deb && mv release-files/*.tar.gz drwatch.tar.gz); done
same build/drwatch.deb build/drwatch.tar.gz
echo "reproducible: two folders, one hash"
