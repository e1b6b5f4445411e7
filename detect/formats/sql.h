// SQL dumps: INSERT ... VALUES of any dialect and PostgreSQL's COPY ... FROM
// stdin, as tables with the columns the statement or CREATE TABLE names.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "detect/formats/record_tables.h"
#include "detect/formats/text_parts.h"
#include "detect/formats/utf8_stream.h"

namespace sekisho::detect {

class SqlReader final : public DocumentReader {
 public:
  SqlReader(const Source* source, Budget* budget);

 protected:
  bool Pump() override;

 private:
  struct Token {
    enum Kind : uint8_t { kEnd, kWord, kName, kText, kMark } kind = kEnd;
    std::string text;
  };
  Token NextToken();
  std::string Quoted(char end);
  void SkipLine();
  void SkipStatement();
  // A name, perhaps with a schema; `token` is its first and then what follows.
  std::string TableName(Token* token);
  // "(a, b, c)", up to the closing bracket.
  std::vector<std::string> NameList();
  void Create();
  void Insert();
  bool ValueRow(std::vector<std::string>* cells);
  void Copy();
  bool CopyRow();
  void Header(const std::string& table, const std::vector<std::string>& names);

  Utf8Stream stream_;
  std::map<std::string, std::vector<std::string>> columns_;
  std::string table_;  // whose part was begun last
  bool in_values_ = false;
  bool in_copy_ = false;
  bool over_ = false;
};

}  // namespace sekisho::detect
