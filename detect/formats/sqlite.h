// SQLite database files (sqlite.org/fileformat2.html), read without SQLite:
// every table's rows from the b-tree pages, WITHOUT ROWID tables too. Views and
// indexes repeat what tables hold and are left out. Pages of the free list and
// a write-ahead log beside the file are not read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/formats/source.h"
#include "detect/formats/text_parts.h"

namespace sekisho::detect {

class SqliteReader final : public DocumentReader {
 public:
  SqliteReader(const Source* source, Budget* budget);

 protected:
  bool Pump() override;
  size_t ReadBytes(std::span<std::byte> out) override;

 private:
  struct Table {
    std::string name;
    std::vector<std::string> columns;
    uint32_t root = 0;
  };
  // One page on the way down a b-tree.
  struct Visit {
    Bytes page;
    uint32_t number = 0;
    uint32_t next = 0;  // cell to look at
  };
  bool Open();
  bool Push(uint32_t page);
  // The next record of the tree on the stack; false at its end.
  bool NextRecord(Bytes* payload);
  bool ReadPayload(const Visit& visit, size_t at, Bytes* payload);
  void ReadRow(const Bytes& payload, std::vector<std::string>* cells);
  void TakeSchema(const std::vector<std::string>& row);
  void Damaged() { Problem("damaged"); }

  const Source* source_;
  uint32_t page_size_ = 0;
  uint32_t usable_ = 0;
  uint32_t page_count_ = 0;
  uint32_t encoding_ = 1;
  uint32_t visited_ = 0;
  std::vector<Visit> stack_;
  std::vector<Table> tables_;
  size_t next_table_ = 0;
  bool opened_ = false;
  bool in_schema_ = false;
  std::vector<Bytes> blobs_;  // to be looked into
  Bytes blob_;
  size_t blob_taken_ = 0;
};

// Column names of a CREATE TABLE statement, as they stand.
std::vector<std::string> ColumnsOf(std::string_view create_table);

}  // namespace sekisho::detect
