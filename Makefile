# SPDX-License-Identifier: Apache-2.0
# make run, test, proof, build, package, tarball, image, release, reproducible, docs, bench, format, lint. What is missing on Debian 12 is installed
# first.
.PHONY: help run test proof build package tarball image release reproducible docs bench format lint install install-style install-release
.DEFAULT_GOAL := help

help:
	@echo "make run     drwatch on a sample platform, on loopback; Ctrl-C stops all of it"
	@echo "make test    builds and runs what every landing must show"
	@echo "make proof   everything: all seeds, months and kills, both builds, a fresh machine"
	@echo "make build   leaves the program at build/release/drwatch"
	@echo "make package a Debian package of it, below build/package"
	@echo "make tarball one folder with the libraries it needs, in build/release-files"
	@echo "make image   an OCI image, in build/release-files"
	@echo "make release everything that a release consists of, when nothing is missing for one"
	@echo "make docs    the documents as a static site, below build/site"
	@echo "make bench   what a thousand probes cost"
	@echo "make format  clang-format over every source file"
	@echo "make lint    clang-tidy over the compile database"

# Without the optimizer: nobody waits for the sample, and everybody for the compiler.
run: install
	@echo "Building drwatch: about 3 minutes on two cores the first time, seconds afterwards."
	cmake --preset dev
	cmake --build build/dev --target drwatch
	@tests/platform/run

test: install install-style
	@tests/checks/run.py test

proof: install install-style
	@.ci/install .ci/packages-proof.txt .ci/packages-package.txt .ci/packages-release.txt .ci/packages-docs.txt
	@command -v npm >/dev/null || .ci/install .ci/packages-node.txt
	@tests/checks/run.py proof

build: install
	cmake --preset release
	cmake --build build/release --target drwatch

# Judged by lintian: what it calls an error or a warning fails.
package: install
	@.ci/install .ci/packages-package.txt
	debian/rules clean
	debian/rules binary
	lintian --fail-on error,warning build/package/drwatch_*.deb
	@ls build/package/drwatch_*.deb

# The package's files and what the program needs beside them.
tarball: package install-release
	release/tarball.py build/package/drwatch_*.deb

# As root: everybody's files are in it.
image: package install-release
	release/image.py build/package/drwatch_*.deb

# docs/releasing.md
release: install-release
	release/release.py

# All of it compiled twice in different folders, without a cache: about 20 minutes on two cores.
reproducible: install install-release
	@.ci/install .ci/packages-package.txt
	tests/proof/reproducible.sh --all

docs:
	@.ci/install .ci/packages-docs.txt
	/usr/bin/mkdocs build --strict

bench: install
	cmake --preset release
	cmake --build build/release --target bench drwatch
	build/release/bench/bench
	DRWATCH=build/release/drwatch SECONDS=10 tests/end_to_end/flood.py

format: install-style
	git ls-files '*.cpp' '*.hpp' | xargs clang-format-19 -i

# clang reads the same flags as g++ but for those it does not know.
lint: install
	@.ci/install .ci/packages-lint.txt
	cmake --preset separate
	git ls-files '*.cpp' | xargs -P 2 -n 4 clang-tidy-19 -p build/separate --quiet --extra-arg=-Wno-unknown-warning-option

install:
	@.ci/install .ci/packages.txt

install-release:
	@.ci/install .ci/packages-release.txt

install-style:
	@.ci/install .ci/packages-style.txt
