#include "detect/formats/sql.h"

#include <algorithm>

namespace sekisho::detect {
namespace {

constexpr size_t kMaxTables = 1024;
constexpr size_t kMaxColumns = 512;
constexpr size_t kMaxLineBytes = size_t{1} << 20;
constexpr int kRowsAtATime = 64;

bool IsWordPart(int c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         c == '_' || c == '.' || c == '-' || c == '+' || c >= 0x80;
}

std::string Upper(std::string text) {
  for (char& c : text) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return text;
}

// PostgreSQL, COPY's text format: \N is no value, \t, \n, \\ as in C.
std::string CopyCell(std::string_view raw) {
  if (raw == "\\N") {
    return {};
  }
  std::string cell;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size()) {
      ++i;
      cell += raw[i] == 'n' || raw[i] == 't' || raw[i] == 'r' ? ' ' : raw[i];
    } else {
      cell += raw[i];
    }
  }
  return cell;
}

}  // namespace

SqlReader::SqlReader(const Source* source, Budget* budget)
    : DocumentReader(budget), stream_(source) {}

// `''` is a quote; a backslash keeps what follows (MySQL's dumps use it).
std::string SqlReader::Quoted(char end) {
  std::string text;
  for (int c = stream_.Get(); c >= 0; c = stream_.Get()) {
    if (c == end) {
      if (stream_.Peek() != end) {
        break;
      }
      stream_.Get();
    } else if (c == '\\' && end == '\'') {
      c = stream_.Get();
      c = c == 'n' || c == 'r' || c == 't' || c == '0' ? ' ' : c;
    }
    if (c >= 0 && text.size() < kMaxValueBytes) {
      text.push_back(static_cast<char>(c));
    }
  }
  return text;
}

void SqlReader::SkipLine() {
  for (int c = stream_.Get(); c >= 0 && c != '\n'; c = stream_.Get()) {
  }
}

SqlReader::Token SqlReader::NextToken() {
  for (;;) {
    const int c = stream_.Get();
    if (c < 0) {
      return {};
    }
    if (c <= ' ') {
      continue;
    }
    if (c == '#' || (c == '-' && stream_.Peek() == '-')) {
      SkipLine();
      continue;
    }
    if (c == '/' && stream_.Peek() == '*') {
      int last = 0;
      for (int d = stream_.Get(); d >= 0 && !(last == '*' && d == '/');
           d = stream_.Get()) {
        last = d;
      }
      continue;
    }
    if (c == '\'') {
      return {Token::kText, Quoted('\'')};
    }
    if (c == '"' || c == '`') {
      return {Token::kName, Quoted(static_cast<char>(c))};
    }
    if (c == '[') {
      return {Token::kName, Quoted(']')};
    }
    std::string text(1, static_cast<char>(c));
    if (!IsWordPart(c)) {
      return {Token::kMark, text};
    }
    while (IsWordPart(stream_.Peek()) && text.size() < kMaxValueBytes) {
      text.push_back(static_cast<char>(stream_.Get()));
    }
    // N'text', E'text', x'00', _utf8'text'
    if (stream_.Peek() == '\'' && text.size() <= 8) {
      stream_.Get();
      return {Token::kText, Quoted('\'')};
    }
    return {Token::kWord, text};
  }
}

void SqlReader::SkipStatement() {
  for (Token token = NextToken(); token.kind != Token::kEnd;
       token = NextToken()) {
    if (token.kind == Token::kMark && token.text == ";") {
      return;
    }
  }
}

std::string SqlReader::TableName(Token* token) {
  std::string name = token->text;
  *token = NextToken();
  while (token->kind == Token::kMark && token->text == ".") {
    name = NextToken().text;
    *token = NextToken();
  }
  if (token->kind == Token::kWord && token->text.starts_with('.')) {
    name = token->text.substr(1);
    *token = NextToken();
  } else if (token->kind == Token::kName && name.ends_with('.')) {
    name = token->text;
    *token = NextToken();
  }
  return name.substr(name.rfind('.') + 1);
}

std::vector<std::string> SqlReader::NameList() {
  std::vector<std::string> names;
  int depth = 1;
  bool first = true;
  for (Token token = NextToken(); token.kind != Token::kEnd;
       token = NextToken()) {
    if (token.kind == Token::kMark) {
      depth += token.text == "(" ? 1 : token.text == ")" ? -1 : 0;
      if (depth == 0) {
        break;
      }
      first = first || (depth == 1 && token.text == ",");
      continue;
    }
    if (first && names.size() < kMaxColumns) {
      const std::string word = Upper(token.text);
      const bool constraint =
          token.kind == Token::kWord &&
          (word == "PRIMARY" || word == "KEY" || word == "UNIQUE" ||
           word == "CONSTRAINT" || word == "INDEX" || word == "FOREIGN" ||
           word == "CHECK" || word == "FULLTEXT");
      if (!constraint) {
        names.push_back(token.text);
      }
    }
    first = false;
  }
  return names;
}

void SqlReader::Header(const std::string& table,
                       const std::vector<std::string>& names) {
  if (table_ == table && !parts_.empty()) {
    return;
  }
  table_ = table;
  parts_.Begin(table);
  if (!names.empty()) {
    parts_.Row(names);
  }
}

void SqlReader::Create() {
  Token token = NextToken();
  while (token.kind == Token::kWord && Upper(token.text) != "TABLE") {
    token = NextToken();
  }
  if (Upper(token.text) != "TABLE") {
    SkipStatement();
    return;
  }
  token = NextToken();
  while (token.kind == Token::kWord &&
         (Upper(token.text) == "IF" || Upper(token.text) == "NOT" ||
          Upper(token.text) == "EXISTS")) {
    token = NextToken();
  }
  const std::string table = TableName(&token);
  if (token.kind == Token::kMark && token.text == "(") {
    std::vector<std::string> names = NameList();
    if (columns_.size() < kMaxTables) {
      columns_[table] = std::move(names);
    }
  }
  SkipStatement();
}

// INSERT [IGNORE] [INTO] table [(names)] VALUES
void SqlReader::Insert() {
  Token token = NextToken();
  while (token.kind == Token::kWord &&
         (Upper(token.text) == "INTO" || Upper(token.text) == "IGNORE" ||
          Upper(token.text) == "OR" || Upper(token.text) == "REPLACE")) {
    token = NextToken();
  }
  const std::string table = TableName(&token);
  const auto known = columns_.find(table);
  std::vector<std::string> names =
      known == columns_.end() ? std::vector<std::string>{} : known->second;
  if (token.kind == Token::kMark && token.text == "(") {
    names = NameList();
    token = NextToken();
  }
  while (token.kind == Token::kWord && Upper(token.text) != "VALUES" &&
         Upper(token.text) != "SELECT") {
    token = NextToken();  // OVERRIDING SYSTEM VALUE
  }
  if (Upper(token.text) != "VALUES") {
    SkipStatement();
    return;
  }
  Header(table, names);
  in_values_ = true;
}

bool SqlReader::ValueRow(std::vector<std::string>* cells) {
  Token token = NextToken();
  if (token.kind == Token::kMark && token.text == ",") {
    token = NextToken();
  }
  if (token.kind != Token::kMark || token.text != "(") {
    if (token.kind != Token::kEnd && token.text != ";") {
      SkipStatement();
    }
    return false;
  }
  cells->assign(1, "");
  int depth = 1;
  for (token = NextToken(); token.kind != Token::kEnd; token = NextToken()) {
    if (token.kind == Token::kMark) {
      depth += token.text == "(" ? 1 : token.text == ")" ? -1 : 0;
      if (depth == 0) {
        return true;
      }
      if (depth == 1 && token.text == "," && cells->size() < kMaxColumns) {
        cells->emplace_back();
      }
      continue;
    }
    if (token.kind == Token::kWord && Upper(token.text) == "NULL") {
      continue;
    }
    std::string& cell = cells->back();
    if (cell.size() < kMaxValueBytes) {
      cell += cell.empty() ? token.text : " " + token.text;
    }
  }
  return false;
}

void SqlReader::Copy() {
  Token token = NextToken();
  const std::string table = TableName(&token);
  std::vector<std::string> names;
  if (token.kind == Token::kMark && token.text == "(") {
    names = NameList();
    token = NextToken();
  }
  const bool from = Upper(token.text) == "FROM";
  const bool input = from && Upper(NextToken().text) == "STDIN";
  SkipStatement();
  if (input) {
    SkipLine();
    Header(table, names);
    in_copy_ = true;
  }
}

bool SqlReader::CopyRow() {
  std::string line;
  if (!stream_.Line(&line, kMaxLineBytes) || line == "\\.") {
    return false;
  }
  std::vector<std::string> cells;
  const std::string_view text = line;
  for (size_t at = 0; at <= text.size() && cells.size() < kMaxColumns;) {
    const size_t end = std::min(text.find('\t', at), text.size());
    cells.push_back(CopyCell(text.substr(at, end - at)));
    at = end + 1;
  }
  parts_.Row(cells);
  return true;
}

bool SqlReader::Pump() {
  std::vector<std::string> cells;
  for (int i = 0; i < kRowsAtATime && !over_; ++i) {
    if (in_copy_) {
      in_copy_ = CopyRow();
      continue;
    }
    if (in_values_) {
      in_values_ = ValueRow(&cells);
      if (in_values_) {
        parts_.Row(cells);
      }
      continue;
    }
    const Token token = NextToken();
    const std::string word = Upper(token.text);
    if (token.kind == Token::kEnd) {
      over_ = true;
    } else if (word == "INSERT" || word == "REPLACE") {
      Insert();
    } else if (word == "CREATE") {
      Create();
    } else if (word == "COPY") {
      Copy();
    } else if (word != ";") {
      SkipStatement();
    }
  }
  return !over_;
}

}  // namespace sekisho::detect
