// SPDX-License-Identifier: Apache-2.0
// An HTTP response out of bytes, by Beast's parser, without Beast's streams.
#pragma once

#include "probes/seams/world.hpp"

#include <memory>

namespace drwatch {

// Call space(), read into it, then take(n) or, at the end of the stream, take_end(); until done() or a failure. Interim answers (1xx but
// 101) are passed over, the response is the final one. Failures have the reason protocol.
class HttpReader {
 public:
  // `no_body`: the answer to a HEAD. `max_body` in bytes.
  HttpReader(bool no_body, std::size_t max_body, std::string address);
  ~HttpReader();

  // Where the next bytes go; never empty before done().
  std::span<char> space();
  // `n` bytes came. A failure: they make no sense, or are too many.
  std::optional<Failure> take(std::size_t n);
  // The other side has ended.
  std::optional<Failure> take_end();
  bool done() const;
  // Whole only after done(). The body is as it was sent: chunks are put together, but nothing is decompressed.
  HttpResponse& response();

 private:
  struct Parser;
  void renew();
  bool without_blanks(std::size_t from);  // in the chunk's line at `from`; false: there are none
  Failure failure(const boost::system::error_code& error) const;

  bool no_body_;
  std::size_t max_body_;
  std::string address_;
  HttpResponse response_;
  std::unique_ptr<Parser> parser_;
  std::vector<char> buffer_;
  std::size_t filled_ = 0;  // bytes in the buffer that the parser has not taken
  bool anything_ = false;
  bool at_start_ = true;  // the parser has taken nothing of this answer
  int interim_ = 0;       // 1xx answers so far
};

}  // namespace drwatch
