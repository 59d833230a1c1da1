// SPDX-License-Identifier: Apache-2.0
#include "probes/world.hpp"

#include <stdexcept>

namespace drwatch {

// Reached only when a Result is used as a value without asking whether it has one: a bug.
void throw_exception_from_error(const Failure& failure, const boost::source_location& where) {
  throw std::logic_error("a failure taken for a value at " + std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " +
                         failure.message);
}

}  // namespace drwatch
