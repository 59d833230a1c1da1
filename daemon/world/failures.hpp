// SPDX-License-Identifier: Apache-2.0
// How the operating system's errors become a Failure, and cancellation an unwinding.
#pragma once

#include "probes/seams/world.hpp"

#include <boost/system/error_code.hpp>
#include <string>

namespace drwatch {

// "ECONNREFUSED"; "errno 999" for a number without a name.
std::string errno_name(int number);
// In words, without a capital: "connection refused".
std::string errno_words(int number);

// What went wrong with `whom` ("127.0.0.1:80"): "connection refused by 127.0.0.1:80". A shortage on this machine is own-fault, whatever was
// tried; anything else is `reason`.
Failure socket_failure(Reason reason, const boost::system::error_code& error, const std::string& whom);

// Throws operation_aborted when `error` is a cancellation: what was asked for, not a failure.
void unwind_if_cancelled(const boost::system::error_code& error);
[[noreturn]] void unwind();

}  // namespace drwatch
