// Segment files of any content: the scan is total, stays in its limits and
// names only records that can be read.
#include "agent/spool/segment.h"

using namespace sekisho;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan file = std::as_bytes(std::span(data, size));
  const spool::SegmentScan scan = spool::ScanSegment(file);
  CHECK(scan.end <= std::max(size, spool::kSegmentHeaderBytes));
  const spool::RecordPlace* before = nullptr;
  for (const spool::RecordPlace& place : scan.records) {
    CHECK(before == nullptr || before->position() < place.position());
    const auto view = spool::ReadRecord(file, place.offset, scan.header.id);
    CHECK(view && view->position == place.position());
    CHECK(view->record.size() <= spool::kMaxRecordBytes);
    before = &place;
  }
  return 0;
}
