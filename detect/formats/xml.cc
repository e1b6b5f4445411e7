#include "detect/formats/xml.h"

#include <expat.h>

namespace sekisho::detect {

std::string_view XmlAttributes::operator[](std::string_view local_name) const {
  for (const char** p = pairs_; *p != nullptr; p += 2) {
    if (LocalName(p[0]) == local_name) {
      return p[1];
    }
  }
  return {};
}

struct XmlParser::Expat {
  XML_Parser parser = nullptr;
  XmlHandler* handler = nullptr;
  int depth = 0;
  bool too_deep = false;

  Expat() = default;
  ~Expat() {
    if (parser != nullptr) {
      ::XML_ParserFree(parser);
    }
  }
  Expat(const Expat&) = delete;
  Expat& operator=(const Expat&) = delete;
};

XmlParser::XmlParser(XmlHandler* handler, XmlEncoding encoding)
    : expat_(std::make_unique<Expat>()) {
  expat_->handler = handler;
  expat_->parser =
      ::XML_ParserCreate(encoding == XmlEncoding::kUtf8 ? "UTF-8" : nullptr);
  if (expat_->parser == nullptr) {
    problem_ = "limit:dictionary";
    return;
  }
  ::XML_SetUserData(expat_->parser, expat_.get());
  ::XML_SetElementHandler(
      expat_->parser,
      [](void* user, const XML_Char* name, const XML_Char** attrs) {
        auto* self = static_cast<Expat*>(user);
        if (++self->depth > kMaxXmlDepth) {
          self->too_deep = true;
          ::XML_StopParser(self->parser, XML_FALSE);
          return;
        }
        self->handler->Start(LocalName(name), XmlAttributes(attrs));
      },
      [](void* user, const XML_Char* name) {
        auto* self = static_cast<Expat*>(user);
        --self->depth;
        self->handler->End(LocalName(name));
      });
  ::XML_SetCharacterDataHandler(expat_->parser,
                                [](void* user, const XML_Char* text, int size) {
                                  static_cast<Expat*>(user)->handler->Text(
                                      {text, static_cast<size_t>(size)});
                                });
}

XmlParser::~XmlParser() = default;

bool XmlParser::Check(int status) {
  if (status == XML_STATUS_OK) {
    return true;
  }
  const XML_Error error = ::XML_GetErrorCode(expat_->parser);
  problem_ = expat_->too_deep || error == XML_ERROR_AMPLIFICATION_LIMIT_BREACH
                 ? "bomb"
             : error == XML_ERROR_NO_MEMORY ? "limit:dictionary"
                                            : "damaged";
  return false;
}

bool XmlParser::Feed(ByteSpan bytes) {
  return problem_.empty() &&
         Check(::XML_Parse(expat_->parser,
                           reinterpret_cast<const char*>(bytes.data()),
                           static_cast<int>(bytes.size()), 0));
}

bool XmlParser::Finish() {
  return problem_.empty() && Check(::XML_Parse(expat_->parser, "", 0, 1));
}

bool LooksLikeXml(std::string_view head) {
  size_t at = 0;
  if (head.starts_with("\xEF\xBB\xBF")) {
    at = 3;
  } else if (head.starts_with("\xFF\xFE<") || head.starts_with("\xFE\xFF")) {
    return true;
  }
  while (at < head.size() && (head[at] == ' ' || head[at] == '\t' ||
                              head[at] == '\r' || head[at] == '\n')) {
    ++at;
  }
  const std::string_view rest = head.substr(at);
  return rest.starts_with("<?xml") || rest.starts_with("<!--") ||
         (rest.size() > 1 && rest[0] == '<' &&
          ((rest[1] | 0x20) >= 'a' && (rest[1] | 0x20) <= 'z'));
}

}  // namespace sekisho::detect
