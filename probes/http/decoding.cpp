// SPDX-License-Identifier: Apache-2.0
#include "probes/http/decoding.hpp"

#include "probes/parts/http_expectation.hpp"
#include "probes/seams/excerpt.hpp"

#include <brotli/decode.h>
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace drwatch {
namespace {

// Bytes unpacked at a time. The bound is looked at after each, so that a bomb (a small body that unpacks to gigabytes) is stopped early.
constexpr std::size_t piece = 32 * 1024;

Failure failure(std::string code, std::string message) { return {Reason::protocol, std::move(code), std::move(message)}; }
Failure broken(const std::string& encoding) { return failure("bad-encoding", "the body is not the " + encoding + " that its header says"); }
Failure cut(const std::string& encoding) { return failure("bad-encoding", "the " + encoding + " body ends too early"); }
Failure too_long(std::size_t most) { return failure("", "the body unpacks to more than " + std::to_string(most) + " bytes"); }

// `window`: zlib's windowBits: 15 + 16 for gzip, 15 for zlib, -15 for bare deflate.
Result<std::string> inflated(const std::string& packed, int window, const std::string& encoding, std::size_t most) {
  z_stream stream{};
  if (inflateInit2(&stream, window) != Z_OK) return Failure{Reason::internal, "", "zlib can't be used"};
  const std::unique_ptr<z_stream, void (*)(z_stream*)> ending(&stream, [](z_stream* s) { inflateEnd(s); });
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string plain;
  for (;;) {
    const std::size_t before = plain.size();
    plain.resize(before + piece);
    stream.next_out = reinterpret_cast<Bytef*>(plain.data() + before);
    stream.avail_out = piece;
    const int said = inflate(&stream, Z_NO_FLUSH);
    plain.resize(plain.size() - stream.avail_out);
    if (plain.size() > most) return too_long(most);
    // gzip's members may stand one behind the other (RFC 1952 2.2).
    if (said == Z_STREAM_END && (window != 31 || stream.avail_in == 0)) return plain;
    if (said == Z_STREAM_END && inflateReset(&stream) == Z_OK) continue;
    if (said == Z_BUF_ERROR || (said == Z_OK && stream.avail_in == 0 && stream.avail_out > 0)) return cut(encoding);
    if (said != Z_OK) return broken(encoding);
  }
}

// RFC 9110 8.4.1.2 means zlib's format; some servers send bare deflate, and every browser takes it.
Result<std::string> undeflated(const std::string& packed, std::size_t most) {
  auto plain = inflated(packed, 15, "deflate", most);
  if (plain || plain.error().message != broken("deflate").message) return plain;
  return inflated(packed, -15, "deflate", most);
}

Result<std::string> unbrotlied(const std::string& packed, std::size_t most) {
  const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr),
                                                                                 BrotliDecoderDestroyInstance);
  if (!state) return Failure{Reason::internal, "", "brotli can't be used"};
  const auto* next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  std::size_t in = packed.size();
  std::string plain;
  for (;;) {
    const std::size_t before = plain.size();
    plain.resize(before + piece);
    auto* next_out = reinterpret_cast<std::uint8_t*>(plain.data() + before);
    std::size_t out = piece;
    const auto said = BrotliDecoderDecompressStream(state.get(), &in, &next_in, &out, &next_out, nullptr);
    plain.resize(plain.size() - out);
    if (plain.size() > most) return too_long(most);
    if (said == BROTLI_DECODER_RESULT_SUCCESS) return in == 0 ? Result<std::string>(plain) : Result<std::string>(broken("br"));
    if (said == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) return cut("br");
    if (said == BROTLI_DECODER_RESULT_ERROR) return broken("br");
  }
}

// The encodings, in the order in which they were put on.
std::vector<std::string> encodings(const HttpResponse& answer) {
  std::vector<std::string> all;
  for (const std::string& value : header_values(answer, "content-encoding")) {
    std::string one;
    for (const char c : value + ",") {
      if (c == ',') {
        if (!one.empty() && one != "identity") all.push_back(one);
        one.clear();
      } else if (c != ' ' && c != '\t') {
        one += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
    }
  }
  return all;
}

}  // namespace

std::optional<Failure> unpack(HttpResponse& answer, std::size_t max_body) {
  auto all = encodings(answer);
  if (all.empty() || answer.body.empty()) return std::nullopt;
  if (all.size() > 3) return failure("bad-encoding", "the body is packed more than three times");
  std::reverse(all.begin(), all.end());
  for (const std::string& encoding : all) {
    Result<std::string> plain = failure("bad-encoding", "the body's encoding " + quote(encoding, 30) + " is not known");
    if (encoding == "gzip" || encoding == "x-gzip") plain = inflated(answer.body, 31, "gzip", max_body);
    if (encoding == "deflate") plain = undeflated(answer.body, max_body);
    if (encoding == "br") plain = unbrotlied(answer.body, max_body);
    if (!plain) return plain.error();
    answer.body = std::move(*plain);
  }
  return std::nullopt;
}

}  // namespace drwatch
