// Binary files of known kinds: their text is read, what is packed in them is
// not.
#include "detect/formats/binary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/binary_kind.h"
#include "samples.h"

namespace sekisho::detect {
namespace {

// An ELF header and some machine code.
std::string Program() {
  std::string bytes(
      "\x7f"
      "ELF\2\1\1\0\0\0\0\0\0\0\0\0",
      16);
  for (int i = 0; i < 300; ++i) {
    bytes += std::string("\x48\x89\xe5\0\xff\x15\x01\0\0\0\x90\xc3", 12);
  }
  return bytes;
}

// Bytes without a pattern, as a cipher makes them.
std::string Noise(size_t size) {
  std::string out;
  uint64_t state = 88172645463325252ULL;
  while (out.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    out.push_back(static_cast<char>(state >> 24));
  }
  return out;
}

std::string Utf16(std::string_view ascii) {
  std::string out;
  for (char c : ascii) {
    out.push_back(c);
    out.push_back('\0');
  }
  return out;
}

TEST(BinaryKind, NeedsMoreThanAMagicNumber) {
  EXPECT_EQ(SniffBinary(Program()), "elf");
  EXPECT_EQ(SniffBinary(std::string("\x7f"
                                    "ELF are letters",
                                    15)),
            "");
  EXPECT_EQ(SniffBinary("MZ is a text too, of some length, and no program."
                        "........................."),
            "");
  EXPECT_EQ(SniffBinary(std::string(1024, '\0')), "zeros");
  EXPECT_EQ(SniffBinary(std::string(100, '\0')), "");
  EXPECT_EQ(SniffBinary(""), "");
}

TEST(BinaryKind, OptionRomAddsUpToZero) {
  std::string rom(1024, '\x11');
  rom[0] = '\x55';
  rom[1] = '\xaa';
  rom[2] = 2;
  unsigned sum = 0;
  for (char c : rom) {
    sum += static_cast<unsigned char>(c);
  }
  rom[1023] = static_cast<char>(static_cast<unsigned char>(rom[1023]) - sum);
  EXPECT_EQ(SniffBinary(rom), "option-rom");
  ++rom[500];
  EXPECT_EQ(SniffBinary(rom), "");
}

TEST(Binary, AProgramWithoutPeopleIsWhole) {
  const Findings f = InspectText(Program());
  EXPECT_EQ(f.format, "elf");
  EXPECT_EQ(f.inspection, Inspection::kFull) << f.reason;
  EXPECT_EQ(f.persons, 0);
}

TEST(Binary, PeopleAmongOtherBytesAreFound) {
  const std::string people = TwoPeople();
  for (const std::string& hidden :
       {people, "\n" + people + '\0', std::string(3, '\0') + people}) {
    EXPECT_EQ(InspectText(Program() + hidden + Program()).persons, 2);
  }
  for (int odd = 0; odd < 2; ++odd) {
    const std::string bytes =
        Program() + std::string(static_cast<size_t>(odd), '\0') +
        Utf16("Taro Yamada <taro.yamada@example.jp>\r\n") + Program();
    EXPECT_EQ(InspectText(bytes).persons, 1) << odd;
  }
}

TEST(Binary, WhatIsPackedIsNotRead) {
  EXPECT_EQ(InspectText(Program() + Noise(4096)).inspection, Inspection::kFull);
  const Findings f = InspectText(Program() + Noise(size_t{64} * 1024));
  EXPECT_EQ(f.inspection, Inspection::kPartial);
  EXPECT_EQ(f.reason, "unknown");
}

TEST(Binary, AContainerWithinIsNotRead) {
  const std::string people = TwoPeople();
  for (const std::string& inner :
       {MakeZip({{"a.csv", people}}), Gzip(people),
        MakeArchive("7zip", "none", {{"a.csv", people}}),
        MakeArchive("ustar", "xz", {{"a.csv", people}}),
        MakeArchive("ustar", "bzip2", {{"a.csv", people}})}) {
    // Wherever a chunk ends.
    for (const size_t before : {size_t{0}, size_t{65536} - 3616 - 3}) {
      const Findings f =
          InspectText(Program() + std::string(before, '\0') + inner);
      EXPECT_EQ(f.inspection, Inspection::kPartial) << before;
    }
  }
  // Their magic numbers alone are constants of many programs.
  EXPECT_EQ(InspectText(Program() + "PK\3\4" + Program()).inspection,
            Inspection::kFull);
}

TEST(PackedMeter, TellsTextFromNoise) {
  PackedMeter text;
  const std::string list = TwoPeople();
  for (int i = 0; i < 2000; ++i) {
    text.Add(AsBytes(list));
  }
  EXPECT_FALSE(text.packed());
  PackedMeter noise;
  noise.Add(AsBytes(Noise(PackedMeter::kWindowBytes * PackedMeter::kWindows)));
  EXPECT_TRUE(noise.packed());
  PackedMeter less;
  less.Add(
      AsBytes(Noise(PackedMeter::kWindowBytes * (PackedMeter::kWindows - 1))));
  EXPECT_FALSE(less.packed());
}

}  // namespace
}  // namespace sekisho::detect
