// SPDX-License-Identifier: Apache-2.0
// A value that must never be shown. It is read when the configuration is loaded (and again at every reload).
#pragma once

#include <memory>
#include <string>

namespace drwatch {

// Bytes. A shorter secret can't be told from ordinary text: it is hidden only where no letter or digit stands beside it ...
inline constexpr std::size_t short_secret = 6;
// ... and one that is shorter than this not at all, since "api" or "x" would turn every other word of a message into stars.
inline constexpr std::size_t least_secret = 4;

// Copies share the value. It has no operator<< and no conversion, so that it is never printed by accident.
class Secret {
 public:
  enum class From { none, plain, env, file, credential };

  Secret() = default;
  Secret(From from, std::string name, std::string value)
      : from_(from), name_(std::move(name)), value_(std::make_shared<const std::string>(std::move(value))) {}
  static Secret missing(From from, std::string name) {
    Secret s;
    s.from_ = from;
    s.name_ = std::move(name);
    return s;
  }

  bool configured() const { return from_ != From::none; }
  bool present() const { return value_ != nullptr; }
  // The value itself. Only what hands it to the other side (libpq, an HTTP header, a comparison) may call this.
  const std::string& reveal() const {
    static const std::string nothing;
    return value_ ? *value_ : nothing;
  }
  From from() const { return from_; }
  const std::string& name() const { return name_; }  // of the variable, file or credential: safe to show

  // Equal when they come from the same place and hold the same value: a rotated secret is a changed probe.
  friend bool operator==(const Secret& a, const Secret& b) { return a.from_ == b.from_ && a.name_ == b.name_ && a.reveal() == b.reveal(); }

 private:
  From from_ = From::none;
  std::string name_;
  std::shared_ptr<const std::string> value_;
};

}  // namespace drwatch
