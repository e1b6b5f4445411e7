// Lines in a file that is turned over when it is large: path, path.1, ...
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/unique_fd.h"
#include "server/export/sink.h"

namespace sekisho::server_export {
namespace {

class FileSink final : public Sink {
 public:
  explicit FileSink(const SinkConfig& config) : config_(config) {}

  Status Deliver(std::span<const Record> records, WallTime /*now*/) override {
    std::string lines;
    for (const Record& record : records) {
      lines += Render(config_.format, record) + "\n";
    }
    RETURN_IF_ERROR(Open());
    RETURN_IF_ERROR(Write(lines));
    return fdatasync(file_.get()) == 0 ? Status() : Bad("is not on disk");
  }

 private:
  Status Bad(const char* what) {
    const int error = errno;
    file_.Reset();
    return Fail(Code::kUnavailable, "sink " + config_.name + ": " + config_.to +
                                        " " + what + ": " +
                                        std::strerror(error));
  }

  Status Open() {
    struct stat now{};
    struct stat ours{};
    const bool moved =
        file_ && (stat(config_.to.c_str(), &now) != 0 ||
                  fstat(file_.get(), &ours) != 0 || now.st_ino != ours.st_ino);
    if (moved) {  // by logrotate
      file_.Reset();
    }
    if (file_ && ours.st_size >= config_.rotate_mib * 1024 * 1024) {
      TurnOver();
    }
    if (!file_) {
      file_ = UniqueFd(
          open(config_.to.c_str(),
               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
    }
    return file_ ? Status() : Bad("cannot be opened");
  }

  void TurnOver() {
    for (int i = config_.keep_files - 1; i >= 0; --i) {
      const std::string from =
          i == 0 ? config_.to : config_.to + "." + std::to_string(i);
      (void)rename(from.c_str(),
                   (config_.to + "." + std::to_string(i + 1)).c_str());
    }
    file_.Reset();
  }

  Status Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = write(file_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) {
        continue;
      }
      if (n < 0) {
        return Bad("cannot be written");
      }
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }

  const SinkConfig config_;
  UniqueFd file_;
};

}  // namespace

std::unique_ptr<Sink> MakeFileSink(const SinkConfig& config) {
  return std::make_unique<FileSink>(config);
}

std::unique_ptr<Sink> MakeSink(const SinkConfig& config) {
  switch (config.type) {
    case SinkType::kSyslog:
      return MakeSyslogSink(config);
    case SinkType::kWebhook:
      return MakeWebhookSink(config);
    case SinkType::kChat:
      return MakeChatSink(config);
    case SinkType::kMail:
      return MakeMailSink(config);
    case SinkType::kFile:
      break;
  }
  return MakeFileSink(config);
}

}  // namespace sekisho::server_export
