// Personal data in running text: no columns to judge by, so a single value
// needs a second one beside it, or a word that says what it is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "detect/data_type.h"
#include "detect/people.h"

namespace sekisho::detect {

// Where what was found is counted.
struct Tally {
  PeopleSketch people;
  std::array<int64_t, kDataTypeCount> data{};
  void Count(DataType type) { ++data[Index(type)]; }
};

// What is known about the person of one record. Hashes of normalised values, 0
// where there is none.
struct Identity {
  uint64_t name = 0;
  uint64_t kana = 0;
  uint64_t national_id = 0;
  uint64_t birth = 0;
  uint64_t phone = 0;
  uint64_t email = 0;
  uint64_t member = 0;
  uint64_t address = 0;
  uint64_t card = 0;
};

// Puts the record into the set of each kind it has the values for.
void CountPerson(const Identity& identity, const IdentityHasher& hasher,
                 PeopleSketch* people);

class ProseReader {
 public:
  // `hasher` must outlive the reader.
  explicit ProseReader(const IdentityHasher* hasher) : hasher_(hasher) {}

  // One line without its end, UTF-8. Lines with "氏名: ..." labels belong
  // together until the next name or an empty line.
  void Line(std::string_view line, Tally* tally);
  // The text is over, or something else follows.
  void Flush(Tally* tally);

 private:
  struct Record {
    Identity identity;
    std::array<int64_t, kDataTypeCount> data{};
    int kinds = 0;
    bool personal = false;  // a value that a shop or an office has not
  };
  void Piece(std::string_view line, Tally* tally);
  void Sentence(std::string_view line, Tally* tally);
  bool Label(std::string_view line, Tally* tally);
  void FindEmails(std::string_view line, Record* record);
  void FindNumbers(std::string_view line, Record* record, Tally* tally);
  void FindBirth(std::string_view line, Record* record);
  void FindName(std::string_view line, Record* record);

  const IdentityHasher* hasher_;
  Record form_;
  std::string folded_;
  std::string scratch_;
};

}  // namespace sekisho::detect
