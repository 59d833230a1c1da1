// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/dns/message.hpp"

#include <arpa/inet.h>

#include <array>

namespace drwatch {
namespace {

constexpr std::size_t most_records = 256;   // of one section; a real answer has a handful
constexpr std::size_t longest_text = 4096;  // of one record, as it is shown

// IANA's registry of DNS resource record types; those that a probe can ask for.
struct TypeName {
  int number;
  std::string_view name;
};
constexpr TypeName types[] = {{1, "A"},    {2, "NS"},    {5, "CNAME"}, {6, "SOA"}, {12, "PTR"}, {15, "MX"},
                              {16, "TXT"}, {28, "AAAA"}, {33, "SRV"},  {43, "DS"}, {257, "CAA"}};

std::string type_name(int number) {
  for (const auto& type : types)
    if (type.number == number) return std::string(type.name);
  return "TYPE" + std::to_string(number);
}

// Reads big-endian numbers, bytes and names one after the other. Beyond the end of the message it returns zeros and sets `bad`, which stays
// set: so a caller may read a whole record and look at `bad` once.
class Reader {
 public:
  explicit Reader(std::string_view bytes, std::size_t at = 0) : bytes_(bytes), at_(at) {}

  std::uint8_t byte() {
    if (bad || at_ >= bytes_.size()) {
      bad = true;
      return 0;
    }
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  std::uint16_t u16() {
    const unsigned high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::string_view bytes(std::size_t size) {
    if (bad || size > bytes_.size() - at_) {
      bad = true;
      return {};
    }
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  std::string name();
  std::size_t at() const { return at_; }

  bool bad = false;

 private:
  std::string_view bytes_;
  std::size_t at_;
};

// As RFC 4343, 2.1 writes octets that are not printable: \DDD in decimal; "." and "\" get a backslash. Letters become lower case, since
// names are compared without regard to case (RFC 4343, 3).
void append_label(std::string& name, std::string_view label) {
  if (!name.empty()) name += '.';
  for (const char c : label) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '.' || c == '\\') name += '\\';
    if (byte > 0x20 && byte < 0x7f) {
      name += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : c;
      continue;
    }
    name += '\\';
    for (const int unit : {100, 10, 1}) name += static_cast<char>('0' + byte / unit % 10);
  }
}

// A name may end in a pointer to an earlier place of the message (RFC 1035, 4.1.4). Each pointer must lead before the place where the last
// one led: so there is no circle, and the loop ends. A name has at most 255 octets, the last of which is the root's empty label.
std::string Reader::name() {
  std::string made;
  std::size_t octets = 0, at = at_, before = at_;
  bool jumped = false;
  while (!bad) {
    if (at >= bytes_.size()) break;
    const auto size = static_cast<std::uint8_t>(bytes_[at]);
    if (size == 0) {
      if (!jumped) at_ = at + 1;
      return made.empty() ? "." : made;
    }
    if ((size & 0xc0) == 0xc0) {
      if (at + 1 >= bytes_.size()) break;
      const std::size_t to = static_cast<std::size_t>(size & 0x3f) << 8 | static_cast<std::uint8_t>(bytes_[at + 1]);
      if (!jumped) at_ = at + 2;
      jumped = true;
      if (to >= before) break;
      before = at = to;
      continue;
    }
    // 0x40 and 0x80 are reserved (RFC 1035, 4.1.4).
    if ((size & 0xc0) != 0 || bytes_.size() - at - 1 < size) break;
    octets += size + 1u;
    if (octets > 254) break;
    append_label(made, bytes_.substr(at + 1, size));
    at += size + 1u;
  }
  bad = true;
  return "";
}

// As a zone file writes a text in quotes.
void append_quoted(std::string& text, std::string_view bytes) {
  text += '"';
  for (const char c : bytes) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  text += '"';
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes.substr(0, longest_text / 2)) {
    text += digits[static_cast<std::uint8_t>(c) >> 4];
    text += digits[static_cast<std::uint8_t>(c) & 15];
  }
  return text;
}

// `size`: the bytes that such an address must have, 4 or 16.
std::string address(int family, std::string_view bytes, std::size_t size, bool& bad) {
  char text[INET6_ADDRSTRLEN] = "";
  bad = bad || bytes.size() != size || !inet_ntop(family, bytes.data(), text, sizeof text);
  return text;
}

// The strings of a TXT record are one text, cut where the format forces it (RFC 7208, 3.3).
std::string txt(std::string_view data, bool& bad) {
  std::string text;
  while (!data.empty() && !bad) {
    const auto size = static_cast<std::uint8_t>(data.front());
    bad = size > data.size() - 1;
    if (bad) break;
    text += data.substr(1, size);
    data.remove_prefix(size + 1u);
  }
  return text;
}

std::string numbers(Reader& r, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += (i ? " " : "") + std::to_string(r.u32());
  return text;
}

// RFC 8659, 4.1: a byte of flags, the length of the tag, the tag, and the value up to the end: 0 issue "ca.example".
std::string caa(std::string_view data, bool& bad) {
  Reader r(data);
  const std::string flags = std::to_string(r.byte());
  std::string text = flags + " " + std::string(r.bytes(r.byte())) + " ";
  bad = bad || r.bad;
  if (!bad) append_quoted(text, data.substr(r.at()));
  return text;
}

// RFC 4034, 5.1: key tag, algorithm, digest type, digest: 12345 13 2 0123...
std::string ds(std::string_view data, bool& bad) {
  Reader r(data);
  std::string text = std::to_string(r.u16()) + " ";
  text += std::to_string(r.byte()) + " ";
  text += std::to_string(r.byte()) + " ";
  bad = bad || r.bad;
  return bad ? "" : text + hex(data.substr(r.at()));
}

// A record's data as a zone file writes it. `r` stands at the data, and sees the whole message up to the data's end, since names in it may
// point to anywhere before; `data` are the same bytes alone. `bad` is set when they do not make such a record, or when something is left
// over.
std::string text_of(int type, Reader r, std::string_view data, bool& bad) {
  const std::size_t end = r.at() + data.size();
  std::string text;
  switch (type) {
    case 1:
      return address(AF_INET, data, 4, bad);
    case 28:
      return address(AF_INET6, data, 16, bad);
    case 16:
      return txt(data, bad);
    case 43:
      return ds(data, bad);
    case 257:
      return caa(data, bad);
    case 2:
    case 5:
    case 12:
      text = r.name();
      break;
    case 15:
      text = std::to_string(r.u16()) + " ";
      text += r.name();
      break;
    case 33:
      for (int i = 0; i < 3; ++i) text += std::to_string(r.u16()) + " ";
      text += r.name();
      break;
    // SOA: primary server, mail address, serial, refresh, retry, expire, minimum (RFC 1035, 3.3.13).
    case 6:
      text = r.name() + " ";
      text += r.name() + " ";
      text += numbers(r, 5);
      break;
    // A type that is not known is still shown: length and hex digits (RFC 3597, 5).
    default:
      return "\\# " + std::to_string(data.size()) + " " + hex(data);  // RFC 3597, 5
  }
  bad = bad || r.bad || r.at() != end;
  return text;
}

void read_section(Reader& r, std::string_view bytes, std::size_t count, std::vector<DnsRecord>& into) {
  constexpr int opt = 41;  // EDNS (RFC 6891): a pseudo-record about the message itself, not one of the zone
  for (std::size_t i = 0; i < count && !r.bad; ++i) {
    DnsRecord record;
    record.name = r.name();
    const int type = r.u16();
    r.u16();  // class
    record.ttl = r.u32();
    const std::size_t size = r.u16(), begin = r.at();
    const auto data = r.bytes(size);
    // Records over the bound are read, so that the next section is found, and dropped.
    if (r.bad || type == opt || into.size() >= most_records) continue;
    record.type = type_name(type);
    record.text = text_of(type, Reader(bytes.substr(0, begin + size), begin), data, r.bad);
    if (record.text.size() > longest_text) record.text = record.text.substr(0, longest_text) + "...";
    if (!r.bad) into.push_back(std::move(record));
  }
}

}  // namespace

int dns_type_number(std::string_view type) {
  for (const auto& known : types)
    if (known.name == type) return known.number;
  return 0;
}

std::string dns_rcode_name(int rcode) {
  constexpr std::array<std::string_view, 6> names = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  return rcode >= 0 && rcode < 6 ? std::string(names[static_cast<std::size_t>(rcode)]) : "RCODE" + std::to_string(rcode);
}

std::optional<DnsAnswer> read_dns_answer(std::string_view bytes) {
  Reader r(bytes);
  r.u16();  // the id, compared by who asked
  const unsigned flags = r.u16();
  const unsigned questions = r.u16(), answers = r.u16(), authority = r.u16();
  r.u16();
  // 0x8000 (QR): it is an answer, not a question. 0x0400 below (AA): the server is an authority for the name.
  if (r.bad || !(flags & 0x8000) || questions > 1) return std::nullopt;
  if (questions == 1) {
    r.name();
    r.u32();
  }
  DnsAnswer made;
  made.rcode = dns_rcode_name(static_cast<int>(flags & 15));
  made.authoritative = flags & 0x0400;
  read_section(r, bytes, answers, made.answers);
  read_section(r, bytes, authority, made.authority);
  if (r.bad) return std::nullopt;
  return made;
}

}  // namespace drwatch
