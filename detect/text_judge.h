// Judges text as it comes: cuts it into records, decides what each column
// holds, and counts the people. Works block by block, so that a file of any
// size needs the memory of one block, and every record is judged together with
// its neighbours.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/custom.h"
#include "detect/encoded_text.h"
#include "detect/findings.h"
#include "detect/fixed_width.h"
#include "detect/people.h"
#include "detect/prose.h"
#include "detect/records.h"
#include "detect/role.h"
#include "detect/samples.h"

namespace sekisho::detect {

struct Rows;
struct Sample;

inline constexpr size_t kMaxColumns = 256;  // judged; more are read as prose
inline constexpr size_t kMaxRecordBytes = size_t{1} << 20;

// Copyable: a copy may be fed on to see what the count would be.
class TextJudge {
 public:
  // Both must outlive the judge; `custom` may be null.
  explicit TextJudge(const IdentityHasher* hasher,
                     const CustomTypes* custom = nullptr,
                     SampleWish wish = SampleWish::kNone);

  // UTF-8; any cut is fine. With kLast nothing is held back.
  void Add(std::string_view text, Ending ending);

  int64_t persons() const { return People().Persons(); }
  // Of all types together.
  int64_t values() const;
  // Nothing of what was added waits for the end of its record or of its run of
  // encoded lines.
  bool holds_nothing() const;
  // ',', '\t', ';', '|' ..., or 0 when no table was seen.
  char delimiter() const { return format_delimiter_; }
  // Fills in persons, data, columns, people and format.
  void Report(Findings* findings) const;

 private:
  // Records of the block `text_`, and which of them are to be read as text.
  struct Block {
    std::string_view text;
    Records records;
    std::vector<uint32_t> lines;
    // Read as text, but administrators' types were counted by column.
    std::vector<uint32_t> counted_lines;
    std::string_view Text(Field field) const {
      return text.substr(field.begin, field.size);
    }
  };

  void Judge(std::string_view text, Ending ending);
  void GuessDialect(std::string_view text);
  void GuessFixed(std::string_view text);
  void CutText(std::string_view text, Ending ending, Records* out) const;
  void JudgeBlock(Block* block);
  void JudgeList(Block* block);
  void JudgeRuns(Block* block);
  // `rows` as one table of `width` columns. What is left to be read as text is
  // appended to the block's lines.
  void JudgeTable(Block* block, std::span<const uint32_t> rows, size_t width);
  void ReadLines(Block* block);
  bool IsHeader(std::string_view folded) const;
  bool FindHeader(const Block& block, std::span<const uint32_t> rows,
                  uint32_t* header_row);
  void DecideRoles(const Rows& rows);
  void SampleColumn(const Rows& rows, size_t column, size_t step,
                    Sample* sample);
  void DecideRole(const Sample& sample, Column* column) const;
  void SplitNames(std::span<const Sample> samples);
  void DecideTable(size_t row_count);
  void CountCustom(const Rows& rows);
  // What stands in base64 or hex, once.
  void ReadEncodedColumns(const Rows& rows);
  TextJudge* Inner(std::vector<TextJudge>* inner);
  PeopleSketch People() const;
  void TakeSamples(const Rows& rows);
  void ReadProse(std::string_view line);
  std::string HeaderOf(size_t column) const;
  std::string TypeNameOf(const Column& column) const;
  void FinishColumns(std::vector<ColumnFinding>* out) const;

  const IdentityHasher* hasher_;
  const CustomTypes* custom_;
  SampleWish wish_;
  MaskedSamples samples_;
  std::string line_before_;  // of running text, where samples are wished for
  Records records_;          // empty; keeps its room from block to block
  std::string text_;  // what is left of the last block: an unfinished record
  char delimiter_ = 0;
  FixedWidths fixed_;      // of the delimiter kFixed
  int fixed_in_vain_ = 0;  // blocks that were cut so and held nobody
  char format_delimiter_ = 0;
  bool return_ends_lines_ = false;  // '\r' alone, as old Macs wrote
  bool begun_ = false;
  size_t width_ = 0;  // fields of most records of the last block
  bool header_known_ = false;
  std::vector<Column> columns_;
  std::vector<ColumnFinding> finished_;  // of tables that went before
  std::vector<int64_t> custom_counts_;   // by type
  TableJudgement table_;
  std::array<int64_t, kConfidenceCount> rows_by_confidence_{};
  Tally tally_;
  ProseReader prose_;
  // Of columns that are encoded, as a table; of runs in text. Empty, or one
  // judge that has none of its own.
  std::vector<TextJudge> encoded_columns_, encoded_text_;
  EncodedRuns runs_;
  bool is_inner_ = false;
};

}  // namespace sekisho::detect
