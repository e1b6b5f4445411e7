// One file, far larger than memory may be: how fast it is judged, and in how
// much memory. `detect_large write KIND PEOPLE FILE` makes it, `detect_large
// judge FILE` judges it and prints one JSON object; detect_large.py runs both.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "detect/formats/inspect.h"
#include "tests/bench/bench_files.h"

namespace sekisho::detect {
namespace {

using Writer = void (*)(int, std::FILE*);

constexpr struct {
  std::string_view kind;
  Writer write;
} kWriters[] = {{"utf8", WriteCsv},
                {"cp932", WriteCp932},
                {"xlsx", WriteXlsx},
                {"zip", WriteZip}};

int WriteFile(std::string_view kind, int people, const char* path) {
  std::FILE* const file = std::fopen(path, "wbe");
  if (file == nullptr || people <= 0) {
    std::perror(path);
    return 2;
  }
  for (const auto& writer : kWriters) {
    if (writer.kind == kind) {
      writer.write(people, file);
      return std::fclose(file) == 0 ? 0 : 1;
    }
  }
  std::fclose(file);
  return 2;
}

// Processor time: what else the machine does does not count.
int JudgeFile(const char* path) {
  const std::clock_t start = std::clock();
  const auto findings = InspectFile(path, {});
  const double seconds =
      static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  struct stat info{};
  if (!findings || ::stat(path, &info) != 0) {
    std::perror(path);
    return 1;
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print(R"({{"bytes":{},"seconds":{:.3f},"persons":{},"inspection":"{}",)"
             R"("reason":"{}","peak_rss_kib":{}}})"
             "\n",
             static_cast<int64_t>(info.st_size), seconds, findings->persons,
             Name(findings->inspection), findings->reason, usage.ru_maxrss);
  return 0;
}

}  // namespace
}  // namespace sekisho::detect

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "write" && argc == 5) {
    return sekisho::detect::WriteFile(argv[2], std::atoi(argv[3]), argv[4]);
  }
  if (command == "judge" && argc == 3) {
    return sekisho::detect::JudgeFile(argv[2]);
  }
  fmt::print(stderr,
             "usage: detect_large write utf8|cp932|xlsx|zip PEOPLE FILE\n"
             "       detect_large judge FILE\n");
  return 2;
}
