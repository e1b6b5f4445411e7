// sekisho-notify: tells the person at the desktop what was stopped and how to
// ask. Runs as that person, has no rights of its own.
#include <fmt/format.h>
#include <signal.h>

#include <cstdlib>

#include "agent/notify/notifier.h"
#include "common/log.h"

namespace sekisho::notify {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho-notify [--print] [--socket PATH]\n"
    "  --print  write notices to standard output instead of the desktop\n";

std::string UserLanguage() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') {
      return std::string_view(value).starts_with("ja") ? "ja" : "en";
    }
  }
  return "en";
}

int Run(std::span<char*> args) {
  Notifier::Options options;
  options.socket_path =
      std::string(ipc::kRuntimeDir) + "/" + ipc::kControlSocket;
  options.language = UserLanguage();
  auto screen = NewDesktopScreen();
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (arg == "--print") {
      screen = NewPrintScreen();
    } else if (arg == "--socket" && i + 1 < args.size()) {
      options.socket_path = args[++i];
    } else {
      fmt::print(arg == "--help" ? stdout : stderr, "{}", kUsage);
      return arg == "--help" ? 0 : 2;
    }
  }
  const auto loop = EventLoop::Create();
  if (!loop) {
    Log(LogLevel::kError, loop.error().message);
    return 1;
  }
  Notifier notifier(**loop, *screen, std::move(options));
  notifier.Start();
  (*loop)->Run();
  return 0;
}

}  // namespace
}  // namespace sekisho::notify

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::span<char*> args(argv, static_cast<size_t>(argc));
  return sekisho::notify::Run(args.subspan(args.empty() ? 0 : 1));
}
