// SPDX-License-Identifier: Apache-2.0
#include "tests/source_dir.hpp"

namespace drwatch::testing {

std::string source_dir(const std::string& below) { return DRWATCH_SOURCE_DIR + below; }

}  // namespace drwatch::testing
