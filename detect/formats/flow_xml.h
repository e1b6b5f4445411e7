// The XML of word processors, slides and drawings as running text and tables:
// WordprocessingML, DrawingML, OpenDocument; any other XML as lines.
#pragma once

#include <memory>
#include <string>

#include "detect/formats/flow.h"
#include "detect/formats/xml.h"

namespace sekisho::detect {

// ECMA-376: text is in <t>, paragraphs <p>, tables <tbl> <tr> <tc>.
std::unique_ptr<XmlHandler> MakeOfficeFlow(TextParts* parts, std::string name);
// OASIS ODF 1.2: text:p, table:table, table-row, table-cell.
std::unique_ptr<XmlHandler> MakeOpenDocumentFlow(TextParts* parts,
                                                 std::string name);
// Each element's text a line.
std::unique_ptr<XmlHandler> MakeLinesFlow(TextParts* parts, std::string name);

}  // namespace sekisho::detect
