#include "detect/formats/xml.h"

#include <expat.h>

#include <vector>

#include "detect/formats/xml_scan.h"

namespace sekisho::detect {

std::string_view XmlAttributes::operator[](std::string_view local_name) const {
  for (const XmlAttribute& one : all_) {
    if (LocalName(one.name) == local_name) {
      return one.value;
    }
  }
  return {};
}

struct XmlParser::Expat {
  XML_Parser parser = nullptr;
  XmlHandler* handler = nullptr;
  std::vector<XmlAttribute> attributes;
  int depth = 0;
  bool too_deep = false;

  Expat(XmlHandler* to, XmlEncoding encoding);
  ~Expat() {
    if (parser != nullptr) {
      ::XML_ParserFree(parser);
    }
  }
  Expat(const Expat&) = delete;
  Expat& operator=(const Expat&) = delete;

  void Start(const XML_Char* name, const XML_Char** pairs) {
    if (++depth > kMaxXmlDepth) {
      too_deep = true;
      ::XML_StopParser(parser, XML_FALSE);
      return;
    }
    attributes.clear();
    for (const XML_Char** p = pairs; *p != nullptr; p += 2) {
      attributes.push_back({p[0], p[1]});
    }
    handler->Start(LocalName(name), XmlAttributes(attributes));
  }
};

XmlParser::Expat::Expat(XmlHandler* to, XmlEncoding encoding)
    : parser(::XML_ParserCreate(encoding == XmlEncoding::kUtf8 ? "UTF-8"
                                                               : nullptr)),
      handler(to) {
  if (parser == nullptr) {
    return;
  }
  ::XML_SetUserData(parser, this);
  ::XML_SetElementHandler(
      parser,
      [](void* user, const XML_Char* name, const XML_Char** pairs) {
        static_cast<Expat*>(user)->Start(name, pairs);
      },
      [](void* user, const XML_Char* name) {
        auto* self = static_cast<Expat*>(user);
        --self->depth;
        self->handler->End(LocalName(name));
      });
  ::XML_SetCharacterDataHandler(parser, [](void* user, const XML_Char* text,
                                           int size) {
    static_cast<Expat*>(user)->handler->Text({text, static_cast<size_t>(size)});
  });
}

XmlParser::XmlParser(XmlHandler* handler, XmlEncoding encoding)
    : handler_(handler), encoding_(encoding) {}

XmlParser::~XmlParser() = default;

void XmlParser::Choose(ByteSpan head) {
  if (XmlScanner::CanRead(AsText(head), encoding_)) {
    scanner_ = std::make_unique<XmlScanner>(handler_);
    return;
  }
  expat_ = std::make_unique<Expat>(handler_, encoding_);
  if (expat_->parser == nullptr) {
    problem_ = "limit:dictionary";
  }
}

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
  if (!scanner_ && !expat_) {
    Choose(bytes);
  }
  if (!problem_.empty()) {
    return false;
  }
  if (scanner_) {
    if (!scanner_->Feed(bytes)) {
      problem_ = scanner_->problem();
    }
    return problem_.empty();
  }
  return Check(::XML_Parse(expat_->parser,
                           reinterpret_cast<const char*>(bytes.data()),
                           static_cast<int>(bytes.size()), 0));
}

bool XmlParser::Finish() {
  if (!scanner_ && !expat_) {
    Choose({});
  }
  if (!problem_.empty()) {
    return false;
  }
  if (scanner_) {
    if (!scanner_->Finish()) {
      problem_ = scanner_->problem();
    }
    return problem_.empty();
  }
  return Check(::XML_Parse(expat_->parser, "", 0, 1));
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
