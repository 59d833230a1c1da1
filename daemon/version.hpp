// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace drwatch {

// What `drwatch --version` prints: the version and, of a program that was built in a git checkout, its commit. The text stands in a
// generated unit of the program alone (version.cmake), so that a new commit compiles nothing else; DRWATCH_VERSION is the bare number.
extern const char* const version_line;

}  // namespace drwatch
