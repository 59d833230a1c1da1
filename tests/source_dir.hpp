// SPDX-License-Identifier: Apache-2.0
// Where the checkout is. One file is told by the build, and no other names an absolute path: a clone in another folder finds the rest in
// the compiler's cache.
#pragma once

#include <string>

namespace drwatch::testing {

std::string source_dir(const std::string& below = "");  // source_dir("/config/drwatch.toml")

}  // namespace drwatch::testing
