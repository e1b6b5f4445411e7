// How fast files are judged, one thread, in memory.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <re2/re2.h>

#include <array>
#include <cstring>
#include <string>
#include <unordered_map>

#include "detect/fold.h"
#include "detect/inspector.h"
#include "detect/tables.h"
#include "tests/unit/detect/people_list.h"

namespace sekisho::detect {
namespace {

// Ten columns, 16 MiB and more: many blocks.
const std::string& List() {
  static const std::string list = [] {
    constexpr std::array<std::string_view, 4> kNotes = {"", "", "折り返し希望",
                                                        "契約更新のため要連絡"};
    std::string csv =
        "会員番号,氏名,フリガナ,性別,生年月日,郵便番号,住所,電話番号,"
        "メールアドレス,備考\r\n";
    for (int i = 0; i < 120'000; ++i) {
      const Person p = PersonAt(i);
      csv += fmt::format("{},{},{},{},{},{},{},{},{},{}\r\n", p.member, p.name,
                         p.kana, p.sex, p.birth, p.postal, p.address, p.phone,
                         p.email, kNotes[static_cast<size_t>(i) % 4]);
    }
    return csv;
  }();
  return list;
}

std::string Repeat(std::string_view text, size_t size_bytes) {
  std::string out;
  while (out.size() < size_bytes) {
    out += text;
  }
  return out;
}

// With the decoder's own table read backwards.
std::string ToCp932(std::string_view utf8) {
  std::unordered_map<uint32_t, std::string> bytes_of;
  for (unsigned lead = 0x81; lead <= 0xFC; ++lead) {
    for (unsigned trail = 0x40; trail <= 0xFC; ++trail) {
      const auto a = static_cast<uint8_t>(lead);
      const auto b = static_cast<uint8_t>(trail);
      if (const char16_t cp = FromCp932(a, b); cp != 0) {
        bytes_of.try_emplace(
            cp, std::string{static_cast<char>(a), static_cast<char>(b)});
      }
    }
  }
  std::string out;
  for (size_t at = 0; at < utf8.size();) {
    const uint32_t cp = NextCodePoint(utf8, &at);
    if (cp < 0x80) {
      out += static_cast<char>(cp);
    } else {
      out += bytes_of.at(cp);
    }
  }
  return out;
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

void BM_Utf8List(benchmark::State& state) { Judge(state, List()); }
void BM_Cp932List(benchmark::State& state) {
  static const std::string file = ToCp932(List());
  Judge(state, file);
}
// What such a list is usually searched with: ten patterns in one RE2.
void BM_TenPatterns(benchmark::State& state) {
  const RE2 ten(
      "(0[6-9]0-?[0-9]{4}-?[0-9]{4})|(0[1-9][0-9]{0,3}-[0-9]{1,4}-[0-9]{4})|"
      "([A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]+\\.[A-Za-z]{2,})|"
      "([0-9]{3}-[0-9]{4})|([0-9]{4}-[0-9]{4}-[0-9]{4})|"
      "((?:[0-9]{4}[- ]?){3}[0-9]{4})|([A-Z]{2}[0-9]{8}[A-Z]{2})|"
      "([A-Z]{2}[0-9]{7})|([0-9]{4}/[0-9]{2}/[0-9]{2})|"
      "([0-9]{3}-[0-9]{2}-[0-9]{4})");
  for (auto _ : state) {
    re2::StringPiece rest(List());
    size_t hits = 0;
    while (RE2::FindAndConsume(&rest, ten)) {
      ++hits;
    }
    benchmark::DoNotOptimize(hits);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(List().size()));
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
BENCHMARK(BM_EnglishText)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_JapaneseText)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Log)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Binary)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_TenPatterns)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_CountLines)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_PersonsSoFar)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sekisho::detect

BENCHMARK_MAIN();
