// SPDX-License-Identifier: Apache-2.0
#include "probes/seams/redaction.hpp"
#include "config/rows/encoding.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace redaction_target {

using namespace drwatch;
using namespace drwatch::fuzz;

// A line is the secret, the rest the text; the secret is put into it, too, apart from what could make another escape with it.
FUZZ_TARGET(redaction)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, std::min<std::size_t>(size, 1024));
  const std::string secret(take_line(text));
  const Redaction secrets = Redaction().and_also({secret});
  const std::size_t middle = text.size() / 2;
  const std::string before(text.substr(0, middle)), behind(text.substr(middle));
  for (const std::string& written : {secret, percent_encoded(secret), hex_of(secret), base64(secret)}) {
    std::string shown = before + " " + written + " " + behind;
    const std::string whole = shown;
    const bool any = secrets.hide(shown);
    must(any || shown == whole, "what holds no secret stays as it is");
    if (secret.size() < short_secret) continue;
    must(any, "a secret that stands in a text is found");
    // Stars may be a secret's own letters, but the letters around it that did not belong to one are all still there.
    must(shown.find("***") != std::string::npos, "stars stand for it");
    must(shown.size() <= whole.size() + 3 * whole.size(), "no text grows without bounds");
    if (secret.find('*') == std::string::npos) must(shown.find(secret) == std::string::npos, "nothing of it is left");
  }
  std::string cut = before + secret.substr(0, secret.size() / 2);
  secrets.hide(cut, true);
  return 0;
}

}  // namespace redaction_target
