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

// `error` at the connection to `whom` ("127.0.0.1:80") as a Failure: code ECONNREFUSED, message "connection refused by 127.0.0.1:80". A
// shortage on this machine (no descriptors, no memory, no free port) gets the reason own-fault whatever was tried; anything else gets
// `reason`.
Failure socket_failure(Reason reason, const boost::system::error_code& error, const std::string& whom);

// Throws operation_aborted when `error` is a cancellation. A cancellation was asked for by the caller and is not the fault of the other
// side, so it must never become a Failure that somebody is woken for.
void unwind_if_cancelled(const boost::system::error_code& error);
// Throws operation_aborted, as Asio's own operations do when they are cancelled.
[[noreturn]] void unwind();

}  // namespace drwatch
