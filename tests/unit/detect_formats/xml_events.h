// What two XML parsers say of one document, as text that can be compared.
#pragma once

#include <expat.h>

#include <optional>
#include <string>
#include <string_view>

#include "detect/formats/xml_scan.h"

namespace sekisho::detect {

// <name key=value>text</name>, one event behind the other; text that comes in
// pieces is one.
class EventLog final : public XmlHandler {
 public:
  void Start(std::string_view name, const XmlAttributes& attrs) override {
    (log_ += "\n<") += name;
    attrs.ForEach([this](std::string_view key, std::string_view value) {
      (((log_ += '\n') += key) += '=') += value;
    });
    log_ += '>';
  }
  void End(std::string_view name) override { (log_ += "\n</") += name; }
  void Text(std::string_view text) override { log_ += text; }
  const std::string& log() const { return log_; }

 private:
  std::string log_;
};

// nullopt: it is refused.
inline std::optional<std::string> EventsByExpat(std::string_view document) {
  struct Run {
    EventLog log;
    XML_Parser parser = ::XML_ParserCreate("UTF-8");
    int depth = 0;
    ~Run() { ::XML_ParserFree(parser); }
  } run;
  ::XML_SetUserData(run.parser, &run);
  ::XML_SetElementHandler(
      run.parser,
      [](void* user, const XML_Char* name, const XML_Char** pairs) {
        auto* self = static_cast<Run*>(user);
        if (++self->depth > kMaxXmlDepth) {
          ::XML_StopParser(self->parser, XML_FALSE);
          return;
        }
        std::vector<XmlAttribute> attributes;
        for (; *pairs != nullptr; pairs += 2) {
          attributes.push_back({pairs[0], pairs[1]});
        }
        self->log.Start(LocalName(name), XmlAttributes(attributes));
      },
      [](void* user, const XML_Char* name) {
        auto* self = static_cast<Run*>(user);
        --self->depth;
        self->log.End(LocalName(name));
      });
  ::XML_SetCharacterDataHandler(
      run.parser, [](void* user, const XML_Char* text, int size) {
        static_cast<Run*>(user)->log.Text({text, static_cast<size_t>(size)});
      });
  const int status = ::XML_Parse(run.parser, document.data(),
                                 static_cast<int>(document.size()), 1);
  return status == XML_STATUS_OK ? std::optional(run.log.log()) : std::nullopt;
}

// The document in pieces of `piece` bytes.
inline std::optional<std::string> EventsByScanner(std::string_view document,
                                                  size_t piece) {
  EventLog log;
  XmlScanner scanner(&log);
  while (!document.empty()) {
    // A buffer of its own: what the scanner keeps must not point into it.
    const std::string block(document.substr(0, piece));
    if (!scanner.Feed(AsBytes(block))) {
      return std::nullopt;
    }
    document.remove_prefix(block.size());
  }
  return scanner.Finish() ? std::optional(log.log()) : std::nullopt;
}

}  // namespace sekisho::detect
