#include "agent/uplink/batcher.h"

#include <utility>

namespace sekisho::uplink {

Status Batcher::Add(std::string_view record) {
  Queued queued;
  if (!queued.record.ParseFromArray(record.data(),
                                    static_cast<int>(record.size()))) {
    return Fail(Code::kInvalidArgument, "not an event record");
  }
  queued.bytes = record.size();
  bytes_ += queued.bytes;
  queue_.push_back(std::move(queued));
  return {};
}

event::v1::EventBatch Batcher::TakeBatch() {
  event::v1::EventBatch batch;
  size_t total = 0;
  while (!queue_.empty() && batch.records_size() < kMaxBatchRecords) {
    Queued& next = queue_.front();
    if (batch.records_size() > 0 && total + next.bytes > kMaxBatchBytes) break;
    total += next.bytes;
    on_way_.push_back(
        {next.record.epoch(), next.record.sequence(), next.bytes});
    *batch.add_records() = std::move(next.record);
    queue_.pop_front();
  }
  return batch;
}

void Batcher::Ack(int32_t epoch, int64_t sequence) {
  while (!on_way_.empty() &&
         std::pair(on_way_.front().epoch, on_way_.front().sequence) <=
             std::pair(epoch, sequence)) {
    bytes_ -= on_way_.front().bytes;
    on_way_.pop_front();
  }
}

void Batcher::Clear() {
  queue_.clear();
  on_way_.clear();
  bytes_ = 0;
}

}  // namespace sekisho::uplink
