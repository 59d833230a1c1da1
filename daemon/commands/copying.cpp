// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/copying.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace drwatch::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_bytes = 256 * 1024;
constexpr auto copy_patience = std::chrono::minutes(10);
constexpr auto read_patience = std::chrono::seconds(30);

struct Descriptor {
  int is = -1;
  ~Descriptor() {
    if (is >= 0) ::close(is);
  }
};

// A folder of the copy's own, gone with all that is in it.
struct Folder {
  std::string path;
  Folder() : path((fs::temp_directory_path() / "drwatch-copy-XXXXXX").string()) {
    if (!::mkdtemp(path.data()))
      throw std::runtime_error("cannot make a folder in " + fs::temp_directory_path().string() + ": " + std::strerror(errno) +
                               "; set TMPDIR");
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

// On a thread.
struct Copying {
  std::string path;
  std::optional<JournalPart> part;
  std::string problem;
  std::shared_ptr<Descriptor> file = std::make_shared<Descriptor>();
  void run() {
    try {
      const Folder folder;
      const std::string copy = folder.path + "/journal.db";
      export_journal(path, part, copy);
      file->is = ::open(copy.c_str(), O_RDONLY | O_CLOEXEC);
      if (file->is < 0) problem = "cannot read the copy: " + std::string(std::strerror(errno));
    } catch (const std::exception& error) {
      problem = error.what();
    }
  }
};

class File final : public Pieces {
 public:
  File(Disk& disk, std::string name, std::shared_ptr<Descriptor> file) : disk_(disk), name_(std::move(name)), file_(std::move(file)) {}
  // What cannot be read ends it: who has the file finds that it is not whole.
  Task<std::string> next() override {
    const auto piece = std::make_shared<std::string>(piece_bytes, '\0');
    std::function<void()> work = [piece, file = file_] {
      const ssize_t count = ::read(file->is, piece->data(), piece->size());
      piece->resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    };
    std::string name = name_;
    const auto hangs = co_await disk_.ask(std::move(name), std::move(work), read_patience);
    if (hangs) co_return std::string();
    co_return std::move(*piece);
  }

 private:
  Disk& disk_;
  std::string name_;
  std::shared_ptr<Descriptor> file_;
};

}  // namespace

Task<Copied> copy_journal(Disk& disk, std::string path, std::optional<JournalPart> part) {
  const auto copying = std::make_shared<Copying>();
  copying->path = path;
  copying->part = part;
  std::function<void()> work = [copying] { copying->run(); };
  std::string asked = path + " (copies of it)";
  const auto hangs = co_await disk.ask(std::move(asked), std::move(work), copy_patience);
  Copied copied;
  const std::string problem = hangs ? hangs->message : copying->problem;
  if (!problem.empty())
    copied.refused = Refusal{503, "the journal could not be copied", problem, {}};
  else
    copied.pieces = std::make_shared<File>(disk, path + " (copy " + std::to_string(copying->file->is) + ")", copying->file);
  co_return copied;
}

}  // namespace drwatch::commands
