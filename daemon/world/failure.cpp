// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/failures.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace drwatch {
namespace {

// These say nothing about the other side. Were they reported as a failed connection, a daemon that runs out of descriptors would see every
// platform as down.
bool shortage_of_this_machine(int number) {
  switch (number) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EADDRNOTAVAIL:  // no local port left
    case EPERM:          // this machine's own packet filter
      return true;
    default:
      return false;
  }
}

}  // namespace

// Reached only when a Result is used as a value without asking whether it has one: a bug.
void throw_exception_from_error(const Failure& failure, const boost::source_location& where) {
  throw std::logic_error("a failure taken for a value at " + std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " +
                         failure.message);
}

std::string errno_name(int number) {
  const char* name = strerrorname_np(number);
  return name ? name : "errno " + std::to_string(number);
}

std::string errno_words(int number) {
  char space[256] = "";
  std::string words = strerror_r(number, space, sizeof space);
  // glibc writes "Connection refused". Words of capitals ("RPC struct is bad") keep their first letter.
  if (words.size() > 1 && std::islower(static_cast<unsigned char>(words[1]))) {
    words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
  }
  return words;
}

Failure socket_failure(Reason reason, const boost::system::error_code& error, const std::string& whom) {
  // The end of a stream is an error of Asio's own and has no errno.
  if (error == boost::asio::error::eof) return {reason, "", whom + " closed the connection"};
  if (error.category() != boost::system::system_category()) return {reason, "", error.message() + ": " + whom};
  const int number = error.value();
  if (shortage_of_this_machine(number)) {
    return {Reason::own_fault, errno_name(number), "this machine could not connect to " + whom + ": " + errno_words(number)};
  }
  switch (number) {
    case ECONNREFUSED:
      return {reason, "ECONNREFUSED", "connection refused by " + whom};
    case ECONNRESET:
    case EPIPE:
      return {reason, errno_name(number), "connection reset by " + whom};
    case ETIMEDOUT:
      return {reason, "ETIMEDOUT", "no answer from " + whom};
    default:
      return {reason, errno_name(number), errno_words(number) + ": " + whom};
  }
}

void unwind() { throw boost::system::system_error(boost::asio::error::operation_aborted); }

void unwind_if_cancelled(const boost::system::error_code& error) {
  if (error == boost::asio::error::operation_aborted) unwind();
}

}  // namespace drwatch
