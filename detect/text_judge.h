// Judges text as it comes: cuts it into records, decides what each column
// holds, and counts the people. Works block by block, so that a file of any
// size needs the memory of one block, and every record is judged together with
// its neighbours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/findings.h"
#include "detect/headers.h"
#include "detect/people.h"
#include "detect/prose.h"
#include "detect/records.h"

namespace sekisho::detect {

inline constexpr size_t kMaxColumns = 256;  // judged; more are read as prose
inline constexpr size_t kMaxRecordBytes = size_t{1} << 20;

// Copyable: a copy may be fed on to see what the count would be.
class TextJudge {
 public:
  // What a column holds. kFullName to kGivenName come from one DataType.
  enum class Role : uint8_t {
    kNone,
    kFullName,
    kSurname,
    kGivenName,
    kKana,
    kAddress,
    kAddressPart,
    kPostal,
    kPhone,
    kEmail,
    kBirthDate,
    kSex,
    kAge,
    kMyNumber,
    kDriversLicense,
    kPassport,
    kResidenceCard,
    kHealthInsurance,
    kBasicPension,
    kBankAccount,
    kCard,
    kHealthRecord,
    kMemberId,
    kIban,
    kUsSsn,
  };

  explicit TextJudge(const IdentityHasher* hasher);

  // UTF-8; any cut is fine. With kLast nothing is held back.
  void Add(std::string_view text, Ending ending);

  int64_t persons() const { return tally_.people.Persons(); }
  // ',', '\t', ';', '|', or 0 when no table was seen.
  char delimiter() const { return format_delimiter_; }
  // Fills in persons, data, columns, people and format.
  void Report(Findings* findings) const;

 private:
  void JudgeBlock(const Records& records);
  // Records `rows` as one table of `width` columns. What is left to be read as
  // text is appended to `lines`.
  void JudgeTable(const Records& records, std::span<const uint32_t> rows,
                  size_t width, std::vector<uint32_t>* lines);
  void ReadLines(const Records& records, std::span<const uint32_t> lines);
  bool FindHeader(const Records& records, std::span<const uint32_t> rows,
                  uint32_t* header_row);
  void DecideRoles(const Records& records, std::span<const uint32_t> rows);
  void DecideTable(size_t row_count);
  void CountRows(const Records& records, std::span<const uint32_t> rows);
  std::string_view Text(Field field) const {
    return std::string_view(text_).substr(field.begin, field.size);
  }

  struct Column {
    HeaderHint hint = HeaderHint::kNone;
    std::string name;
    Role role = Role::kNone;
    // Of the last block's sample.
    bool organisations = false;
    bool names_known = false;  // half of the values are in the dictionaries
    bool mobile = false;       // four in five are mobile numbers
    bool varied = false;       // one in three values is distinct
    // Values so far, for the report.
    int64_t filled = 0;
    int64_t passed = 0;
  };
  // What the columns together say about the rows of a block.
  struct Table {
    bool people = false;       // rows are people
    bool name_counts = false;  // a name makes a person with one more value
    bool name_alone = false;   // a name makes a person by itself
    bool email_counts = false;
    bool phone_counts = false;
    bool member_counts = false;
    bool companies = false;  // a list of companies
  };

  // One record while its cells are read; buffers are kept between rows.
  struct Row {
    Identity identity;
    uint64_t address = 0;
    uint64_t postal = 0;
    bool mobile = false;
    std::string surname, given, folded, scratch;
    void Clear() {
      identity = {};
      address = postal = 0;
      mobile = false;
      surname.clear();
      given.clear();
    }
  };
  bool TakeCell(Role role, std::string_view cell, Row* row) const;
  void FinishRow(Row* row);
  void FinishColumns(std::vector<ColumnFinding>* out) const;

  const IdentityHasher* hasher_;
  Records records_;   // of the block; empty between calls
  std::string text_;  // the unfinished record, then the block
  char delimiter_ = 0;
  char format_delimiter_ = 0;
  size_t width_ = 0;  // fields of most records of the last block
  bool header_known_ = false;
  std::vector<Column> columns_;
  std::vector<ColumnFinding> finished_;  // of tables that went before
  Table table_;
  Tally tally_;
  ProseReader prose_;
};

}  // namespace sekisho::detect
