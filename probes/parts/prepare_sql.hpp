// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace drwatch {

// The SQL that prepares a database for drwatch: a role that may look and write one row, and that row. It may be run again.
std::string prepare_sql();

}  // namespace drwatch
