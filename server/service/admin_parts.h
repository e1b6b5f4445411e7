// What the files of the admin service share.
#pragma once

#include "common/clock.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/service/identity.h"

namespace sekisho::service {

inline void SetTime(google::protobuf::Timestamp* out, WallTime time) {
  const int64_t micros = time.time_since_epoch().count();
  int64_t seconds = micros / 1'000'000;
  int64_t rest = micros % 1'000'000;
  if (rest < 0) {
    --seconds;
    rest += 1'000'000;
  }
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(rest * 1000));
}

// gRPC's status of a desk's answer, which is handed to `use` if it is good.
template <typename T, typename Use>
grpc::Status Hand(const Result<T>& result, Use use) {
  if (!result) {
    return ToGrpc(result.error());
  }
  use(*result);
  return grpc::Status::OK;
}

}  // namespace sekisho::service
