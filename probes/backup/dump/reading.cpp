// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/dump/reading.hpp"

#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <cctype>

namespace drwatch {
namespace {

constexpr std::string_view opening_failed = "(drwatch: it could not be decompressed)\n";
constexpr std::string_view dump_trailer = "-- PostgreSQL database dump complete",
                           cluster_trailer = "-- PostgreSQL database cluster dump complete";

// How a file is opened, by its first bytes: a program that writes its content to standard output.
struct Opener {
  std::string_view magic;
  const char* program;
};
// The magic numbers of RFC 1952 (gzip), RFC 8878 (zstd), the .xz file format, bzip2 and LZ4's frame format.
constexpr Opener openers[] = {
    {"\x1f\x8b", "gzip"},
    {"\x28\xb5\x2f\xfd", "zstd"},
    {"\xfd"
     "7zXZ",
     "xz"},
    {"BZh", "bzip2"},
    {"\x04\x22\x4d\x18", "lz4"},
};

const char* opener_of(std::string_view head) {
  for (const Opener& opener : openers)
    if (head.starts_with(opener.magic)) return opener.program;
  return nullptr;
}

// pg_dump -Fc.
bool is_custom(std::string_view head) { return head.starts_with("PGDMP"); }
// POSIX ustar: the magic at offset 257 of the first header.
bool is_tar(std::string_view head) { return head.size() >= 262 && head.substr(257, 5) == "ustar"; }
bool is_text(std::string_view head) {
  return !head.empty() &&
         std::all_of(head.begin(), head.end(), [](unsigned char c) { return c >= 0x20 || c == '\n' || c == '\r' || c == '\t'; });
}

// The scripts are fixed; the path and the program arrive as arguments, never as a part of them.
std::vector<std::string> shell(const std::string& script, const std::string& path, const std::string& program) {
  return {"sh", "-c", script, "sh", path, program};
}

struct Content {
  std::string path;
  const char* opener = nullptr;  // null: it is not compressed
  bool cluster = false;          // what pg_dumpall writes
};

// In a shell a pipe ends as its last program does, so a failure of the decompressor is told in words on standard error. Its end must be
// heard even when `reader` needs no more: what may be missing at the very end is only the checksum. And what `reader` leaves unread is read
// by cat, or the decompressor would fail because nobody reads.
std::string opened(const std::string& reader) {
  return "{ \"$2\" -dc -- \"$1\" || printf '(drwatch: it could not be decompressed)\\n' >&2; } | { " + reader + " && cat > /dev/null; }";
}

std::vector<std::string> head_command(const Content& content) {
  if (!content.opener) return {"head", "-c", "512", "--", content.path};
  return shell("\"$2\" -dc -- \"$1\" 2>/dev/null | head -c 512", content.path, content.opener);
}

std::vector<std::string> tail_command(const Content& content) {
  if (!content.opener) return {"tail", "-c", "4096", "--", content.path};
  return shell(opened("tail -c 4096"), content.path, content.opener);
}

// Through a pipe, so that it is read and not skipped over.
std::vector<std::string> list_tar_command(const Content& content) {
  if (!content.opener) return shell("cat -- \"$1\" | tar -tf - > /dev/null", content.path, "");
  return shell(opened("tar -tf - > /dev/null"), content.path, content.opener);
}

std::vector<std::string> restore_command(const Content& content, const std::string& pg_restore) {
  if (!content.opener) return {pg_restore, "-f", "/dev/null", content.path};
  return {"sh", "-c", opened("\"$3\" -f /dev/null"), "sh", content.path, content.opener, pg_restore};
}

DumpLook ended(DumpLook look, DumpLook::State state, std::string what, Reason reason = Reason::none, std::string code = "") {
  look.state = state;
  look.what = std::move(what);
  look.reason = reason;
  look.code = std::move(code);
  return look;
}
DumpLook bad(DumpLook look, std::string what) { return ended(std::move(look), DumpLook::State::bad, std::move(what)); }
DumpLook not_looked(DumpLook look, std::string what, Reason reason = Reason::internal, std::string code = "") {
  return ended(std::move(look), DumpLook::State::unknown, std::move(what), reason, std::move(code));
}

Task<Result<ExecResult>> run(World& world, std::vector<std::string> argv) {
  ExecRequest request;
  request.argv = std::move(argv);
  request.max_output = 64 * 1024;
  co_return co_await world.exec.run(std::move(request));
}

// What was read of it may have looked whole. nullopt: the decompressor came to a good end.
std::optional<DumpLook> failed_opening(const DumpLook& look, const ExecResult& result) {
  const auto at = result.errors.find(opening_failed);
  if (at == std::string::npos) return std::nullopt;
  const std::string told = quote(result.errors.substr(0, at) + result.errors.substr(at + opening_failed.size()), 160);
  if (told.find("not found") != std::string::npos) return not_looked(look, told);
  return bad(look, "can't be decompressed to its end: " + told);
}

// What a program that ended badly says of a dump. Not every failure is the dump's: a program that is not there, or is too old for it, has
// not looked.
DumpLook failed_restore(DumpLook look, const ExecResult& result) {
  constexpr int not_started = 126;
  const std::string told = quote(result.errors, 160);
  const auto says = [&](std::string_view words) { return result.errors.find(words) != std::string::npos; };
  if (result.exit_code >= not_started || says("unsupported version") || says(": not found"))
    return not_looked(std::move(look), "pg_restore ended with " + std::to_string(result.exit_code) + ": " + told, Reason::internal,
                      std::to_string(result.exit_code));
  return bad(std::move(look), "can't be read to its end: pg_restore says " + told);
}

Task<DumpLook> restore_to_nowhere(World& world, DumpLook look, Content content, std::string pg_restore) {
  const auto result = co_await run(world, restore_command(content, pg_restore));
  if (!result) co_return not_looked(std::move(look), result.error().message, result.error().reason, result.error().code);
  if (result->exit_code != 0) co_return failed_restore(std::move(look), *result);
  if (auto failed = failed_opening(look, *result)) co_return std::move(*failed);
  co_return ended(std::move(look), DumpLook::State::good, "");
}

// pg_restore takes the end of a tar file for the end of a table: a cut within one goes by unseen. tar sees it.
Task<DumpLook> restore_tar_to_nowhere(World& world, DumpLook look, Content content, std::string pg_restore) {
  const auto listed = co_await run(world, list_tar_command(content));
  if (!listed) co_return not_looked(std::move(look), listed.error().message, listed.error().reason, listed.error().code);
  if (listed->errors.find(": not found") != std::string::npos) co_return not_looked(std::move(look), quote(listed->errors, 160));
  if (listed->exit_code != 0) co_return bad(std::move(look), "can't be read to its end: tar says " + quote(listed->errors, 160));
  if (auto failed = failed_opening(look, *listed)) co_return std::move(*failed);
  co_return co_await restore_to_nowhere(world, std::move(look), std::move(content), std::move(pg_restore));
}

Task<DumpLook> read_to_the_trailer(World& world, DumpLook look, Content content) {
  const auto result = co_await run(world, tail_command(content));
  if (!result) co_return not_looked(std::move(look), result.error().message, result.error().reason, result.error().code);
  if (result->exit_code != 0) co_return not_looked(std::move(look), quote(result->errors, 160));
  if (auto failed = failed_opening(look, *result)) co_return std::move(*failed);
  if (!ends_well(result->output, content.cluster))
    co_return bad(std::move(look), "does not end as a dump " + std::string(content.cluster ? "of a cluster " : "") + "ends (\"" +
                                       std::string(content.cluster ? cluster_trailer : dump_trailer) + "\"): it was cut short");
  co_return ended(std::move(look), DumpLook::State::good, "");
}

Task<DumpLook> read_content(World& world, DumpLook look, Content content, std::string pg_restore) {
  const auto head = co_await run(world, head_command(content));
  if (!head) co_return not_looked(std::move(look), head.error().message, head.error().reason, head.error().code);
  if (head->errors.find("Is a directory") != std::string::npos) {
    look.folder = true;
    co_return co_await restore_to_nowhere(world, std::move(look), std::move(content), std::move(pg_restore));
  }
  if (head->exit_code != 0) co_return not_looked(std::move(look), quote(head->errors, 160));
  if (is_tar(head->output)) co_return co_await restore_tar_to_nowhere(world, std::move(look), std::move(content), std::move(pg_restore));
  if (is_custom(head->output)) co_return co_await restore_to_nowhere(world, std::move(look), std::move(content), std::move(pg_restore));
  if (const char* opener = content.opener ? nullptr : opener_of(head->output)) {
    content.opener = opener;
    co_return co_await read_content(world, std::move(look), std::move(content), std::move(pg_restore));
  }
  content.cluster = is_of_cluster(head->output);
  if (is_text(head->output) || content.opener) co_return co_await read_to_the_trailer(world, std::move(look), std::move(content));
  co_return bad(std::move(look), "is not a dump: it begins like nothing that pg_dump writes");
}

Task<DumpLook> compare_checksum(World& world, DumpLook look, std::string path) {
  std::vector<std::string> argv = {"sha256sum", "--", path};
  const auto result = co_await run(world, std::move(argv));
  if (!result) co_return not_looked(std::move(look), result.error().message, result.error().reason, result.error().code);
  // With a backslash in front where the name is escaped.
  const auto begin = result->output.find_first_not_of('\\');
  if (result->exit_code != 0 || begin == std::string::npos) co_return not_looked(std::move(look), quote(result->errors, 160));
  if (result->output.compare(begin, 64, look.sidecar->sha256) != 0)
    co_return bad(std::move(look), "is not what was dumped: its SHA-256 is another than the one beside it");
  co_return ended(std::move(look), DumpLook::State::good, "");
}

}  // namespace

bool is_of_cluster(std::string_view head) { return head.find("-- PostgreSQL database cluster dump") != std::string_view::npos; }

bool ends_well(std::string_view tail, bool cluster) {
  constexpr int last_lines = 12;
  auto at = tail.size();
  for (int line = 0; line < last_lines && at != std::string_view::npos && at > 0; ++line) at = tail.rfind('\n', at - 1);
  const auto end = tail.substr(at == std::string_view::npos ? 0 : at);
  return end.find(cluster_trailer) != std::string_view::npos || (!cluster && end.find(dump_trailer) != std::string_view::npos);
}

Task<DumpLook> read_dump(World& world, DumpLook look, std::string path, std::string pg_restore) {
  if (look.sidecar && !look.sidecar->sha256.empty()) {
    look = co_await compare_checksum(world, std::move(look), path);
    if (look.state != DumpLook::State::good) co_return look;
  }
  Content content;
  content.path = std::move(path);
  co_return co_await read_content(world, std::move(look), std::move(content), std::move(pg_restore));
}

}  // namespace drwatch
