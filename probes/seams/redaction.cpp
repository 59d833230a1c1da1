// SPDX-License-Identifier: Apache-2.0
#include "probes/seams/redaction.hpp"

#include "probes/seams/excerpt.hpp"
#include "probes/seams/plainer.hpp"
#include "probes/seams/secret_forms.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace drwatch {
namespace {

// Bytes of the shortest beginning of a secret that is hidden before a cut. What is looked up has as many, see Known.
constexpr std::size_t key_bytes = 3;
static_assert(key_bytes <= least_secret);
constexpr std::size_t wrapped_line = 60;  // a shorter form is not broken over lines

std::uint32_t key_at(const char* text) {
  const auto byte = [&](int i) { return std::uint32_t{static_cast<unsigned char>(text[i])}; };
  return byte(0) | byte(1) << 8 | byte(2) << 16;
}

bool letter_or_digit(std::string_view text, std::size_t at) {
  return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
}

bool base64_letter(std::string_view text, std::size_t at) {
  return letter_or_digit(text, at) || (at < text.size() && std::string_view("+/-_").find(text[at]) != std::string_view::npos);
}

// Whether what is shown of a text was cut at `at`: excerpt() and clean_utf8() say so. The cut may have gone through an escape, whose rest
// is no letter of the secret.
bool cut_at(std::string_view text, std::size_t at, bool cut) {
  constexpr std::string_view dots = "...", ellipsis = "\xE2\x80\xA6";
  constexpr std::size_t longest_escape = 16;
  std::string_view rest = text.substr(at);
  if (!rest.empty() && std::string_view("%\\&").find(rest.front()) != std::string_view::npos) {
    const std::string_view near = rest.substr(0, longest_escape);
    const std::size_t mark = std::min(near.find(dots), near.find(ellipsis));
    rest.remove_prefix(mark != near.npos ? mark : near.size() < longest_escape ? near.size() : 0);
  }
  return rest.starts_with(dots) || rest.starts_with(ellipsis) || (cut && rest.empty());
}

using Range = std::pair<std::size_t, std::size_t>;  // bytes of the original, the end not among them

std::string with_stars(std::string_view text, std::vector<Range>& ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::string shown;
  std::size_t end = 0;
  for (const auto& [from, to] : ranges) {
    if (from > end || shown.empty()) (shown += text.substr(end, from - std::min(from, end))) += "***";
    end = std::max(end, to);
  }
  return shown += text.substr(end);
}

}  // namespace

// The forms of some secrets, by their first three bytes. Nearly every place of a text is passed over by one look into a bitmap.
class Redaction::Known {
 public:
  explicit Known(std::vector<SecretForm> forms) : forms_(std::move(forms)) {
    std::sort(forms_.begin(), forms_.end(), [](const SecretForm& a, const SecretForm& b) {
      const auto x = key_at(a.text.data()), y = key_at(b.text.data());
      return x != y ? x < y : a.text.size() > b.text.size();
    });
    // 64 bits or more a form: hardly one place in sixty is looked at for nothing.
    while ((std::size_t{1} << bits_) < 64 * forms_.size()) ++bits_;
    filter_.resize((std::size_t{1} << bits_) / 64);
    for (const SecretForm& form : forms_) {
      const std::uint32_t at = place_of(key_at(form.text.data()));
      filter_[at / 64] |= std::uint64_t{1} << (at % 64);
      longest_ = std::max(longest_, form.text.size());
      spaces_ = spaces_ || form.text.find(' ') != std::string::npos;
    }
  }

  void find(std::string_view text, bool cut, std::vector<Range>& ranges) const {
    if (text.size() < key_bytes) return;
    const Search search{*this, cut, ranges};
    // One reference, so that std::function allocates nothing.
    read_plainer(text, spaces_, longest_ > wrapped_line,
                 [&search](std::string_view plain, const std::vector<Origin>& origins) { search.read(plain, origins); });
  }
  std::size_t longest() const { return longest_; }

 private:
  struct Search {
    const Known& known;
    bool cut;
    std::vector<Range>& ranges;
    void read(std::string_view plain, const std::vector<Origin>& origins) const {
      for (std::size_t at = 0; at + key_bytes <= plain.size(); ++at) {
        const std::uint32_t place = known.place_of(key_at(plain.data() + at));
        if ((known.filter_[place / 64] >> (place % 64) & 1) == 0) continue;
        if (const auto found = known.look(plain, at, cut))
          ranges.push_back(origins.empty() ? *found : Range{origins[found->first].from, origins[found->second - 1].to});
      }
    }
  };
  // Fibonacci hashing: the upper bits of the product depend on all of the key's.
  std::uint32_t place_of(std::uint32_t key) const { return (key * 0x9E3779B1U) >> (32 - bits_); }

  // The longest form that begins at `at`, or the longest beginning of one that was cut.
  std::optional<Range> look(std::string_view plain, std::size_t at, bool cut) const {
    const std::uint32_t key = key_at(plain.data() + at);
    auto form =
        std::lower_bound(forms_.begin(), forms_.end(), key, [](const SecretForm& f, std::uint32_t k) { return key_at(f.text.data()) < k; });
    std::optional<Range> best;
    for (; form != forms_.end() && key_at(form->text.data()) == key; ++form) {
      const auto same = static_cast<std::size_t>(
          std::mismatch(form->text.begin(), form->text.end(), plain.begin() + static_cast<std::ptrdiff_t>(at), plain.end()).first -
          form->text.begin());
      const auto found = same == form->text.size() ? whole(plain, at, *form) : beginning(plain, at, same, *form, cut);
      if (found && (!best || found->second > best->second)) best = found;
    }
    return best;
  }

  static std::optional<Range> whole(std::string_view plain, std::size_t at, const SecretForm& form) {
    std::size_t end = at + form.text.size();
    if (form.alone && (letter_or_digit(plain, at - 1) || letter_or_digit(plain, end))) return std::nullopt;
    if (form.begins_within && base64_letter(plain, at - 1)) --at;
    if (form.ends_within && base64_letter(plain, end)) ++end;
    return Range{at, end};
  }

  static std::optional<Range> beginning(std::string_view plain, std::size_t at, std::size_t same, const SecretForm& form, bool cut) {
    if (form.alone && letter_or_digit(plain, at - 1)) return std::nullopt;
    // The dots of a cut may look like the secret's own.
    for (std::size_t dots = 0; dots <= 3 && same >= key_bytes + dots; ++dots)
      if (cut_at(plain, at + same - dots, cut))
        return Range{at - (form.begins_within && base64_letter(plain, at - 1) ? 1 : 0), at + same - dots};
    return std::nullopt;
  }

  std::vector<SecretForm> forms_;
  std::vector<std::uint64_t> filter_;
  unsigned bits_ = 12;
  std::size_t longest_ = 0;
  bool spaces_ = false;
};

Redaction::Redaction(const std::vector<Secret>& secrets) {
  std::vector<std::string> texts;
  for (const Secret& secret : secrets)
    if (secret.present() && secret.from() != Secret::From::plain) texts.push_back(secret.reveal());
  *this = and_also(texts);
}

Redaction Redaction::and_also(const Redaction& other) const {
  Redaction more = *this;
  more.known_.insert(more.known_.end(), other.known_.begin(), other.known_.end());
  return more;
}

Redaction Redaction::and_also(const std::vector<std::string>& secrets) const {
  std::vector<SecretForm> forms;
  std::set<std::string> seen;
  for (const std::string& secret : secrets)
    if (seen.insert(secret).second)
      for (SecretForm& form : secret_forms(secret)) forms.push_back(std::move(form));
  Redaction more = *this;
  if (!forms.empty()) more.known_.push_back(std::make_shared<const Known>(std::move(forms)));
  return more;
}

bool Redaction::hide(std::string& text, bool cut) const {
  std::vector<Range> ranges;
  for (const auto& known : known_) known->find(text, cut, ranges);
  if (ranges.empty()) return false;
  text = with_stars(text, ranges);
  return true;
}

std::string Redaction::hidden(std::string text) const {
  hide(text);
  return text;
}

std::size_t Redaction::longest() const {
  std::size_t longest = 0;
  for (const auto& known : known_) longest = std::max(longest, known->longest());
  return longest;
}

void hide_secrets(Outcome& outcome, const Redaction& secrets) {
  if (!secrets.knows_any()) return;
  secrets.hide(outcome.code);
  secrets.hide(outcome.message);
  for (auto fact = outcome.facts.begin(); fact != outcome.facts.end();) {
    secrets.hide(fact->second);
    std::string name = fact->first;
    if (!secrets.hide(name)) {
      ++fact;
      continue;
    }
    auto renamed = outcome.facts.extract(fact++);
    renamed.key() = std::move(name);
    outcome.facts.insert(std::move(renamed));
  }
  for (Latch& latch : outcome.latches) {
    secrets.hide(latch.key);
    secrets.hide(latch.message);
  }
  if (outcome.job) {
    secrets.hide(outcome.job->schedule);
    secrets.hide(outcome.job->zone);
    for (JobRunSeen& run : outcome.job->runs) secrets.hide(run.message);
  }
  if (outcome.memory) secrets.hide(*outcome.memory);
}

namespace {

// What `pattern` finds is replaced by `instead`, where \1 is the first group.
struct Rule {
  Rule(const std::string& of, const char* with) : pattern(of), instead(with) {}
  RE2 pattern;
  const char* instead;
};

const std::vector<std::unique_ptr<const Rule>>& rules() {
  static const auto made = [] {
    const std::string secret_name = secret_field;
    std::vector<std::unique_ptr<const Rule>> list;
    const auto add = [&](const std::string& pattern, const char* instead) {
      list.push_back(std::make_unique<const Rule>(pattern, instead));
    };
    // "access_token": "...", also when the text ends within it
    add("(\"[^\"\\\\]*" + secret_name + "[^\"\\\\]*\"\\s*:\\s*\")(?:[^\"\\\\]|\\\\.)*", "\\1***");
    // ?token=..., password=... of a form, a query or a dsn
    add("((?:^|[\\s?&;,'\"(])[^\\s=&?;,'\"(]*" + secret_name + "[^\\s=&'\"]*=)(?:'(?:[^'\\\\]|\\\\.)*'?|[^\\s&;'\"]+)", "\\1***");
    // https://user:password@host
    add("(://[^\\s:/@]*:)[^\\s/@]+@", "\\1***@");
    // An Authorization header, in whatever text it stands (RFC 6750, RFC 7617, RFC 7616).
    add("(?i)\\b(bearer|basic|digest)\\s+[a-z0-9+/=._~-]{6,}", "\\1 ***");
    return list;
  }();
  return made;
}

}  // namespace

std::string redacted(std::string text) {
  for (const auto& rule : rules()) RE2::GlobalReplace(&text, rule->pattern, rule->instead);
  return without_tokens(text);
}

}  // namespace drwatch
