// Legacy Word documents ([MS-DOC]) and RTF as lines and tables.
#pragma once

#include <string>
#include <vector>

#include "detect/formats/compound.h"
#include "detect/formats/flow.h"
#include "detect/formats/text_parts.h"

namespace sekisho::detect {

class DocReader final : public DocumentReader {
 public:
  DocReader(const CompoundFile& file, const CompoundFile::Stream& stream,
            Budget* budget);
  ~DocReader() override { budget_->Release(held_); }

 protected:
  bool Pump() override;

 private:
  struct Piece {
    size_t offset = 0;
    size_t characters = 0;
    bool wide = false;
  };
  void FindPieces(const Bytes& table);
  void Take(std::string_view text);

  Bytes stream_;
  int64_t held_ = 0;
  std::vector<Piece> pieces_;
  size_t next_ = 0;
  std::string cell_;
  std::vector<std::string> cells_;
  size_t width_ = 0;  // of the table; 0 while it is not known
  bool in_table_ = false;
};

class RtfReader final : public DocumentReader {
 public:
  RtfReader(const Source* source, Budget* budget);

 protected:
  bool Pump() override;

 private:
  struct Group {
    bool skipped = false;
    int unicode_skip = 1;
  };
  int Get();
  int Peek();
  void Control();
  void Word(std::string_view word, bool has_number, int number);
  void Character(std::string_view utf8);
  void FlushBytes();
  void BeforeText();

  Cursor cursor_;
  ByteSpan block_;
  Flow flow_;
  std::vector<Group> groups_;
  std::string bytes_;  // of a character set, not yet decoded
  int codepage_ = 0;
  int skip_ = 0;  // characters that stand in for the last \u
  bool ignorable_ = false;
  bool in_table_ = false;
  bool row_over_ = false;
  bool over_ = false;
};

}  // namespace sekisho::detect
