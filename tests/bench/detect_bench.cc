// How fast files are judged, one thread, in memory.
#include <benchmark/benchmark.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "common/result.h"
#include "detect/formats/inspect.h"
#include "detect/formats/zip.h"
#include "detect/inspector.h"
#include "tests/bench/bench_files.h"

namespace sekisho::detect {
namespace {

constexpr int kPeople = 120'000;

// Ten columns, 16 MiB and more: many blocks.
const std::string& List() {
  static const std::string list = [] {
    std::string csv = BenchHeader();
    for (int i = 0; i < kPeople; ++i) {
      csv += BenchRow(i);
    }
    return csv;
  }();
  return list;
}

std::string Written(void (*write)(int, std::FILE*), int people) {
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(std::tmpfile(),
                                                                &std::fclose);
  CHECK(file != nullptr);
  write(people, file.get());
  std::string content(static_cast<size_t>(std::ftell(file.get())), '\0');
  std::rewind(file.get());
  CHECK(std::fread(content.data(), 1, content.size(), file.get()) ==
        content.size());
  return content;
}

void Judge(benchmark::State& state, const std::string& file) {
  int64_t persons = 0;
  for (auto _ : state) {
    persons = Inspect(AsBytes(file), {}).persons;
    benchmark::DoNotOptimize(persons);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(file.size()));
  state.counters["persons"] = static_cast<double>(persons);
}

// Through the formats, as the scan worker does; bytes are those of the file.
void JudgeFormat(benchmark::State& state, const std::string& file) {
  int64_t persons = 0;
  for (auto _ : state) {
    const MemorySource source(AsBytes(file));
    Budget budget;
    persons = InspectSource(source, {}, &budget).persons;
    benchmark::DoNotOptimize(persons);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(file.size()));
  state.counters["persons"] = static_cast<double>(persons);
}

void BM_Xlsx(benchmark::State& state) {
  static const std::string file = Written(WriteXlsx, kPeople / 2);
  JudgeFormat(state, file);
}
// The limit of a workbook: inflating its parts and nothing else.
void BM_XlsxInflateOnly(benchmark::State& state) {
  static const std::string file = Written(WriteXlsx, kPeople / 2);
  for (auto _ : state) {
    const MemorySource source(AsBytes(file));
    Budget budget;
    const ZipDirectory directory = ZipDirectory::Load(source, budget);
    Bytes buffer(size_t{64} * 1024);
    for (const ZipEntry& entry : directory.entries) {
      ZipStream stream(&source, entry, &budget);
      while (stream.Read(buffer) > 0) {
      }
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(file.size()));
}
void BM_ZipOfList(benchmark::State& state) {
  static const std::string file = Written(WriteZip, kPeople);
  JudgeFormat(state, file);
}
void BM_Utf8List(benchmark::State& state) { Judge(state, List()); }
void BM_Cp932List(benchmark::State& state) {
  static const std::string file = ToCp932(List());
  Judge(state, file);
}
// What such a list is usually searched with: ten patterns in one RE2.
const char* const kTenPatterns =
    "(0[6-9]0-?[0-9]{4}-?[0-9]{4})|(0[1-9][0-9]{0,3}-[0-9]{1,4}-[0-9]{4})|"
    "([A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]+\\.[A-Za-z]{2,})|"
    "([0-9]{3}-[0-9]{4})|([0-9]{4}-[0-9]{4}-[0-9]{4})|"
    "((?:[0-9]{4}[- ]?){3}[0-9]{4})|([A-Z]{2}[0-9]{8}[A-Z]{2})|"
    "([A-Z]{2}[0-9]{7})|([0-9]{4}/[0-9]{2}/[0-9]{2})|"
    "([0-9]{3}-[0-9]{2}-[0-9]{4})";

// `groups` 11: it is told which of the ten it was, as whoever counts by type
// has to know; 1: only that one of them was there.
void SearchTenPatterns(benchmark::State& state, int groups) {
  const RE2 ten(kTenPatterns);
  std::array<re2::StringPiece, 11> found;
  for (auto _ : state) {
    const re2::StringPiece text(List());
    std::array<size_t, 11> hits{};
    for (size_t at = 0; ten.Match(text, at, text.size(), RE2::UNANCHORED,
                                  found.data(), groups);) {
      for (size_t group = 1; group < static_cast<size_t>(groups); ++group) {
        hits[group] += found[group].empty() ? 0u : 1u;
      }
      at = static_cast<size_t>(found[0].data() - text.data()) +
           std::max<size_t>(found[0].size(), 1);
    }
    benchmark::DoNotOptimize(hits);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(List().size()));
}
void BM_TenPatterns(benchmark::State& state) { SearchTenPatterns(state, 11); }
void BM_TenPatternsAnyOfThem(benchmark::State& state) {
  SearchTenPatterns(state, 1);
}
void BM_EnglishText(benchmark::State& state) {
  static const std::string file = Repeat(
      "The operator attaches the device, and waits until it is told "
      "what policy says about it: nothing is written before.\n",
      16 << 20);
  Judge(state, file);
}
void BM_JapaneseText(benchmark::State& state) {
  static const std::string file = Repeat(
      "本書は、保守端末の操作手順を説明するものである。作業の前に必ず読むこと。"
      "\n",
      16 << 20);
  Judge(state, file);
}
void BM_Log(benchmark::State& state) {
  static const std::string file = Repeat(
      "Jan  2 03:04:05 host-12 sshd[4321]: Accepted publickey for admin "
      "from 10.0.3.4 port 40022 ssh2\n",
      16 << 20);
  Judge(state, file);
}
void BM_Binary(benchmark::State& state) {
  static const std::string file = Repeat(std::string_view("\x7f"
                                                          "ELF\2\1\1\0\0\0\0\0",
                                                          12),
                                         16 << 20);
  Judge(state, file);
}
// The limit: looking for line ends only, as `wc -l`.
void BM_CountLines(benchmark::State& state) {
  for (auto _ : state) {
    size_t lines = 0;
    const std::string& file = List();
    for (const char* p = file.data();
         (p = static_cast<const char*>(std::memchr(
              p, '\n', static_cast<size_t>(file.data() + file.size() - p)))) !=
         nullptr;
         ++p) {
      ++lines;
    }
    benchmark::DoNotOptimize(lines);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(List().size()));
}
void BM_PersonsSoFar(benchmark::State& state) {
  Inspector inspector({});
  inspector.Feed(AsBytes(List()));
  for (auto _ : state) {
    benchmark::DoNotOptimize(inspector.PersonsSoFar());
  }
}

BENCHMARK(BM_Utf8List)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Cp932List)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Xlsx)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_XlsxInflateOnly)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ZipOfList)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_EnglishText)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_JapaneseText)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Log)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Binary)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_TenPatterns)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_TenPatternsAnyOfThem)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_CountLines)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_PersonsSoFar)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sekisho::detect

BENCHMARK_MAIN();
