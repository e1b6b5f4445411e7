// The simulated month as a command: prints what it opened and fails when it is
// too much for a SOC or misses what was planted.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string_view>

#include "tests/simulation/month.h"

namespace sekisho::simulation {
namespace {

constexpr int kMostSocAlertsADay = 10;

int Usage() {
  std::fprintf(stderr,
               "usage: month [--terminals N] [--days N] [--seed N] "
               "[--without drip|tamper|clone]... [--every-heartbeat] "
               "[--dir DIR] [--list]\n");
  return 2;
}

int Run(std::span<char*> args) {
  MonthOptions options;
  options.show_progress = true;
  bool list = false;
  for (size_t i = 1; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (arg == "--every-heartbeat") {
      options.keep_every_beat = true;
    } else if (arg == "--list") {
      list = true;
    } else if (i + 1 == args.size()) {
      return Usage();
    } else if (arg == "--terminals") {
      options.terminals = std::atoi(args[++i]);
    } else if (arg == "--days") {
      options.days = std::atoi(args[++i]);
    } else if (arg == "--seed") {
      options.seed = std::strtoull(args[++i], nullptr, 10);
    } else if (arg == "--dir") {
      options.dir = args[++i];
    } else if (arg == "--without") {
      const std::string_view which = args[++i];
      std::erase_if(options.planted,
                    [&](Incident one) { return Name(one) == which; });
    } else {
      return Usage();
    }
  }
  const bool own_dir = options.dir.empty();
  if (own_dir) {
    // A month of durable commits is a month of fsyncs elsewhere.
    options.dir = std::filesystem::exists("/dev/shm")
                      ? "/dev/shm/sekisho-month-XXXXXX"
                      : "/tmp/sekisho-month-XXXXXX";
    if (mkdtemp(options.dir.data()) == nullptr) return 3;
  }
  const std::string dir = options.dir;
  int worst = 0;
  bool found = true;
  {
    const auto planted = options.planted;
    const MonthResult result = Month(std::move(options)).Run();
    std::fputs(Report(result).c_str(), stdout);
    if (list) {
      for (const Opened& one : result.opened) {
        if (DeskOf(one.alert) != Desk::kSoc) continue;
        std::printf("%2d %s %s%s: %s\n", one.day + 1,
                    one.planted ? Name(*one.planted) : "-",
                    one.alert.severity.c_str(),
                    one.alert.suppression_id != 0 ? " kept back" : "",
                    (one.alert.kind + ": " + one.alert.title).c_str());
      }
    }
    for (const int count : result.SocAlertsByDay()) {
      worst = std::max(worst, count);
    }
    for (const Incident one : planted) {
      found = found && result.Finding(one) != nullptr;
    }
  }
  if (own_dir) std::filesystem::remove_all(dir);
  std::printf("\nworst day: %d for the SOC, at most %d; planted: %s\n", worst,
              kMostSocAlertsADay, found ? "all found" : "NOT ALL FOUND");
  return worst <= kMostSocAlertsADay && found ? 0 : 1;
}

}  // namespace
}  // namespace sekisho::simulation

int main(int argc, char** argv) {
  return sekisho::simulation::Run({argv, static_cast<size_t>(argc)});
}
