# SPDX-License-Identifier: Apache-2.0
# make run | test | build | bench | format | lint      What is missing on Debian 12 is installed first.
.PHONY: help run test build bench format lint install install-style
.DEFAULT_GOAL := help

help:
	@echo "make run     drwatch on a sample platform, on loopback; Ctrl-C stops all of it"
	@echo "make test    builds and runs every test"
	@echo "make build   leaves the program at build/release/drwatch"
	@echo "make bench   what a thousand probes cost"
	@echo "make format  clang-format over every source file"
	@echo "make lint    clang-tidy over the compile database"

run: build
	@tests/platform/run

test: install
	cmake --preset dev
	cmake --build build/dev
	ctest --test-dir build/dev --output-on-failure -j2

build: install
	cmake --preset release
	cmake --build build/release --target drwatch

bench: install
	cmake --preset release
	cmake --build build/release --target bench
	build/release/bench/bench

format: install-style
	git ls-files '*.cpp' '*.hpp' | xargs clang-format-19 -i

# clang reads the same flags as g++ but for those it does not know.
lint: install install-style
	cmake --preset dev
	git ls-files '*.cpp' | xargs -P 2 -n 4 clang-tidy-19 -p build/dev --quiet --extra-arg=-Wno-unknown-warning-option

install:
	@.ci/install .ci/packages.txt

install-style:
	@.ci/install .ci/packages-style.txt
