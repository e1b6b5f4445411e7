#include "server/service/grpc_log.h"

#include <grpc/support/log.h>

#include "common/log.h"

namespace sekisho::service {
namespace {

void LogForGrpc(gpr_log_func_args* line) {
  const LogLevel level = line->severity == GPR_LOG_SEVERITY_ERROR
                             ? LogLevel::kWarning
                             : LogLevel::kDebug;
  Log(level, line->message, {{"from", "grpc"}});
}

}  // namespace

Status SetLog(const std::string& format) {
  if (format != "text" && format != "json") {
    return Fail(Code::kInvalidArgument, "log_format is text or json");
  }
  SetLogFormat(format == "json" ? LogFormat::kJson : LogFormat::kText);
  gpr_set_log_function(LogForGrpc);
  return {};
}

}  // namespace sekisho::service
