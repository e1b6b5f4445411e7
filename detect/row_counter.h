// Reads the rows of one block of a table, column by column, and counts the
// people they are. The hot path: no allocation a field, nothing hashed that no
// identity needs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/fold.h"
#include "detect/people.h"
#include "detect/prose.h"
#include "detect/records.h"
#include "detect/role.h"

namespace sekisho::detect {

// Some records of a text, as one table.
struct Rows {
  std::string_view text;
  const Records* records = nullptr;
  std::span<const uint32_t> rows;

  size_t size() const { return rows.size(); }
  // Empty where the record is too short.
  [[gnu::always_inline]] std::string_view Cell(size_t row,
                                               size_t column) const {
    const uint32_t* const first = &records->first[rows[row]];
    const size_t end = rows[row] + size_t{1} < records->first.size()
                           ? first[1]
                           : records->fields.size();
    if (first[0] + column >= end) {
      return {};
    }
    const Field& field = records->fields[first[0] + column];
    return {text.data() + field.begin, field.size};
  }
};

class RowCounter {
 public:
  // All must outlive the counter.
  RowCounter(const Rows& rows, const TableJudgement& table,
             const IdentityHasher& hasher)
      : rows_(rows), table_(table), hasher_(hasher) {}

  // Reads the columns that have a role, the identities first, and adds to
  // their `filled` and `passed` and to `tally`.
  void Count(std::span<Column> columns, Tally* tally);

 private:
  // What is known about the person of each row; 0: nothing.
  using Hashes = std::vector<uint64_t>;

  void Read(size_t column, Column* of);
  template <typename ReadCell>
  void Each(size_t column, Column* of, ReadCell read);
  void ReadNames(size_t column, Column* of);
  void ReadPart(size_t column, Column* of);
  void ReadKana(size_t column, Column* of);
  void ReadAddresses(size_t column, Column* of);
  void ReadPostal(size_t column, Column* of);
  void ReadPhones(size_t column, Column* of);
  void ReadEmails(size_t column, Column* of);
  void ReadBirths(size_t column, Column* of);
  void ReadNumbers(size_t column, Column* of);
  bool ReadNumber(Role role, std::string_view folded, size_t row);
  Hashes* HashesOf(Role role);
  void Prepare(Hashes* hashes);
  void Set(Hashes* hashes, size_t row, std::string_view normal);

  void JoinNames();
  void DropWhatCountsNobody();
  void Add(IdentityKind kind, const Hashes& a, const Hashes* b,
           bool only_without, PeopleSketch* people);
  void CountIdentities(PeopleSketch* people);

  const Rows& rows_;
  const TableJudgement& table_;
  const IdentityHasher& hasher_;
  // Empty until a column fills them, then one a row.
  Hashes name_, kana_, national_, birth_, phone_, email_, member_, address_,
      card_, postal_;
  std::vector<NameKey> surname_, given_;
  std::vector<bool> mobile_;
  Hashes strongest_;
  std::string folded_, scratch_;
};

}  // namespace sekisho::detect
