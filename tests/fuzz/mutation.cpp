// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/mutation.hpp"

#include <algorithm>
#include <iterator>

namespace drwatch::fuzz {

// What parsers of text and of bytes stumble over.
std::string Mutation::token() {
  static const std::string tokens[] = {std::string(1, '\0'),
                                       "\xff",
                                       "\x80",
                                       "-1",
                                       "0",
                                       "18446744073709551616",
                                       "-9223372036854775809",
                                       "1e999",
                                       "-0.0",
                                       "NaN",
                                       "null",
                                       "true",
                                       "\"",
                                       "\\",
                                       "\"\\ud800\"",
                                       "%00",
                                       "%",
                                       "\r\n",
                                       "\r\n\r\n",
                                       "\n",
                                       ";",
                                       ",",
                                       "=",
                                       ":",
                                       "..",
                                       "/",
                                       "{",
                                       "}",
                                       "[",
                                       "]",
                                       "{{",
                                       "}}",
                                       "{{#",
                                       "{{{",
                                       "<!--",
                                       "\xc0\x0c",
                                       "\xc3\x28",
                                       "\xef\xbb\xbf",
                                       " ",
                                       "\t",
                                       "'",
                                       "|",
                                       "*",
                                       "*/",
                                       "#",
                                       "L",
                                       "@",
                                       "0x",
                                       "T00:00:00Z",
                                       "9999-12-31T23:59:60Z",
                                       "HTTP/1.1 100 Continue\r\n\r\n",
                                       "Transfer-Encoding: chunked\r\n",
                                       "Content-Length: 5\r\n",
                                       "ffffffffffffffff"};
  return tokens[below(std::size(tokens))];
}

void Mutation::change(std::string& text, const std::vector<std::string>& seeds) {
  const std::size_t at = below(text.size() + 1), size = below(std::min<std::size_t>(text.size() - at, 64) + 1);
  switch (below(10)) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
      break;
    case 1:
      if (at < text.size()) text[at] = static_cast<char>(below(256));
      break;
    case 2:
      text.insert(at, 1, static_cast<char>(below(256)));
      break;
    case 3:
      text.erase(at, size);
      break;
    case 4:
      text.resize(at);
      break;
    case 5: {  // the same again and again
      const std::string part = below(2) ? text.substr(at, size) : token();
      std::string many;
      for (std::size_t i = below(below(8) == 0 ? 4096 : 16); i > 0 && many.size() < longest; --i) many += part;
      text.insert(at, many);
      break;
    }
    case 6: {  // a part of another
      const std::string& other = seeds[below(seeds.size())];
      text.insert(at, other.substr(below(other.size() + 1), below(200)));
      break;
    }
    case 7: {
      const std::string part = text.substr(at, size);
      text.erase(at, size);
      text.insert(below(text.size() + 1), part);
      break;
    }
    default:
      text.replace(at, below(2) ? 0 : std::min<std::size_t>(size, 8), token());
  }
}

std::string Mutation::of(const std::vector<std::string>& seeds) {
  std::string text = seeds[below(seeds.size())];
  for (std::size_t i = 1 + below(4); i > 0; --i) change(text, seeds);
  if (text.size() > longest) text.resize(longest);
  return text;
}

}  // namespace drwatch::fuzz
