// SPDX-License-Identifier: Apache-2.0
#include "config/rows/encoding.hpp"

#include <openssl/evp.h>

#include <charconv>
#include <cstdint>
#include <memory>
#include <stdexcept>

namespace drwatch {
namespace {

constexpr std::string_view small_digits = "0123456789abcdef", capital_digits = "0123456789ABCDEF";
// RFC 4648, tables 1 and 2: they differ in the last two.
constexpr std::string_view standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view for_urls = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string sixes(std::string_view bytes, std::string_view letters) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (have += 8; have >= 6; have -= 6) text += letters[(bits >> (have - 6)) & 63];
  }
  if (have > 0) text += letters[(bits << (6 - have)) & 63];
  return text;
}

bool unreserved(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string hex_of(std::string_view bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char c : bytes) text += {small_digits[c >> 4], small_digits[c & 15]};
  return text;
}

// One digest over both texts, without copying them into one.
std::string sha256_hex(std::string_view first, std::string_view second) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), first.data(), first.size()) != 1 ||
      EVP_DigestUpdate(context.get(), second.data(), second.size()) != 1 || EVP_DigestFinal_ex(context.get(), digest, &length) != 1)
    throw std::runtime_error("SHA-256 is not available in this OpenSSL");
  return hex_of({reinterpret_cast<const char*>(digest), length});
}

std::string base64(std::string_view bytes) {
  std::string text = sixes(bytes, standard);
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::string base64url(std::string_view bytes) { return sixes(bytes, for_urls); }

std::optional<std::string> from_base64url(std::string_view text) {
  // One letter alone has six bits, too few for a byte.
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const auto value = for_urls.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    have += 6;
    if (have >= 8) {
      have -= 8;
      bytes += static_cast<char>((bits >> have) & 0xff);
    }
  }
  if ((bits & ((1u << have) - 1)) != 0) return std::nullopt;  // the same bytes must not have a second spelling
  return bytes;
}

std::string percent_encoded(std::string_view text) {
  std::string made;
  for (const unsigned char c : text) {
    if (unreserved(c))
      made += static_cast<char>(c);
    else
      made += {'%', capital_digits[c >> 4], capital_digits[c & 15]};
  }
  return made;
}

std::string percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      plain += static_cast<char>(byte);
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace drwatch
